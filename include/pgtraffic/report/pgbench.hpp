// The result in the words of pgbench, for programs that read its summary. A free function over a finished
// result; docs/integrations.md says what each line means here.
#pragma once

#include <string>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// Line by line what pgbench 15 prints, with the numbers of this run; ends with a newline. Has no place for
/// the verdict: see pgbench_warnings().
[[nodiscard]] std::string pgbench_report(const metrics::RunResult& run);

/// What a reader of those lines would otherwise not learn: a verdict that is not valid with its reasons, and
/// missed thresholds. A line each, for stderr; empty where there is nothing to say.
[[nodiscard]] std::string pgbench_warnings(const metrics::RunResult& run);

}  // namespace pgtraffic::report
