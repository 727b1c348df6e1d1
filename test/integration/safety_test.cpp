// What keeps a run from harm, on a real server: reading runs cannot write, rows are bounded and attributed, a
// file stops the run, and somebody else's tables on another machine are not written unasked.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/marks.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/faulty_load.hpp"
#include "support/folder.hpp"
#include "support/not_run.hpp"
#include "support/private_network.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using postgres::Client;
using test::run_and_read;
using test::run_pgtraffic;
using test::warning;

namespace {

std::uint64_t count(Client& client, const std::string& what) {
    return base::parse_count(client.value("SELECT count(*) FROM " + what).value()).value();
}

const char* const kOne =
    R"json({"name": "one", "operations": [{"name": "one", "statements": [{"sql": "SELECT 1"}]}]})json";

}  // namespace

TEST_CASE("a run that reads only connects read only, and a function that writes does not slip through") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE seen (id int); CREATE FUNCTION look() RETURNS int LANGUAGE sql AS 'INSERT INTO seen "
        "VALUES (1) RETURNING id'");
    const auto scenario = [](const std::string& end) {
        return test::TemporaryFile{R"json({"name": "look", "operations": [{"name": "look", "statements": [
            {"sql": "SELECT look()"}]}])json" +
                                   end + "}"};
    };
    const std::vector<std::string> few{"-t", "20", "-c", "2", "--warmup", "0", "--scenario"};
    const auto with = [&](const test::TemporaryFile& file) {
        auto all = few;
        all.push_back(file.path());
        return all;
    };
    for (const auto& [protocol, servers] :
         {std::pair{"extended", ""}, {"prepared", ""}, {"prepared", " target_session_attrs=read-write"}}) {
        const auto guessed = scenario("");
        auto arguments = with(guessed);
        arguments.insert(arguments.begin(), {"run", "-d", database.dsn() + servers, "--format", "json"});
        arguments.insert(arguments.end(), {"-M", protocol});
        const auto result = test::read_result(run_pgtraffic(arguments), 2);
        CHECK(result["environment"]["server"]["read_only"] == true);
        CHECK(result["errors"][0]["sqlstate"] == "25006");
        CHECK(count(client, "seen") == 0);
        // It was us, and no server that is gone.
        CHECK(result["outages"].empty());
        CHECK_THAT(warning(result, "read_only"), Contains("\"read_only\": false"));
    }
    const auto told = scenario(R"(, "read_only": false)");
    const auto result = run_and_read(database, with(told));
    CHECK(result["environment"]["server"]["read_only"] == false);
    CHECK(count(client, "seen") == 20);
    client.execute("TRUNCATE seen");
    const auto kept = test::TemporaryFile{R"json({"name": "w", "read_only": true, "operations": [
        {"name": "w", "statements": [{"sql": "INSERT INTO seen VALUES (2)"}]}]})json"};
    (void)run_and_read(database, with(kept), 2);
    CHECK(count(client, "seen") == 0);
}

TEST_CASE("the built-in select is read only, the others are not") {
    const auto database = test::filled_database();
    for (const char* type : {"select", "mixed"}) {
        const auto result =
            run_and_read(database, {"--query-type", type, "-t", "50", "-c", "2", "--warmup", "0"});
        CHECK(result["environment"]["server"]["read_only"] == (std::string{type} == "select"));
        CHECK(result["summary"]["queries"]["failed"] == 0);
    }
}

