#include "pgtraffic/simulation/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "pgtraffic/base/double_quoted.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/intent.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr base::SqlState kSyntaxError{{'4', '2', '6', '0', '1'}};
constexpr base::SqlState kUndefinedColumn{{'4', '2', '7', '0', '3'}};
constexpr base::SqlState kUndefinedFunction{{'4', '2', '8', '8', '3'}};
constexpr int kWarmupRoundTrips = 10;
constexpr int kRoundTrips = 200;
constexpr base::Nanos kRoundTripBudget = std::chrono::seconds{5};
/// A thousand backends whose client is gone take that long to be gone, too, where the machine is slow.
constexpr base::Nanos kRoomPatience = std::chrono::seconds{5};
/// Between two looks. Not the server's pg_sleep(), which a statement_timeout of the role's would end.
constexpr base::Nanos kRoomPause = std::chrono::milliseconds{100};
/// Free places that a load leaves to others, where nobody said how many it shall take: one in ten, at most.
constexpr std::uint64_t kLeftToOthers = 10;

/// The settings without which a figure cannot be understood.
constexpr const char* kSettings =
    "SELECT name, setting || coalesce(' ' || unit, '') FROM pg_settings WHERE name IN ('shared_buffers', "
    "'fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'max_wal_size', 'checkpoint_timeout', "
    "'work_mem', 'effective_cache_size', 'random_page_cost', 'max_connections', 'max_worker_processes', "
    "'autovacuum', 'default_transaction_isolation', 'jit', 'track_activities', 'shared_preload_libraries') "
    "ORDER BY name";

/// Who answers, what it is, and whether there is room: in one question, for each costs a round trip. Workers,
/// parallel ones and those of autovacuum, take no place of a client's; what another role's backend is may be
/// hidden from ours, and then it counts if it is somebody's and in a database.
constexpr const char* kServer =
    "WITH others AS (SELECT datname, usename FROM pg_stat_activity "
    "                WHERE usesysid IS NOT NULL AND pid <> pg_backend_pid() "
    "                AND (backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL)) "
    "SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('max_connections'), "
    "  CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 0 "
    "       ELSE current_setting('superuser_reserved_connections')::int "
    "         + coalesce((SELECT CASE WHEN pg_has_role(oid, 'USAGE') THEN 0 "  // since PostgreSQL 16
    "                                 ELSE current_setting('reserved_connections')::int END "
    "                     FROM pg_roles WHERE rolname = 'pg_use_reserved_connections'), 0) END, "
    "  (SELECT count(*) FROM others), "
    "  (SELECT CASE WHEN rolsuper THEN -1 ELSE datconnlimit END FROM pg_database, pg_roles "
    "   WHERE datname = current_database() AND rolname = session_user), "
    "  (SELECT count(*) FROM others WHERE datname = current_database()), "
    "  (SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_roles WHERE rolname = session_user), "
    "  (SELECT count(*) FROM others WHERE usename = session_user), current_setting('transaction_read_only')";

/// The columns of that.
struct ServerColumns {
    static constexpr std::size_t backend = 0, standby = 1, max_connections = 2, reserved = 3, sessions = 4,
                                 database_limit = 5, database_sessions = 6, role_limit = 7, role_sessions = 8,
                                 read_only = 9, count = 10;
};

/// ":aid", as pgbench and psql write them; "::int" is a cast.
bool names_variables(std::string_view sql) {
    for (std::size_t at = 1; at + 1 < sql.size(); ++at) {
        if (sql[at] == ':' && sql[at - 1] != ':' && base::is_letter(sql[at + 1])) return true;
    }
    return false;
}

/// ", line 2, column 7 of its SQL": where the server met what is wrong with it. One line is short enough for
/// the words that its message quotes.
std::string place_in(std::string_view sql, const postgres::SqlError& error) {
    if (error.position() == 0 || sql.find('\n') == std::string_view::npos) return "";
    std::size_t end = 0;
    for (auto left = error.position(); end < sql.size(); ++end) {
        if (base::characters_of(sql.substr(end, 1)) == 1 && --left == 0) break;
    }
    const auto before = sql.substr(0, end);
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return fmt::format(", line {}, column {} of its SQL", std::ranges::count(before, '\n') + 1,
                       base::characters_of(before.substr(line_start)) + 1);
}

std::string cure_for(const postgres::SqlError& error, const std::string& sql, const std::string& database) {
    if (error.state() == base::kUndefinedTable) {
        return fmt::format(
            "\nIt is not there, in the database {}. `pgtraffic init` makes the tables of the "
            "built-in workloads, `pgbench -i` those of pgbench; else check the name, the "
            "database and the search_path",
            base::double_quoted(database));
    }
    if (error.state() == kUndefinedColumn) {
        return "\nThe built-in workloads are for the tables that `pgtraffic init` makes; other tables take "
               "a --scenario (docs/scenarios.md), or --sql. Else check the name";
    }
    if (error.state() == kSyntaxError && names_variables(sql))
        return "\nParameters are $1, $2, ... in the order of \"parameters\" (docs/scenarios.md), not :name";
    // Of a server that speaks another language it says nothing more.
    if (error.state() == kSyntaxError &&
        std::string_view{error.what()}.find("multiple commands") != std::string_view::npos)
        return "\nIt is several statements: give them one by one, in \"statements\" of a --scenario "
               "(docs/scenarios.md)";
    return "";
}

