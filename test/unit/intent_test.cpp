// Which statements only read, and how many rows the others insert, told by their text alone.
#include "pgtraffic/workload/intent.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using workload::only_reads;

namespace {

workload::Operation operation(const std::vector<std::string>& statements, bool choose_one = false) {
    workload::Operation result;
    result.name = "o";
    result.choose_one = choose_one;
    for (const auto& sql : statements) result.statements.push_back({"s", sql, {}, 1});
    return result;
}

}  // namespace

TEST_CASE("a query only reads unless a word in it could write") {
    for (const char* sql :
         {"SELECT 1", "  /* x */ select * from orders", "VALUES (1)", "TABLE orders", "SHOW work_mem",
          "BEGIN", "COMMIT", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "RELEASE a", "ABORT",
          "(SELECT 1) UNION (SELECT 2)", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 'insert into'",
          "SELECT updated_at, last_update FROM t -- delete"}) {
        CAPTURE(sql);
        CHECK(only_reads(std::string_view{sql}));
    }
    for (const char* sql : {"INSERT INTO t VALUES (1)",
                            "update t set a=1",
                            "DELETE FROM t",
                            "TRUNCATE t",
                            "CREATE TABLE t ()",
                            "CALL p()",
                            "DO $$ BEGIN END $$",
                            "SELECT * INTO t2 FROM t",
                            "SELECT * FROM t FOR UPDATE",
                            "SELECT * FROM t FOR KEY SHARE",
                            "SELECT nextval('s')",
                            "BEGIN READ WRITE",
                            "VACUUM",
                            "WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone",
                            "EXPLAIN ANALYZE DELETE FROM t",
                            "LOCK t",
                            "COMMIT PREPARED 'tx'",
                            "rollback prepared 'tx'",
                            "NOTIFY c",
                            "",
                            ";",
                            "'select'"}) {
        CAPTURE(sql);
        CHECK_FALSE(only_reads(std::string_view{sql}));
    }
}

TEST_CASE("a statement surely writes only where nothing else can be meant") {
    for (const char* sql :
         {"INSERT INTO t VALUES (1)", "update t set a=1", "DELETE FROM t", "TRUNCATE t", "CREATE TABLE t ()",
          "MERGE INTO t USING u ON true WHEN NOT MATCHED THEN DO NOTHING", "SELECT * INTO t2 FROM t",
          "SELECT nextval('s')", "WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone"}) {
        CAPTURE(sql);
        CHECK(workload::surely_writes(std::string_view{sql}));
    }
    for (const char* sql :
         {"SELECT 1", "BEGIN", "BEGIN READ WRITE", "SET LOCAL work_mem = '64MB'", "EXPLAIN SELECT 1",
          "DECLARE c CURSOR FOR SELECT 1", "FETCH 10 FROM c", "CALL p()", "LOCK TABLE t IN ACCESS SHARE MODE",
          "SELECT share FROM t", "SELECT 'insert'", ""}) {
        CAPTURE(sql);
        CHECK_FALSE(workload::surely_writes(std::string_view{sql}));
    }
    auto mixed = workload::built_in_scenario("mixed");
    CHECK(workload::surely_writes(mixed));
    CHECK_FALSE(workload::asks_to_write(mixed));
    mixed.read_only = true;
    CHECK_FALSE(workload::surely_writes(mixed));
    auto select = workload::built_in_scenario("select");
    CHECK_FALSE(workload::surely_writes(select));
    select.read_only = false;
    CHECK(workload::surely_writes(select));
    for (const char* sql : {"BEGIN READ WRITE", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
                            "SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off",
                            "SET LOCAL transaction_read_only TO off"}) {
        CAPTURE(sql);
        select.operations[0].statements[0].sql = sql;
        CHECK(workload::asks_to_write(select));
    }
}

