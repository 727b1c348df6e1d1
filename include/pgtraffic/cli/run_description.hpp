// What was asked for, as the result tells it: every option resolved, secrets masked, and on what machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {

/// All of it into `result`. `argv` is the command line as typed; `entropy` becomes the run's id.
void describe(metrics::RunResult& result, const RunOptions& options, const RunChoice& choice,
              const postgres::Conninfo& conninfo, const std::vector<std::string>& argv, std::uint64_t seed,
              std::uint64_t entropy);

/// What was asked, beside how it was answered: each statement's SQL and parameters, each operation's values
/// and retries, without the secrets that `conninfo` knows.
void describe_statements(metrics::RunResult& result, const workload::Scenario& scenario,
                         const postgres::Conninfo& conninfo);

}  // namespace pgtraffic::cli
