// --pacing economy wakes on whole milliseconds: what its figures still say, and what they own up to.
#include <algorithm>
#include <string>

#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;

namespace {

const std::vector<std::string> kPaced{"--rate", "700", "--arrivals", "uniform", "--duration", "2",
                                      "-c",     "20",  "--warmup",   "0",       "--pacing",   "economy"};

bool owns_up(const json& result) {
    const auto& warnings = result["run"]["warnings"];
    return std::any_of(warnings.begin(), warnings.end(),
                       [](const json& warning) { return warning["code"] == "economy_pacing"; });
}

}  // namespace

TEST_CASE("economy pacing starts what is planned, on whole milliseconds, and charges the lag") {
    const auto database = test::filled_database();
    const auto result = test::run_and_read(database, kPaced);
    const auto& queries = result["summary"]["queries"];
    CHECK(queries["started"] == 1400);
    CHECK(queries["ok"] == 1400);
    // Due times spread evenly over a millisecond's fractions, so on average they wait for half of one.
    CHECK(result["summary"]["lag_ms"]["mean"].get<double>() > 0.2);
    // As asked for: nothing that the verdict holds against the client.
    CHECK(result["verdict"].dump().find("generator_lag") == std::string::npos);
    // Over a Unix socket nobody knows when an answer came.
    CHECK(owns_up(result));
}

TEST_CASE("economy pacing over TCP takes an answer's time from the kernel, not from when it was read") {
    // Sent on a whole millisecond and answered 2.2 ms later, an answer is read at the third.
    const test::FakeServerProcess server{{"--delay", "2200us"}};
    std::vector<std::string> arguments{"run", "-d", server.dsn(), "--format", "json"};
    arguments.insert(arguments.end(), kPaced.begin(), kPaced.end());
    const auto result = test::read_result(test::run_pgtraffic(arguments), 0);
    const auto& service = result["summary"]["service_ms"];
    CHECK(service["p50"].get<double>() >= 2.2);
    CHECK(service["p50"].get<double>() < 2.7);
    CHECK(service["min"].get<double>() >= 2.2);
    CHECK_FALSE(owns_up(result));
}