TEST_CASE("a load that writes does not begin where nothing can be written") {
    const auto refused = [](const std::vector<std::string>& arguments) {
        const auto run = run_pgtraffic(arguments);
        INFO(run.err);
        CHECK(run.exit_code == 1);
        CHECK(run.out.empty());
        CHECK(run.err.starts_with("pgtraffic: "));
        return run.err;
    };
    const std::vector<std::string> few{"-t", "20", "-c", "2", "--warmup", "0", "--query-type"};
    const auto with = [&](const std::string& type) {
        auto all = few;
        all.push_back(type);
        return all;
    };
    SECTION("read-only by default, of a role or a database") {
        const auto database = test::filled_database();
        Client client{database.conninfo()};
        client.execute(
            fmt::format("ALTER DATABASE \"{}\" SET default_transaction_read_only = on", database.name()));
        CHECK_THAT(refused(test::run_arguments(database, with("mixed"))),
                   Contains("PGOPTIONS") && Contains("\"mixed\" writes"));
        CHECK(run_and_read(database, with("select"))["summary"]["queries"]["failed"] == 0);
        test::ProcessOptions options;
        options.environment = {{"PGOPTIONS", "-c default_transaction_read_only=off"}};
        const auto told = run_pgtraffic(test::run_arguments(database, with("insert")), options);
        CHECK(test::read_result(told, 0)["summary"]["queries"]["failed"] == 0);
    }
    SECTION("a standby") {
        postgres::TemporaryServer server{{}};
        server.stop();
        std::ofstream{server.directory() + "/data/standby.signal"};
        server.start(/*wait=*/true);
        const auto run = [&](const std::string& option, const std::string& value) {
            return std::vector<std::string>{"run",      "-d", test::dsn_of(server.conninfo()),
                                            "--json",   "-",  "-t",
                                            "20",       "-c", "2",
                                            "--warmup", "0",  option,
                                            value};
        };
        CHECK_THAT(refused(run("--query-type", "update")), Contains("Name the primary"));
        const test::TemporaryFile reading{kOne};
        const auto result = test::read_result(run_pgtraffic(run("--scenario", reading.path())), 0);
        CHECK(result["environment"]["server"]["role"] == "standby");
        CHECK(result["summary"]["queries"]["failed"] == 0);
    }
}

TEST_CASE("the first line says where the load goes, and so does the result") {
    const auto database = test::filled_database();
    Client other{database.conninfo()};
    const auto run = run_pgtraffic(test::run_arguments(database, {"-t", "10", "-c", "2", "--warmup", "0"}));
    const auto first = run.err.substr(0, run.err.find('\n'));
    CHECK_THAT(first, Contains("target: host \"") && Contains("database \"" + database.name() + "\"") &&
                          Contains("user \"" + other.user() + "\"") &&
                          Contains("PostgreSQL " + other.server_version()) && Contains(", primary") &&
                          Contains("other session") && Contains(" free connection slots"));
    const auto server = test::read_result(run, 0)["environment"]["server"];
    CHECK(server["database"] == database.name());
    CHECK(server["user"] == other.user());
    CHECK(server["port"] == other.port());
    CHECK(server["role"] == "primary");
    CHECK(server["pooler"] == false);
    CHECK(server["other_sessions"].get<int>() >= 1);
    CHECK(server["free_connections"].get<int>() + server["other_sessions"].get<int>() <=
          server["max_connections"].get<int>());
    const auto quiet = run_pgtraffic(
        test::run_arguments(database, {"-t", "10", "-c", "2", "--warmup", "0", "--disable-logging"}));
    CHECK(quiet.err.empty());
}

TEST_CASE("the free slots are those of the role, where it has a limit of its own") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "DROP ROLE IF EXISTS pgtraffic_test_limited; CREATE ROLE pgtraffic_test_limited LOGIN CONNECTION "
        "LIMIT 3");
    const auto run =
        run_pgtraffic({"run", "-d", database.dsn() + " user=pgtraffic_test_limited", "--scenario",
                       test::TemporaryFile{kOne}.path(), "-t", "4", "-c", "4", "--warmup", "0"});
    CHECK(run.exit_code == 1);
    CHECK_THAT(run.err, Contains("the server has 3 connections free") &&
                            Contains("limit of the database or of the role"));
    client.execute("DROP ROLE pgtraffic_test_limited");
}

TEST_CASE("connections whose number nobody named are as many as leave some places to others") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("DROP ROLE IF EXISTS pgtraffic_test_limited; CREATE ROLE pgtraffic_test_limited LOGIN");
    const test::TemporaryFile scenario{kOne};
    const auto run_with_limit = [&](int limit) {
        client.execute("ALTER ROLE pgtraffic_test_limited CONNECTION LIMIT " + std::to_string(limit));
        const auto run =
            run_pgtraffic({"run", "-d", database.dsn() + " user=pgtraffic_test_limited", "--scenario",
                           scenario.path(), "-t", "40", "--warmup", "0", "--json", "-"});
        REQUIRE(run.exit_code == 0);
        return std::pair{nlohmann::json::parse(run.out)["config"]["connections"].get<int>(), run.err};
    };
    const auto [most, told] = run_with_limit(12);
    CHECK(most == 10);
    CHECK_THAT(told, Contains("10 connections, not 100: the server has 12 free"));
    CHECK(run_with_limit(1).first == 1);
    client.execute("DROP ROLE pgtraffic_test_limited");
}

