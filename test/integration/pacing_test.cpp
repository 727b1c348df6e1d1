// --pacing with a step wakes at its multiples: what the figures still say, and what they own up to.
#include <algorithm>
#include <string>

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

TEST_CASE("without steps an answer that has no time of its own is read when it comes") {
    const auto database = test::filled_database();  // by a Unix socket
    const auto result = test::run_and_read(
        database, {"--rate", "300", "--arrivals", "uniform", "--duration", "2", "-c", "20", "--warmup", "0"});
    CHECK(result["run"]["answers_timed_by"] == "program");
    CHECK(result["client"]["context_switches"].get<double>() / 600 > 1.6);
    CHECK(result["summary"]["service_ms"]["p50"].get<double>() < 3);
    CHECK_FALSE(owns_up(result));
}
