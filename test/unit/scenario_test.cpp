// Scenarios as people write them: what is read, and the exact complaint about what is wrong. The examples of
// docs/scenarios.md are read from that file, so the page cannot promise what the reader refuses.
#include "pgtraffic/workload/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"

namespace pgtraffic::workload {
namespace {

Scenario parse(std::string_view text) {
    const auto document = base::parse_json(text, "mine.json");
    return parse_scenario({document, "mine.json"});
}

std::string complaint(std::string_view text) {
    try {
        (void)parse(text);
    } catch (const base::Error& e) {
        return e.what();
    }
    return "accepted";
}

std::string documentation() {
    std::ifstream file{PGTRAFFIC_SOURCE_DIR "/docs/scenarios.md"};
    REQUIRE(file);
    std::ostringstream whole;
    whole << file.rdbuf();
    return whole.str();
}

/// The inside of what is fenced as JSON.
std::vector<std::string> json_blocks(const std::string& text) {
    constexpr std::string_view kOpening = "```json\n";
    std::vector<std::string> blocks;
    for (auto at = text.find(kOpening); at != std::string::npos; at = text.find(kOpening, at + 1)) {
        const auto begin = at + kOpening.size();
        blocks.push_back(text.substr(begin, text.find("\n```", begin) - begin));
    }
    return blocks;
}

/// A scenario of one statement with these parameters.
std::string with_parameters(std::string_view parameters) {
    return R"({"name": "s", "operations": [{"name": "o", "statements": [{"sql": "SELECT $1", "parameters": [)" +
           std::string{parameters} + "]}]}]}";
}

std::string parameter_complaint(std::string_view parameter) {
    const auto text = complaint(with_parameters(parameter));
    const std::string place = "mine.json: /operations/0/statements/0/parameters/0";
    REQUIRE(text.substr(0, place.size()) == place);
    return text.substr(place.size());
}

Parameter read_parameter(std::string_view parameter) {
    return parse(with_parameters(parameter)).operations.at(0).statements.at(0).arguments.at(0).parameter;
}

std::string with_sql(std::string_view sql) {
    return R"({"name": "s", "operations": [{"name": "o", "statements": [{"sql": ")" + std::string{sql} +
           R"("}]}]})";
}

/// A scenario with `rest` behind its one operation.
std::string with_more(std::string_view rest) {
    return R"({"name": "s", "operations": [{"name": "o", "statements": [{"sql": "SELECT 1"}]}], )" +
           std::string{rest} + "}";
}

/// A scenario of one operation with `rest` in it.
std::string with_operation(std::string_view rest) {
    return R"({"name": "s", "operations": [{"name": "o", )" + std::string{rest} + "}]}";
}

TEST_CASE("The built-in scenarios are there, named like their files") {
    CHECK(scenario_names() == std::vector<std::string_view>{"insert", "mixed", "select", "update"});
    for (const auto name : scenario_names()) {
        CAPTURE(name);
        const auto scenario = built_in_scenario(name);
        CHECK(scenario.name == name);
        CHECK_FALSE(scenario.description.empty());
        CHECK(scenario_text(name).find("\"operations\"") != std::string_view::npos);
    }
    CHECK(scenario_text("delete").empty());
}

TEST_CASE("The mixed scenario is 60 select, 25 insert and 15 update, each as in its own scenario") {
    const auto mixed = built_in_scenario("mixed");
    REQUIRE(mixed.operations.size() == 3);
    const std::vector<std::pair<std::string, double>> expected{
        {"select", 60}, {"insert", 25}, {"update", 15}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto& operation = mixed.operations[i];
        CHECK(operation.name == expected[i].first);
        CHECK(operation.weight == expected[i].second);
        const auto alone = built_in_scenario(operation.name).operations.at(0);
        CHECK(alone.name == operation.name);
        CHECK(alone.choose_one == operation.choose_one);
        CHECK(alone.retry.on == operation.retry.on);
        CHECK(alone.retry.max_retries == operation.retry.max_retries);
        REQUIRE(alone.statements.size() == operation.statements.size());
        for (std::size_t s = 0; s < alone.statements.size(); ++s) {
            CHECK(alone.statements[s].name == operation.statements[s].name);
            CHECK(alone.statements[s].sql == operation.statements[s].sql);
            CHECK(alone.statements[s].arguments.size() == operation.statements[s].arguments.size());
        }
    }
}

TEST_CASE("The built-in insert tries six numbers and then a UUID part") {
    const auto insert = built_in_scenario("insert").operations.at(0);
    CHECK(insert.retry.max_retries == 6);
    CHECK(insert.retry.on == std::vector{*base::SqlState::parse("23505")});
    const auto& code = std::get<CodeParameter>(insert.statements.at(0).arguments.at(0).parameter);
    CHECK(code.prefix == "ORD");
    // A table of many millions of orders still has few of the numbers: a duplicate is the exception.
    CHECK(code.digits >= 11);
    CHECK(code.uuid_after == 5);
}

