// What can be asked of a run, an operation or a phase: one table, from which thresholds are read and
// evaluated, and results compared.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "pgtraffic/metrics/latencies.hpp"

namespace pgtraffic::metrics {

enum class Metric : std::uint8_t {
    // Distributions; their values are nanoseconds.
    response,
    service,
    lag,
    pool_wait,
    generator_lag,
    // One number each.
    throughput,
    failed_ratio,
    success_ratio,
    empty_ratio,
    missed_ratio,
    late_ratio,
    failed,
    timed_out,
    missed,
    late,
    retries,
    waiting,
    target_attainment,
    cpu_us_per_query,
    loop_busy,
};

enum class MetricKind : std::uint8_t { duration, rate, share, count, microseconds };

/// What a run must be like to have a figure at all: nothing is late without a limit, and in a closed loop,
/// where the next query begins when one has ended, nothing waits.
enum class MetricNeeds : std::uint8_t { nothing, open_loop, latency_limit, open_loop_with_limit };

struct MetricRow {
    using CountOf = std::uint64_t (*)(const Counts&);

    std::string_view name;
    Metric metric;
    MetricKind kind;
    MetricNeeds needs;
    bool in_window;  ///< intervals have it
    bool higher_is_better = false;
    CountOf part = nullptr;                     ///< of a share of queries; a count itself
    CountOf whole = nullptr;                    ///< of a share of queries
    Histogram Latencies::*histogram = nullptr;  ///< of a distribution

    /// Operations and phases have what is made of their queries, too.
    [[nodiscard]] bool of_parts() const noexcept {
        return kind == MetricKind::rate || part != nullptr || histogram != nullptr;
    }
    [[nodiscard]] bool is_known(bool open_loop, bool latency_limit) const noexcept;
};

/// Row by row in the order of Metric, which is that of messages, too.
[[nodiscard]] std::span<const MetricRow> metric_table() noexcept;
[[nodiscard]] const MetricRow& row_of(Metric metric) noexcept;

}  // namespace pgtraffic::metrics
