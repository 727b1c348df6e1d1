// Scripts of pgbench as operations: what is drawn, where it goes, and what is refused with its line.
#include "pgtraffic/workload/pgbench_script.hpp"

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using workload::ScriptVariables;
using Json = nlohmann::ordered_json;

namespace {

Json operation(const std::string& script, const ScriptVariables& variables = {{"scale", "1"}}) {
    return workload::operation_of_script(script, "my.sql", "my", variables);
}

Json values(const std::string& script, const ScriptVariables& variables = {{"scale", "1"}}) {
    return operation(script, variables)["values"];
}

/// The value of x.
Json set(const std::string& expression, const ScriptVariables& variables = {{"scale", "1"}}) {
    return values("\\set x " + expression + "\nSELECT :x;", variables)["x"];
}

std::string sql(const std::string& script) {
    return operation(script)["statements"][0]["sql"];
}

std::string refusal(const std::string& script) {
    try {
        (void)operation(script);
    } catch (const base::Error& error) {
        return error.what();
    }
    return "not refused";
}

}  // namespace

TEST_CASE("pgbench's own transaction is read whole") {
    const auto read = operation(R"(\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
)",
                                {{"scale", "10"}});
    CHECK(read["name"] == "my");
    CHECK(read["values"]["aid"] == Json::parse(R"({"integer": [1, 1000000]})"));
    CHECK(read["values"]["bid"] == Json::parse(R"({"integer": [1, 10]})"));
    CHECK(read["values"]["tid"] == Json::parse(R"({"integer": [1, 100]})"));
    CHECK(read["values"]["delta"] == Json::parse(R"({"integer": [-5000, 5000]})"));
    const auto& statements = read["statements"];
    REQUIRE(statements.size() == 7);
    CHECK(statements[0] == Json::parse(R"({"name": "BEGIN", "sql": "BEGIN"})"));
    CHECK(statements[1]["name"] == "UPDATE pgbench_accounts");
    CHECK(statements[2]["name"] == "SELECT pgbench_accounts");
    CHECK(statements[5]["name"] == "INSERT pgbench_history");
    CHECK(statements[1]["sql"] == "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2");
    CHECK(statements[1]["parameters"] == Json::parse(R"([{"value": "delta"}, {"value": "aid"}])"));
    CHECK(statements[5]["parameters"].size() == 4);
    CHECK(statements[6]["sql"] == "END");
    // And is a scenario.
    const Json scenario{{"name", "tpcb"}, {"operations", {read}}};
    CHECK(workload::parse_scenario({scenario, "my.sql"}).operations[0].statements.size() == 7);
}

