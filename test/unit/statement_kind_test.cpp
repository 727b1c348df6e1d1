// What a statement may leave behind, whether an insert can be found again, and what a refused connection
// says.
#include "pgtraffic/workload/statement_kind.hpp"

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/workload/code_insert.hpp"
#include "pgtraffic/workload/workload.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using workload::kind_of;
using workload::StatementKind;

namespace {

workload::Workload workload_of(const std::string& operation) {
    const auto text = R"({"name": "w", "operations": [{"name": "o", )" + operation + "}]}";
    const auto document = base::parse_json(text, "w");
    const auto scenario = workload::parse_scenario({document, "w"});
    return {scenario, {}, workload::KeyDistribution::uniform, 7, 0};
}

std::vector<bool> doubts(const std::vector<std::string>& statements, const std::string& more = "") {
    std::string list;
    for (const auto& sql : statements) list += (list.empty() ? "" : ", ") + (R"({"sql": ")" + sql + "\"}");
    const auto workload = workload_of(more + R"("statements": [)" + list + "]");
    std::vector<bool> found;
    for (std::uint32_t i = 0; i < workload.statement_count(); ++i) found.push_back(workload.leaves_doubt(i));
    return found;
}

std::optional<workload::CodeInsert> insert_of(const std::string& sql) {
    workload::Statement statement;
    statement.sql = sql;
    statement.arguments = {{workload::ConstantParameter{"x"}, std::nullopt, ""},
                           {workload::CodeParameter{"ORD", 9, 5}, std::nullopt, ""}};
    return workload::code_insert(statement);
}

}  // namespace

TEST_CASE("the kind of a statement: what is not known to be harmless writes") {
    for (const char* sql :
         {"SELECT 1", "  -- why\n/* a /* b */ */ select 1", "(SELECT 1) UNION (SELECT 2)", "VALUES (1)",
          "TABLE orders", "SHOW all", "EXPLAIN SELECT 1", "SET a = 1", "SAVEPOINT a", "ROLLBACK TO a",
          "ROLLBACK WORK TO SAVEPOINT a", "PREPARE x AS SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a"})
        CHECK(kind_of(sql) == StatementKind::reads);
    for (const char* sql :
         {"INSERT INTO t VALUES (1)", "update t SET a = 1", "DELETE FROM t", "MERGE INTO t", "TRUNCATE t",
          "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone", "CALL place()", "DO $$ $$",
          "EXPLAIN ANALYZE DELETE FROM t", "explain analyse delete from t", "SELECT 1 AS a INTO t",
          "EXPLAIN (ANALYZE) DELETE FROM t", "COMMIT PREPARED 'a'"})
        CHECK(kind_of(sql) == StatementKind::writes);
    CHECK(kind_of("BEGIN ISOLATION LEVEL SERIALIZABLE") == StatementKind::begins);
    CHECK(kind_of("start transaction") == StatementKind::begins);
    CHECK(kind_of("COMMIT") == StatementKind::commits);
    CHECK(kind_of("end;") == StatementKind::commits);
    CHECK(kind_of("PREPARE TRANSACTION 'a'") == StatementKind::commits);
    CHECK(kind_of("ROLLBACK") == StatementKind::rolls_back);
    CHECK(kind_of("abort work") == StatementKind::rolls_back);
}

TEST_CASE("a lost answer leaves a doubt where something may have become permanent") {
    using Doubts = std::vector<bool>;
    CHECK(doubts({"SELECT 1"}) == Doubts{false});
    CHECK(doubts({"INSERT INTO t VALUES (1)", "SELECT 1"}) == Doubts{true, false});
    CHECK(doubts({"BEGIN", "DELETE FROM t", "SELECT 1", "COMMIT"}) == Doubts{false, false, false, true});
    CHECK(doubts({"BEGIN", "SELECT 1", "COMMIT AND CHAIN", "DELETE FROM t", "COMMIT AND NO CHAIN"}) ==
          Doubts{false, false, false, false, true});
    CHECK(doubts({"BEGIN", "DELETE FROM t", "ROLLBACK AND CHAIN", "SELECT 1", "COMMIT"}) ==
          Doubts{false, false, false, false, false});
    CHECK(doubts({"BEGIN", "SELECT 1", "COMMIT"}) == Doubts{false, false, false});
    CHECK(doubts({"BEGIN", "DELETE FROM t", "ROLLBACK", "DELETE FROM t"}) ==
          Doubts{false, false, false, true});
    CHECK(doubts({"UPDATE t SET a = 1", "SELECT 1"}, R"("choose": "one", )") == Doubts{true, false});
}