/// What the answer to kServer says of the places for clients; the most that this user may ever have of them.
std::int64_t read_room(const postgres::Row& server, metrics::ServerInfo& info) {
    using Column = ServerColumns;
    const auto number = [&](std::size_t column) { return postgres::whole_number(server.at(column)); };
    const auto not_negative = [](std::int64_t n) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0));
    };
    std::int64_t most = number(Column::max_connections) - number(Column::reserved);
    std::int64_t free = most - number(Column::sessions);
    const auto limit_to = [&](std::int64_t limit, std::int64_t sessions) {
        if (limit < 0) return;
        most = std::min(most, limit);
        free = std::min(free, limit - sessions);
    };
    limit_to(number(Column::database_limit), number(Column::database_sessions));
    limit_to(number(Column::role_limit), number(Column::role_sessions));
    info.other_sessions = not_negative(number(Column::sessions));
    info.free_connections = not_negative(free);
    return most;
}

/// Those of a client that has just left are still going: the places of the run before this one.
void wait_for_room(postgres::Client& client, metrics::ServerInfo& server, std::uint32_t connections) {
    const auto until = base::mono_now() + kRoomPatience;
    while (*server.free_connections < connections) {
        const auto most = read_room(client.row(kServer, {}, ServerColumns::count), server);
        if (most < std::int64_t{connections} || base::mono_now() >= until) return;
        base::nap(kRoomPause);
        if (base::held_back_signal() != 0) return;
    }
}

/// What may be taken of so many free places, more than none.
std::uint64_t fair_share(std::uint64_t free) {
    const std::uint64_t tenth = (free + 9) / 10;
    return std::max<std::uint64_t>(free - std::min(tenth, kLeftToOthers), 1);
}

/// A name that is not there yet: of a table or function, a schema, or a value of an enumeration.
bool may_be_for_want_of_a_definition(base::SqlState state) {
    const auto what = state.error_class();
    return what == "42" || what == "3F" || what == "22";
}

/// Returns the names of its columns. `on_its_own`: nothing that runs before it in its operation makes what it
/// names.
std::vector<std::string> check_statement(postgres::Client& client, const workload::Operation& operation,
                                         const workload::Statement& statement, bool on_its_own) {
    const auto place = operation.name == statement.name ? fmt::format("operation \"{}\"", operation.name)
                                                        : fmt::format("operation \"{}\", statement \"{}\"",
                                                                      operation.name, statement.name);
    try {
        auto [wanted, columns] = client.describe(statement.sql);
        const auto given = static_cast<int>(statement.arguments.size());
        if (wanted != given) {
            throw base::Error(fmt::format("{}: the statement takes {} parameter{} and is given {}{}", place,
                                          wanted, wanted == 1 ? "" : "s", given,
                                          given > 0
                                              ? ""
                                              : "\nA --scenario says in \"parameters\" where values come "
                                                "from, a script (-f) by \\set (docs/scenarios.md)"));
        }
        if (statement.returns && columns.empty())
            throw base::Error(fmt::format("{}: it returns no column whose value could be taken", place));
        return std::move(columns);
    } catch (const postgres::SqlError& error) {
        if (!on_its_own && !statement.returns && may_be_for_want_of_a_definition(error.state())) return {};
        throw base::Error(fmt::format("{}{}: {}{}", place, place_in(statement.sql, error), error.what(),
                                      cure_for(error, statement.sql, client.database())));
    }
}

/// Adds the names of each statement's columns to `columns`.
void check_statements(postgres::Client& client, const workload::Operation& operation,
                      workload::ReturnedColumns& columns) {
    bool on_their_own = true;
    for (const auto& statement : operation.statements) {
        columns.push_back(check_statement(client, operation, statement, on_their_own));
        if (!operation.choose_one && workload::may_define(statement.sql)) on_their_own = false;
    }
}

}  // namespace