TEST_CASE("expressions are computed as pgbench computes them") {
    CHECK(set("1 + 2 * 3")["constant"] == 7);
    CHECK(set("(1 + 2) * 3")["constant"] == 9);
    CHECK(set("-7 / 2")["constant"] == -3);
    CHECK(set("-7 % 2")["constant"] == -1);
    CHECK(set("- - 4 - -3")["constant"] == 7);
    CHECK(set("10 / 4.0")["constant"] == "2.5");
    CHECK(set("1e3 * 2")["constant"] == "2000");
    CHECK(set("9223372036854775807")["constant"] == 9223372036854775807);
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    CHECK(set("-9223372036854775808")["constant"] == kLeast);
    CHECK(set("- 9223372036854775808")["constant"] == kLeast);
    CHECK(set(":n", {{"n", "-9223372036854775808"}})["constant"] == kLeast);
    CHECK(set("(-9223372036854775807 - 1) % -1")["constant"] == 0);
    CHECK(set("7 / -1")["constant"] == -7);
    CHECK(set("-2 * 3 - -.5")["constant"] == "-5.5");
    CHECK(set(":scale * 5", {{"scale", "3"}})["constant"] == 15);
    CHECK(set("random(1, 10)")["integer"] == Json::parse("[1, 10]"));
    CHECK(set("RANDOM ( 2*3 , 10-1 )")["integer"] == Json::parse("[6, 9]"));
    CHECK(set("random(1, 10) + 5")["integer"] == Json::parse("[6, 15]"));
    CHECK(set("5 + random(1, 10)")["integer"] == Json::parse("[6, 15]"));
    CHECK(set("random(1, 10) - 5")["integer"] == Json::parse("[-4, 5]"));
    CHECK(set("5 - random(1, 10)")["integer"] == Json::parse("[-5, 4]"));
    CHECK(set("-random(1, 10)")["integer"] == Json::parse("[-10, -1]"));
    CHECK(set("7.0 % 4.0")["constant"] == 3);
    CHECK(set("5 % 1.5")["constant"] == 1);
    CHECK(set("random(1, 2.5)")["integer"] == Json::parse("[1, 2]"));
    CHECK(set("hash(5)") == set("hash(5, :default_seed)", {{"default_seed", "0"}}));
    CHECK(set("hash(5)", {{"default_seed", "9"}}) == set("hash(5, 9)"));
    CHECK(set("random_zipfian(1, 10, 1.1) + 5") ==
          Json::parse(R"({"integer": [6, 15], "distribution": {"zipf": 1.1}})"));
    CHECK(set("Random_Exponential(1, 10, 2)") ==
          Json::parse(R"({"integer": [1, 10], "distribution": {"exponential": 2.0}})"));
    CHECK(set("5 - random_gaussian(1, 10, 2.5)") ==
          Json::parse(R"({"integer": [-5, 4], "distribution": {"gaussian": 2.5}})"));
    CHECK(set("random(1, 4.0 / 2)")["integer"] == Json::parse("[1, 2]"));
    CHECK(set("0.1 + 0.2")["constant"] == "0.3");
    CHECK(set(":n - 1", {{"n", "007"}})["constant"] == 6);
}

TEST_CASE("what -D gives is sent as it is written, and a number only where one computes with it") {
    for (const auto* text : {"it's", "01234", "0.10", "1e3", "12345678901234567890", ""})
        CHECK(values("SELECT :v;", {{"v", text}})["v"]["constant"] == text);
}

TEST_CASE("a variable is drawn once a transaction, under each of its names") {
    const auto read = operation("\\set a random(1, 9)\n\\set b :a\n\\set a random(1, 5)\nSELECT :a, :b, :b;");
    CHECK(read["values"] == Json::parse(R"({"a": {"integer": [1, 5]}, "b": {"integer": [1, 9]}})"));
    CHECK(read["statements"][0]["parameters"] ==
          Json::parse(R"([{"value": "a"}, {"value": "b"}, {"value": "b"}])"));
    const auto same = operation("\\set a random(1, 9)\n\\set a :a\nSELECT :a;");
    CHECK(same["values"] == Json::parse(R"({"a": {"integer": [1, 9]}})"));
}

