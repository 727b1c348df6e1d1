// Several queries under way on one connection: what comes out must be what comes out without, whatever fails
// in between.
#include <signal.h>

#include <string>

#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/never_answered.hpp"
#include "support/real_run.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using nlohmann::json;
using postgres::Client;
using test::check_conserved;
using test::number;
using test::queries;
using test::run_and_read;

namespace {

/// Every seventh or so divides by zero, in the middle of inserts that must not suffer.
const char* const kFailing = R"json({"name": "failing", "operations": [
    {"name": "note", "weight": 3, "statements": [{"sql": "INSERT INTO note (n) VALUES ($1)",
        "parameters": [{"integer": [1, 1000000]}]}]},
    {"name": "divide", "weight": 1, "statements": [{"sql": "SELECT 1 / $1::int",
        "parameters": [{"integer": [0, 3]}]}]}]})json";

}  // namespace

TEST_CASE("a failing query of a pipeline takes none of its neighbours along") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE note (n int NOT NULL)");
    const test::TemporaryFile scenario{kFailing};
    std::vector<std::string> sums;
    std::vector<json> counts;
    for (const char* depth : {"1", "16"}) {
        for (const char* protocol : {"extended", "prepared"}) {
            client.execute("TRUNCATE note");
            const auto result = run_and_read(
                database, {"--scenario", scenario.path(), "--total-queries", "3000", "-c", "3", "--warmup",
                           "0", "--random-seed", "11", "--pipeline", depth, "--protocol", protocol});
            INFO("pipeline " << depth << ", " << protocol);
            check_conserved(result);
            CHECK(queries(result)["started"] == 3000);
            CHECK(result["errors"].size() == 1);
            CHECK(result["errors"][0]["sqlstate"] == "22012");
            CHECK(result["errors"][0]["sample"].get<std::string>().find("division by zero") !=
                  std::string::npos);
            CHECK(number(client, "SELECT count(*) FROM note") == result["operations"][0]["ok"].get<int>());
            counts.push_back({queries(result)["ok"], queries(result)["failed"]});
            sums.push_back(client.value("SELECT sum(n) FROM note").value());
        }
    }
    CHECK(counts[0][1].get<int>() > 100);
    for (std::size_t i = 1; i < counts.size(); ++i) {
        CHECK(counts[i] == counts[0]);
        CHECK(sums[i] == sums[0]);
    }
}

TEST_CASE("a pipeline asks as many questions as it reports, many of them together") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto statistic = [&](const std::string& column, const std::string& from) {
        client.execute("SELECT pg_stat_clear_snapshot()");
        return number(client, "SELECT " + column + " FROM " + from);
    };
    const std::string scans = "pg_stat_user_tables WHERE relname = 'orders'";
    const auto before = statistic("idx_scan", scans);
    const auto result = run_and_read(database, {"--total-queries", "6000", "-c", "4", "--warmup", "0",
                                                "--pipeline", "8", "--protocol", "prepared"});
    check_conserved(result);
    CHECK(queries(result)["ok"] == 6000);
    CHECK(result["config"]["pipeline"] == 8);
    CHECK(statistic("idx_scan", scans) - before == 6000 + 2);
}

TEST_CASE("duplicate order numbers are retried in a pipeline as they are without") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const std::vector<std::string> load{
        "--query-type", "insert", "--total-queries", "200", "-c",         "2",
        "--warmup",     "0",      "--random-seed",   "42",  "--pipeline", "8"};
    const auto orders = number(client, "SELECT count(*) FROM orders");
    CHECK(queries(run_and_read(database, load))["ok"] == 200);
    // The second run of the seed finds every number of the first one taken.
    const auto again = run_and_read(database, load);
    CHECK(queries(again)["ok"] == 200);
    CHECK(queries(again)["failed"] == 0);
    CHECK(queries(again)["retries"].get<int>() >= 200);
    CHECK(number(client, "SELECT count(*) FROM orders") == orders + 400);
}

TEST_CASE("a backend that dies costs a pipeline what was under way on it, and no more") {
    const auto database = test::filled_database();
    // One session: what is started after its loss is started because it came back.
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"--rate", "1000", "--duration", "3", "-c", "1", "--pipeline", "8",
                                         "--warmup", "0", "--progress", "250ms"})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring"));
    Client client{database.conninfo()};
    test::terminate_one_session(client);
    const auto result = test::read_result(process.wait(), 0);
    check_conserved(result);
    CHECK(queries(result)["failed"].get<int>() <= 8);
    // A busy machine may take the last part of a run away.
    CHECK(queries(result)["started"].get<double>() >= 0.5 * queries(result)["planned"].get<double>());
    CHECK(result["run"]["warnings"].dump().find("reconnects") != std::string::npos);
}