TEST_CASE("places that others are about to leave are waited for") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "DROP ROLE IF EXISTS pgtraffic_test_waiting; CREATE ROLE pgtraffic_test_waiting LOGIN CONNECTION "
        "LIMIT 3; ALTER ROLE pgtraffic_test_waiting SET statement_timeout = 50");
    auto conninfo = database.conninfo();
    conninfo.set("user", "pgtraffic_test_waiting");
    std::optional<Client> leaving{conninfo};
    const test::TemporaryFile scenario{kOne};
    test::Process process{
        test::pgtraffic_argv({"run", "-d", database.dsn() + " user=pgtraffic_test_waiting", "--scenario",
                              scenario.path(), "-t", "4", "-c", "3", "--warmup", "0"}),
        test::without_target()};
    const auto patience = base::mono_now() + std::chrono::seconds{20};
    // It has asked how many places there are, and asks again.
    while (count(client,
                 "pg_stat_activity WHERE usename = 'pgtraffic_test_waiting' AND state = 'idle' AND "
                 "query LIKE '%max_connections%'") == 0)
        REQUIRE(base::mono_now() < patience);
    leaving.reset();
    CHECK(process.wait().exit_code == 0);
    client.execute("DROP ROLE pgtraffic_test_waiting");
}

TEST_CASE("the sessions of other roles count, and a database's limit binds all but superusers") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const Client other{database.conninfo()};
    client.execute("DROP ROLE IF EXISTS pgtraffic_test_plain; CREATE ROLE pgtraffic_test_plain LOGIN");
    client.execute("ALTER DATABASE " + database.name() + " CONNECTION LIMIT 4");
    const test::TemporaryFile scenario{kOne};
    const auto run_as = [&](const std::string& user) {
        return run_pgtraffic({"run", "-d", database.dsn() + user, "--scenario", scenario.path(), "-t", "4",
                              "-c", "4", "--warmup", "0"});
    };
    const auto refused = run_as(" user=pgtraffic_test_plain");
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.err, Contains("the server has 2 connections free"));
    CHECK(run_as("").exit_code == 0);
    client.execute("DROP ROLE pgtraffic_test_plain");
}

TEST_CASE("--max-rows bounds what inserts add, warm-up included, and the report says why it ended") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto before = count(client, "orders");
    const auto result = run_and_read(
        database, {"--query-type", "mixed", "-c", "8", "-T", "60", "--warmup", "5", "--max-rows", "50"});
    CHECK(count(client, "orders") == before + 50);
    CHECK(result["run"]["outcome"] == "completed");
    CHECK(result["summary"]["duration_s"].get<double>() < 30);
    CHECK_THAT(warning(result, "max_rows"), Contains("ended by --max-rows") && Contains("50 rows"));
    CHECK(result["config"]["max_rows"] == 50);

    const auto unbounded = run_and_read(
        database, {"--query-type", "insert", "-t", "20", "-c", "2", "--warmup", "0", "--max-rows", "1000"});
    CHECK(warning(unbounded, "max_rows").empty());
    CHECK(count(client, "orders") == before + 70);

    // The time counts until the last row is answered, as with --total-queries.
    const auto few = run_and_read(
        database, {"--query-type", "insert", "-c", "10", "-T", "60", "--warmup", "0", "--max-rows", "10"});
    CHECK(few["summary"]["throughput_per_s"].get<double>() > 0);
}

TEST_CASE(
    "with --max-rows used up nothing is planned any more, and the client sleeps until the last answer") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (i text)");
    const test::TemporaryFile scenario{R"json({"name": "slow", "operations": [{"name": "slow", "statements": [
        {"sql": "INSERT INTO t SELECT pg_sleep(1.5)::text"}]}]})json"};
    const auto result =
        run_and_read(database, {"--scenario", scenario.path(), "-c", "10", "-T", "60", "--warmup", "0",
                                "--rate", "100", "--arrivals", "uniform", "--max-rows", "4"});
    CHECK(count(client, "t") == 4);
    CHECK(result["summary"]["queries"]["planned"].get<int>() <
          100);  // 4, where the machine is quick; 6,000 in all
    CHECK(result["summary"]["duration_s"].get<double>() > 1.4);
    CHECK(result["client"]["loop_busy_ratio"].get<double>() < 0.5);
}

