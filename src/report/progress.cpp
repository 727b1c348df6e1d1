#include "pgtraffic/report/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

using base::with_thousands;

constexpr std::size_t kLongestPhaseOfLine = 16;

std::string clock(std::uint64_t seconds) {
    if (seconds < 3600) return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string elapsed(const metrics::Interval& interval, const ProgressContext& context) {
    const auto whole = [](double s) { return static_cast<std::uint64_t>(std::max(0.0, std::round(s))); };
    const auto now = whole(interval.start_s + interval.duration_s);
    const auto total = whole(context.total_s);
    const bool in_seconds = std::max(now, total) < 600;
    if (total == 0) return in_seconds ? fmt::format("{} s", now) : clock(now);
    return in_seconds ? fmt::format("{}/{} s", now, total) : fmt::format("{}/{}", clock(now), clock(total));
}

std::string rate(const metrics::Interval& interval, const ProgressContext& context) {
    const std::string attained = short_rate(interval.throughput_per_s());
    return context.open_loop ? fmt::format("{} of {}/s", attained, short_rate(interval.target_per_s))
                             : fmt::format("{}/s", attained);
}

std::string latency(const metrics::Interval& interval) {
    if (interval.response.count() == 0) return "p50 - p99 -";
    return fmt::format("p50 {} p99 {} ms", short_millis(interval.response_quantile(0.5)),
                       short_millis(interval.response_quantile(0.99)));
}

/// How late the queries were sent that were due.
std::string lag(const metrics::Interval& interval) {
    if (interval.lag.count() == 0) return "lag -";
    const double ms = base::to_millis(interval.lag_quantile(0.99));
    return fmt::format("lag {} ms", with_thousands(ms, ms < 100 ? 1 : 0));
}

/// "busy 12/20", "busy 12/18 of 20" while two connections are lost; in a pipeline, where there may be more
/// queries than connections, "in flight 160 on 20".
std::string sessions(const metrics::Interval& interval, const ProgressContext& context) {
    std::string text = fmt::format(fmt::runtime(context.pipelined ? "in flight {} on {}" : "busy {}/{}"),
                                   with_thousands(std::uint64_t{interval.in_flight}),
                                   with_thousands(std::uint64_t{context.connected}));
    if (context.connected == context.connections) return text;
    return text + fmt::format(" of {}", with_thousands(std::uint64_t{context.connections}));
}

struct Part {
    std::string text;
    int keep;  // the highest is placed first
    bool shown = false;
};

std::string joined(const std::vector<Part>& parts, std::string_view separator) {
    std::string line;
    for (const auto& part : parts) {
        if (!part.shown) continue;
        if (!line.empty()) line += separator;
        line += part.text;
    }
    return line;
}

}  // namespace

std::string progress_line(const metrics::Interval& interval, const ProgressContext& context) {
    std::vector<Part> parts{{elapsed(interval, context), 8}};
    if (!interval.phase.empty()) parts.push_back({printable(interval.phase, kLongestPhaseOfLine), 3});
    parts.push_back({rate(interval, context), 9});
    parts.push_back({latency(interval), 7});
    parts.push_back({fmt::format("fail {}", with_thousands(interval.failed + interval.timed_out)), 6});
    if (interval.missed > 0) parts.push_back({fmt::format("miss {}", with_thousands(interval.missed)), 6});
    if (interval.reconnects > 0)
        parts.push_back({fmt::format("reconnects {}", with_thousands(interval.reconnects)), 5});
    if (context.open_loop) {
        parts.push_back({fmt::format("wait {}", with_thousands(interval.waiting)), 5});
        parts.push_back({lag(interval), 1});
    }
    parts.push_back({sessions(interval, context), 4});
    parts.push_back({fmt::format("loop {:.0f}%", 100 * interval.loop_busy_ratio), 2});

    // A part that does not fit leaves its room to a shorter one that says less.
    std::vector<Part*> order;
    for (auto& part : parts) order.push_back(&part);
    std::sort(order.begin(), order.end(), [](const Part* a, const Part* b) { return a->keep > b->keep; });
    for (auto* part : order) {
        part->shown = true;
        part->shown = columns_of(joined(parts, " ")) <= context.width;
    }
    std::string line = joined(parts, "  ");
    if (columns_of(line) > context.width) line = joined(parts, " ");
    return line.empty() ? printable(order.front()->text, context.width) : line;
}

}  // namespace pgtraffic::report