TEST_CASE("an insert of one row with a code can be found again, anything else cannot") {
    const auto found =
        insert_of("INSERT INTO shop.orders (note, made, number) VALUES ($1, now(), $2) RETURNING id");
    REQUIRE(found);
    CHECK(found->table == "shop.orders");
    CHECK(found->column == "number");
    CHECK(found->parameter == 1);
    CHECK(insert_of("insert into orders(number)values($2::text)")->column == "number");
    CHECK(insert_of("insert into orders(number) values ($2::numeric(9, 0)[])")->column == "number");
    CHECK_FALSE(insert_of("INSERT INTO o (n) VALUES ($2::text || '-v2')"));
    CHECK(insert_of("INSERT INTO o (a, n) VALUES (coalesce($1, 'a,(b'), $2)")->column == "n");
    CHECK(insert_of("INSERT INTO o (a, n) VALUES ($$,)$$ /* ) , */, $2)")->column == "n");
    for (const char* sql :
         {"INSERT INTO o VALUES ($2)", "INSERT INTO o (n) VALUES ($2), ($1)", "INSERT INTO o (n) SELECT $2",
          "INSERT INTO o (n) VALUES ($2) ON CONFLICT DO NOTHING", "INSERT INTO o (n) VALUES (upper($2))",
          "INSERT INTO o (n) VALUES ($1)", "INSERT INTO o (n, m) VALUES ($2)", "INSERT INTO o (n",
          "SELECT $2", "INSERT INTO o AS x (n) VALUES ($2)"})
        CHECK_FALSE(insert_of(sql));
}

TEST_CASE("the pause before a retry doubles, is capped, varies, and comes from the seed") {
    const auto workload = workload_of(
        R"("statements": [{"sql": "SELECT 1"}], "retry": {"on": ["40001"], "max": 100, "backoff_ms": [4, 100]})");
    double longest = 4;
    for (std::uint32_t attempt = 1; attempt <= 100; ++attempt) {
        double least = 1e9;
        double most = 0;
        for (std::uint64_t k = 0; k < 200; ++k) {
            const auto pause = workload.retry_pause(0, k, attempt);
            CHECK(pause == workload.retry_pause(0, k, attempt));
            least = std::min(least, base::to_millis(pause));
            most = std::max(most, base::to_millis(pause));
        }
        CHECK(least >= longest / 2);
        CHECK(least < longest * 0.55);
        CHECK(most <= longest);
        CHECK(most > longest * 0.95);
        longest = std::min(2 * longest, 100.0);
    }
    const auto at_once =
        workload_of(R"("statements": [{"sql": "SELECT 1"}], "retry": {"on": ["40001"], "max": 1})");
    CHECK(at_once.retry_pause(0, 1, 1).count() == 0);
    for (const char* wrong : {"[1]", "[2, 1]", "[-1, 1]", "[1, 2, 3]", "5", "[1, 1e9]", "[\"1\", 2]"}) {
        INFO(wrong);
        CHECK_THROWS_AS(
            workload_of(R"("statements": [{"sql": "SELECT 1"}], "retry": {"on": ["40001"], "max": 1, )"
                        R"("backoff_ms": )" +
                        std::string{wrong} + "}"),
            base::Error);
    }
}

TEST_CASE("the SQLSTATE of a refused connection is read off the message, and the rest of it kept") {
    const auto refused = postgres::read_refusal(
        "connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: FATAL:  53300: sorry, too many "
        "clients "
        "already\nLOCATION:  InitProcess, proc.c:359\n");
    CHECK(refused.sqlstate.text() == "53300");
    CHECK(refused.message ==
          "connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: FATAL:  sorry, too many clients "
          "already\n");
    const auto unheard =
        postgres::read_refusal("connection to server at \"a:  b\" failed: Connection refused\n");
    CHECK(unheard.sqlstate == base::kCannotConnect);
    CHECK(unheard.message == "connection to server at \"a:  b\" failed: Connection refused\n");
    CHECK(postgres::read_refusal("").sqlstate == base::kCannotConnect);
}