TEST_CASE("what adds rows of which its answer does not tell") {
    for (const char* sql :
         {"DO $$ BEGIN END $$", "CALL p()", "EXECUTE q", "CREATE TABLE t AS SELECT 1", "SELECT 1 AS x INTO t",
          "WITH i AS (INSERT INTO t SELECT 1 RETURNING 1) SELECT count(*) FROM i",
          "WITH i AS (INSERT INTO t SELECT 1 RETURNING 1) INSERT INTO u SELECT * FROM i",
          "EXPLAIN ANALYZE INSERT INTO t VALUES (1)"}) {
        CAPTURE(sql);
        CHECK(workload::adds_untold_rows(sql));
    }
    for (const char* sql :
         {"INSERT INTO t SELECT 1", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
          "WITH a (b) AS (VALUES (1)), c AS (SELECT (2)) MERGE INTO t USING a ON true WHEN NOT MATCHED THEN "
          "DO "
          "NOTHING",
          "UPDATE t SET a = 1", "DELETE FROM t", "SELECT 1", "CREATE TEMP TABLE t (i int)", "BEGIN", ""}) {
        CAPTURE(sql);
        CHECK_FALSE(workload::adds_untold_rows(sql));
    }
}

TEST_CASE("who lifts the guard of a reading session is not taken for a reader") {
    const auto scenario = [](const std::string& sql) { return workload::scenario_of_statement(sql); };
    CHECK(only_reads(scenario("SELECT look()")));
    for (const char* sql : {"SELECT set_config('default_transaction_read_only', 'off', false)",
                            "BEGIN READ WRITE", "START TRANSACTION READ WRITE"}) {
        CAPTURE(sql);
        CHECK_FALSE(only_reads(scenario(sql)));
    }
    CHECK(workload::calls_set_config(scenario("SELECT Set_Config('search_path', 'tenant', true)")));
    CHECK_FALSE(workload::calls_set_config(scenario("SELECT 'set_config'")));
}

TEST_CASE("what may make or choose the names of later statements") {
    for (const char* sql :
         {"CREATE TEMP TABLE t AS SELECT 1", "alter table t rename to u", "DO $$ BEGIN END $$", "CALL p()",
          "SET search_path = app", "SELECT 1 AS x INTO t", "WITH a AS (SELECT 1) SELECT * INTO t FROM a"}) {
        CAPTURE(sql);
        CHECK(workload::may_define(sql));
    }
    for (const char* sql : {"SELECT 'create'", "INSERT INTO t SELECT 1",
                            "MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING",
                            "MERGE INTO t USING (SELECT $1::int AS k) s ON t.k = s.k WHEN NOT MATCHED THEN "
                            "INSERT (k) VALUES (s.k)",
                            "UPDATE t SET a = 1", "BEGIN", ""}) {
        CAPTURE(sql);
        CHECK_FALSE(workload::may_define(sql));
    }
}

TEST_CASE("of the built-in scenarios only select reads only; an author's word stands above the guess") {
    CHECK(only_reads(workload::built_in_scenario("select")));
    for (const auto* name : {"insert", "update", "mixed"}) {
        CAPTURE(name);
        CHECK_FALSE(only_reads(workload::built_in_scenario(name)));
    }
    auto mixed = workload::built_in_scenario("mixed");
    workload::apply_mix(mixed, "select=1");
    workload::drop_weightless(mixed);
    CHECK(only_reads(mixed));
    mixed.read_only = false;
    CHECK_FALSE(only_reads(mixed));
    auto insert = workload::built_in_scenario("insert");
    insert.read_only = true;
    CHECK(only_reads(insert));
}

TEST_CASE("an operation adds as many rows as it has inserts, the most of any where it chooses one") {
    const std::vector<std::string> statements{
        "BEGIN", "INSERT INTO t VALUES (1)",
        "WITH a AS (INSERT INTO t VALUES (1) RETURNING 1) INSERT INTO u SELECT * FROM a",
        "UPDATE t SET note = 'insert'", "MERGE INTO t USING u ON true WHEN NOT MATCHED THEN DO NOTHING"};
    CHECK(workload::inserts_of(operation(statements)) == 4);
    CHECK(workload::inserts_of(operation(statements, true)) == 2);
    CHECK(workload::inserts_of(operation({"SELECT 1"})) == 0);
    CHECK(workload::inserts_of(operation(
              {"MERGE INTO t USING u ON t.k = u.k WHEN NOT MATCHED THEN INSERT VALUES (u.k)"})) == 1);
}
