// --pacing with a step wakes at its multiples: what the figures still say, and what they own up to.
#include <algorithm>
#include <string>

#include "pgtraffic/postgres/temporary_server.hpp"
#include "support/catch.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;

namespace {

bool owns_up(const json& result) {
    const auto& warnings = result["run"]["warnings"];
    return std::any_of(warnings.begin(), warnings.end(),
                       [](const json& warning) { return warning["code"] == "economy_pacing"; });
}

}  // namespace

TEST_CASE("paced by steps, what is planned starts, at the steps, and is charged the lag") {
    const auto [pacing, step_ms] =
        GENERATE(std::pair{"1ms", 1.0}, std::pair{"2ms", 2.0}, std::pair{"economy", 8.0});
    CAPTURE(pacing);
    const auto database = test::filled_database();
    // So few that a machine busy with something else has none of them waiting when the run ends.
    const auto result = test::run_and_read(database, {"--rate", "70", "--arrivals", "uniform", "--duration",
                                                      "2", "-c", "70", "--warmup", "0", "--pacing", pacing});
    const auto& queries = result["summary"]["queries"];
    CHECK(queries["started"] == 140);
    CHECK(queries["ok"] == 140);
    // Due times spread evenly over a step's fractions, so on average they wait for half of one.
    CHECK(result["summary"]["lag_ms"]["mean"].get<double>() > 0.4 * step_ms);
    // The step was asked for: where the client was later still, only the rest is held against it.
    for (const auto& reason : result["verdict"]["reasons"]) {
        if (reason["code"] == "generator_lag")
            CHECK(reason["value"].get<double>() <=
                  result["summary"]["lag_ms"]["p99"].get<double>() - 0.999 * step_ms);
    }
    CHECK(result["config"]["pacing_step_s"] == step_ms / 1000);
    // Over a Unix socket nobody knows when an answer came.
    CHECK(owns_up(result));
}

TEST_CASE("the rest of a long answer is read as it comes and not a part a wake") {
    postgres::TemporaryServerOptions options;
    options.fsync = false;
    options.tcp = true;
    const postgres::TemporaryServer server{options};
    const auto named = [&](const std::string& host) {
        const auto& conninfo = server.conninfo();
        return "host=" + host + " port=" + conninfo.get("port") + " user=" + conninfo.get("user") +
               " dbname=" + conninfo.get("dbname") + " sslmode=disable";
    };
    // Twenty megabytes, in hundreds of reads: a wake each, 3 ms apart without steps and 8 with them, would
    // make them take a second and two.
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "short", "weight": 200, "statements": [{"sql": "SELECT 1"}]},
        {"name": "long", "weight": 1, "statements": [
            {"sql": "SELECT repeat('x', 1000) FROM generate_series(1, 20000)"}]}]})json"};
    for (const auto& target : {named(server.conninfo().get("host")), named("127.0.0.1")}) {
        for (const std::string pacing : {"precise", "economy"}) {
            CAPTURE(target, pacing);
            const auto result = test::read_result(test::run_pgtraffic({"run",
                                                                       "--format",
                                                                       "json",
                                                                       "-d",
                                                                       target,
                                                                       "--scenario",
                                                                       scenario.path(),
                                                                       "--rate",
                                                                       "300",
                                                                       "--arrivals",
                                                                       "uniform",
                                                                       "--duration",
                                                                       "2",
                                                                       "-c",
                                                                       "40",
                                                                       "--warmup",
                                                                       "0",
                                                                       "--random-seed",
                                                                       "2",
                                                                       "--pacing",
                                                                       pacing}),
                                                  0);
            CHECK(result["summary"]["queries"]["failed"] == 0);
            const auto& of_long = result["operations"][1];
            REQUIRE(of_long["name"] == "long");
            CHECK(of_long["ok"].get<int>() >= 3);
            CHECK(of_long["service_ms"]["max"].get<double>() < 800);
        }
    }
}

TEST_CASE("the rest of a long query leaves as soon as there is room and not a part a wake") {
    const auto database = test::fresh_database();  // by a Unix socket, whose buffer takes some 200 kB
    std::string sum = "SELECT 0";
    std::string values;
    for (int i = 1; i <= 20; ++i) {
        sum += " + length($" + std::to_string(i) + "::text)";
        values += (i == 1 ? "" : ",") + (R"({"constant": ")" + std::string(100'000, 'x') + R"("})");
    }
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "short", "weight": 100, "statements": [{"sql": "SELECT 1"}]},
        {"name": "long", "weight": 1, "statements": [{"sql": ")json" +
                                       sum + R"json(", "parameters": [)json" + values + "]}]}]}"};
    const auto result =
        test::run_and_read(database, {"--scenario", scenario.path(), "--rate", "300", "--duration", "3", "-c",
                                      "10", "--warmup", "0", "--random-seed", "2", "--pacing", "economy"});
    const auto& of_long = result["operations"][1];
    REQUIRE(of_long["name"] == "long");
    CHECK(of_long["ok"].get<int>() >= 3);
    // Ten parts, 8 ms each.
    CHECK(of_long["service_ms"]["min"].get<double>() < 50);
}

TEST_CASE("without steps an answer that has no time of its own is read when it comes") {
    const auto database = test::filled_database();  // by a Unix socket
    const auto result = test::run_and_read(
        database, {"--rate", "300", "--arrivals", "uniform", "--duration", "2", "-c", "20", "--warmup", "0"});
    CHECK(result["run"]["answers_timed_by"] == "program");
    CHECK(result["client"]["context_switches"].get<double>() / 600 > 1.6);
    CHECK(result["summary"]["service_ms"]["p50"].get<double>() < 3);
    CHECK_FALSE(owns_up(result));
}
