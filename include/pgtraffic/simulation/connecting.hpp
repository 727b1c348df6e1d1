// What a load asks of its connections beyond what its user wrote: how long an attempt may take, what each
// session sets before its first query; and what to say where they do not come up.
// Pure: settings in, settings and texts out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::simulation {

struct SimulationPlan;

/// Why prepared statements fail behind a pooler, and what to do.
inline constexpr const char* kPoolerPreparedCure =
    "a pooler in transaction mode gives each transaction another connection of the server, which does not "
    "know what was prepared on this one: use --protocol extended, or a pooler that keeps track of prepared "
    "statements (PgBouncer 1.21 or later, max_prepared_statements)";

/// Whether another server may be found where one is read-only.
[[nodiscard]] bool wants_writable(const postgres::Conninfo& conninfo);

/// The statements with which each connection begins.
[[nodiscard]] std::vector<std::string> session_setup(const SimulationPlan& plan);

/// Why only `connected` sessions of the plan stand, and what to do. `failures`: failed attempts by reason.
/// May hold secrets.
[[nodiscard]] std::string connect_failure(const SimulationPlan& plan, std::uint32_t connected,
                                          const std::map<std::string, std::uint64_t, std::less<>>& failures,
                                          bool refused_to_prepare);

}  // namespace pgtraffic::simulation