TEST_CASE("what is computed of what is drawn is a value of its own") {
    const auto made = [](const std::string& text) {
        const auto read = operation("\\set a random(1, 9)\n\\set n 3\n\\set b " + text + "\nSELECT :b, :a;");
        CHECK(read["values"]["a"] == Json::parse(R"({"integer": [1, 9]})"));
        return read["values"]["b"]["compute"].get<std::string>();
    };
    CHECK(made(":a + 1") == ":a + 1");
    CHECK(made("(:a)") == "(:a)");
    CHECK(made("-:a * :n") == "-:a * 3");
    CHECK(made("random(1, :a) + :scale") == "random(1, :a) + 1");
    CHECK(made("random(1, 5) * 2") == "random(1, 5) * 2");
    CHECK(made("5 - random_exponential(1, 5, 2)") == "5 - random_exponential(1, 5, 2)");
    CHECK(set("1 > 2")["compute"] == "false");
    CHECK(set("null")["compute"] == "null");
    CHECK(set(":v", {{"v", "on"}})["compute"] == "true");
    CHECK(set(":v", {{"v", "null"}})["compute"] == "null");
    CHECK(refusal("\\set x :scale + true") == "my.sql:1: a truth where a number is wanted");
    CHECK(set(":v * random(1, 2)", {{"v", "-2"}})["compute"] == "(-2) * random(1, 2)");
    CHECK(set(":v * random(1, 2)", {{"v", "2.0"}})["compute"] == "2.0 * random(1, 2)");
    // Of a name that is set again each has the value that it had.
    const auto again = operation("\\set x random(1, 5)\n\\set y :x * 2\n\\set x :x + :y\nSELECT :x, :y;");
    CHECK(again["values"].dump() ==
          R"({"x":{"integer":[1,5]},"y":{"compute":":x * 2"},"x.2":{"compute":":x + :y"}})");
    CHECK(again["statements"][0]["parameters"] == Json::parse(R"([{"value": "x.2"}, {"value": "y"}])"));
    const Json scenario{{"name", "s"}, {"operations", Json::array({again})}};
    CHECK(workload::parse_scenario({scenario, "my.sql"}).operations[0].values.size() == 3);
}

namespace {

/// What stands behind `\\set r random(1, 9)`, as a scenario's statements.
std::string statements(const std::string& script) {
    const auto read = operation("\\set r random(1, 9)\n" + script);
    const Json scenario{{"name", "s"}, {"operations", Json::array({read})}};
    (void)workload::parse_scenario({scenario, "my.sql"});
    std::string text = read["statements"].dump();
    for (const auto* noise :
         {R"("name":"SELECT",)", R"("name":"SELECT 2",)", R"("name":"SELECT 3",)", "\"sql\":"}) {
        for (auto at = text.find(noise); at != std::string::npos; at = text.find(noise))
            text.erase(at, std::string_view{noise}.size());
    }
    return text;
}

}  // namespace

TEST_CASE("branches are those of a scenario") {
    CHECK(statements("\\if :r > 5\nSELECT 1;\n\\endif\nSELECT 2") ==
          R"([{"if":":r > 5","then":[{"SELECT 1"}]},{"SELECT 2"}])");
    CHECK(
        statements("\\if :r > 5\nSELECT 1;\n\\elif :r = 2\nSELECT 2\n\\else\nSELECT 3;\n\\endif") ==
        R"([{"if":":r > 5","then":[{"SELECT 1"}],"else":[{"if":":r = 2","then":[{"SELECT 2"}],"else":[{"SELECT 3"}]}]}])");
    CHECK(statements("SELECT 1\n\\if :r\n\\if :r > 1\nSELECT 2\n\\endif\n\\endif") ==
          R"([{"SELECT 1"},{"if":":r","then":[{"if":":r > 1","then":[{"SELECT 2"}]}]}])");
    CHECK(statements("\\if :r\n\\else\nSELECT 1\n\\endif\nSELECT 2") ==
          R"([{"if":":r","then":[],"else":[{"SELECT 1"}]},{"SELECT 2"}])");
    CHECK(statements("\\if :r\n\\endif\nSELECT 1") == R"([{"SELECT 1"}])");
    // What is known before is decided before.
    CHECK(statements("\\if :scale = 1\nSELECT 1;\n\\else\nSELECT 2;\n\\endif") == R"([{"SELECT 1"}])");
    CHECK(statements("\\if :scale > 1\nSELECT 1;\n\\elif :r = 3\nSELECT 2;\n\\elif true\nSELECT "
                     "3;\n\\else\nSELECT 4\n\\endif") ==
          R"([{"if":":r = 3","then":[{"SELECT 2"}],"else":[{"SELECT 3"}]}])");
    CHECK(statements("\\if false\nSELECT 1;\n\\endif\nSELECT 2") == R"([{"SELECT 2"}])");
    // Of a branch that is never run nothing is asked.
    CHECK(statements("\\if :scale > 1\n\\set b random(2, :scale)\nSELECT :nobody, :b, ':r';\n\\if "
                     ":nobody\n\\else\nSELECT 3 \\gset\n\\endif\n"
                     "\\else\n\\set b 1\n\\endif\nSELECT 2") == R"([{"SELECT 2"}])");
    CHECK(operation("\\if :scale > 1\n\\set b random(2, :scale)\n\\else\n\\set b 1\n\\endif\nSELECT :b")
              ["values"]["b"]["constant"] == 1);
    CHECK(set("case when :scale > 1 then random(2, :scale) else 7 end")["constant"] == 7);
    // On an answer.
    CHECK(statements("SELECT 1 AS x \\gset\n\\if :x > :r\nSELECT 2\n\\endif") ==
          R"([{"SELECT 1 AS x","returns":"*"},{"if":":x > :r","then":[{"SELECT 2"}]}])");
    CHECK(statements("SELECT 1 AS x \\gset\n\\if :x > random(11, 20)\nSELECT 2\n\\endif") ==
          R"json([{"SELECT 1 AS x","returns":"*"},{"if":":x > random(11, 20)","then":[{"SELECT 2"}]}])json");
}

