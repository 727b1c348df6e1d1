// The panel of a run: what it says, that it fits, and what it gives up where there is no room.
#include "pgtraffic/report/panel.hpp"

#include "support/catch.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using report::panel_lines;

namespace {

const metrics::Interval& recent() {
    // A run takes 20 ms to make, and each width of the panel asks for it.
    static const auto made = [] {
        auto interval = test::sample_open_run().intervals[0];
        interval.duration_s = 1;
        interval.target_per_s = 500;
        interval.ok = 430;
        interval.empty = 20;
        interval.loop_busy_ratio = 0.91;
        return interval;
    }();
    return made;
}

const traffic::PhaseScheduler& schedule() {
    static const auto made = traffic::PhaseScheduler::constant(500, std::chrono::seconds{60});
    return made;
}

report::PanelView view(std::size_t width, double elapsed_s = 30) {
    report::PanelView view;
    view.context = {.total_s = 60, .open_loop = true, .connections = 20, .connected = 19, .width = width};
    view.elapsed_s = elapsed_s;
    view.schedule = &schedule();
    view.planned = 15'000;
    view.started = 14'990;
    return view;
}

std::string text_of(const std::vector<report::PanelLine>& lines) {
    std::string text;
    for (const auto& line : lines) text += line.text + "\n";
    return text;
}

}  // namespace

TEST_CASE("a panel shows time, curve, rate, response, errors, backlog, sessions and its own load") {
    const auto lines = panel_lines(recent(), view(80));
    const auto text = text_of(lines);
    INFO(text);
    CHECK(lines.size() == 11);
    CHECK(lines[0].text == "30 s of 60 s  50%  ramp-up");
    CHECK(report::columns_of(lines[1].text) == 80);
    CHECK(lines[4].text == std::string(40, ' ') + "▲ here");
    CHECK_THAT(text, Contains("rate      450 of 500/s  90%  [##################..]"));
    CHECK_THAT(text, Contains("response  p50 "));
    CHECK_THAT(text, Contains("errors    failed "));
    CHECK_THAT(text, Contains("backlog   waiting 3  lag p99 "));
    CHECK_THAT(text, Contains("sessions  19 of 20 connected  started 14,990 of 15,000 due"));
    CHECK_THAT(text, Contains("own load  loop busy 91%  the figures may be this program's"));
    CHECK(lines.back().tone == report::Tone::bad);
}

TEST_CASE("the mark is where the run is, and inside the panel at both ends") {
    const auto mark = [](double elapsed_s) { return panel_lines(recent(), view(60, elapsed_s))[4].text; };
    CHECK(mark(0) == "▲ here");
    CHECK(mark(15) == std::string(15, ' ') + "▲ here");
    CHECK(mark(60) == std::string(54, ' ') + "here ▲");
    CHECK(mark(99) == mark(60));
}

TEST_CASE("a panel fits whatever the width and the height, and gives the curve up first") {
    const auto interval = recent();  // costs a whole sample of a run
    for (std::size_t width = 1; width < 100; ++width) {
        for (std::size_t height = 1; height < 14; ++height) {
            for (const double elapsed_s : {0.0, 59.9}) {
                auto wanted = view(width, elapsed_s);
                wanted.height = height;
                const auto lines = panel_lines(interval, wanted);
                CHECK(lines.size() <= std::min<std::size_t>(height, 12));
                for (const auto& line : lines) CHECK(report::columns_of(line.text) <= width);
            }
        }
    }
    auto low = view(80);
    low.height = 8;
    CHECK_THAT(text_of(panel_lines(recent(), low)), !Contains("here") && Contains("own load"));
}

TEST_CASE("a narrow panel leaves whole figures out, and cuts none") {
    const auto text = text_of(panel_lines(recent(), view(40)));
    INFO(text);
    CHECK_THAT(text, Contains("rate      450 of 500/s  90%\n") && Contains("sessions  19 of 20 connected\n"));
    CHECK_THAT(text, Contains("response  p50 ") && Contains(" ms\n") && !Contains("…"));
}

TEST_CASE("the panel of a closed loop has no curve, no target and nothing waiting") {
    auto closed = view(80);
    closed.schedule = nullptr;
    closed.context.open_loop = false;
    const auto text = text_of(panel_lines(recent(), closed));
    CHECK_THAT(text, Contains("450/s  as fast as it goes") && !Contains("waiting") && !Contains("here"));
    metrics::Interval nothing;
    CHECK_THAT(text_of(panel_lines(nothing, closed)), Contains("response  -"));
}

TEST_CASE("a phase cannot steer the terminal through the panel") {
    auto interval = recent();
    interval.phase = "a\x1b[2Jb";
    CHECK_THAT(text_of(panel_lines(interval, view(80))), Contains("a\\x1b[2Jb"));
}