TEST_CASE("giving up a connection that takes no more bytes waits for nobody") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    // Sixteen of these are more than a socket holds.
    const test::TemporaryFile scenario{
        R"json({"name": "long", "operations": [{"name": "long", "statements": [{"sql": "SELECT 1 /* )json" +
        std::string(60'000, 'x') + R"json( */"}]}]})json"};
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--scenario", scenario.path(), "--duration", "3", "-c", "1", "--warmup", "0",
                       "--pipeline", "16", "--timeout", "200ms", "--progress", "250ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    const auto backend = static_cast<pid_t>(
        number(client,
               "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgtraffic' AND datname = "
               "current_database() AND pid <> pg_backend_pid()"));
    REQUIRE(backend > 0);  // 0 would be all of us
    ::kill(backend, SIGSTOP);
    const auto ended = process.wait();  // would be for ever
    ::kill(backend, SIGCONT);
    const auto result = test::read_result(ended, 0);
    check_conserved(result);
    // The new connection may time out, too, where the machine is busy.
    CHECK(queries(result)["timed_out"].get<int>() >= 1);
    CHECK(queries(result)["failed"].get<int>() >= 15);
    REQUIRE_FALSE(result["outages"].empty());
    CHECK(result["outages"][0]["to_s"].is_number());
}

TEST_CASE("a query that waits behind others of its pipeline is not late") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "steady", "operations": [
        {"name": "steady", "statements": [{"sql": "SELECT pg_sleep(0.1)"}]}]})json"};
    // Eight in a row take 0.8 s, of which each takes a tenth.
    const auto result =
        run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "32", "-c", "2", "--warmup",
                                "0", "--timeout", "400ms", "--pipeline", "8"});
    CHECK(queries(result)["ok"] == 32);
    CHECK(result["outages"].empty());
}

TEST_CASE("what a limit of the role's ends is no time-out of ours, however long it waited for its turn") {
    const auto database = test::fresh_database();
    Client{database.conninfo()}.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 100', current_database()); "
        "END $$");
    const test::TemporaryFile scenario{R"json({"name": "slow", "operations": [
        {"name": "slow", "statements": [{"sql": "SELECT pg_sleep(0.2)"}]}]})json"};
    // The last of eight waits 0.7 s for its turn.
    const auto ended = test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(),
                                            "--total-queries", "16", "-c", "1", "--warmup", "0", "--timeout",
                                            "500ms", "--pipeline", "8", "--format", "json"});
    const auto result = json::parse(ended.out);
    CHECK(queries(result)["failed"] == 16);
    CHECK(queries(result)["timed_out"] == 0);
}

TEST_CASE("a query over the time-out ends alone in its pipeline") {
    const auto database = test::fresh_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile scenario{R"json({"name": "slow", "operations": [
        {"name": "quick", "weight": 9, "statements": [{"sql": "SELECT 1"}]},
        {"name": "slow", "weight": 1, "statements": [{"sql": "SELECT pg_advisory_lock(1)"}]}]})json"};
    const auto result = run_and_read(
        database, {"--scenario", scenario.path(), "--total-queries", "100", "-c", "2", "--warmup", "0",
                   "--timeout", "300ms", "--random-seed", "3", "--pipeline", "4"});
    check_conserved(result);
    // The server cancels it in time for its connection to live on.
    CHECK(queries(result)["timed_out"].get<int>() > 0);
    CHECK(queries(result)["failed"] == 0);
    CHECK(queries(result)["ok"].get<int>() + queries(result)["timed_out"].get<int>() == 100);
    CHECK(result["outages"].empty());
}

TEST_CASE("the free connection that goes next is the one asked for") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const test::TemporaryFile scenario{R"json({"name": "who", "operations": [{"name": "who", "statements": [
        {"sql": "INSERT INTO asked VALUES (pg_backend_pid())"}]}]})json"};
    client.execute("CREATE TABLE asked (pid int)");
    // In turn each of 20 does three of 60 queries; the one freed last does most of them, unless the machine
    // stands still, when some come due together.
    for (const auto& [order, least, most] : {std::tuple{"fifo", 3, 9}, {"lifo", 24, 60}}) {
        client.execute("TRUNCATE asked");
        const auto result = run_and_read(
            database, {"--scenario", scenario.path(), "--rate", "20", "--arrivals", "uniform", "--duration",
                       "3", "-c", "20", "--warmup", "0", "--session-order", order});
        CHECK(queries(result)["ok"] == 60);
        INFO(order);
        const auto busiest = number(
            client, "SELECT max(n) FROM (SELECT count(*) AS n FROM asked GROUP BY pid) AS by_connection");
        CHECK(busiest >= least);
        CHECK(busiest <= most);
    }
}
