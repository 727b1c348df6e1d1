// What is asked of the server before the load, on one blocking connection: what it is, whether it has room,
// whether every statement means something to it, which keys its tables hold, how far away it is.
#pragma once

#include <cstdint>

#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

/// How long one answer may take: the smallest key of a large table without an index takes a while, and a
/// server that is none says nothing for ever.
inline constexpr base::Nanos kPreflightPatience = std::chrono::minutes{2};

/// Version, address, role, who else is there, the settings that explain a result.
[[nodiscard]] metrics::ServerInfo inspect_server(postgres::Client& client);

/// Throws base::Error that says why and what to do where the server takes no writes and some statement of the
/// scenario surely is one: it would fail whenever its turn comes. Not behind a pooler, which may send to a
/// standby what asks and to the primary what writes.
void check_takes_writes(const metrics::ServerInfo& server, const workload::Scenario& scenario);

/// Throws base::Error that says how many are free where the server has no room for `connections` more, and
/// got none within five seconds; `server` then tells what it had at last. Behind a pooler, which multiplexes,
/// there is nothing to check.
void check_room(postgres::Client& client, metrics::ServerInfo& server, std::uint32_t connections);

/// How many of `wanted` connections a load should make that may have fewer: all, where that leaves one in ten
/// of the server's free places to others (ten at most), else as many as do; at least one. Waits as long as
/// places become free. Throws as check_room() where there is none. Behind a pooler: `wanted`.
[[nodiscard]] std::uint32_t room_for_up_to(postgres::Client& client, metrics::ServerInfo& server,
                                           std::uint32_t wanted);

/// Has every statement of `scenario` parsed by the server, and asks for the keys and values that its
/// parameters draw from. Throws base::Error that names operation and statement; for a missing table, the
/// cure.
[[nodiscard]] workload::Workload bind_workload(postgres::Client& client, const workload::Scenario& scenario,
                                               workload::KeyDistribution distribution, std::uint64_t seed,
                                               std::uint64_t run_entropy);

/// Round trips of an empty query on the idle connection, after a few that are not counted.
[[nodiscard]] metrics::Histogram measure_round_trips(postgres::Client& client);

}  // namespace pgtraffic::simulation
