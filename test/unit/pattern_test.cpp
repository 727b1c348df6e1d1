// Patterns as people write them: what is read, what is refused and at which place, and the built-in ones
// against the table of the model.
#include "pgtraffic/traffic/pattern.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"

namespace pgtraffic::traffic {
namespace {

Pattern parse(std::string_view text) {
    const auto document = base::parse_json(text, "p.json");
    return parse_pattern({document, "p.json"});
}

template <class Action>
std::string complaint_of(Action action) {
    try {
        action();
    } catch (const base::Error& e) {
        return e.what();
    }
    return "no complaint";
}

std::string complaint(std::string_view text) {
    return complaint_of([&] { (void)parse(text); });
}

/// About a pattern whose second phase is `phase`.
std::string phase_complaint(std::string_view phase) {
    return complaint(
        std::string{R"({"name": "p", "phases": [{"name": "a", "share": 0.5, "from": "low"}, )"}.append(
            phase) +
        "]}");
}

constexpr Band kLow{0.10, 0.30};
constexpr Band kMedium{0.40, 0.70};
constexpr Band kHigh{0.80, 0.95};
constexpr Band kPeak{0.95, 1.00};

TEST_CASE("Two phases of one name are refused, for a figure would be of neither") {
    const auto text = phase_complaint(R"({"name": "a", "share": 0.5, "from": "high"})");
    CHECK(text.find("/phases/1/name: there is a phase \"a\" already") != std::string::npos);
}

TEST_CASE("A band is a name, a level or two edges, and stays where it is unless it moves") {
    const auto pattern = parse(R"({"name": "p", "description": "d", "phases": [
        {"name": "a", "share": 0.2, "from": "low", "to": "peak", "variance": 1},
        {"name": "b", "share": 0.3, "from": 0.5},
        {"name": "c", "share": 0.5, "from": [0, 0.25], "to": "high"}]})");
    CHECK(pattern.name == "p");
    CHECK(pattern.description == "d");
    REQUIRE(pattern.phases.size() == 3);
    CHECK(pattern.phases[0].from == kLow);
    CHECK(pattern.phases[0].to == kPeak);
    CHECK(pattern.phases[0].variance == 1);
    CHECK(pattern.phases[1].from == Band{0.5, 0.5});
    CHECK(pattern.phases[1].to == Band{0.5, 0.5});
    CHECK(pattern.phases[1].variance == 0);
    CHECK(pattern.phases[2].from == Band{0, 0.25});
    CHECK(pattern.phases[2].to == kHigh);
    CHECK(pattern.phases[2].share == 0.5);
}

TEST_CASE("Shares that were rounded are scaled to 1, others are refused") {
    const auto thirds = parse(R"({"name": "p", "phases": [{"name": "a", "share": 0.333, "from": 1},
        {"name": "b", "share": 0.333, "from": 1}, {"name": "c", "share": 0.333, "from": 1}]})");
    for (const auto& phase : thirds.phases) CHECK(phase.share == Approx(1.0 / 3).epsilon(1e-15));
    CHECK(phase_complaint(R"({"name": "b", "share": 0.4, "from": "low"})") ==
          "p.json: /phases: the shares must add up to 1, not 0.9");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.502, "from": "low"})") ==
          "p.json: /phases: the shares must add up to 1, not 1.002");
}

TEST_CASE("A complaint about a pattern names its place") {
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": "hihg"})") ==
          "p.json: /phases/1/from: no band is named \"hihg\"; there are low, medium, high and peak, or [0.2, "
          "0.5]");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": 1.5})") ==
          "p.json: /phases/1/from: must lie between 0 and 1, not 1.5");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": "low", "to": [0.7, 0.4]})") ==
          "p.json: /phases/1/to: the band begins above its end; write [0.4, 0.7]");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": [0.1, 1.2]})") ==
          "p.json: /phases/1/from/1: must lie between 0 and 1, not 1.2");
    const std::string what_a_band_is =
        "must be low, medium, high, peak, a number from 0 to 1, or [low, high]";
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": [0.1]})") ==
          "p.json: /phases/1/from: " + what_a_band_is);
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": null})") ==
          "p.json: /phases/1/from: " + what_a_band_is);
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5})") ==
          "p.json: /phases/1: the key \"from\" is missing");
    CHECK(phase_complaint(R"({"name": "b", "share": 0, "from": "low"})") ==
          "p.json: /phases/1/share: must be above 0");
    CHECK(phase_complaint(R"({"name": "b", "share": -0.5, "from": "low"})") ==
          "p.json: /phases/1/share: must lie between 0 and 1, not -0.5");
    CHECK(phase_complaint(R"({"name": "", "share": 0.5, "from": "low"})") ==
          "p.json: /phases/1/name: must not be empty");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": "low", "variance": 2})") ==
          "p.json: /phases/1/variance: must lie between 0 and 1, not 2");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": "low", "varince": 1})") ==
          "p.json: /phases/1: unknown key \"varince\"; did you mean \"variance\"?");
    CHECK(phase_complaint("7") == "p.json: /phases/1: must be an object, not a number");
}

