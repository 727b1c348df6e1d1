// PgBouncer, in front of a real PostgreSQL, in session and in transaction mode: docs/poolers.md, tested.
#include <string>
#include <vector>

#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/never_answered.hpp"
#include "support/pgbouncer.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;
using test::PgBouncer;
using test::warning;

namespace {

constexpr std::uint32_t kServerConnections = 20;

test::ProcessResult run(const PgBouncer& pooler, const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"run", "-d", pooler.dsn(), "--format", "json", "--warmup", "0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::run_pgtraffic(all);
}

/// The pooler's server connections to the database, as the server sees them.
std::string backend_count(postgres::Client& client) {
    return client
        .value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid()")
        .value_or("");
}

const char* const kSlow = R"json({"name": "slow", "operations": [
    {"name": "slow", "statements": [{"sql": "SELECT pg_advisory_lock(1)"}]}]})json";
const char* const kLimits = R"json({"name": "limits", "operations": [
    {"name": "limit", "statements": [{"sql": "SELECT 1 / (current_setting('statement_timeout') = '0')::int"}]}]})json";

}  // namespace

TEST_CASE("every workload runs through both modes with the extended protocol") {
    if (!PgBouncer::available()) return;
    for (const std::string mode : {"session", "transaction"}) {
        const auto database = test::filled_database();
        const PgBouncer pooler{database, mode, kServerConnections};
        for (const std::string type : {"select", "insert", "update", "mixed"}) {
            INFO(mode << ", " << type);
            const auto result = test::read_result(
                run(pooler, {"--query-type", type, "--total-queries", "300", "-c", "20"}), 0);
            CHECK(result["summary"]["queries"]["failed"] == 0);
            CHECK(result["environment"]["server"]["pooler"] == true);
        }
    }
}

TEST_CASE("where a pooler takes no more clients the search for the connections ends") {
    if (!PgBouncer::available()) return;
    const auto database = test::filled_database();
    const PgBouncer pooler{database, "session", kServerConnections, 5};
    const auto result = test::read_result(
        run(pooler, {"-c", "auto", "--duration", "1", "--sql", "SELECT pg_sleep(0.01)"}), 0);
    const auto& search = result["connection_search"];
    CHECK(search["found"]["connections"] == 4);
    CHECK(search["grew_to_the_end"] == true);
    CHECK_THAT(warning(result, "connections_in_doubt"),
               Catch::Matchers::Contains("grew up to 4 connections, the most that could be tried"));
}

TEST_CASE("a direct connection is not taken for a pooler's") {
    if (!PgBouncer::available()) return;
    const auto database = test::filled_database();
    const auto result = test::run_and_read(database, {"--total-queries", "10", "-c", "2", "--warmup", "0"});
    CHECK(result["environment"]["server"]["pooler"] == false);
}

TEST_CASE("a thousand clients share twenty connections of the server") {
    if (!PgBouncer::available()) return;
    const auto database = test::filled_database();
    const PgBouncer pooler{database, "transaction", kServerConnections};
    const auto result = test::read_result(
        run(pooler, {"--query-type", "mixed", "--total-queries", "5000", "-c", "1000", "--duration", "60"}),
        0);
    CHECK(result["summary"]["queries"]["started"] == 5000);
    CHECK(result["summary"]["queries"]["failed"] == 0);
    postgres::Client client{database.conninfo()};
    CHECK(std::stoi(backend_count(client)) <= static_cast<int>(kServerConnections));
}

TEST_CASE("prepared statements work in session mode and are refused with the cure in transaction mode") {
    if (!PgBouncer::available()) return;
    const auto database = test::filled_database();
    {
        const PgBouncer pooler{database, "session", kServerConnections};
        const auto result = test::read_result(
            run(pooler, {"--protocol", "prepared", "--total-queries", "300", "-c", "20"}), 0);
        CHECK(result["summary"]["queries"]["failed"] == 0);
    }
    const PgBouncer pooler{database, "transaction", kServerConnections};
    const auto ended = run(pooler, {"--protocol", "prepared", "--total-queries", "300", "-c", "40"});
    INFO(ended.err);
    CHECK(ended.exit_code == 1);
    CHECK(ended.err.find("pooler in transaction mode") != std::string::npos);
    CHECK(ended.err.find("--protocol extended") != std::string::npos);
}

TEST_CASE("a time-out behind a pooler is the client's own and leaves no setting behind") {
    if (!PgBouncer::available()) return;
    const auto database = test::filled_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile slow{kSlow};
    const test::TemporaryFile limits{kLimits};
    for (const std::string mode : {"session", "transaction"}) {
        INFO(mode);
        const PgBouncer pooler{database, mode, 4};
        const auto result = test::read_result(
            run(pooler, {"--scenario", slow.path(), "--timeout", "300ms", "--total-queries", "8", "-c", "4"}),
            2);
        CHECK(result["summary"]["queries"]["timed_out"] == 8);
        CHECK_FALSE(warning(result, "pooler_timeout").empty());
        // Whoever uses the pool next finds the server's own limit, which is none: this divides by zero
        // otherwise.
        const auto after = test::read_result(
            run(pooler, {"--scenario", limits.path(), "--timeout", "5s", "--total-queries", "40", "-c", "4"}),
            0);
        CHECK(after["summary"]["queries"]["ok"] == 40);
    }
}