TEST_CASE("The built-in update is one of approve, fulfil and adjust, a third each") {
    const auto update = built_in_scenario("update").operations.at(0);
    CHECK(update.choose_one);
    REQUIRE(update.statements.size() == 3);
    CHECK(update.statements[0].name == "approve");
    CHECK(update.statements[1].name == "fulfil");
    CHECK(update.statements[2].name == "adjust");
    for (const auto& statement : update.statements) {
        CHECK(statement.weight == 1);
        CHECK(statement.sql.find("SKIP LOCKED") != std::string::npos);
        CHECK(statement.sql.find("version = version + 1") != std::string::npos);
    }
}

TEST_CASE("the complete example of docs/scenarios.md is what it says") {
    const auto scenario = parse(json_blocks(documentation()).at(0));
    CHECK(scenario.operations.size() == 3);
    CHECK(scenario.connections == 50U);
}

TEST_CASE("A scenario is read with all that it says") {
    const auto scenario = parse(R"({
        "name": "s", "description": "d", // a comment
        "operations": [{"name": "o", "weight": 2.5, "choose": "one", "retry": {"on": ["40001", "40P01"], "max": 3},
            "statements": [{"name": "x", "sql": "/* copy */ SELECT 1", "weight": 0}, {"sql": "SELECT 2"}]}],
        "traffic": {"phases": []}, "arrivals": "uniform", "connections": 7, "thresholds": ["p99 < 5ms"]})");
    CHECK(scenario.name == "s");
    CHECK(scenario.description == "d");
    REQUIRE(scenario.operations.size() == 1);
    const auto& operation = scenario.operations[0];
    CHECK(operation.weight == 2.5);
    CHECK(operation.choose_one);
    CHECK(operation.retry.max_retries == 3);
    REQUIRE(operation.retry.on.size() == 2);
    CHECK(operation.retry.on[1].text() == "40P01");
    CHECK(operation.statements[0].name == "x");
    CHECK(operation.statements[0].weight == 0);
    CHECK(operation.statements[1].name == "o 2");
    CHECK(operation.statements[1].weight == 1);
    REQUIRE(scenario.traffic);
    CHECK(scenario.traffic->contains("phases"));
    CHECK(scenario.arrivals == "uniform");
    CHECK(scenario.connections == 7U);
    CHECK(scenario.thresholds == std::vector<std::string>{"p99 < 5ms"});
}

TEST_CASE("Statements without a name can be told apart") {
    const auto scenario = parse(R"({"name": "s", "operations": [
        {"name": "many", "statements": [{"sql": "BEGIN"}, {"name": "look", "sql": "SELECT 1"}, {"sql": "COMMIT"}]},
        {"name": "one", "statements": [{"sql": "SELECT 1"}]}]})");
    CHECK(scenario.operations[0].statements[0].name == "many 1");
    CHECK(scenario.operations[0].statements[1].name == "look");
    CHECK(scenario.operations[0].statements[2].name == "many 3");
    CHECK(scenario.operations[1].statements[0].name == "one");
}

TEST_CASE("The --mix of docs/scenarios.md is one that the page's scenario takes, with its thresholds") {
    const auto page = documentation();
    const auto at = page.find("`--mix ") + 7;
    auto scenario = parse(json_blocks(page).front());
    apply_mix(scenario, page.substr(at, page.find('`', at) - at));
    for (const auto& threshold : scenario.thresholds) {
        const bool of_operation = threshold.find('.') < threshold.find_first_of(" <>");
        const auto name = threshold.substr(0, threshold.find('.'));
        INFO(threshold);
        CHECK((!of_operation || std::any_of(scenario.operations.begin(), scenario.operations.end(),
                                            [&](const auto& one) { return one.name == name; })));
    }
}

