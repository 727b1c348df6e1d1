// What a run tells whoever looks on.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/metrics/query_record.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::simulation {

/// What a progress report is told besides the interval.
struct ProgressState {
    double elapsed_s = 0;
    double duration_s = 0;
    std::uint32_t connected = 0;
    std::uint32_t connections = 0;
    const traffic::PhaseScheduler* schedule = nullptr;  ///< of the measured load; none in a closed loop
    const metrics::Gauges* gauges = nullptr;            ///< of this moment
};

/// Told what happens, on the loop, and but for the last never on a query's path. Each may be empty.
struct SimulationEvents {
    std::function<void(const std::string&)> stage;  ///< in words: "warming up for 10 s"
    /// How far a stage before the measured load is, in words: "connected 3 of 20". Once a second while
    /// connecting, later at most as often as the progress.
    std::function<void(const std::string&)> preparing;
    std::function<void(const metrics::Interval&, const ProgressState&)> progress;
    /// The time series as it grows: each of its intervals once, in order, the last ones at the end of the
    /// run.
    std::function<void(std::span<const metrics::Interval>)> intervals_closed;
    /// The run as it stands: at each tick, a second or a fraction apart, and when nothing will change any
    /// more.
    std::function<void(const metrics::LiveMoment&)> moment;
    /// Each query of the measured load, as soon as its fate is known. What is done with it keeps the load
    /// waiting.
    base::Callback<const metrics::QueryRecord&> queries{};
};

}  // namespace pgtraffic::simulation