TEST_CASE("--max-rows counts the rows that are added, not those that are read beside them") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (i int)");
    const test::TemporaryFile scenario{R"json({"name": "both", "operations": [{"name": "both", "statements": [
        {"sql": "BEGIN"}, {"sql": "SELECT generate_series(1, 50)"}, {"sql": "INSERT INTO t VALUES (1)"},
        {"sql": "COMMIT"}]}]})json"};
    const auto result = run_and_read(database, {"--scenario", scenario.path(), "-c", "2", "-T", "60",
                                                "--warmup", "0", "--max-rows", "20"});
    CHECK(count(client, "t") == 20);
    for (const auto& statement : result["operations"][0]["statements"]) CHECK(statement["ok"] == 20);
}

TEST_CASE("--max-rows refuses what adds rows without telling how many") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "cte", "operations": [{"name": "place", "statements": [
        {"name": "hidden", "sql": "WITH i AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT count(*) FROM i"}]}]})json"};
    const auto refused = run_pgtraffic(
        {"run", "-d", database.dsn(), "--scenario", scenario.path(), "-T", "60", "--max-rows", "20"});
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.err, Contains("pgtraffic: --max-rows: nothing tells how many rows the statement "
                                     "\"hidden\" of the operation \"place\" adds"));
}

TEST_CASE("--max-rows sees the rows that a failed attempt leaves, and they count in the report") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (i int)");
    const auto scenario_of = [](const std::string& statements) {
        return test::TemporaryFile{R"json({"name": "again", "operations": [{"name": "again",
            "retry": {"on": ["22012"], "max": 50}, "statements": [)json" +
                                   statements + "]}]}"};
    };
    const auto alone = scenario_of(R"json({"sql": "INSERT INTO t VALUES (1)"}, {"sql": "SELECT 1 / 0"})json");
    const auto run = [&](const test::TemporaryFile& scenario, const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"--scenario", scenario.path(), "--warmup", "0"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return test::read_result(run_pgtraffic(test::run_arguments(database, arguments)),
                                 2);  // none succeeds
    };
    const auto result = run(alone, {"-c", "2", "-T", "60", "--max-rows", "120"});
    CHECK(count(client, "t") == 120);
    CHECK(result["operations"][0]["rows"] == 120);
    CHECK_FALSE(warning(result, "max_rows").empty());

    // What is rolled back leaves nothing, however often it is tried.
    client.execute("TRUNCATE t");
    const auto block = scenario_of(R"json({"sql": "BEGIN"}, {"sql": "INSERT INTO t VALUES (1)"},
        {"sql": "SELECT 1 / 0"}, {"sql": "COMMIT"})json");
    const auto undone = run(block, {"-c", "1", "-t", "2", "--max-rows", "10"});
    CHECK(count(client, "t") == 0);
    CHECK(undone["operations"][0]["rows"] == 0);
    CHECK(undone["operations"][0]["retries"] == 100);
}

TEST_CASE("the keys of a table take their time, whatever limit its queries have") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE VIEW many AS SELECT i AS id FROM generate_series(1, 3) i, pg_sleep(1)");
    client.execute(fmt::format("ALTER DATABASE \"{}\" SET statement_timeout = '500ms'", database.name()));
    const test::TemporaryFile scenario{R"json({"name": "look", "operations": [{"name": "look", "statements": [
        {"sql": "SELECT $1::int", "parameters": [{"key": "many.id"}]}]}]})json"};
    const auto run = run_pgtraffic(
        test::run_arguments(database, {"--scenario", scenario.path(), "-t", "10", "--warmup", "0"}));
    INFO(run.err);
    CHECK(run.exit_code == 0);
}

