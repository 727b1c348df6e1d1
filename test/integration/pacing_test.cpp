// --pacing economy wakes on whole milliseconds: what its figures still say, and what they own up to.
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

TEST_CASE("economy pacing starts what is planned, on whole milliseconds, and charges the lag") {
    const auto database = test::filled_database();
    const auto result =
        test::run_and_read(database, {"--rate", "700", "--arrivals", "uniform", "--duration", "2", "-c", "20",
                                      "--warmup", "0", "--pacing", "economy"});
    const auto& queries = result["summary"]["queries"];
    CHECK(queries["started"] == 1400);
    CHECK(queries["ok"] == 1400);
    // Due times spread evenly over a millisecond's fractions, so on average they wait for half of one.
    CHECK(result["summary"]["lag_ms"]["mean"].get<double>() > 0.2);
    // The millisecond was asked for: where the client was later still, only the rest is held against it.
    for (const auto& reason : result["verdict"]["reasons"]) {
        if (reason["code"] == "generator_lag")
            CHECK(reason["value"].get<double>() <= result["summary"]["lag_ms"]["p99"].get<double>() - 0.999);
    }
    // Over a Unix socket nobody knows when an answer came.
    CHECK(owns_up(result));
}
