// What was asked for, as the result tells it: every option resolved, secrets masked, and on what machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::cli {

/// All of it into `result`. `argv` is the command line as typed; `entropy` becomes the run's id.
void describe(metrics::RunResult& result, const RunOptions& options, const RunChoice& choice,
              const postgres::Conninfo& conninfo, const std::vector<std::string>& argv, std::uint64_t seed,
              std::uint64_t entropy);

}  // namespace pgtraffic::cli