TEST_CASE("what a branch sets is set where it was run") {
    const auto one =
        operation("\\set r random(1, 9)\n\\set x 5\n\\if :r > 5\n\\set x :r * 2\n\\endif\nSELECT :x");
    CHECK(one["values"]["x.2"]["compute"] == "case when :r > 5 then :x else 5 end");
    CHECK(one["values"]["x"]["compute"] == ":r * 2");
    const auto drawn = operation(
        "\\if random(1, 2) = 1\n\\set x 1\n\\elif :scale\n\\set x 2\n\\else\n\\set x 3\n\\endif\nSELECT :x");
    CHECK(drawn["values"].dump() ==
          R"({"if":{"compute":"random(1, 2) = 1"},"x":{"compute":"case when :if then 1 else 2 end"}})");
    const auto nowhere = operation("\\set r random(1, 9)\n\\if :r > 5\n\\set x 1\n\\endif\nSELECT :x");
    CHECK(nowhere["values"]["x"]["compute"] == "case when :r > 5 then 1 else null end");
    // The same variable is the same draw in each branch, and behind them.
    const auto same = operation(
        "\\set r random(1, 9)\n\\if :scale + :r\nSELECT :r\n\\else\nSELECT :r, 2\n\\endif\nSELECT :r, 3");
    CHECK(same["values"].size() == 1);
}

