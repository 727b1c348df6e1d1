#include "pgtraffic/metrics/metric.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>

namespace pgtraffic::metrics {
namespace {

template <auto kCount>
std::uint64_t count_of(const Counts& counts) {
    return std::invoke(kCount, counts);
}
std::uint64_t failures(const Counts& counts) {
    return counts.failed + counts.timed_out;
}
std::uint64_t ended_or_missed(const Counts& counts) {
    return counts.ended() + counts.missed;
}

}  // namespace

std::span<const MetricRow> metric_table() noexcept {
    using enum Metric;
    using enum MetricKind;
    using enum MetricNeeds;
    using C = Counts;
    using L = Latencies;
    static constexpr auto kRows = std::to_array<MetricRow>({
        {"response", response, duration, nothing, true, false, {}, {}, &L::response},
        {"service", service, duration, nothing, false, false, {}, {}, &L::service},
        {"lag", lag, duration, open_loop, false, false, {}, {}, &L::lag},
        {"pool_wait", pool_wait, duration, open_loop, false, false, {}, {}, &L::pool_wait},
        {"generator_lag", generator_lag, duration, open_loop, false, false, {}, {}, &L::generator_lag},
        {"throughput", throughput, rate, nothing, true, true},
        {"failed_ratio", failed_ratio, share, nothing, true, false, failures, count_of<&C::ended>},
        {"success_ratio", success_ratio, share, nothing, true, true, count_of<&C::succeeded>,
         ended_or_missed},
        {"empty_ratio", empty_ratio, share, nothing, true, false, count_of<&C::empty>,
         count_of<&C::succeeded>},
        {"missed_ratio", missed_ratio, share, open_loop_with_limit, false, false, count_of<&C::missed>,
         count_of<&C::planned>},
        {"late_ratio", late_ratio, share, latency_limit, false, false, count_of<&C::late>,
         count_of<&C::succeeded>},
        {"failed", failed, count, nothing, true, false, count_of<&C::failed>},
        {"timed_out", timed_out, count, nothing, true, false, count_of<&C::timed_out>},
        {"missed", missed, count, open_loop_with_limit, true, false, count_of<&C::missed>},
        {"late", late, count, latency_limit, false, false, count_of<&C::late>},
        {"retries", retries, count, nothing, false, false, count_of<&C::retries>},
        {"waiting", waiting, count, open_loop, true, false, count_of<&C::waiting>},
        {"target_attainment", target_attainment, share, open_loop, false, true, count_of<&C::started>,
         count_of<&C::planned>},
        {"cpu_us_per_query", cpu_us_per_query, microseconds, nothing, false},
        {"loop_busy", loop_busy, share, nothing, true},
    });
    static_assert(std::ranges::is_sorted(kRows, {}, &MetricRow::metric) &&
                      kRows.size() == static_cast<std::size_t>(loop_busy) + 1,
                  "row_of() finds a metric by its place");
    return kRows;
}

const MetricRow& row_of(Metric metric) noexcept {
    return metric_table()[static_cast<std::size_t>(metric)];
}

bool MetricRow::is_known(bool open_loop, bool latency_limit) const noexcept {
    const bool takes_open = needs == MetricNeeds::open_loop || needs == MetricNeeds::open_loop_with_limit;
    const bool takes_limit =
        needs == MetricNeeds::latency_limit || needs == MetricNeeds::open_loop_with_limit;
    return (open_loop || !takes_open) && (latency_limit || !takes_limit);
}

}  // namespace pgtraffic::metrics
