// A moment of a run as Prometheus reads it: its text format, version 0.0.4. docs/live.md lists the names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/metrics/live.hpp"

namespace pgtraffic::report {

/// What the format must be announced as.
inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

/// What every scrape of one run has in common.
struct PrometheusContext {
    std::string run_id;
    std::string scenario;
    std::string pattern;  ///< empty without
    std::vector<std::pair<std::string, std::string>> labels;
};

/// Of this process, as the kernel tells.
struct ProcessUsage {
    double cpu_s = 0;
    double start_time_s = 0;  ///< since 1970
    std::int64_t resident_bytes = 0;
};

/// The whole page. Counters begin at zero with the measured load. All series are there from the start, but
/// an operation's histogram of failures, which comes with the first one.
[[nodiscard]] std::string prometheus_text(const metrics::LiveMoment& moment, const PrometheusContext& context,
                                          const ProcessUsage& usage);

/// Backslash, quote and newline escaped, as the format wants a label's value.
[[nodiscard]] std::string label_value(std::string_view text);

}  // namespace pgtraffic::report