TEST_CASE("A variance needs a band with width") {
    const std::string expected =
        "p.json: /phases/1/variance: there is no room to vary in: give \"from\" or \"to\" as a band [low, "
        "high]";
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": 0.5, "to": 0.6, "variance": 0.1})") ==
          expected);
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": 0.5, "to": "low", "variance": 0.1})") ==
          "no complaint");
    CHECK(phase_complaint(R"({"name": "b", "share": 0.5, "from": 0.5, "variance": 0})") == "no complaint");
}

TEST_CASE("A pattern without phases, without load or without a name is none") {
    CHECK(complaint(R"({"name": "p", "phases": []})") == "p.json: /phases: must hold at least one phase");
    CHECK(complaint(R"({"name": "p"})") == "p.json: /: the key \"phases\" is missing");
    CHECK(complaint(R"({"name": "", "phases": []})") == "p.json: /name: must not be empty");
    CHECK(complaint(R"({"name": "p", "phases": {}})") == "p.json: /phases: must be an array, not an object");
    CHECK(complaint(R"({"name": "p", "phases": [{"name": "a", "share": 1, "from": 0}]})") ==
          "p.json: /phases: every intensity is 0, so nothing would ever be sent");
}

TEST_CASE("The built-in patterns are the model's table") {
    CHECK(pattern_names() ==
          std::vector<std::string_view>{"business-hours", "ecommerce-rush", "nightly-batch"});
    struct Expected {
        const char* pattern;
        const char* phase;
        double share;
        Band from;
        Band to;
    };
    const std::vector<Expected> table{
        {"business-hours", "morning ramp-up", 0.15, kLow, kMedium},
        {"business-hours", "steady business hours", 0.60, kMedium, kHigh},
        {"business-hours", "afternoon wind-down", 0.25, kMedium, kLow},
        {"ecommerce-rush", "normal baseline", 0.40, kLow, kLow},
        {"ecommerce-rush", "traffic spike", 0.30, kPeak, kPeak},
        {"ecommerce-rush", "post-spike calm", 0.30, kLow, kMedium},
        {"nightly-batch", "low background activity", 0.70, kLow, kLow},
        {"nightly-batch", "batch processing burst", 0.20, kHigh, kHigh},
        {"nightly-batch", "processing cooldown", 0.10, kMedium, kMedium},
    };
    std::size_t row = 0;
    for (const auto name : pattern_names()) {
        const auto pattern = load_pattern(std::string{name});
        CHECK(pattern.name == name);
        CHECK_FALSE(pattern.description.empty());
        for (const auto& phase : pattern.phases) {
            INFO(name << ": " << phase.name);
            REQUIRE(row < table.size());
            CHECK(table[row].pattern == name);
            CHECK(table[row].phase == phase.name);
            CHECK(phase.share == Approx(table[row].share).epsilon(1e-12));
            CHECK(phase.from == table[row].from);
            CHECK(phase.to == table[row].to);
            CHECK(phase.variance > 0);
            ++row;
        }
    }
    CHECK(row == table.size());
    CHECK(load_pattern("ecommerce-rush").phases[1].variance == 1);
}

TEST_CASE("An unknown pattern names the nearest one and all there are") {
    const std::string known =
        "the built-in ones are business-hours, ecommerce-rush, nightly-batch; a file's name holds a '/' or "
        "ends in .json";
    CHECK(complaint_of([] { (void)load_pattern("busines-hours"); }) ==
          "there is no traffic pattern \"busines-hours\"; did you mean \"business-hours\"? " + known);
    CHECK(complaint_of([] { (void)load_pattern("x"); }) == "there is no traffic pattern \"x\"; " + known);
    CHECK(complaint_of([] { (void)load_pattern(""); }) == "there is no traffic pattern \"\"; " + known);
    CHECK(pattern_text("x").empty());
}

TEST_CASE("A pattern's text, written to a file, is a user's own pattern") {
    const auto path =
        (std::filesystem::temp_directory_path() / ("pgtraffic_pattern_" + std::to_string(getpid()) + ".json"))
            .string();
    std::ofstream{path, std::ios::binary} << pattern_text("nightly-batch");
    CHECK(load_pattern(path).phases.size() == 3);
    std::filesystem::remove(path);
    CHECK(complaint_of([] { (void)load_pattern("none.json"); }) ==
          "none.json: cannot read it: No such file or directory");
}

TEST_CASE("The length of a run chooses its pattern") {
    using std::chrono::seconds;
    CHECK(pattern_name_for(seconds{1}) == "ecommerce-rush");
    CHECK(pattern_name_for(seconds{30}) == "ecommerce-rush");
    CHECK(pattern_name_for(seconds{31}) == "business-hours");
    CHECK(pattern_name_for(seconds{120}) == "business-hours");
    CHECK(pattern_name_for(seconds{121}) == "nightly-batch");
    for (const int s : {1, 60, 600}) CHECK_FALSE(pattern_text(pattern_name_for(seconds{s})).empty());
}

}  // namespace
}  // namespace pgtraffic::traffic