TEST_CASE("Every kind of parameter is read") {
    const auto key =
        std::get<KeyParameter>(read_parameter(R"({"key": "orders.order_id", "distribution": "zipf"})"));
    CHECK(key.table == "orders");
    CHECK(key.column == "order_id");
    CHECK(key.distribution == KeyDistribution::zipf);
    const auto quoted = std::get<KeyParameter>(read_parameter(R"({"key": "a.\"b.\"\"c\".d$1"})"));
    CHECK(quoted.table == R"(a."b.""c")");
    CHECK(quoted.column == "d$1");
    CHECK_FALSE(quoted.distribution);
    CHECK(std::get<PickParameter>(read_parameter(R"({"pick": "SELECT 1"})")).query == "SELECT 1");
    const auto integer = std::get<IntegerParameter>(read_parameter(R"({"integer": [-5, 50]})"));
    CHECK(integer.numbers.low() == -5);
    CHECK(integer.numbers.high() == 50);
    for (const std::string shape :
         {R"("uniform")", R"({"zipf": 1.1})", R"({"exponential": 5})", R"({"gaussian": 2})"}) {
        CAPTURE(shape);
        CHECK(std::get<IntegerParameter>(
                  read_parameter(R"({"integer": [1, 9], "distribution": )" + shape + "}"))
                  .numbers.high() == 9);
    }
    const auto real = std::get<RealParameter>(read_parameter(R"({"real": [0.5, 9.99], "digits": 3})"));
    CHECK(real.lowest == 500);
    CHECK(real.highest == 9'990);
    CHECK(real.digits == 3);
    CHECK(std::get<RealParameter>(read_parameter(R"({"real": [0, 1]})")).digits == 2);
    CHECK(std::get<ChoiceParameter>(read_parameter(R"({"choice": ["a", ""]})")).values ==
          std::vector<std::string>{"a", ""});
    CHECK(std::get<ChoiceParameter>(read_parameter(R"({"choice": [7, -2, "x"]})")).values ==
          std::vector<std::string>{"7", "-2", "x"});
    CHECK(std::get<ConstantParameter>(read_parameter(R"({"constant": 12345678901})")).value == "12345678901");
    const auto code = std::get<CodeParameter>(read_parameter(R"({"code": "X"})"));
    CHECK(code.prefix == "X");
    CHECK(code.digits == 9);
    CHECK(code.uuid_after == 5);
    CHECK(std::holds_alternative<UuidParameter>(read_parameter(R"({"uuid": true})")));
    CHECK(std::get<ConstantParameter>(read_parameter(R"({"constant": "text"})")).value == "text");
}

TEST_CASE("A wrong parameter is refused with its place and what would be right") {
    CHECK(parameter_complaint("{}") ==
          ": must have exactly one of key, pick, integer, real, choice, code, uuid, run_id, constant, "
          "compute; it has "
          "none");
    CHECK(parameter_complaint(R"({"pick": "SELECT 1", "uuid": true})") ==
          ": must have exactly one of key, pick, integer, real, choice, code, uuid, run_id, constant, "
          "compute; it has "
          "pick and uuid");
    CHECK(parameter_complaint(R"({"intger": [1, 2]})") ==
          R"(: unknown key "intger"; did you mean "integer"?)");
    CHECK(parameter_complaint(R"({"uuid": true, "digits": 2})") ==
          R"(: unknown key "digits"; known are uuid)");
    CHECK(parameter_complaint(R"({"integer": [1, 2], "distribution": "zipf"})") ==
          R"(/distribution: must be "uniform", {"zipf": N}, {"exponential": N} or {"gaussian": N})");
    CHECK(parameter_complaint(R"({"integer": [1, 2], "distribution": {}})") ==
          "/distribution: must have one of zipf, exponential, gaussian");
    CHECK(parameter_complaint(R"({"integer": [1, 2], "distribution": {"zipf": 1, "gaussian": 2}})") ==
          R"(/distribution: unknown key "gaussian"; known are zipf)");
    CHECK(parameter_complaint(R"({"integer": [1, 2], "distribution": {"zipf": 0}})") ==
          "/distribution/zipf: the exponent must be above 0 and at most 1000");
    CHECK(parameter_complaint("7") == ": must be an object, not a number");
    CHECK(parameter_complaint(R"({"key": "orders.order_id", "distribution": "zip"})") ==
          R"(/distribution: must be uniform, zipf or recent, not "zip")");
    CHECK(parameter_complaint(R"({"integer": [1]})") == "/integer: must be [lowest, highest]");
    CHECK(parameter_complaint(R"({"integer": [2, 1]})") ==
          "/integer: the lowest, 2, is above the highest, 1");
    CHECK(parameter_complaint(R"({"integer": [1, 2.5]})") == "/integer/1: must be a whole number, not 2.5");
    CHECK(parameter_complaint(R"({"real": [1, 0.5]})") == "/real: the lowest, 1, is above the highest, 0.5");
    CHECK(parameter_complaint(R"({"real": [0, 1], "digits": 13})") ==
          "/digits: must lie between 0 and 12, not 13");
    CHECK(parameter_complaint(R"({"real": [0, 1e15], "digits": 1})") ==
          "/real: 1000000000000000 with 1 digits behind the point is more than 15 digits");
    CHECK(parameter_complaint(R"({"real": [0.001, 0.009]})") ==
          "/real: between 0.001 and 0.009 lies no number with 2 digits behind the point");
    CHECK(parameter_complaint(R"({"choice": []})") == "/choice: must hold 1 to 10000 values, not 0");
    CHECK(parameter_complaint(R"({"choice": [1, true]})") ==
          "/choice/1: must be a string or a whole number, not a boolean");
    CHECK(parameter_complaint(R"({"constant": 0.10})") ==
          "/constant: must be a string or a whole number: write this one in quotes");
    CHECK(parameter_complaint(R"({"constant": null})") ==
          "/constant: must be a string or a whole number, not null");
    CHECK(parameter_complaint(R"({"code": "X", "digits": 19})") ==
          "/digits: must lie between 1 and 18, not 19");
    CHECK(parameter_complaint(R"({"code": "X", "uuid_after": -1})") ==
          "/uuid_after: must lie between 0 and 100, not -1");
    CHECK(parameter_complaint(R"({"code": ")" + std::string(41, 'x') + R"("})") ==
          "/code: must not be longer than 40 bytes, but has 41");
    CHECK(parameter_complaint(R"({"uuid": false})") == "/uuid: must be true");
    CHECK(parameter_complaint(R"({"pick": " ;\n"})") == "/pick: the query is empty");
}

TEST_CASE("Only identifiers stand in a key, so that they can stand in SQL") {
    const std::vector<std::string> bad{"orders",
                                       "",
                                       ".",
                                       "orders.",
                                       ".id",
                                       "a.b.c.d",
                                       "a..b",
                                       "1a.b",
                                       "a.b c",
                                       "a b.c",
                                       "a.b;DROP TABLE x",
                                       "a.b--",
                                       "a.b)",
                                       R"(a.\")",
                                       R"(a.\"\")",
                                       R"(a.\"b)",
                                       R"(a.\"b\"c\")",
                                       R"(a\"b\".c)",
                                       "a.é",
                                       std::string(64, 'a') + ".b"};
    for (const auto& key : bad) {
        CAPTURE(key);
        const auto text = parameter_complaint(R"({"key": ")" + key + R"("})");
        CHECK(text.substr(0, 6) == "/key: ");
        CHECK(text.find("must be table.column or schema.table.column") != std::string::npos);
    }
    CHECK_NOTHROW(read_parameter(R"({"key": ")" + std::string(63, 'a') + R"(.\"B c\""})"));
}

TEST_CASE("A wrong scenario is refused with file, place and what would be right") {
    CHECK(complaint("[]") == "mine.json: /: must be an object, not an array");
    CHECK(complaint("{\n  \"name\": }") ==
          "mine.json:2:11: not valid JSON: syntax error while parsing value - unexpected '}'; expected '[', "
          "'{', or a literal");
    CHECK(complaint("{}") == R"(mine.json: /: the key "name" is missing)");
    CHECK(complaint(R"({"name": "s"})") == R"(mine.json: /: the key "operations" is missing)");
    CHECK(complaint(R"({"name": "s", "operatons": []})") ==
          R"(mine.json: /: unknown key "operatons"; did you mean "operations"?)");
    CHECK(complaint(R"({"name": "s", "operations": []})") ==
          "mine.json: /operations: must hold 1 to 100 values, not 0");
    CHECK(complaint(R"({"name": "", "operations": []})") ==
          R"(mine.json: /name: must be a name without "=", ",", control characters, or spaces around it)");
    CHECK(complaint(R"({"name": 1, "operations": []})") ==
          "mine.json: /name: must be a string, not a number");
    CHECK(complaint(with_more(R"("arrivals": "even")")) ==
          R"(mine.json: /arrivals: must be poisson or uniform, not "even")");
    CHECK(complaint(with_more(R"("connections": 0)")) ==
          "mine.json: /connections: must lie between 1 and 65535, not 0");
    CHECK(complaint(with_more(R"("connections": 1.5)")) ==
          "mine.json: /connections: must be a whole number, not 1.5");
    CHECK(complaint(with_more(R"("traffic": 3)")) ==
          "mine.json: /traffic: must be the name of a pattern, or a pattern");
    CHECK(complaint(with_more(R"("thresholds": "p99")")) ==
          "mine.json: /thresholds: must be an array, not a string");
}

TEST_CASE("A wrong operation is refused with its place") {
    CHECK(complaint(with_operation(R"("statements": [])")) ==
          "mine.json: /operations/0/statements: must hold 1 to 100 values, not 0");
    const std::string statements = R"("statements": [{"sql": "SELECT 1"}])";
    CHECK(complaint(with_operation(statements)) == "accepted");
    CHECK(complaint(with_operation(statements + R"(, "weight": -1)")) ==
          "mine.json: /operations/0/weight: must lie between 0 and 1000000000, not -1");
    CHECK(complaint(with_operation(statements + R"(, "weight": 2e9)")) ==
          "mine.json: /operations/0/weight: must lie between 0 and 1000000000, not 2000000000");
    CHECK(complaint(with_operation(statements + R"(, "weight": "1")")) ==
          "mine.json: /operations/0/weight: must be a number, not a string");
    CHECK(complaint(with_operation(statements + R"(, "weight": 0)")) ==
          "mine.json: /operations: all weights are zero");
    CHECK(complaint(with_operation(statements + R"(, "choose": "any")")) ==
          R"(mine.json: /operations/0/choose: must be all or one, not "any")");
    CHECK(complaint(with_operation(statements + R"(, "retry": {"on": ["2350"], "max": 1})")) ==
          R"(mine.json: /operations/0/retry/on/0: "2350" is no SQLSTATE: five digits or capital letters)");
    CHECK(complaint(with_operation(statements + R"(, "retry": {"on": ["23505"], "max": 101})")) ==
          "mine.json: /operations/0/retry/max: must lie between 0 and 100, not 101");
    CHECK(complaint(with_operation(statements + R"(, "retry": {"on": ["23505"]})")) ==
          R"(mine.json: /operations/0/retry: the key "max" is missing)");
    CHECK(complaint(with_operation(R"("choose": "one", "statements": [{"sql": "SELECT 1", "weight": 0}])")) ==
          "mine.json: /operations/0/statements: all weights are zero");
    CHECK(
        complaint(with_operation(R"("statements": [{"sql": "SELECT 1", "weight": 2}])")) ==
        R"(mine.json: /operations/0/statements/0/weight: a statement has a weight only where the operation says )"
        R"("choose": "one")");
    CHECK(complaint(R"({"name": "s", "operations": [{"name": "a", )" + statements + R"(}, {"name": "a", )" +
                    statements + "}]}") ==
          R"(mine.json: /operations/1/name: a second operation of the name "a")");
}

TEST_CASE("Limits hold for lists of any kind") {
    std::string parameters = R"({"uuid": true})";
    for (std::size_t i = 1; i < kMaxParameters; ++i) parameters += R"(, {"uuid": true})";
    CHECK(complaint(with_parameters(parameters)) == "accepted");
    CHECK(complaint(with_parameters(parameters + R"(, {"uuid": true})")) ==
          "mine.json: /operations/0/statements/0/parameters: must hold 0 to 32 values, not 33");
    std::string statements = R"({"sql": "SELECT 1"})";
    for (int i = 1; i < 101; ++i) statements += R"(, {"sql": "SELECT 1"})";
    CHECK(complaint(with_operation(R"("statements": [)" + statements + "]")) ==
          "mine.json: /operations/0/statements: must hold 1 to 100 values, not 101");
}

TEST_CASE("An empty statement and COPY are refused, however they are dressed") {
    const std::string place = "mine.json: /operations/0/statements/0/sql: ";
    for (const auto* sql :
         {"", "  ;; ", "-- nothing", "/* SELECT 1 */", "/* a /* b */ SELECT 1 */", "/* open"}) {
        CAPTURE(sql);
        CHECK(complaint(with_sql(sql)) == place + "the statement is empty");
    }
    for (const auto* sql :
         {"COPY orders FROM STDIN", " copy orders to stdout", "/* x /* y */ */ Copy(SELECT 1) TO STDOUT",
          "-- c\\nCOPY\\torders FROM STDIN", ";COPY"}) {
        CAPTURE(sql);
        CHECK(complaint(with_sql(sql)) ==
              place + "COPY moves its data outside of a query; use INSERT or SELECT");
    }
    for (const auto* sql : {"SELECT copy FROM t", "copying", "/* COPY */ SELECT 1", "COPY_all"}) {
        CAPTURE(sql);
        CHECK(complaint(with_sql(sql)) == "accepted");
    }
}

TEST_CASE("A scenario file that is missing is named") {
    CHECK_THROWS_WITH(load_scenario_file("/nowhere/mine.json"),
                      Catch::StartsWith("/nowhere/mine.json: cannot read it"));
}

TEST_CASE("A mix replaces the weights and drops what it leaves out") {
    auto scenario = built_in_scenario("mixed");
    apply_mix(scenario, " update = 1.5,select=3 ");
    drop_weightless(scenario);
    REQUIRE(scenario.operations.size() == 2);
    CHECK(scenario.operations[0].name == "select");
    CHECK(scenario.operations[0].weight == 3);
    CHECK(scenario.operations[1].name == "update");
    CHECK(scenario.operations[1].weight == 1.5);

    auto zero = built_in_scenario("mixed");
    apply_mix(zero, "select=0,insert=1");
    drop_weightless(zero);
    REQUIRE(zero.operations.size() == 1);
    CHECK(zero.operations[0].name == "insert");
}

TEST_CASE("What no arrival draws is dropped") {
    auto scenario = parse(R"json({"name": "s", "operations": [
        {"name": "never", "weight": 0, "statements": [{"sql": "INSERT INTO t VALUES (1)"}]},
        {"name": "one", "choose": "one",
         "statements": [{"sql": "SELECT 1"}, {"sql": "DELETE FROM t", "weight": 0}, {"sql": "SELECT 2"}]},
        {"name": "all", "statements": [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}]}]})json");
    drop_weightless(scenario);
    REQUIRE(scenario.operations.size() == 2);
    CHECK(scenario.operations[0].name == "one");
    REQUIRE(scenario.operations[0].statements.size() == 2);
    CHECK(scenario.operations[0].statements[1].name == "one 3");  // as its author counts them
    CHECK(scenario.operations[1].statements.size() == 2);
}

