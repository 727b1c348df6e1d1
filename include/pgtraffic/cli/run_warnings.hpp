// What a reader of a run's figures has to know beside them, each with what would help where something does.
#pragma once

#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::cli {

/// Into `result`, from what it and the options tell. `workload` is the one that ran: its operations are the
/// result's, in the same order.
void add_warnings(metrics::RunResult& result, const workload::Workload& workload, const RunOptions& options);

}  // namespace pgtraffic::cli
