#include "pgtraffic/simulation/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/workload/intent.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"
#include "pgtraffic/workload/statement_kind.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kCodesAtOnce = 1000;
constexpr base::Nanos kConnectLimit = std::chrono::seconds{10};
constexpr base::Nanos kPatience = std::chrono::seconds{10};  // with what the server still does for us

/// Our sessions at the server that are still at work: a commit may be under way there.
constexpr const char* kStillAtWork =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND application_name = current_setting('application_name') AND state <> 'idle'";

std::uint64_t count_in(const std::optional<std::string>& answer) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(postgres::whole_number(answer), 0));
}

std::uint64_t count_rows(postgres::Client& client, const std::string& table) {
    try {
        return count_in(client.value(fmt::format("SELECT count(*) FROM {}", table)));
    } catch (const postgres::SqlError& error) {
        throw base::Error(fmt::format("--audit: cannot count the rows of {}: {}", table, error.what()));
    }
}

/// Of a table's name as it was written: without schema and quotes, in lower case.
std::string bare_name(std::string_view written) {
    if (written.ends_with('"')) written.remove_suffix(1);
    return base::lower_case(written.substr(written.find_last_of(".\"") + 1));
}

/// Whether the name stands there as a whole, in quotes or without, behind whatever schema.
bool names(std::string_view sql, std::string_view name) {
    for (auto at = sql.find(name); at != std::string_view::npos; at = sql.find(name, at + 1)) {
        const auto end = at + name.size();
        const bool begins = at == 0 || !workload::is_word_part(sql[at - 1]);
        if (begins && (end == sql.size() || !workload::is_word_part(sql[end]))) return true;
    }
    return false;
}

/// A table with its partitions, what inherits from it, and what it is a part of.
struct Kin {
    std::vector<std::string> names;     // as bare_name()
    std::vector<std::string> removers;  // likewise, of tables a deletion from which deletes from it
    std::vector<std::string> oids;
    bool is_part = false;  // of another table
};

/// By which other names its rows can be reached: views of it, and of views; and the tables that it refers to
/// with ON DELETE CASCADE, and so on.
void add_ways_in(postgres::Client& client, const std::string& table, Kin& kin) {
    for (const auto& row :
         client.query("WITH RECURSIVE way AS (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS kin, "
                      "false AS cascades "
                      "UNION SELECT step.kin, way.cascades OR step.cascades FROM way, LATERAL ("
                      "SELECT ev_class AS kin, false AS cascades FROM pg_catalog.pg_depend "
                      "JOIN pg_catalog.pg_rewrite ON pg_rewrite.oid = objid WHERE refobjid = way.kin "
                      "AND refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
                      "AND classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass UNION ALL "
                      "SELECT confrelid, true FROM pg_catalog.pg_constraint "
                      "WHERE conrelid = way.kin AND contype = 'f' AND confdeltype = 'c') AS step) "
                      "SELECT relname, cascades FROM way JOIN pg_catalog.pg_class ON pg_class.oid = kin",
                      {table}, 2)) {
        auto& names = row[1] == "t" ? kin.removers : kin.names;
        names.push_back(base::lower_case(row[0].value_or("")));
    }
}

/// The name of the table; those of its partitions and of what inherits from it, whose rows are counted with
/// its own; and of what it is a part of, through which its rows can be reached. As bare_name().
Kin kin_of(postgres::Client& client, const std::string& table) {
    Kin result{{bare_name(table)}, {}, {}, false};
    for (const auto& row : client.query(
             "WITH RECURSIVE parts AS (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS kin UNION "
             "SELECT inhrelid FROM pg_catalog.pg_inherits JOIN parts ON inhparent = kin), "
             "wholes AS (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS kin UNION "
             "SELECT inhparent FROM pg_catalog.pg_inherits JOIN wholes ON inhrelid = kin) "
             "SELECT relname, oid, oid IN (SELECT kin FROM wholes) AND oid <> pg_catalog.to_regclass($1) "
             "FROM pg_catalog.pg_class WHERE oid IN (SELECT kin FROM parts UNION SELECT kin FROM wholes)",
             {table}, 3)) {
        result.names.push_back(base::lower_case(row[0].value_or("")));
        result.oids.push_back(row[1].value_or(""));
        result.is_part = result.is_part || row[2] == "t";
    }
    add_ways_in(client, table, result);
    return result;
}