TEST_CASE("branches that do not fit are refused with their line") {
    CHECK(refusal("\n\\if 1\nSELECT 1") == "my.sql:2: \\if is not closed: \\endif is missing");
    CHECK(refusal("SELECT 1\n\\endif") == "my.sql:2: \\endif without an \\if");
    CHECK(refusal("\\if random(1, 2)\nSELECT 1;\n\\endif") ==
          "my.sql: where no \\if holds nothing is left to send: add \\else, or a statement that is sent in "
          "any case");
    CHECK(refusal("\\if random(1, 2)\nSELECT 1;\n\\else\n\\endif") != "not refused");
    CHECK(refusal("\\if random(1, 2)\nSELECT 1;\n\\else\nSELECT 2\n\\endif") == "not refused");
    CHECK(refusal("\\else") == "my.sql:1: \\else without an \\if");
    CHECK(refusal("\\elif 1") == "my.sql:1: \\elif without an \\if");
    CHECK_THAT(refusal("\\if\nSELECT 1\n\\endif"), StartsWith("my.sql:1: \\if takes a condition"));
    CHECK(refusal("\\if 1\n\\else 5\n\\endif") == "my.sql:2: \\else takes nothing");
    CHECK(refusal("\\if 1\n\\else\n\\else\n\\endif") == "my.sql:3: \\else behind \\else");
    CHECK(refusal("\\if 1\n\\else\n\\elif 1\n\\endif") == "my.sql:3: \\elif behind \\else");
    CHECK(refusal("\\if :nobody\nSELECT 1\n\\endif") ==
          "my.sql:1: :nobody is not set before; -D nobody=VALUE sets it");
    // What one branch set and a column tell may be no value of the transaction's: refused where it is used.
    const std::string hangs =
        "SELECT 1 AS a \\gset\n\\if :a\n\\set x random(1, 5)\nSELECT :x;\n\\endif\nSELECT 2";
    CHECK(refusal(hangs) == "not refused");
    CHECK_THAT(refusal(hangs + ", :x"),
               StartsWith("my.sql:6: :x was set where \\if hangs on what \\gset keeps"));
    CHECK(refusal("\\set c random(1, 9)\n\\if :c > 5\nSELECT 1 AS x \\gset\n\\else\n\\set x random(1, "
                  "5)\n\\endif\nSELECT :x") ==
          "my.sql:7: :x may come from \\set and from \\gset: give one of them another name");
    CHECK_THAT(refusal(std::string{"\\set r random(1, 2)\n"} +
                       [] {
                           std::string nested;
                           for (int i = 0; i < 33; ++i) nested += "\\if :r\n";
                           return nested;
                       }()),
               StartsWith("my.sql:34: a script has 32 conditions at most"));
    std::string deep;
    for (int i = 0; i < 101; ++i) deep += "\\if true\n";
    CHECK_THAT(refusal(deep), StartsWith("my.sql:101: \\if stands within 100 others at most"));
    CHECK(refusal("SELECT 1 \\gset\n\\if 1\n\\gset\n\\endif") ==
          "my.sql:3: \\gset stands behind a statement, whose answer it keeps");
    CHECK_THAT(refusal("\\set x 1\n\\if random(1, 2)\n\\set x abc\n\\endif"),
               StartsWith("my.sql:3: abc is not"));
}

TEST_CASE("names become parameters where they are names, and nowhere else") {
    const std::string x = "\\set x random(1, 9)\n";
    CHECK(sql(x + "SELECT :x::int, a::text;") == "SELECT $1::int, a::text");
    CHECK(sql(x + "SELECT :x, :x") == "SELECT $1, $2");  // the last one needs no semicolon
    CHECK(sql(x + "SELECT a[1:3], f(y := :x), '::x', \"a:b\" -- :y\n;") ==
          "SELECT a[1:3], f(y := $1), '::x', \"a:b\" -- :y");
    CHECK(sql("SELECT 'a; b' /* ; */ , $$ ; $$;SELECT 2") == "SELECT 'a; b' /* ; */ , $$ ; $$");
    CHECK(sql("-- a comment\n\n SELECT\n  1 ;\n") == "SELECT\n  1");
    CHECK(operation("SELECT 1; SELECT 2;;\nSELECT 3")["statements"].size() == 3);
    // A hint is no comment to who reads it.
    CHECK(sql("-- seen by nobody\n/*+ IndexScan(t) */ SELECT 1;") == "/*+ IndexScan(t) */ SELECT 1");
    CHECK(operation("/* a */; SELECT 1; /* b */")["statements"].size() == 1);
    CHECK(operation("/* a */ \\set x 5\nSELECT :x")["statements"].size() == 1);
    CHECK(sql("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT (2));") ==
          "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT (2))");
    // A command of pgbench's ends what stands before it.
    const auto ended = operation("SELECT 1\n\\set x 5\nSELECT :x");
    REQUIRE(ended["statements"].size() == 2);
    CHECK(ended["statements"][0]["sql"] == "SELECT 1");
    CHECK(ended["statements"][1]["sql"] == "SELECT $1");
    const auto alike = operation("SELECT 1; SELECT 2; (SELECT 3)");
    CHECK(alike["statements"][1]["name"] == "SELECT 2");
    CHECK(alike["statements"][2]["name"] == "SELECT 3");
    CHECK_FALSE(operation("SELECT 1").contains("values"));
    CHECK_FALSE(operation("\\set unused 5\nSELECT 1").contains("values"));
    CHECK(operation("\\set x \\\n random(1, \\\r\n 5)\r\nSELECT :x;")["values"]["x"]["integer"][1] == 5);
}

