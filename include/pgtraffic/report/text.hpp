// The report that a person reads after a run: the original simulator's sections in their order, then ours,
// then the verdict and the most important numbers last. A free function over a finished result; knows
// neither streams nor terminals.
#pragma once

#include <string>

#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {

/// The whole report, ending with a newline. Holds no figure that the run does not have: a closed loop has
/// no lag, an overloaded open loop no headline percentile. Foreign text in it is safe to print.
[[nodiscard]] std::string text_report(const metrics::RunResult& run, const TextStyle& style);

}  // namespace pgtraffic::report
