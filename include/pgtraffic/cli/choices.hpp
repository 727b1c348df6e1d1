// What options and scenario mean together: options stand above the scenario, the scenario above defaults.
// Reads files, so that every complaint about them comes before the first connection; knows no server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {

struct TrafficChoice {
    std::optional<double> rate_per_s;         ///< open loop at a constant rate
    bool find_rate = false;                   ///< the same at one that is to be found
    std::optional<traffic::Pattern> pattern;  ///< open loop along a pattern; at most one of the three
    std::optional<double> peak_rate_per_s;    ///< the pattern's 100 %; none: to be measured
    traffic::Arrivals arrivals = traffic::Arrivals::poisson;

    [[nodiscard]] bool open_loop() const noexcept { return rate_per_s || find_rate || pattern; }
};

struct RunChoice {
    workload::Scenario scenario;  ///< with --mix applied
    TrafficChoice traffic;
    std::uint32_t connections = 0;               ///< at most, where fewer will do
    bool find_connections = false;               ///< the best number of them
    bool fewer_connections_do = false;           ///< they are to be found, or nobody named their number
    std::vector<metrics::Threshold> thresholds;  ///< the scenario's, then the options'
    std::vector<metrics::Threshold> abort_if;
};

/// What --scenario names. Throws base::Error where it cannot be read; for the name of a built-in scenario
/// with the option that was meant.
[[nodiscard]] workload::Scenario scenario_of_file(const std::string& file);

/// Throws base::Error for an unknown pattern, a broken file, and an option that needs an open loop in a
/// closed one.
[[nodiscard]] TrafficChoice choose_traffic(const TrafficOptions& options,
                                           const std::optional<workload::Scenario>& scenario);

/// Loads the scenario, too, and reads every threshold and condition.
[[nodiscard]] RunChoice choose(const RunOptions& options);

}  // namespace pgtraffic::cli