TEST_CASE("a name that is set again is another value from there on") {
    const auto read = operation("\\set x 1\nSELECT :x;\n\\set x random(1, :x + 1)\nSELECT :x, :x;");
    CHECK(read["values"] == Json::parse(R"({"x": {"constant": 1}, "x.2": {"integer": [1, 2]}})"));
    CHECK(read["statements"][0]["parameters"] == Json::parse(R"([{"value": "x"}])"));
    CHECK(read["statements"][1]["parameters"] == Json::parse(R"([{"value": "x.2"}, {"value": "x.2"}])"));
}

TEST_CASE("what an answer holds is a variable behind \\gset") {
    const auto read = operation(
        "\\set a random(1, 9)\n"
        "SELECT id, b FROM t WHERE a = :a \\gset\n"
        "UPDATE t SET b = :b + 1 WHERE id = :id AND a = :a;\n"
        "SELECT 1 AS c\n \\gset p_\n"
        "SELECT 2 AS d; \\gset\n"
        "SELECT :p_c, :d");
    const auto& statements = read["statements"];
    REQUIRE(statements.size() == 5);
    CHECK(statements[0]["returns"] == "*");
    CHECK(statements[0]["sql"] == "SELECT id, b FROM t WHERE a = $1");
    CHECK(statements[1]["parameters"] == Json::parse(R"([{"value": "b"}, {"value": "id"}, {"value": "a"}])"));
    CHECK_FALSE(statements[1].contains("returns"));
    CHECK(statements[2]["returns"] == "p_*");
    CHECK(statements[3]["returns"] == "*");
    CHECK(statements[4]["parameters"] == Json::parse(R"([{"value": "p_c"}, {"value": "d"}])"));
    CHECK(read["values"].size() == 1);
    // All of it is a scenario.
    const Json scenario{{"name", "s"}, {"operations", Json::array({read})}};
    CHECK(workload::parse_scenario({scenario, "my.sql"}).operations[0].statements[4].arguments[1].returned ==
          "d");
}

TEST_CASE("a name that \\set and \\gset may give is what the last of them gave") {
    // Set before: the column, if there is one. The scenario asks for it first.
    const auto before = operation("\\set x 1\nSELECT :x;\nSELECT 1 AS x \\gset\nSELECT :x");
    CHECK(before["values"] == Json::parse(R"({"x": {"constant": 1}})"));
    CHECK(before["statements"][2]["parameters"] == Json::parse(R"([{"value": "x"}])"));
    // Set behind: never the column.
    const auto behind = operation("SELECT 1 AS x \\gset\n\\set x 2\nSELECT :x");
    CHECK(behind["values"] == Json::parse(R"({"x.2": {"constant": 2}})"));
    CHECK(behind["statements"][1]["parameters"] == Json::parse(R"([{"value": "x.2"}])"));
    // Another prefix is another name.
    const auto other = operation("SELECT 1 AS x \\gset p_\n\\set x 2\nSELECT :x");
    CHECK(other["values"] == Json::parse(R"({"x": {"constant": 2}})"));
    const std::string unclear = " may come from \\set and from \\gset: give one of them another name";
    CHECK(refusal("\\set x 1\nSELECT :x;\n\\set x 2\nSELECT 1 AS x \\gset\nSELECT :x") ==
          "my.sql:5: :x" + unclear);
    CHECK(refusal("\\set x random(1, 2)\n\\set y :x\nSELECT :x, 1 AS x \\gset\nSELECT :y") ==
          "my.sql:4: :y" + unclear);
}

