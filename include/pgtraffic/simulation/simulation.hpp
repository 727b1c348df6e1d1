// A run from the first connection to the result: connect → warm up → calibrate → measure → drain. Composes
// the loop and the parts of a run (docs/architecture.md names them), and is the only one that moves from
// stage to stage. What the load is (rate, pattern, closed loop) is data in the plan.
#pragma once

#include <optional>

#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/simulation/events.hpp"
#include "pgtraffic/simulation/plan.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

/// How the run came to its end, beyond what RunResult tells.
struct SimulationEnd {
    int signal = 0;                                     ///< the first signal that ended it, or 0
    bool aborted = false;                               ///< a second one came: no report is wanted
    std::optional<metrics::ThresholdResult> condition;  ///< of `abort_if`, that ended the load early
    bool stop_file = false;                             ///< it appeared
    bool rows_used_up = false;                          ///< `max_rows` ended the load early
    bool refused = false;  ///< the warm-up: the server refused each query for what it asks
};

/// Runs `plan` to its end in `loop`, where others may have callbacks, and fills the measured part of
/// `result`. Throws base::Error where the connections could not be made, saying how many were and why the
/// rest were not.
SimulationEnd simulate(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
                       const SimulationEvents& events, metrics::RunResult& result);

}  // namespace pgtraffic::simulation
