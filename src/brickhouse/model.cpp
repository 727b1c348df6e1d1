// init and cleanup: each looks first, in the transaction in which it then acts, and a look that finds
// something foreign ends it before anything has changed. What is ours says the comment on a table, nothing
// else; dropping never cascades.
#include "pgtraffic/brickhouse/model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pgtraffic/base/double_quoted.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/brickhouse/data.hpp"
#include "pgtraffic/brickhouse/schema.hpp"
#include "pgtraffic/brickhouse/transaction.hpp"

namespace pgtraffic::brickhouse {
namespace {

constexpr base::SqlState kDependents{{'2', 'B', 'P', '0', '1'}};  // dependent_objects_still_exist

struct Found {
    std::string schema;  ///< where init would create
    std::vector<std::string> marked;
    std::vector<std::string> foreign;

    [[nodiscard]] std::vector<std::string> all() const {
        std::vector<std::string> result = marked;
        result.insert(result.end(), foreign.begin(), foreign.end());
        return result;
    }
};

std::string list(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

/// What has one of the five names (a view or sequence counts) in the schema where init would create.
Found look(postgres::Client& client) {
    const auto schema = client.value("SELECT current_schema()");
    if (!schema) {
        throw base::Error(
            "no schema to create tables in: the search path of this user names none that exists; set it "
            "(ALTER ROLE … SET search_path) or create the schema");
    }
    const auto rows =
        client.query(fmt::format("SELECT c.relname, c.relkind IN ('r', 'p') AND "
                                 "starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), '{}') "
                                 "FROM pg_catalog.pg_class c "
                                 "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                                 "WHERE n.nspname = $1 AND c.relname IN ('{}') ORDER BY c.relname",
                                 kMark, fmt::join(table_names(), "', '")),
                     {*schema}, 2);
    Found found;
    found.schema = *schema;
    for (const auto& row : rows)
        (row[1] == "t" ? found.marked : found.foreign).push_back(row[0].value_or(""));
    return found;
}

/// One statement, so that keys among the tables do not matter; a key from outside does.
void drop(postgres::Client& client, const std::vector<std::string>& tables) {
    if (tables.empty()) return;
    try {
        client.execute("DROP TABLE " + list(tables));
    } catch (const postgres::SqlError& error) {
        throw base::Error(
            fmt::format("cannot drop {}: {}\nNothing was changed.{}", list(tables), error.what(),
                        error.state() == kDependents ? " Remove what depends on them first." : ""));
    }
}

void refuse_existing(const Found& found, const std::string& database) {
    if (!found.foreign.empty()) {
        throw base::Error(fmt::format(
            "database \"{}\" has tables that pgtraffic did not make: {}. Nothing was changed. Use another "
            "database, or --reset to drop them and all their rows first.",
            database, list(found.foreign)));
    }
    if (!found.marked.empty()) {
        throw base::Error(fmt::format(
            "database \"{}\" is initialised already: it has {}. Nothing was changed. Use --reset to make "
            "the tables anew, or `pgtraffic cleanup` to drop them.",
            database, list(found.marked)));
    }
}

/// Of these names what stands in schemas of the search path behind the first one.
std::vector<std::string> hidden_behind(postgres::Client& client, const std::string& schema) {
    const auto rows = client.query(
        fmt::format("SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c "
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE n.nspname = ANY (pg_catalog.current_schemas(false)) AND n.nspname <> $1 "
                    "AND c.relname IN ('{}') ORDER BY 1",
                    fmt::join(table_names(), "', '")),
        {schema}, 1);
    std::vector<std::string> hidden;
    for (const auto& row : rows) hidden.push_back(row[0].value_or(""));
    return hidden;
}

void create_tables(postgres::Client& client, const std::string& schema) {
    constexpr base::SqlState kNoRight{{'4', '2', '5', '0', '1'}};
    try {
        client.execute(std::string{tables_sql()});
    } catch (const postgres::SqlError& error) {
        if (error.state() != kNoRight) throw;
        throw base::Error(fmt::format(
            "cannot create tables in database \"{0}\": {1}\nNothing was changed. The user "
            "\"{2}\" needs the right to (GRANT CREATE ON SCHEMA {3} TO {4}{5}), or a schema of its own that "
            "comes first in its search_path.",
            client.database(), error.what(), client.user(), base::double_quoted(schema),
            base::double_quoted(client.user()),
            schema == "public" ? ", which PostgreSQL 15 and later give to the database's owner only" : ""));
    }
}

}  // namespace

InitSummary init(postgres::Client& client, const InitOptions& options, const Progress& progress) {
    const Volume volume = volume_of(options.scale);
    Transaction transaction{client};
    const Found found = look(client);
    if (options.reset) {
        if (!found.foreign.empty() && options.before_foreign) {
            options.before_foreign(found.foreign);
            // It may have asked somebody, who took his time.
            if (look(client).foreign != found.foreign)
                throw base::Error("other tables stand there by now; nothing was changed");
        }
        drop(client, found.all());
    } else {
        refuse_existing(found, client.database());
    }
    create_tables(client, found.schema);
    InitSummary summary = fill(client, volume, options.seed, progress);
    client.execute(std::string{keys_sql()});
    client.execute(sequences_sql());
    client.execute(marks_sql(fmt::format("(scale {}, seed {})", options.scale, options.seed)));
    client.execute("ANALYZE " + list(table_names()));
    summary.hidden = hidden_behind(client, found.schema);
    if (options.before_commit) options.before_commit();
    transaction.commit("look whether the tables are there");
    return summary;
}

std::vector<std::string> cleanup(postgres::Client& client) {
    Transaction transaction{client};
    Found found = look(client);
    if (!found.marked.empty()) {
        // Whoever holds one of them may be putting another in its place: what is locked is what is looked at.
        client.execute(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", list(found.marked)));
        found = look(client);
    }
    drop(client, found.marked);
    transaction.commit("look whether the tables are still there");
    return found.marked;
}

}  // namespace pgtraffic::brickhouse
