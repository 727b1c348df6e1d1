// Deadlocks and serialization failures as a real server makes them, retried until they succeed.
#include <string>

#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/real_run.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using nlohmann::json;
using postgres::Client;
using test::number;
using test::run_and_read;

namespace {

std::uint64_t query_count(const json& result, const char* key) {
    return result["summary"]["queries"][key];
}

/// Two operations that lock the same two rows in opposite order.
std::string crossing(const std::string& retry) {
    const auto operation = [&](const char* name, const char* first, const char* second) {
        const std::string update = "UPDATE account SET balance = balance + 1 WHERE id = ";
        return std::string{R"({"name": ")"} + name + R"(", "statements": [{"sql": "BEGIN"}, {"sql": ")" +
               update + first + R"("}, {"sql": ")" + update + second + R"("}, {"sql": "COMMIT"}])" + retry +
               "}";
    };
    return R"({"name": "crossing", "operations": [)" + operation("up", "1", "2") + ", " +
           operation("down", "2", "1") + "]}";
}

}  // namespace

TEST_CASE("deadlocks are retried with a pause until they succeed, and every attempt is in the latency") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL); INSERT INTO account VALUES (1, 0), "
        "(2, 0)");
    client.execute("ALTER DATABASE " + database.name() + " SET deadlock_timeout = '20ms'");
    const std::vector<std::string> load{"--total-queries", "300", "-c", "6", "--warmup", "0"};

    const test::TemporaryFile without{crossing("")};
    auto arguments = load;
    arguments.insert(arguments.end(), {"--scenario", without.path()});
    const auto failing = run_and_read(database, arguments);
    REQUIRE(query_count(failing, "failed") > 0);
    CHECK(failing["errors"][0]["sqlstate"] == "40P01");
    CHECK(query_count(failing, "retries") == 0);
    const auto before = number(client, "SELECT sum(balance) FROM account");
    CHECK(before == 2 * static_cast<std::int64_t>(query_count(failing, "ok")));

    const test::TemporaryFile with{
        crossing(R"(, "retry": {"on": ["40P01"], "max": 100, "backoff_ms": [2, 50]})")};
    arguments = load;
    arguments.insert(arguments.end(), {"--scenario", with.path()});
    const auto retried = run_and_read(database, arguments);
    CHECK(query_count(retried, "ok") == 300);
    CHECK(query_count(retried, "failed") == 0);
    CHECK(query_count(retried, "retries") > 0);
    REQUIRE(retried["errors"].size() == 1);
    CHECK(retried["errors"][0]["sqlstate"] == "40P01");
    CHECK(retried["errors"][0]["count"] == 0);
    CHECK(retried["errors"][0]["retried"] == query_count(retried, "retries"));
    CHECK(retried["errors"][0]["sample"] == "deadlock detected");
    CHECK(number(client, "SELECT sum(balance) FROM account") - before == 600);
    // One that met a deadlock waited for its detection and for the pause.
    CHECK(retried["summary"]["response_ms"]["max"].get<double>() >= 20 + 1);
}

TEST_CASE("serialization failures are retried until each transaction has seen the ones before it") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE entry (n bigint NOT NULL)");
    // Each writes what it counted; run one after the other they write 0, 1, 2, …, each once.
    const test::TemporaryFile scenario{
        R"json({"name": "skew", "operations": [{"name": "append", "statements": [
        {"sql": "BEGIN ISOLATION LEVEL SERIALIZABLE"},
        {"sql": "INSERT INTO entry SELECT count(*) FROM entry"},
        {"sql": "COMMIT"}],
        "retry": {"on": ["40001"], "max": 100, "backoff_ms": [1, 20]}}]})json"};
    const auto result = run_and_read(
        database, {"--scenario", scenario.path(), "--total-queries", "200", "-c", "4", "--warmup", "0"});
    CHECK(query_count(result, "ok") == 200);
    CHECK(query_count(result, "retries") > 0);
    CHECK(number(client, "SELECT count(DISTINCT n) FROM entry WHERE n BETWEEN 0 AND 199") == 200);
    CHECK(number(client, "SELECT count(*) FROM entry") == 200);
}

TEST_CASE("a pause between attempts ends with the time-out, and the connection is kept") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{
        R"json({"name": "never", "operations": [{"name": "never", "statements": [
        {"sql": "SELECT 1 / 0"}], "retry": {"on": ["22012"], "max": 100, "backoff_ms": [5000, 60000]}}]})json"};
    const auto result = run_and_read(database,
                                     {"--scenario", scenario.path(), "--total-queries", "4", "-c", "2",
                                      "--warmup", "0", "--timeout", "300ms"},
                                     2);
    CHECK(query_count(result, "timed_out") == 4);
    CHECK(query_count(result, "retries") == 0);  // none was made: the pauses are longer
    CHECK(query_count(result, "in_doubt") == 0);
    CHECK(result["outages"].empty());
    // A session that a time-out frees goes on at once, although nothing else happens on any socket.
    const auto one = run_and_read(database,
                                  {"--scenario", scenario.path(), "--total-queries", "8", "-c", "1",
                                   "--warmup", "0", "--timeout", "100ms"},
                                  2);
    CHECK(query_count(one, "timed_out") == 8);
    CHECK(one["summary"]["duration_s"].get<double>() < 4);
}

TEST_CASE("behind the load nothing is tried again, with a pause or without, alone or in a pipeline") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{
        R"json({"name": "never", "operations": [{"name": "never", "statements": [
        {"sql": "SELECT 1 / (CASE WHEN pg_sleep(0.2) IS NULL THEN 1 ELSE 0 END)"}],
        "retry": {"on": ["22012"], "max": 100}}]})json"};
    const auto arguments = GENERATE(std::vector<std::string>{}, std::vector<std::string>{"--pipeline", "2"});
    std::vector<std::string> all{"--scenario", scenario.path(), "--duration", "1", "-c",
                                 "2",          "--warmup",      "0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto result = run_and_read(database, all, 2);
    // Those under way when the time is over end with that attempt, as failures.
    CHECK(query_count(result, "failed") == query_count(result, "started"));
    CHECK(query_count(result, "in_flight") == 0);
    CHECK(query_count(result, "retries") > 0);
}