/// How many rows the table has: DO and CALL may do anything, and an update of the whole may move rows out of
/// a part.
bool may_change_rows(const std::string& sql, const Kin& kin) {
    const auto words = workload::sql_words(sql);
    if (words.empty()) return false;
    if (words.front() == "do" || words.front() == "call") return true;
    const auto removes = [](const std::string& word) { return word == "delete" || word == "truncate"; };
    const bool deletes = std::ranges::any_of(words, removes);
    const bool changes = deletes || workload::inserts_in(sql) > 0 ||
                         (kin.is_part && std::ranges::find(words, "update") != words.end());
    const auto lower = base::lower_case(sql);
    const auto named = [&](const std::string& name) { return names(lower, name); };
    return (changes && std::ranges::any_of(kin.names, named)) ||
           (deletes && std::ranges::any_of(kin.removers, named));
}

/// Of two audited tables one may not be a part of the other: rows of one would stand for losses of the other.
void refuse_kin(postgres::Client& client, const std::vector<metrics::AuditResult>& tables, std::size_t table,
                const Kin& kin) {
    for (std::size_t other = 0; other < tables.size(); ++other) {
        if (other == table) continue;
        const auto oid =
            client.value("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {tables[other].table});
        if (!oid || std::ranges::find(kin.oids, *oid) == kin.oids.end()) continue;
        throw base::Error(fmt::format(
            "--audit: {} and {} are parts of one table, and rows of one would stand for losses of "
            "the other; audit a workload that inserts into one of them",
            tables[table].table, tables[other].table));
    }
}

std::string array_literal(const std::vector<std::string>& values, std::size_t from, std::size_t to) {
    std::string text = "{";
    for (std::size_t i = from; i < to; ++i) {
        text += i == from ? "\"" : ",\"";
        for (const char c : values[i]) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + "}";
}

void wait_for_the_server(postgres::Client& client) {
    const auto deadline = base::mono_now() + kPatience;
    while (client.value(kStillAtWork) != "0" && base::mono_now() < deadline)
        base::nap(std::chrono::milliseconds{50});
}

}  // namespace

AuditLog::AuditLog(const workload::Workload& workload, postgres::Client& client)
    : workload_{&workload}, by_statement_(workload.statement_count(), kNone) {
    const auto& operations = workload.operations();
    for (std::uint32_t o = 0; o < operations.size(); ++o) {
        const auto statements = static_cast<std::uint32_t>(operations[o].statements.size());
        if (!operations[o].steps.empty()) {
            throw base::Error(fmt::format(
                "--audit: conditions (\"if\") decide what the operation \"{}\" sends, and so which rows "
                "there should be; audit a workload without them",
                operations[o].name));
        }
        if (operations[o].choose_one) {
            for (std::uint32_t s = 0; s < statements; ++s) add(o, s, s);
        } else {
            add(o, 0, statements - 1);
        }
    }
    if (inserts_.empty()) {
        throw base::Error(
            "--audit: no operation of the workload places rows that can be found again: it needs INSERT INTO "
            "table (columns) VALUES (...) of one row with a \"code\" among its values, as --query-type "
            "insert has it");
    }
    join_spellings(client);
    refuse_untold_rows(client);
    client.begin_reading();
    for (auto& table : tables_) table.rows_before = count_rows(client, table.table);
    client.execute("ROLLBACK");
}

/// "orders", "ORDERS" and "public.orders" may be one table, whose rows are counted once.
void AuditLog::join_spellings(postgres::Client& client) {
    std::vector<std::string> oids;  // of tables_; empty where the server knows no such table
    for (std::size_t t = 0; t < tables_.size();) {
        const auto oid =
            client.value("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {tables_[t].table});
        const auto known = oid ? std::ranges::find(oids, *oid) : oids.end();
        if (known == oids.end()) {
            oids.push_back(oid.value_or(""));
            ++t;
            continue;
        }
        const auto same = static_cast<std::size_t>(known - oids.begin());
        for (auto& insert : inserts_) {
            if (insert.table == t) insert.table = same;
            if (insert.table > t) --insert.table;
        }
        tables_.erase(tables_.begin() + static_cast<std::ptrdiff_t>(t));
    }
}

/// Of what else adds rows to its tables, or takes some away, nobody knows how many they should be.
void AuditLog::refuse_untold_rows(postgres::Client& client) const {
    for (std::size_t t = 0; t < tables_.size(); ++t) {
        const auto kin = kin_of(client, tables_[t].table);
        refuse_kin(client, tables_, t, kin);
        for (std::uint32_t number = 0; number < workload_->statement_count(); ++number) {
            const bool audited = std::ranges::find(inserts_, number, &Insert::number) != inserts_.end();
            const auto& statement = workload_->statement(number);
            if (audited || !may_change_rows(statement.sql, kin)) continue;
            throw base::Error(
                fmt::format("--audit: the statement \"{}\" adds rows to {}, or deletes some, that cannot be "
                            "accounted for; audit a workload without it",
                            statement.name, tables_[t].table));
        }
    }
}

void AuditLog::add(std::uint32_t operation, std::uint32_t first, std::uint32_t last) {
    std::optional<Insert> found;
    std::uint32_t doubtful = 0;
    for (std::uint32_t s = first; s <= last; ++s) {
        const auto number = workload_->statement_number(operation, s);
        if (workload_->leaves_doubt(number)) ++doubtful;
        // Whether the row was among what it undoes, nobody can tell.
        if (workload::rolls_back_to_savepoint(workload_->statement(number).sql)) return;
        const auto where = workload::code_insert(workload_->statement(number));
        if (!where) continue;
        if (found) return;  // two in one operation
        found = Insert{0, number, *where};
    }
    const auto end = workload_->statement_number(operation, last);
    if (!found || doubtful != 1 || !workload_->leaves_doubt(end)) return;
    const auto known = std::find_if(tables_.begin(), tables_.end(),
                                    [&](const auto& table) { return table.table == found->where.table; });
    found->table = static_cast<std::size_t>(known - tables_.begin());
    if (known == tables_.end()) {
        metrics::AuditResult table;
        table.table = found->where.table;
        table.column = found->where.column;
        tables_.push_back(std::move(table));
    }
    by_statement_[end] = static_cast<std::uint32_t>(inserts_.size());
    inserts_.push_back(std::move(*found));
}

std::optional<std::uint32_t> AuditLog::insert_of(std::uint32_t operation,
                                                 std::uint32_t statement) const noexcept {
    const auto insert = by_statement_[workload_->statement_number(operation, statement)];
    return insert == kNone ? std::nullopt : std::optional{insert};
}

void AuditLog::ended(const metrics::Completion& completion, std::uint64_t arrival, std::uint32_t attempt) {
    if (completion.in_doubt) return unfinished(completion, arrival, attempt);
    if (completion.outcome != metrics::Outcome::ok) return;
    if (const auto insert = insert_of(completion.operation, completion.statement))
        ++tables_[inserts_[*insert].table].acknowledged;
}

void AuditLog::unfinished(const metrics::Completion& so_far, std::uint64_t arrival, std::uint32_t attempt) {
    const auto insert = insert_of(so_far.operation, so_far.statement);
    if (!insert) return;
    auto& table = tables_[inserts_[*insert].table];
    ++table.in_doubt;
    if (in_doubt_.size() < kMaxInDoubt) {
        in_doubt_.push_back({arrival, *insert, attempt});
    } else {
        ++table.unchecked;
    }
}

std::string AuditLog::code_of(const InDoubt& doubt) const {
    const auto& insert = inserts_[doubt.insert];
    return workload_->values(insert.number, doubt.arrival, doubt.attempt)[insert.where.parameter];
}

void AuditLog::count_codes(postgres::Client& client, const std::string& table, const std::string& column,
                           const std::vector<std::string>& codes, metrics::AuditResult& result) {
    // The array has no type but the column's, whatever that is: so an index serves, and numbers are compared
    // as numbers. The column with its table's name: a bare one could be another's.
    const std::string sql = fmt::format(
        "SELECT count(*), count(*) FILTER (WHERE n > 1) FROM (SELECT count(*) AS n FROM {0} AS "
        "pgtraffic_rows "
        "WHERE pgtraffic_rows.{1} = ANY ($1) GROUP BY pgtraffic_rows.{1}) AS found",
        table, column);
    for (std::size_t from = 0; from < codes.size(); from += kCodesAtOnce) {
        const auto to = std::min(from + kCodesAtOnce, codes.size());
        const auto row = client.row(sql, {array_literal(codes, from, to)}, 2);
        const auto stored = count_in(row[0]);
        result.stored += stored;
        result.not_stored += to - from - std::min<std::uint64_t>(stored, to - from);
        result.twice += count_in(row[1]);
    }
}

std::vector<metrics::AuditResult> AuditLog::check(const postgres::Conninfo& conninfo,
                                                  base::Nanos patience) const {
    postgres::Client client{conninfo, kConnectLimit, patience};
    wait_for_the_server(client);
    client.begin_reading();
    auto results = tables_;
    for (std::size_t t = 0; t < results.size(); ++t) {
        std::map<std::string, std::vector<std::string>> codes;  // by column
        for (const auto& doubt : in_doubt_) {
            const auto& insert = inserts_[doubt.insert];
            if (insert.table == t) codes[insert.where.column].push_back(code_of(doubt));
        }
        for (const auto& [column, of_column] : codes)
            count_codes(client, results[t].table, column, of_column, results[t]);
        results[t].rows_after = count_rows(client, results[t].table);
    }
    return results;
}

}  // namespace pgtraffic::simulation