TEST_CASE("a query that picks values cannot write, whatever it says") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE precious AS SELECT generate_series(1, 10) AS id");
    for (const char* pick : {"DELETE FROM precious RETURNING id", "DROP TABLE precious"}) {
        const test::TemporaryFile scenario{
            std::string(R"json({"name": "look", "operations": [{"name": "look", "statements": [
            {"sql": "SELECT $1::text", "parameters": [{"pick": ")json") +
            pick + R"json("}]}]}]})json"};
        const auto refused = run_pgtraffic(
            test::run_arguments(database, {"--scenario", scenario.path(), "-t", "10", "--warmup", "0"}));
        CHECK(refused.exit_code == 1);
        CHECK_THAT(refused.err, Contains("read-only transaction"));
        CHECK(count(client, "precious") == 10);
    }
    // Nor does one let the next out of its transaction.
    const test::TemporaryFile scenario{
        R"json({"name": "look", "operations": [{"name": "look", "statements": [
            {"sql": "SELECT $1::text, $2::text", "parameters": [
                {"pick": "COMMIT"}, {"pick": "DELETE FROM precious RETURNING id"}]}]}]})json"};
    const auto refused = run_pgtraffic(
        test::run_arguments(database, {"--scenario", scenario.path(), "-t", "10", "--warmup", "0"}));
    CHECK(refused.exit_code == 1);
    CHECK(count(client, "precious") == 10);
}

TEST_CASE("a scenario that says that it reads, and lifts that, is refused") {
    const auto database = test::fresh_database();
    for (const std::string sql :
         {"BEGIN READ WRITE", "RESET ALL", "DISCARD ALL", "SET default_transaction_read_only = off",
          "reset default_transaction_read_only",
          "SELECT set_config('default_transaction_read_only', 'off', false)"}) {
        INFO(sql);
        const test::TemporaryFile scenario{R"json({"name": "look", "read_only": true, "operations": [
            {"name": "look", "statements": [{"sql": ")json" +
                                           sql + R"json("}]}]})json"};
        const auto refused =
            run_pgtraffic(test::run_arguments(database, {"--scenario", scenario.path(), "-t", "10"}));
        CHECK(refused.exit_code == 1);
        CHECK_THAT(refused.err, Contains("\"read_only\": true, and one of its statements lifts that"));
    }
    for (const std::string sql : {"SELECT read, write FROM (VALUES (1, 2)) AS io (read, write)",
                                  "SET default_transaction_read_only = on"}) {
        INFO(sql);
        const test::TemporaryFile scenario{R"json({"name": "look", "read_only": true, "operations": [
            {"name": "look", "statements": [{"sql": ")json" +
                                           sql + R"json("}]}]})json"};
        const auto run = run_pgtraffic(
            test::run_arguments(database, {"--scenario", scenario.path(), "-t", "10", "--warmup", "0"}));
        INFO(run.err);
        CHECK(run.exit_code == 0);
    }
}

TEST_CASE("--max-rows sees what one statement inserts, and exceeds by no more than what was under way") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (i int)");
    const test::TemporaryFile scenario{R"json({"name": "bulk", "operations": [{"name": "bulk", "statements": [
        {"sql": "INSERT INTO t SELECT generate_series(1, 100)"}]}]})json"};
    (void)run_and_read(database, {"--scenario", scenario.path(), "-c", "2", "-T", "60", "--warmup", "0",
                                  "--max-rows", "1000"});
    const auto rows = count(client, "t");
    CHECK(rows >= 1000);
    CHECK(rows <= 1000 + 2 * 100);
}

TEST_CASE("cleanup --run removes exactly what the run placed") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute("COMMENT ON TABLE orders IS NULL");  // as in a database that another program set up
    const auto before = count(client, "orders");
    const auto place = [&](const char* total, const char* type) {
        return run_and_read(database, {"--query-type", type, "-t", total, "-c", "4", "--warmup", "0"});
    };
    const auto first = place("30", "insert");
    const auto second = place("40", "mixed");
    const std::string id = first["run"]["id"];
    const std::string other = second["run"]["id"];
    std::uint64_t inserted = 0;
    for (const auto& operation : second["operations"]) {
        if (operation["name"] == "insert") inserted = operation["ok"];
    }
    CHECK(count(client, "orders") == before + 30 + inserted);
    CHECK(count(client, "orders WHERE notes = 'pgtraffic run " + id + "'") == 30);

    const auto cleanup = [&](const std::string& run) {
        const auto done = run_pgtraffic({"cleanup", "-d", database.dsn(), "--run", run});
        INFO(done.err);
        CHECK(done.exit_code == 0);
        return done.out;
    };
    CHECK(cleanup(id) ==
          fmt::format("Removed from database \"{}\": 30 orders of run {}.\n", database.name(), id));
    CHECK(count(client, "orders") == before + inserted);
    CHECK(count(client, "orders WHERE notes = 'pgtraffic run " + other + "'") == inserted);
    CHECK_THAT(cleanup(id), Contains("Nothing to remove"));
    (void)cleanup(other);
    CHECK(count(client, "orders") == before);
    CHECK(count(client, "products") > 0);

    const auto empty = test::fresh_database();
    const auto none = run_pgtraffic({"cleanup", "-d", empty.dsn(), "--run", id});
    CHECK(none.exit_code == 1);
    CHECK_THAT(none.err, Contains("has no orders of pgtraffic's runs"));
}