TEST_CASE("a \\gset that keeps nothing is refused") {
    const std::string nothing = "\\gset stands behind a statement, whose answer it keeps";
    CHECK(refusal("\\gset\nSELECT 1") == "my.sql:1: " + nothing);
    CHECK(refusal("SELECT 1 \\gset\n\\gset x\nSELECT 1") == "my.sql:2: " + nothing);
    CHECK(refusal("SELECT 1;\n\\set x 1\n\\gset\nSELECT 1") == "my.sql:3: " + nothing);
    CHECK_THAT(refusal("SELECT 1 \\gset a b"), StartsWith("my.sql:1: \\gset takes what stands in front"));
    CHECK_THAT(refusal("SELECT 1 \\gset a-"), StartsWith("my.sql:1: \\gset takes what stands in front"));
    CHECK_THAT(refusal("SELECT 1 AS x \\gset p_\nSELECT :x"), StartsWith("my.sql:2: :x is not set before"));
    CHECK(refusal("SELECT 1 AS x \\gset\n\\set y :x + 1\nSELECT :y") ==
          "my.sql:2: what \\gset keeps stands in SQL and in \\if: compute there what is to be made of :x");
    CHECK_THAT(refusal("\\set a 1\nSELECT 1 AS x \\gset\n\\set y :a + 1\nSELECT :y"),
               Contains("made of :a, which \\gset may have given anew (\\gset p_ would give :p_a)"));
    CHECK_THAT(refusal("SELECT 1 AS x \\gset p_\nSELECT ':p_x'"),
               StartsWith("my.sql:2: :p_x stands within quotes"));
    CHECK(refusal("SELECT 1 AS x \\gset\nSELECT 'a:x'") == "not refused");
}

TEST_CASE("what a query has no place for is refused with its line") {
    CHECK(refusal("") == "my.sql: has no SQL statement");
    CHECK(refusal("\\set x 1\n-- nothing") == "my.sql: has no SQL statement");
    CHECK_THAT(refusal("SELECT 1;\n\\sleep 5 ms\n"),
               StartsWith("my.sql:2: \\sleep is not there: a query does not pause"));
    CHECK_THAT(refusal("SELECT 1 AS x \\aset\n"), StartsWith("my.sql:1: \\aset is not there: \\gset keeps"));
    CHECK_THAT(refusal("SELECT 1 \\; SELECT 2;"), StartsWith("my.sql:1: \\; is not there"));
    CHECK_THAT(refusal("\\startpipeline\n"), Contains("--pipeline N"));
    CHECK(refusal("\\shell rm\n") == "my.sql:1: \\shell is not there");
    CHECK_THAT(refusal("SELECT 1;\n\n SELECT :nobody;"),
               StartsWith("my.sql:3: :nobody is not set before; -D nobody=VALUE"));
    CHECK_THAT(refusal("\\set x 1\nSELECT ':x';"), StartsWith("my.sql:2: :x stands within quotes"));
    CHECK_THAT(refusal("\\set x 1\nSELECT E'a:x';"), Contains("within quotes"));
    CHECK_THAT(refusal("SELECT $1;"), StartsWith("my.sql:1: $1 has no value in a script"));
    for (const auto& [expression, why] : std::vector<std::pair<std::string, std::string>>{
             {"", "a name and an expression"},
             {"1 +", "ends too early"},
             {"1 2", "\"2\" is not understood"},
             {"(1", "a \")\" is missing"},
             {"random(1", "a \")\" is missing"},
             {"random(5, 1)", "the lowest is above"},
             {"debug(5)", "debug is not understood: pgbench has no such function"},
             {"random_zipfian(1, 5)", "takes 3 arguments, not 2"},
             {"random_zipfian(1, 5, 0)",
              "the parameter of random_zipfian(), 0: the exponent must be above 0"},
             {"random_gaussian(1, 5, 1.5)", "the parameter of random_gaussian(), 1.5: it must be at least 2"},
             {"random_exponential(1, 5, random(1, 2))", "numbers that are not drawn themselves"},
             {"1 / 0", "a division by zero"},
             {"1.0 / 0", "a division by zero"},
             {"9223372036854775807 + 1", "beyond 64 bits"},
             {"9223372036854775808", "beyond 64 bits"},
             {"-9223372036854775809", "beyond 64 bits"},
             {"-9223372036854775808 / -1", "beyond 64 bits"},
             {"-9223372036854775807 - 2", "beyond 64 bits"},
             {"1.2.3", "no number"},
             {":y", ":y is not set before"},
             {"'a'", "is not understood"}}) {
        CAPTURE(expression);
        const auto told = refusal("\n\\set x " + expression + "\nSELECT 1;");
        CHECK_THAT(told, StartsWith("my.sql:2: "));
        CHECK_THAT(told, Contains(why));
    }
    CHECK_THAT(refusal("\\set 5+5\n"), Contains("a name and an expression"));
    CHECK_THAT(refusal("\\set 1 5\n"), Contains("a name and an expression"));
    CHECK_THAT(refusal("\n\nCOPY t FROM STDIN;"), StartsWith("my.sql:3: COPY moves its data"));
    std::string many = "\n\nSELECT :scale";
    for (int i = 0; i < 32; ++i) many += ", :scale";
    CHECK(refusal(many) == "my.sql:3: a statement takes 32 variables at most");
    many.clear();
    for (int i = 0; i < 33; ++i) many += "\\set x random(1, 2)\nSELECT :x;\n";
    CHECK(refusal(many) == "my.sql:66: a script uses 32 variables at most");
    many.clear();
    for (int i = 0; i < 101; ++i) many += "SELECT 1;\n";
    CHECK(refusal(many) == "my.sql:101: a script has 100 statements at most");
}