TEST_CASE("A single statement is a workload") {
    const auto scenario = workload::scenario_of_statement("SELECT 1");
    CHECK(scenario.name == "sql");
    REQUIRE(scenario.operations.size() == 1);
    REQUIRE(scenario.operations[0].statements.size() == 1);
    CHECK(scenario.operations[0].statements[0].sql == "SELECT 1");
    CHECK(scenario.operations[0].statements[0].name == "sql");
    CHECK_THROWS_WITH(workload::scenario_of_statement(" -- nothing"), "the statement is empty");
    CHECK_THROWS_WITH(workload::scenario_of_statement("copy t to stdout"), Catch::Contains("COPY moves"));
}

TEST_CASE("SQL may be written in lines") {
    const auto with_lines = [](std::string_view sql) {
        return with_operation(R"("statements": [{"sql": )" + std::string{sql} + "}]");
    };
    CHECK(parse(with_lines(R"(["SELECT 1 -- one", "  + 2"])")).operations.at(0).statements.at(0).sql ==
          "SELECT 1 -- one\n  + 2");
    const std::string place = "mine.json: /operations/0/statements/0/sql";
    CHECK(complaint(with_lines("[]")) == place + ": must hold 1 to 1000 values, not 0");
    CHECK(complaint(with_lines(R"(["", " "])")) == place + ": the statement is empty");
    CHECK(complaint(with_lines(R"(["SELECT", 1])")) == place + "/1: must be a string, not a number");
    CHECK(complaint(with_lines(R"(["COPY t", "TO STDOUT"])")).find("COPY moves its data") !=
          std::string::npos);
    const std::string long_line = '"' + std::string(60'000, ' ') + '"';
    CHECK(complaint(with_lines("[" + long_line + ", " + long_line + "]")) ==
          place + ": has more than 100000 bytes together");
}

TEST_CASE("Values of an operation are named in it, once each, and known") {
    const std::string values = R"("values": {"id": {"integer": [1, 9]}, "note": {"constant": "x"}}, )";
    const auto with = [&](std::string_view parameter) {
        return complaint(with_operation(values + R"("statements": [{"sql": "SELECT $1", "parameters": [)" +
                                        std::string{parameter} + "]}]"));
    };
    CHECK(with(R"({"value": "id"})") == "accepted");
    const std::string place = "mine.json: /operations/0/statements/0/parameters/0";
    CHECK(with(R"({"value": "nte"})") ==
          place + R"(/value: the operation has no value "nte" among its "values"; did you mean "note"?)");
    CHECK(with(R"({"valeu": "id"})") == place + R"(: unknown key "valeu"; did you mean "value"?)");
    CHECK_THAT(with("{}"), Catch::Contains("must have exactly one of value, key, "));
    CHECK(with(R"({"value": 1})") == place + "/value: must be a string, not a number");
    CHECK(with(R"({"value": "id", "digits": 2})") == place + R"(: unknown key "digits"; known are value)");
    const std::string statements = R"("statements": [{"sql": "SELECT 1"}])";
    CHECK(complaint(with_operation(R"("values": {}, )" + statements)) ==
          "mine.json: /operations/0/values: must hold 1 to 32 values, not 0");
    CHECK(complaint(with_operation(R"("values": [], )" + statements)) ==
          "mine.json: /operations/0/values: must be an object, not an array");
    CHECK(complaint(with_operation(R"("values": {"a": {"integer": [2, 1]}}, )" + statements)) ==
          "mine.json: /operations/0/values/a/integer: the lowest, 2, is above the highest, 1");
    CHECK(
        complaint(with_operation(R"("values": {"a": {"value": "a"}}, )" + statements)).find("/values/a: ") !=
        std::string::npos);
}

TEST_CASE("A computed value is made of those before it") {
    const auto with = [](std::string_view values) {
        return complaint(
            with_operation(R"("values": {)" + std::string{values} +
                           R"(}, "statements": [{"sql": "SELECT $1", "parameters": [{"value": "c"}]}])"));
    };
    CHECK(with(R"json("a": {"key": "t.id"}, "b": {"real": [0, 1]}, "c": {"compute": ":a * 2 + :b"})json") ==
          "accepted");
    CHECK(
        with(
            R"json("a": {"constant": 5}, "b": {"compute": ":a + 1"}, "c": {"compute": ":b * random(1, 2)"})json") ==
        "accepted");
    const std::string place = "mine.json: /operations/0/values/c/compute: ";
    CHECK(with(R"json("c": {"compute": ":c + 1"})json") ==
          place + R"(the operation has no value "c" before it)");
    CHECK(with(R"json("c": {"compute": ":b"}, "b": {"constant": 1})json") ==
          place + R"(the operation has no value "b" before it)");
    CHECK(with(R"json("a": {"uuid": true}, "c": {"compute": ":a"})json") == place + ":a is no number");
    CHECK(with(R"json("a": {"constant": "x"}, "c": {"compute": ":a"})json") == place + ":a is no number");
    CHECK(with(R"json("c": {"compute": "1 +"})json") == place + "the expression ends too early");
    CHECK(with(R"json("c": {"compute": 1})json") == place + "must be a string, not a number");
    CHECK_THAT(with(R"json("c": {"compute": "1", "digits": 2})json"),
               Catch::Contains("unknown key \"digits\""));
}

TEST_CASE("Conditions decide which statements are sent") {
    const auto with = [](std::string_view statements, std::string_view more = "") {
        return with_operation(R"("values": {"r": {"integer": [1, 9]}, "u": {"uuid": true}}, )" +
                              std::string{more} + R"("statements": [)" + std::string{statements} + "]");
    };
    const auto scenario = parse(with(R"json({"name": "always", "sql": "SELECT 0 AS id", "returns": "*"},
        {"if": ":r > 5", "then": [{"name": "high", "sql": "SELECT 1"},
                                  {"if": ":id = :r", "then": [{"name": "both", "sql": "SELECT 2"}]}],
         "else": [{"name": "low", "sql": "SELECT 3"}]}, {"name": "end", "sql": "SELECT 4"})json"));
    const auto& operation = scenario.operations[0];
    CHECK(operation.statements.size() == 5);
    CHECK(operation.statements[3].name == "low");
    REQUIRE(operation.guards.size() == 2);
    CHECK(operation.guards[0].names[0].returned == "r");  // a column of the name would come first
    CHECK(operation.guards[0].names[0].shared == 0);
    CHECK(operation.guards[0].statements_before == 1);
    CHECK_FALSE(operation.guards[1].names[0].shared);
    std::string steps;
    for (const auto& step : operation.steps) {
        steps += step.kind == Step::Kind::send ? " send " + std::to_string(step.index)
                 : step.kind == Step::Kind::go
                     ? " go " + std::to_string(step.target)
                     : " unless " + std::to_string(step.index) + " to " + std::to_string(step.target);
    }
    CHECK(steps == " send 0 unless 0 to 6 send 1 unless 1 to 5 send 2 go 7 send 3 send 4");
    CHECK(operation.written["conditions"].dump() ==
          R"json({"high":"(:r > 5)","both":"(:r > 5) and (:id = :r)","low":"not (:r > 5)"})json");
    CHECK(parse(with(R"({"sql": "SELECT 1"})")).operations[0].steps.empty());
    // A column of its name may be a number where the value is none.
    CHECK(complaint(with(R"({"sql": "SELECT 1 AS u", "returns": "*"}, {"if": ":u = 1", "then": []})")) ==
          "accepted");

    const std::string sent = R"({"sql": "SELECT 1"})";
    const auto branch = [&](const std::string& condition, const std::string& rest) {
        return R"({"if": ")" + condition + R"(", "then": [)" + sent + "]" + rest + "}";
    };
    CHECK(complaint(with(branch(":r", R"(, "else": [)" + sent + "]"))) == "accepted");
    CHECK(complaint(with(branch(":r", "") + ", " + sent)) == "accepted");
    const std::string nothing =
        "mine.json: /operations/0/statements: where no condition holds nothing is left to send";
    CHECK_THAT(complaint(with(branch(":r", ""))), Catch::StartsWith(nothing));
    CHECK_THAT(complaint(with(branch(":r", R"(, "else": [])"))), Catch::StartsWith(nothing));
    CHECK_THAT(complaint(with(branch(":r", R"(, "else": [)" + branch(":r > 1", "") + "]"))),
               Catch::StartsWith(nothing));
    const std::string place = "mine.json: /operations/0/statements/0";
    CHECK_THAT(complaint(with(branch(":x", ""))),
               Catch::StartsWith(place + R"(/if: the operation has no value "x")"));
    CHECK(complaint(with(branch(":u", ""))) == place + "/if: :u is no number");
    CHECK_THAT(complaint(with(branch(std::string(4'001, ' ') + "1", ""))), Catch::Contains("/if: "));
    CHECK(complaint(with(branch("", ""))) == place + "/if: the expression ends too early");
    CHECK_THAT(complaint(with(R"({"if": "1", "than": []})")),
               Catch::Contains(R"(unknown key "than"; did you mean "then"?)"));
    CHECK_THAT(complaint(with(R"({"if": "1"})")), Catch::StartsWith(place + ": "));
    CHECK_THAT(complaint(with(branch("1", ""), R"("choose": "one", )")), Catch::Contains("weights decide"));
    std::string many = sent;
    for (int i = 0; i < 33; ++i) many += ", " + branch(":r", "");
    CHECK(complaint(with(many)) ==
          "mine.json: /operations/0/statements/33: an operation has 32 conditions at most");
    many = sent;
    for (int i = 0; i < 49; ++i) many += ", " + sent;
    CHECK_THAT(complaint(with(many + R"(, {"if": ":r", "then": [)" + many + "]}, " + sent)),
               Catch::Contains("an operation has 100 statements at most"));
}

TEST_CASE("What a statement returns has names that later statements take") {
    const auto with = [](std::string_view returns, std::string_view takes) {
        return complaint(with_operation(
            R"("statements": [{"sql": "SELECT 1", "returns": )" + std::string{returns} +
            R"(}, {"sql": "SELECT $1", "parameters": [{"value": ")" + std::string{takes} + R"("}]}])"));
    };
    CHECK(with(R"("*")", "id") == "accepted");
    CHECK(with(R"("order_*")", "order_id") == "accepted");
    const std::string place = "mine.json: /operations/0/statements/1/parameters/0/value: ";
    const std::string none = R"(" among its "values", and no statement before returns one)";
    CHECK(with(R"("order_*")", "id") == place + R"(the operation has no value "id)" + none);
    CHECK(with(R"("order_*")", "order_") == place + R"(the operation has no value "order_)" + none);
    for (const auto* wrong : {"order", "", "*x", "**"}) {
        CHECK_THAT(
            with('"' + std::string{wrong} + '"', "id"),
            Catch::StartsWith(R"(mine.json: /operations/0/statements/0/returns: must be "*", or what)"));
    }
    CHECK(with("1", "id") == "mine.json: /operations/0/statements/0/returns: must be a string, not a number");
    CHECK_THAT(with('"' + std::string(70, 'x') + "*\"", "id"), Catch::Contains("/returns: "));
    // Neither its own, nor those of a statement behind it.
    const std::string taking = R"("sql": "SELECT $1", "parameters": [{"value": "id"}])";
    CHECK_THAT(complaint(with_operation(R"("statements": [{)" + taking + R"(, "returns": "*"}])")),
               Catch::Contains(R"(no value "id")"));
    CHECK_THAT(complaint(with_operation(R"("statements": [{)" + taking +
                                        R"(}, {"sql": "SELECT 1", "returns": "*"}])")),
               Catch::Contains(R"(no value "id")"));
    CHECK_THAT(
        complaint(with_operation(R"("choose": "one", "statements": [{"sql": "SELECT 1", "returns": "*"}])")),
        Catch::Contains(R"(with "choose": "one" no statement follows)"));
    const auto scenario = parse(with_operation(R"("values": {"id": {"integer": [1, 9]}}, "statements": [{)" +
                                               taking + R"(, "returns": "a_*"}, {)" + taking +
                                               R"(, "returns": "*"}, {)" + taking + "}]"));
    const auto& statements = scenario.operations[0].statements;
    CHECK(statements[0].returns == "a_");
    CHECK(statements[1].returns == "");
    CHECK_FALSE(statements[2].returns);
    CHECK(statements[1].arguments[0].returned.empty());
    CHECK(statements[2].arguments[0].returned == "id");
    CHECK(statements[2].arguments[0].shared == 0);  // where there is no such column
    CHECK(scenario.operations[0].written["returns"].dump() == R"({"o 1":"a_*","o 2":"*"})");
}

TEST_CASE("A wrong mix is refused and changes nothing") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "--mix: is empty; give names and weights, as in select=60,insert=40"},
        {" ", "--mix: is empty; give names and weights, as in select=60,insert=40"},
        {"select", R"(--mix: "select" must be a name and a weight, as in select=60)"},
        {"select=1,", R"(--mix: "" must be a name and a weight, as in select=60)"},
        {"selct=1", R"(--mix: mixed has no operation "selct"; did you mean "select"?)"},
        {"remove=1", R"(--mix: mixed has no operation "remove"; it has select, insert, update)"},
        {"select=-1", R"(--mix: the weight of select must be a number from 0 to 1000000000, not "-1")"},
        {"select=many", R"(--mix: the weight of select must be a number from 0 to 1000000000, not "many")"},
        {"select=nan", R"(--mix: the weight of select must be a number from 0 to 1000000000, not "nan")"},
        {"select=", R"(--mix: the weight of select must be a number from 0 to 1000000000, not "")"},
        {"select=2e9", R"(--mix: the weight of select must be a number from 0 to 1000000000, not "2e9")"},
        {"select=1,select=2", "--mix: select is said twice"},
        {"select=0,insert=0", "--mix: all weights are zero"},
    };
    for (const auto& [mix, message] : cases) {
        CAPTURE(mix);
        auto scenario = built_in_scenario("mixed");
        CHECK_THROWS_WITH(apply_mix(scenario, mix), message);
        REQUIRE(scenario.operations.size() == 3);
        CHECK(scenario.operations[0].weight == 60);
    }
}

}  // namespace
}  // namespace pgtraffic::workload
