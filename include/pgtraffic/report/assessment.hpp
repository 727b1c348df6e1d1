// What a run's numbers say, in sentences. Each sentence follows from figures that the report shows, and
// none praises: the reader knows what is good enough.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// An open loop whose backlog grew until the run was invalid: it has no steady state, and its response
/// percentiles depend on how long it ran.
[[nodiscard]] bool overloaded(const metrics::RunResult& run) noexcept;

/// Queries by which the backlog grew per second from RunResult::middle_s to the end; 0 for a run of no
/// length.
[[nodiscard]] double backlog_growth_per_s(const metrics::RunResult& run) noexcept;

/// Started / planned; empty in a closed loop, which plans nothing, and where nothing was planned.
[[nodiscard]] std::optional<double> target_attainment_ratio(const metrics::RunResult& run) noexcept;

/// Sentences without markup, most important first; at least one. May hold foreign text (SQLSTATEs only).
[[nodiscard]] std::vector<std::string> assess(const metrics::RunResult& run);

/// One line: throughput, the 99th percentile (or the highest that the data support), failures.
[[nodiscard]] std::string headline(const metrics::RunResult& run);

}  // namespace pgtraffic::report
