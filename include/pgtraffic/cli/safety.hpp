// What keeps a load from the wrong database: whether a write needs a confirmation is a pure function of what
// is known of the target; asking for it is a question on the terminal or an option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/brickhouse/marks.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {

/// Whether an IP address, or a host of a conninfo, can only be this machine: loopback (127.0.0.0/8, ::1, the
/// same mapped into IPv6, "localhost"), the directory of a Unix socket, or empty, which is libpq's socket.
[[nodiscard]] bool is_local(std::string_view address_or_host) noexcept;

/// What decides about a write.
struct WriteRisk {
    bool writes = false;     ///< something may be written
    bool temporary = false;  ///< to a server that we started
    bool local = false;      ///< to this machine, all hosts of the target
    bool ours = false;       ///< only to tables that `pgtraffic init` marked
};

[[nodiscard]] bool needs_confirmation(const WriteRisk& risk) noexcept;

/// Whether every host that `conninfo` may lead to is this machine; `address` is that of a connection made.
[[nodiscard]] bool all_local(const postgres::Conninfo& conninfo, std::string_view address);

/// The same of the server that `client` asks; where a pooler stands in between, of the one behind it.
[[nodiscard]] bool all_local(const postgres::Conninfo& conninfo, postgres::Client& client, bool pooler);

/// "host "db" (10.0.0.5), port 5432, database "shop", user "app": PostgreSQL 15.18, primary, …", one line,
/// safe for a terminal.
[[nodiscard]] std::string describe_target(const metrics::ServerInfo& server);

/// Throws base::Error where `given` (--confirm) is not the name of the target's `database`, needed or not.
void refuse_other_database(const std::string& database, const std::optional<std::string>& given);

/// Returns where `given` (--confirm) is the name of the database, or it was typed on a terminal; throws
/// base::Error otherwise. `what` says what would happen: "writes to public.orders". `may_ask`: the question
/// may be put to a terminal.
void require_confirmation(const metrics::ServerInfo& server, const std::string& what,
                          const std::optional<std::string>& given, bool may_ask);

/// All of it for a run. Throws base::Error also where `given` names another database than the target's,
/// whether or not it was needed.
void confirm_run(postgres::Client& client, const postgres::Conninfo& conninfo,
                 const metrics::ServerInfo& server, const workload::Scenario& scenario,
                 const std::optional<std::string>& given, bool may_ask);

}  // namespace pgtraffic::cli
