#include "pgtraffic/report/panel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/verdict.hpp"
#include "pgtraffic/report/curve.hpp"

namespace pgtraffic::report {
namespace {

using base::with_thousands;

constexpr int kPanelCurveRows = 3;
constexpr std::size_t kLinesOfCurve = kPanelCurveRows + 1;  // with the one that marks the place
constexpr std::size_t kLinesBeside = 7;
constexpr std::size_t kLabel = 10;
constexpr std::size_t kLongestPhaseOfPanel = 32;
constexpr double kBusy = 0.5;       // of the loop's time: worth a look
constexpr double kAttained = 0.95;  // of the target, below which it is worth a look

std::string cut_to(std::string_view text, std::size_t width) {
    return columns_of(text) <= width ? std::string{text} : printable(text, width);
}

std::string time_text(double s) {
    const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::round(s)));
    if (whole < 600) return fmt::format("{} s", whole);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

/// As many of the parts as fit, the first ones first: half a number would be another number. `unit` stands
/// behind the last one.
PanelLine labelled(std::string_view label, std::initializer_list<std::string> parts, std::size_t width,
                   Tone tone = Tone::plain, std::string_view unit = "") {
    auto text = pad_right(label, kLabel);
    bool any = false;
    for (const auto& part : parts) {
        if (part.empty()) continue;
        const std::string_view gap = any ? "  " : "";
        if (any && columns_of(text) + gap.size() + columns_of(part) + unit.size() > width) break;
        text.append(gap).append(part);
        any = true;
    }
    return {cut_to(text.append(unit), width), tone};
}

/// Where in so many columns the run is.
std::size_t column_of(const PanelView& view, std::size_t columns) {
    const double part = std::clamp(view.elapsed_s / view.schedule->duration_s(), 0.0, 1.0);
    return std::min(columns - 1, static_cast<std::size_t>(part * static_cast<double>(columns)));
}

void add_curve(const PanelView& view, std::vector<PanelLine>& lines) {
    const std::size_t columns = view.context.width;
    const auto heights = curve_heights(*view.schedule, columns, view.schedule->max_rate(), kPanelCurveRows);
    for (int row = kPanelCurveRows - 1; row >= 0; --row) {
        std::string line;
        for (const int height : heights)
            line += kBlocks[static_cast<std::size_t>(std::clamp(height - row * kEighths, 0, kEighths))];
        lines.push_back({std::move(line), Tone::faint});
    }
    // The word on the side that has room for it.
    constexpr std::string_view kHere = " here";
    const std::size_t at = column_of(view, columns);
    std::string mark(at, ' ');
    if (at + 1 + kHere.size() <= columns) {
        mark += "▲";
        mark += kHere;
    } else {
        if (at >= kHere.size()) mark.replace(at - kHere.size(), kHere.size(), "here ");
        mark += "▲";
    }
    lines.push_back({std::move(mark), Tone::bold});
}

PanelLine rate_line(const metrics::Interval& recent, const PanelView& view) {
    const std::size_t width = view.context.width;
    const double attained = recent.throughput_per_s();
    if (!view.context.open_loop) {
        return labelled("rate", {fmt::format("{}/s", short_rate(attained)), "as fast as it goes"}, width);
    }
    const double target = recent.target_per_s;
    const double part = target > 0 ? attained / target : 1;
    constexpr std::size_t kBar = 20;
    const auto filled = static_cast<std::size_t>(std::lround(std::clamp(part, 0.0, 1.0) * kBar));
    return labelled("rate",
                    {fmt::format("{} of {}/s", short_rate(attained), short_rate(target)),
                     fmt::format("{:.0f}%", 100 * part),
                     fmt::format("[{}{}]", std::string(filled, '#'), std::string(kBar - filled, '.'))},
                    width, part < kAttained ? Tone::doubtful : Tone::plain);
}

PanelLine response_line(const metrics::Interval& recent, std::size_t width) {
    if (recent.response.count() == 0) return labelled("response", {"-"}, width);
    return labelled(
        "response",
        {"p50 " + short_millis(recent.response_quantile(0.5)),
         "p95 " + short_millis(recent.response_quantile(0.95)),
         "p99 " + short_millis(recent.response_quantile(0.99)), "max " + short_millis(recent.max)},
        width, Tone::plain, " ms");
}

PanelLine backlog_line(const metrics::Interval& recent, const PanelView& view) {
    const auto in_flight = fmt::format("in flight {}", with_thousands(std::uint64_t{recent.in_flight}));
    if (!view.context.open_loop) return labelled("backlog", {in_flight}, view.context.width);
    const auto lag =
        recent.lag.count() == 0 ? std::string{"-"} : short_millis(recent.lag_quantile(0.99)) + " ms";
    return labelled("backlog", {"waiting " + with_thousands(recent.waiting), "lag p99 " + lag, in_flight},
                    view.context.width, recent.waiting > 0 ? Tone::doubtful : Tone::plain);
}

}  // namespace

std::vector<PanelLine> panel_lines(const metrics::Interval& recent, const PanelView& view) {
    const auto& context = view.context;
    const std::size_t width = context.width;
    std::vector<PanelLine> lines;
    if (width == 0) return lines;

    auto head = time_text(view.elapsed_s);
    if (context.total_s > 0) {
        head += fmt::format(" of {}  {:.0f}%", time_text(context.total_s),
                            std::min(100.0, 100 * view.elapsed_s / context.total_s));
    }
    if (!recent.phase.empty()) head += "  " + printable(recent.phase, kLongestPhaseOfPanel);
    lines.push_back({cut_to(head, width), Tone::bold});
    if (view.schedule != nullptr && view.height >= kLinesBeside + kLinesOfCurve) add_curve(view, lines);

    lines.push_back(rate_line(recent, view));
    lines.push_back(response_line(recent, width));
    const std::uint64_t errors = recent.failed + recent.timed_out + recent.missed;
    lines.push_back(labelled(
        "errors",
        {"failed " + with_thousands(recent.failed), "timed out " + with_thousands(recent.timed_out),
         "missed " + with_thousands(recent.missed), "reconnects " + with_thousands(recent.reconnects)},
        width, errors > 0 ? Tone::bad : Tone::plain));
    lines.push_back(backlog_line(recent, view));
    lines.push_back(labelled(
        "sessions",
        {fmt::format("{} of {} connected", with_thousands(std::uint64_t{context.connected}),
                     with_thousands(std::uint64_t{context.connections})),
         fmt::format("started {} of {} due", with_thousands(view.started), with_thousands(view.planned))},
        width, context.connected < context.connections ? Tone::bad : Tone::plain));
    const double busy = recent.loop_busy_ratio;
    lines.push_back(labelled("own load",
                             {fmt::format("loop busy {:.0f}%", 100 * busy),
                              busy > metrics::kBusyLoop ? "the figures may be this program's" : ""},
                             width,
                             busy > metrics::kBusyLoop ? Tone::bad
                             : busy > kBusy            ? Tone::doubtful
                                                       : Tone::plain));
    if (lines.size() > view.height) lines.resize(view.height);
    return lines;
}

}  // namespace pgtraffic::report