metrics::ServerInfo inspect_server(postgres::Client& client) try {
    metrics::ServerInfo info;
    info.version = client.server_version();
    info.version_num = client.server_version_num();
    info.address_kind = client.over_unix_socket() ? "unix socket" : "tcp";
    info.ssl = client.uses_ssl();
    for (const auto& setting : client.query(kSettings, {}, 2)) {
        info.settings.emplace_back(setting[0].value_or(""), setting[1].value_or(""));
    }
    info.host = client.host();
    info.address = client.address();
    info.port = client.port();
    info.database = client.database();
    info.user = client.user();
    const auto server = client.row(kServer, {}, ServerColumns::count);
    info.max_connections =
        static_cast<int>(postgres::whole_number(server.at(ServerColumns::max_connections)));
    info.standby = server.at(ServerColumns::standby) == "t";
    info.takes_writes = server.at(ServerColumns::read_only) != "on";
    info.pooler = !client.greeted_by(server.at(ServerColumns::backend).value_or(""));
    // A pooler multiplexes: the server's slots say nothing of its own.
    if (!info.pooler) read_room(server, info);
    return info;
} catch (const postgres::SqlError& error) {
    throw base::Error(fmt::format("cannot ask the server what it is: {}", error.what()));
}

void check_takes_writes(const metrics::ServerInfo& server, const workload::Scenario& scenario) {
    if (server.takes_writes || server.pooler || !workload::surely_writes(scenario)) return;
    if (!server.standby && workload::asks_to_write(scenario)) return;
    const auto [why, cure] =
        server.standby
            ? std::pair{"the server is a standby, which takes no writes",
                        "Name the primary (of several hosts: target_session_attrs=read-write)"}
            : std::pair{"transactions are read-only here (default_transaction_read_only)",
                        "Allow this run to write (PGOPTIONS='-c default_transaction_read_only=off')"};
    throw base::Error(
        fmt::format("{}, and the workload \"{}\" writes. {}, or take one that only reads: "
                    "--query-type select, or a scenario with \"read_only\": true",
                    why, scenario.name, cure));
}

void check_room(postgres::Client& client, metrics::ServerInfo& server, std::uint32_t connections) {
    if (!server.free_connections) return;
    wait_for_room(client, server, connections);
    if (*server.free_connections >= connections) return;
    const std::string fewer =
        *server.free_connections == 0 ? "" : fmt::format("ask for at most {}, or ", *server.free_connections);
    throw base::Error(
        fmt::format("--connections: the server has {} free (of {}) and {} are asked for; {}raise "
                    "max_connections, or the limit of the database or of the role",
                    base::counted(*server.free_connections, "connection", "connections"),
                    base::with_thousands(static_cast<std::uint64_t>(server.max_connections)),
                    base::with_thousands(std::uint64_t{connections}), fewer));
}

std::uint32_t room_for_up_to(postgres::Client& client, metrics::ServerInfo& server, std::uint32_t wanted) {
    if (!server.free_connections) return wanted;
    check_room(client, server, 1);
    const auto until = base::mono_now() + kRoomPatience;
    for (std::uint64_t before = 0; *server.free_connections > before && base::mono_now() < until;) {
        if (fair_share(*server.free_connections) >= wanted) return wanted;
        before = *server.free_connections;
        base::nap(kRoomPause);
        if (base::held_back_signal() != 0) break;
        read_room(client.row(kServer, {}, ServerColumns::count), server);
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, fair_share(*server.free_connections)));
}

workload::Workload bind_workload(postgres::Client& client, const workload::Scenario& scenario,
                                 workload::KeyDistribution distribution, std::uint64_t seed,
                                 std::uint64_t run_entropy) {
    workload::ReturnedColumns columns;
    for (const auto& operation : scenario.operations) check_statements(client, operation, columns);
    const auto queries = workload::Workload::data_queries(scenario);
    const auto ask_reading = [&](const std::string& sql) {
        client.begin_reading();
        auto rows = client.query(sql);
        client.execute("ROLLBACK");
        return rows;
    };
    const auto ask = [&](const workload::DataQuery& query) {
        // Values are picked with a query of the scenario's own, which is to read: each in a transaction of
        // its own, which the one before cannot have ended.
        if (!query.range) return ask_reading(query.sql);
        try {
            return client.query(query.sql);
        } catch (const postgres::SqlError& error) {
            // A pooler may allow no transaction, so there is none where none is needed: to take its time.
            if (error.state() != base::kQueryCanceled) throw;
        }
        return ask_reading(query.sql);
    };
    std::vector<workload::DataRows> answers;
    for (const auto& query : queries) {
        try {
            answers.push_back(ask(query));
        } catch (const postgres::SqlError& error) {
            throw base::Error(
                fmt::format("cannot read the {}: {}{}", query.purpose, error.what(),
                            query.range && error.state() == kUndefinedFunction
                                ? "\nA key needs a column of integers; \"pick\" takes the values of any"
                                : cure_for(error, query.sql, client.database())));
        }
    }
    return {scenario, answers, distribution, seed, run_entropy, columns};
}

metrics::Histogram measure_round_trips(postgres::Client& client) {
    metrics::Histogram trips;
    for (int i = 0; i < kWarmupRoundTrips; ++i) (void)client.round_trip();
    const auto start = base::mono_now();
    for (int i = 0; i < kRoundTrips && base::mono_now() - start < kRoundTripBudget; ++i)
        trips.record(client.round_trip());
    return trips;
}

}  // namespace pgtraffic::simulation
