// Reading a result back: what a run wrote is accepted, and whatever else a file may hold is refused with its
// place or harmless.
#include "pgtraffic/report/result_file.hpp"

#include <string>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/report/compare.hpp"
#include "pgtraffic/report/html.hpp"
#include "pgtraffic/report/json.hpp"
#include "support/catch.hpp"
#include "support/real_run.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using Json = nlohmann::ordered_json;

namespace {

std::string complaint(const Json& document) {
    try {
        report::check_result({document, "x.json"});
    } catch (const base::Error& error) {
        return error.what();
    }
    return "";
}

std::string complaint_of_file(const std::string& text) {
    const test::TemporaryFile file{text};
    try {
        (void)report::read_result_file(file.path());
    } catch (const base::Error& error) {
        return error.what();
    }
    return "";
}

Json sample() {
    return report::json_report(test::sample_open_run());
}

}  // namespace

TEST_CASE("results that a run wrote are read back as they were") {
    for (const auto& run : test::sample_runs()) {
        const auto document = report::json_report(run);
        const test::TemporaryFile file{report::json_text(document)};
        CHECK(report::read_result_file(file.path()) == document);
    }
}

TEST_CASE("a result without a heat map, from before there was one, is read") {
    auto document = sample();
    document["histograms"].erase("response_over_time");
    CHECK(complaint(document).empty());
    CHECK(report::html_report(document).find("kept no heat map") != std::string::npos);
}

TEST_CASE("a result whose search for a rate kept no means, as before, is read") {
    auto document = sample();
    for (auto& step : document["rate_search"]["steps"]) {
        if (!step["response_ms"].is_null()) step["response_ms"].erase("mean");
    }
    CHECK(complaint(document).empty());
    CHECK_NOTHROW(report::html_report(document));
}

TEST_CASE("a result from before its bounds saw that queries wait for one another is read, and shows none") {
    auto document = sample();
    document["summary"]["response_bounds_ms"]["p50"] = {2.3, 2.5};
    CHECK(report::html_report(document).find("95 % sure: ") == std::string::npos);
    document["summary"]["bounds_method"] = "batch means";
    CHECK(report::html_report(document).find("95 % sure: ") != std::string::npos);
    for (const auto* key : {"throughput_bounds_per_s", "bounds_method", "lag_bounds_ms"})
        document["summary"].erase(key);
    CHECK(complaint(document).empty());
    CHECK(report::html_report(document).find("95 % sure: ") == std::string::npos);
}

TEST_CASE("fields of later versions are left alone") {
    auto document = sample();
    document["summary"]["new_figure"] = {{"a", 1}};
    document["novelty"] = "x";
    CHECK(complaint(document).empty());
}

TEST_CASE("what is no result is refused by name, place and cure") {
    CHECK(complaint_of_file("").find("it is empty") != std::string::npos);
    CHECK(complaint_of_file("{]").find("not valid JSON") != std::string::npos);
    CHECK(complaint_of_file("{\"schema_version\": 1, \"run\": {").find(":1:") != std::string::npos);
    CHECK(complaint_of_file("[1, 2]").find("no result of pgtraffic") != std::string::npos);
    CHECK(complaint_of_file("{\"name\": \"mixed\", \"operations\": []}").find("--json FILE") !=
          std::string::npos);
    auto document = sample();
    document["schema_version"] = 2;
    CHECK(complaint(document) ==
          "x.json: /schema_version: schema version 2 is unknown to this pgtraffic, which reads 1: use the "
          "one that wrote the file, or a newer one");
    document = sample();
    document["intervals"][1]["p99_ms"] = "4 ms";
    CHECK(complaint(document) == "x.json: /intervals/1/p99_ms: must be a number, not a string");
    document = sample();
    document["operations"][0].erase("rows");
    CHECK(complaint(document) == "x.json: /operations/0: the key \"rows\" is missing");
    document = sample();
    document["summary"]["queries"]["ok"] = -1;
    CHECK(complaint(document).starts_with("x.json: /summary/queries/ok: "));
    document = sample();
    document["histograms"]["response"]["counts"] = {{5, 1}, {5, 1}};
    CHECK(complaint(document).find("must rise") != std::string::npos);
    document = sample();
    Json deep = 1;
    for (int i = 0; i < 100'000; ++i) deep = Json::array({std::move(deep)});
    document["config"]["deep"] = std::move(deep);
    CHECK(complaint(document).find("nested deeper") != std::string::npos);
}

TEST_CASE("a file that is not there is named") {
    CHECK_THROWS_AS(report::read_result_file("/nowhere/result.json"), base::Error);
    CHECK_THROWS_AS(report::read_result_file("/tmp"), base::Error);
}

// The check is only worth its name if nothing that it lets through breaks a report.
TEST_CASE("a result with any one value damaged is refused, or shown") {
    // With everything that a result can have.
    auto run = test::sample_open_run();
    run.connection_search = test::sample_searched_run().connection_search;
    auto base = report::json_report(run);
    base["outages"] = Json::array({{{"from_s", 1}, {"to_s", 2}}});
    const std::vector<Json> damages{nullptr,          -1,   1e300, "text",     Json::object(),
                                    Json::array({1}), true, 0.5,   1ULL << 63, Json::array()};
    std::size_t refused = 0;
    std::size_t shown = 0;
    std::vector<std::string> pointers;
    const Json flat = base.flatten();
    for (const auto& [pointer, value] : flat.items()) {
        for (auto at = pointer.size(); at != std::string::npos && at > 0; at = pointer.rfind('/', at - 1))
            pointers.push_back(pointer.substr(0, at));
    }
    std::sort(pointers.begin(), pointers.end());
    pointers.erase(std::unique(pointers.begin(), pointers.end()), pointers.end());
    for (const auto& pointer : pointers) {
        for (const auto& damage : damages) {
            auto document = base;
            document[Json::json_pointer{pointer}] = damage;
            INFO(pointer << " = " << damage.dump());
            if (!complaint(document).empty()) {
                ++refused;
                continue;
            }
            // Pages take their time: one of nine, which in turn is each of the ten damages.
            if (shown++ % 9 != 0) continue;
            CHECK_NOTHROW(report::html_report(document));
            const auto runs = report::label_groups({{{"a", base}}, {{"b", document}}});
            CHECK_NOTHROW(report::compare_html(report::compare(runs, {}), runs));
        }
    }
    CHECK(refused > 2000);
    CHECK(shown > 1000);
}
