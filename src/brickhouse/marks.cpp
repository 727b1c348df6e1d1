// The one decision: which tables a statement writes is asked of the server, which locks them when it parses.
// Reading it off the SQL would mean to know views, search paths and rules.
#include "pgtraffic/brickhouse/marks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/schema.hpp"
#include "pgtraffic/brickhouse/transaction.hpp"

namespace pgtraffic::brickhouse {
namespace {

constexpr base::SqlState kUndefinedColumn{{'4', '2', '7', '0', '3'}};

/// Relations locked by this transaction for writing, or for locking their rows, and whether init made them.
std::string locked_sql() {
    return fmt::format(
        "SELECT c.oid::pg_catalog.regclass::text, c.relkind IN ('r', 'p') AND "
        "starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), '{}') "
        "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation "
        "WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.mode <> "
        "'AccessShareLock' AND c.relkind NOT IN ('i', 'I') ORDER BY 1",
        kMark);
}

/// None where it cannot be parsed: it may refer to what a statement in front of it makes.
std::vector<postgres::Row> locked_by(postgres::Client& client, const std::string& statement) {
    try {
        (void)client.describe(statement);
    } catch (const postgres::SqlError&) {
        return {};
    }
    return client.query(locked_sql(), {}, 2);
}

}  // namespace

ForeignTargets foreign_targets(postgres::Client& client, const std::vector<std::string>& statements) {
    ForeignTargets found;
    for (const auto& statement : statements) {
        const Transaction transaction{client};
        const auto rows = locked_by(client, statement);
        found.unknown = found.unknown || rows.empty();
        for (const auto& row : rows) {
            auto name = row[0].value_or("");
            if (row[1] == "t" ||
                std::find(found.tables.begin(), found.tables.end(), name) != found.tables.end()) {
                continue;
            }
            found.tables.push_back(std::move(name));
        }
    }
    return found;
}

bool is_run_id(std::string_view text) noexcept {
    return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
               return base::is_digit(c) || (c >= 'a' && c <= 'f');
           });
}

std::uint64_t remove_orders_of_run(postgres::Client& client, const std::string& run_id) {
    Transaction transaction{client};
    std::uint64_t removed = 0;
    try {
        const auto count = client.value(
            "WITH gone AS (DELETE FROM orders WHERE notes = $1 RETURNING 1) SELECT count(*) FROM gone",
            {fmt::format("{}{}", kRunNote, run_id)});
        removed = base::parse_count(count.value_or("0")).value_or(0);
    } catch (const postgres::SqlError& error) {
        if (error.state() == base::kUndefinedTable || error.state() == kUndefinedColumn) {
            throw base::Error(fmt::format("database \"{}\" has no orders of pgtraffic's runs: {}",
                                          client.database(), error.what()));
        }
        throw base::Error(fmt::format("cannot remove the orders of run {}: {}\nNothing was changed.", run_id,
                                      error.what()));
    }
    transaction.commit("run it again, which says how many orders are left");
    return removed;
}

}  // namespace pgtraffic::brickhouse