TEST_CASE("files are scripts with weights, and named after themselves") {
    CHECK(workload::parse_script_file("a@b.sql").path == "a@b.sql");
    CHECK(workload::parse_script_file("a.sql@3").path == "a.sql");
    CHECK(workload::parse_script_file("a.sql@3").weight == 3);
    CHECK(workload::parse_script_file("a@b@0").path == "a@b");
    CHECK(workload::parse_script_file("-@2").path == "-");
    const test::TemporaryFile one{"\\set x random(1, :n)\nSELECT :x;"};
    const test::TemporaryFile two{"SELECT :scale;"};
    const auto both =
        workload::scenario_of_scripts({{one.path(), 3}, {two.path(), 1}, {two.path(), 0}}, {{"n", "7"}});
    REQUIRE(both.operations.size() == 3);
    CHECK(both.name == "multiple scripts");
    CHECK(both.operations[0].weight == 3);
    CHECK(both.operations[2].name == both.operations[1].name + " 2");
    CHECK(one.path().find(both.operations[0].name) != std::string::npos);
    CHECK(std::get<workload::IntegerParameter>(both.operations[0].statements[0].arguments[0].parameter)
              .numbers.high() == 7);
    CHECK_THROWS_WITH(workload::scenario_of_scripts({{"/nowhere.sql", 1}}, {}), Contains("cannot read it"));
}

TEST_CASE("a definition is a name and whatever it stands for") {
    ScriptVariables variables;
    workload::define(variables, "n=5");
    workload::define(variables, "url=a=b");
    workload::define(variables, "empty=");
    workload::define(variables, "n=6");
    CHECK(variables == ScriptVariables{{"n", "6"}, {"url", "a=b"}, {"empty", ""}});
    for (const auto* bad : {"n", "=5", "a b=1", "a-b=1", "1=x", ""}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(workload::define(variables, bad), base::Error);
    }
}
