// The text of a plan: its figures, and a curve that is as high and as wide as it says.
#include "pgtraffic/report/plan.hpp"

#include <algorithm>
#include <sstream>

#include "support/catch.hpp"
#include "support/text.hpp"

namespace pgtraffic::report {
namespace {

using std::chrono::seconds;
using test::count_of;
using test::line_with;
using test::lines_of;
using traffic::Arrivals;
using traffic::PhaseScheduler;
using traffic::TokenBucket;

PlanView view_of(const PhaseScheduler& schedule, Arrivals arrivals = Arrivals::uniform) {
    return {
        .schedule = &schedule,
        .arrivals = arrivals,
        .seed = 42,
        .drawn = arrivals_per_phase(schedule, TokenBucket::scheduled(schedule, arrivals, base::Mono{}, 42))};
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream{line};
    return {std::istream_iterator<std::string>{stream}, {}};
}

std::size_t columns_of(const std::string& line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Two steps: 250/s for 30 s, then 1,000/s for 30 s.
PhaseScheduler steps() {
    const traffic::Pattern pattern{
        .name = "steps",
        .description = "",
        .phases = {{.name = "quiet", .share = 0.5, .from = {0.25, 0.25}, .to = {0.25, 0.25}},
                   {.name = "loud", .share = 0.5, .from = {1, 1}, .to = {1, 1}}}};
    return PhaseScheduler::follow(pattern, 1000, seconds{60}, 42);
}

TEST_CASE("A plan's table holds each phase's times, rates and counts, and the totals") {
    const auto schedule = steps();
    const auto text = plan_text(view_of(schedule));
    using Words = std::vector<std::string>;
    CHECK(words_of(line_with(text, "quiet")) ==
          Words{"quiet", "0", "s", "30", "s", "250", "→", "250", "250", "250", "250", "7,500", "7,500"});
    CHECK(words_of(line_with(text, "loud")) == Words{"loud", "30", "s", "60", "s", "1,000", "→", "1,000",
                                                     "1,000", "1,000", "1,000", "30,000", "30,000"});
    CHECK(words_of(line_with(text, "total")) ==
          Words{"total", "60", "s", "250", "1,000", "625", "37,500", "37,500"});
}

TEST_CASE("A plan says what was chosen: pattern, peak, arrivals and seed") {
    const auto schedule = steps();
    auto view = view_of(schedule, Arrivals::poisson);
    view.pattern = "steps";
    view.description = "two of them";
    view.peak_rate_per_s = 1000;
    const auto text = plan_text(view);
    CHECK(lines_of(text)[0] == "Traffic plan: steps");
    CHECK(lines_of(text)[1] == "two of them");
    CHECK(line_with(text, "duration") == "  duration   60 s");
    CHECK(line_with(text, "peak rate") == "  peak rate  1,000/s is 100 %");
    CHECK(line_with(text, "arrivals") == "  arrivals   Poisson (random, at the planned rate)");
    CHECK(line_with(text, "seed") == "  seed       42");

    const auto plain = plan_text(view_of(schedule));
    CHECK(lines_of(plain)[0] == "Traffic plan");
    CHECK(plain.find("peak rate") == std::string::npos);
    CHECK(line_with(plain, "arrivals") == "  arrivals   uniform (evenly spaced)");
}

TEST_CASE("The curve is as high as the rate and as wide as asked") {
    const auto schedule = steps();
    for (const int width : {40, 61, 80, 120}) {
        auto view = view_of(schedule);
        view.width = width;
        const auto lines = lines_of(plan_text(view));
        const auto top =
            std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("1,000 ┤"); });
        REQUIRE(lines.end() - top == 10);  // eight rows, the axis, its labels
        const std::size_t curve = static_cast<std::size_t>(width) - 7;
        INFO("width " << width);
        CHECK(columns_of(*top) == static_cast<std::size_t>(width));
        CHECK(count_of(top[0], "█") == curve / 2);  // the loud half
        CHECK(count_of(top[6], "█") >= curve - 1);  // both: a quarter is two rows of eight
        CHECK(top[4].starts_with("  500 ┤"));
        CHECK(count_of(top[5], "█") <= curve / 2 + 1);
        CHECK(columns_of(top[8]) == static_cast<std::size_t>(width));
        CHECK(columns_of(top[9]) <= static_cast<std::size_t>(width));
        CHECK(words_of(top[9]) ==
              std::vector<std::string>{"0", "s", "15", "s", "30", "s", "45", "s", "60", "s"});
    }
}

TEST_CASE("No line of a plan is wider than asked, and the rates and counts stay") {
    const traffic::Pattern pattern{
        .name = "p",
        .description =
            "a description that says at length what the day is like, from the morning to the night",
        .phases = {{.name = "a name of many columns", .share = 0.5, .from = {0.2, 0.2}, .to = {0.6, 0.6}},
                   {.name = "loud", .share = 0.5, .from = {1, 1}, .to = {1, 1}}}};
    const auto schedule = PhaseScheduler::follow(pattern, 200'000, std::chrono::hours{10}, 1);
    auto view = view_of(PhaseScheduler::follow(pattern, 2, std::chrono::hours{10}, 1));
    view.schedule = &schedule;
    view.description = pattern.description;
    for (const int width : {50, 80, 120}) {
        view.width = width;
        const auto text = plan_text(view);
        INFO(text);
        for (const auto& line : lines_of(text)) CHECK(columns_of(line) <= static_cast<std::size_t>(width));
        CHECK(line_with(text, "loud").find("200,000") != std::string::npos);
        CHECK(line_with(text, "total").find("5,040,000,000") != std::string::npos);
    }
    CHECK(line_with(plan_text(view), "phase").find("from → to  ") != std::string::npos);
}

TEST_CASE("A run of a little less than whole seconds has whole seconds on its axis") {
    for (const auto& [length, last] : {std::pair{std::chrono::microseconds{3'999'000}, "4 s"},
                                       std::pair{std::chrono::microseconds{999'900}, "1 s"}}) {
        const auto schedule = PhaseScheduler::constant(100, length);
        const auto text = plan_text(view_of(schedule));
        CHECK(text.find("e+") == std::string::npos);
        CHECK(lines_of(text).back().ends_with(last));
    }
}

TEST_CASE("A rate too small for the curve's scale still shows, and none shows nothing") {
    const traffic::Pattern pattern{
        .name = "p",
        .description = "",
        .phases = {{.name = "none", .share = 0.4, .from = {0, 0}, .to = {0, 0}},
                   {.name = "trace", .share = 0.4, .from = {1e-3, 1e-3}, .to = {1e-3, 1e-3}},
                   {.name = "all", .share = 0.2, .from = {1, 1}, .to = {1, 1}}}};
    const auto schedule = PhaseScheduler::follow(pattern, 1000, seconds{100}, 1);
    const auto lines = lines_of(plan_text(view_of(schedule)));
    const auto& lowest = lines[lines.size() - 3];
    CHECK(count_of(lowest, "▁") == Approx(0.4 * 73).margin(1));
    CHECK(count_of(lowest, "█") == Approx(0.2 * 73).margin(1));
    CHECK(columns_of(lowest) == 80);
}

TEST_CASE("Long runs are told on a clock, and names of any alphabet keep the table in line") {
    const traffic::Pattern pattern{
        .name = "p",
        .description = "",
        .phases = {{.name = "früh übt sich", .share = 0.25, .from = {1, 1}, .to = {1, 1}},
                   {.name = "a name that goes on and on and on and on",
                    .share = 0.75,
                    .from = {1, 1},
                    .to = {1, 1}}}};
    const auto schedule = PhaseScheduler::follow(pattern, 2, std::chrono::hours{2}, 1);
    auto view = view_of(schedule);
    view.width = 100;  // room for every column
    const auto text = plan_text(view);
    CHECK(line_with(text, "duration").ends_with("2:00:00"));
    CHECK(words_of(line_with(text, "früh"))[5] == "30:00");
    CHECK(line_with(text, "a name").starts_with("a name that goes on and on a  30:00"));
    CHECK(columns_of(line_with(text, "früh")) == columns_of(line_with(text, "total")));
    CHECK(text.find('\033') == std::string::npos);
}

}  // namespace
}  // namespace pgtraffic::report
