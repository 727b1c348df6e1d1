// How a run ended, as its figures, its options and its end tell together: verdict, thresholds, outcome, exit
// code. Pure; what it needs is in the result.
#pragma once

#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/simulation.hpp"

namespace pgtraffic::cli {

/// Into `result`, with a warning for whatever ended it early. A signal stands above everything, and figures
/// that the run has not (it failed) or that mean nothing (--strict) above the thresholds.
void judge_run(metrics::RunResult& result, const RunOptions& options, const RunChoice& choice,
               const simulation::SimulationEnd& end);

}  // namespace pgtraffic::cli
