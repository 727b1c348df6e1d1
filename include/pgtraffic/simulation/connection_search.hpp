// `--connections auto`: runs one closed loop after the other, each with connections of its own, until the
// ladder knows how many of them are enough.
#pragma once

#include <optional>

#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/events.hpp"
#include "pgtraffic/simulation/plan.hpp"
#include "pgtraffic/simulation/simulation.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

/// Before the run of a closed loop: `plan.connections`, the most that may be tried, become those that were
/// found, and `result` tells how. Where somebody ended the run meanwhile, returns that end, and `result` is
/// the last closed loop's. Throws as simulate() where not even one connection can be made.
[[nodiscard]] std::optional<SimulationEnd> find_connections(event_loop::Loop& loop, SimulationPlan& plan,
                                                            const workload::Workload& workload,
                                                            const SimulationEvents& events,
                                                            metrics::RunResult& result);

}  // namespace pgtraffic::simulation
