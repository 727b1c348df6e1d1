// Which database a command speaks to: --database-url, else -h, else DATABASE_URL, else libpq's own
// environment, else none; -p and -U add to it. Connects to nothing.
#pragma once

#include <optional>

#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::cli {

/// Empty where nothing names a database; `run` then starts a temporary server. Throws base::Error for a
/// malformed URL and for an option that says again what the URL says.
[[nodiscard]] std::optional<postgres::Conninfo> find_target(const TargetOptions& options);

/// The same for commands that must not make up a database; throws base::Error that says how to name one.
[[nodiscard]] postgres::Conninfo require_target(const TargetOptions& options);

/// `target` with the password that --password-command gives now; as it is without one. Throws base::Error.
[[nodiscard]] postgres::Conninfo with_password(const postgres::Conninfo& target,
                                               const TargetOptions& options);

/// The target of `run`; empty: the temporary server, because --ephemeral asks for it or nothing names
/// another. Throws base::Error where an option that is about the temporary server (--scale, --unsafe-fast)
/// meets another.
[[nodiscard]] std::optional<postgres::Conninfo> run_target(const RunOptions& options);

}  // namespace pgtraffic::cli