TEST_CASE("a stop file ends the run as Ctrl-C does") {
    const auto database = test::filled_database();
    const test::Folder folder;
    const auto stop = folder / "stop";
    const auto arguments = [&](const char* warmup) {
        return test::run_arguments(database, {"--duration", "60", "-c", "2", "--warmup", warmup, "--progress",
                                              "200ms", "--stop-file", stop});
    };
    for (const auto& [warmup, sign] : {std::pair{"0", "/s "}, std::pair{"60", "warming up"}}) {
        test::Process process{test::pgtraffic_argv(arguments(warmup)), test::without_target()};
        REQUIRE(process.wait_for_stderr(sign));
        test::write_file(stop, "stop\n");
        const auto ended = process.wait();
        CHECK_THAT(ended.err, Contains("stopped by --stop-file"));
        const auto result = test::read_result(ended, 130);
        CHECK(result["run"]["outcome"] == "interrupted");
        CHECK_THAT(warning(result, "stop_file"), Contains("stopped by --stop-file after"));
        const auto refused = run_pgtraffic(arguments("0"));
        CHECK(refused.exit_code == 1);
        CHECK_THAT(refused.err, Contains("--stop-file: \"" + stop + "\" exists already"));
        std::filesystem::remove(stop);
    }
}

TEST_CASE(
    "what answers after the end is not counted: an audit of a run that is stopped finds all it looks for") {
    const auto database = test::filled_database();
    const test::Folder folder;
    for (int i = 0; i < 5; ++i) {
        const auto stop = folder / ("stop" + std::to_string(i));
        test::Process process{
            test::pgtraffic_argv(test::run_arguments(
                database, {"--query-type", "insert", "--audit", "--duration", "60", "-c", "20", "--warmup",
                           "60", "--progress", "200ms", "--stop-file", stop})),
            test::without_target()};
        REQUIRE(process.wait_for_stderr("warming up"));
        test::write_file(stop, "stop\n");
        const auto result = test::read_result(process.wait(), 130);
        REQUIRE(result["audit"].size() == 1);
        CHECK(result["audit"][0]["lost"] == 0);
    }
}

TEST_CASE("which tables statements write is what the server says") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE mine (i int); CREATE VIEW open_orders AS SELECT * FROM orders; CREATE SCHEMA other; "
        "CREATE TABLE other.\"Odd Name\" (i int); CREATE SEQUENCE s; "
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    const auto targets = [&](const std::vector<std::string>& statements) {
        return brickhouse::foreign_targets(client, statements);
    };
    std::vector<std::string> built_in;
    for (const char* name : {"insert", "update"}) {
        for (const auto& operation : workload::built_in_scenario(name).operations) {
            for (const auto& statement : operation.statements) built_in.push_back(statement.sql);
        }
    }
    CHECK(targets(built_in).none());
    CHECK(targets({"INSERT INTO mine SELECT order_id FROM orders"}).tables ==
          std::vector<std::string>{"mine"});
    CHECK(targets({"UPDATE orders SET version = 1", "DELETE FROM other.\"Odd Name\""}).tables ==
          std::vector<std::string>{"other.\"Odd Name\""});
    CHECK(targets({"UPDATE open_orders SET version = 1"}).tables == std::vector<std::string>{"open_orders"});
    CHECK(targets({"WITH x AS (DELETE FROM mine RETURNING i) SELECT * FROM x"}).tables ==
          std::vector<std::string>{"mine"});
    CHECK(targets({"SELECT 1 FROM mine FOR UPDATE"}).tables == std::vector<std::string>{"mine"});
    for (const char* unknown :
         {"TRUNCATE orders", "SELECT nextval('s')", "SELECT f()", "CREATE TABLE x (i int)",
          // What a statement in front of it would make.
          "INSERT INTO not_yet VALUES (1)"}) {
        CAPTURE(unknown);
        CHECK(targets({unknown}).unknown);
    }
    CHECK(count(client, "pg_class WHERE relname = 'x'") == 0);
    CHECK(count(client, "orders") > 0);
}

TEST_CASE("somebody else's tables on another machine are written only when the database is named") {
    const test::PrivateNetwork network;
    if (!network.available()) return test::not_run("no network namespace to be had");
    postgres::TemporaryServerOptions options;
    options.fsync = false;
    options.max_connections = 30;
    options.tcp = true;
    options.settings = {std::string{"listen_addresses=127.0.0.1,"} + network.kAddress};
    options.hba = {"host all all 0.0.0.0/0 trust"};
    postgres::TemporaryServer server{options};
    Client client{server.conninfo()};
    brickhouse::InitOptions init;
    init.scale = 0.01;
    brickhouse::init(client, init, nullptr);
    const auto port = server.conninfo().get("port");
    const auto dsn = [&](const std::string& host) {
        return fmt::format("host={} port={} dbname=pgtraffic user=pgtraffic", host, port);
    };
    const auto run = [&](const std::string& host, const std::vector<std::string>& more,
                         const test::ProcessOptions& how = {}) {
        std::vector<std::string> all{"run", "-d",       dsn(host), "-t",           "5",     "-c",
                                     "1",   "--warmup", "0",       "--query-type", "insert"};
        all.insert(all.end(), more.begin(), more.end());
        return run_pgtraffic(all, how);
    };
    // Marked by init: nothing is asked.
    CHECK(run(network.kAddress, {}).exit_code == 0);
    // But where the names of tables may lead elsewhere by then.
    const test::TemporaryFile redirected{
        R"json({"name": "tenant", "operations": [{"name": "pay", "statements": [
        {"sql": "BEGIN"}, {"sql": "SELECT set_config('search_path', 'tenant, public', true)"},
        {"sql": "UPDATE orders SET notes = 'paid' WHERE order_id = 1"}, {"sql": "COMMIT"}]}]})json"};
    const auto led_astray = run_pgtraffic({"run", "-d", dsn(network.kAddress), "-t", "5", "-c", "1",
                                           "--warmup", "0", "--scenario", redirected.path()});
    CHECK(led_astray.exit_code == 1);
    CHECK_THAT(led_astray.err, Contains("(what its statements do not tell)"));
    client.execute("COMMENT ON TABLE orders IS NULL");
    auto orders = count(client, "orders");

    const auto refused = run(network.kAddress, {});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.starts_with("target: "));  // the question comes after what it asks about
    CHECK_THAT(
        refused.err,
        Contains("this run writes to tables that `pgtraffic init` did not make (orders) in database "
                 "\"pgtraffic\" on \"192.0.2.1\". Nothing was changed. If that is meant, say --confirm "
                 "pgtraffic"));
    CHECK(run(network.kAddress, {"--confirm", "shop"}).exit_code == 1);
    CHECK(count(client, "orders") == orders);
    // One of several hosts is enough.
    CHECK(run(std::string{"127.0.0.1,"} + network.kAddress, {}).exit_code == 1);
    CHECK(count(client, "orders") == orders);
    // Reading, this machine, and the right name pass.
    CHECK(run(network.kAddress, {"--mix", "select=1", "--query-type", "mixed"}).exit_code == 0);
    CHECK(run("127.0.0.1", {}).exit_code == 0);
    CHECK(run(network.kAddress, {"--confirm", "pgtraffic"}).exit_code == 0);
    CHECK(count(client, "orders") == orders + 10);
    CHECK(run("127.0.0.1", {"--confirm", "shop"}).exit_code == 1);  // a wrong name is wrong anywhere

    SECTION("init --reset asks before it drops them") {
        const std::vector<std::string> reset{"init",    "-d",      dsn(network.kAddress),
                                             "--reset", "--scale", "0.01"};
        const auto stopped = run_pgtraffic(reset);
        CHECK(stopped.exit_code == 1);
        CHECK_THAT(stopped.err,
                   Contains("drops tables") && Contains("(orders)") && Contains("--confirm pgtraffic"));
        CHECK(count(client, "orders") == orders + 10);
        auto confirmed = reset;
        confirmed.insert(confirmed.end(), {"--confirm", "pgtraffic"});
        CHECK(run_pgtraffic(confirmed).exit_code == 0);
        CHECK(run_pgtraffic(reset).exit_code == 0);  // all of them are ours now
    }
}
