// `plan` as a user runs it: no database anywhere, the same schedule for the same seed.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "support/catch.hpp"
#include "support/real_run.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;
using test::run_pgtraffic;

TEST_CASE("a constant rate plans rate times duration") {
    const auto plan = run_pgtraffic({"plan", "--rate", "500", "--duration", "5s", "--arrivals", "uniform"});
    INFO(plan.out << plan.err);
    CHECK(plan.exit_code == 0);
    CHECK(plan.err.empty());
    CHECK(plan.out.find("2,500") != std::string::npos);
    CHECK(plan.out.find("steady") != std::string::npos);
}

TEST_CASE("a pattern plans all of its phases") {
    const auto plan =
        run_pgtraffic({"plan", "--pattern", "business-hours", "--peak-rate", "1000", "-T", "1m"});
    INFO(plan.out << plan.err);
    CHECK(plan.exit_code == 0);
    CHECK(plan.out.find("business-hours") != std::string::npos);
    CHECK(plan.out.find("1,000/s is 100 %") != std::string::npos);
}

TEST_CASE("--real-simulation plans the pattern that fits the duration") {
    const auto pattern_of = [](const std::string& duration) {
        const auto plan = run_pgtraffic({"plan", "--real-simulation", "--peak-rate", "50", "-T", duration});
        CHECK(plan.exit_code == 0);
        return plan.out.substr(0, plan.out.find('\n'));
    };
    CHECK(pattern_of("30").find("ecommerce-rush") != std::string::npos);
    CHECK(pattern_of("31").find("business-hours") != std::string::npos);
    CHECK(pattern_of("120").find("business-hours") != std::string::npos);
    CHECK(pattern_of("121").find("nightly-batch") != std::string::npos);
}

TEST_CASE("the same seed plans the same, another one does not") {
    const auto plan = [](const std::string& seed) {
        return run_pgtraffic(
                   {"plan", "--pattern", "nightly-batch", "--peak-rate", "300", "--random-seed", seed})
            .out;
    };
    CHECK(plan("42") == plan("42"));
    CHECK(plan("42") != plan("43"));
    CHECK(plan("42").find("42") != std::string::npos);
}

TEST_CASE("a scenario's own traffic is planned") {
    const auto file =
        std::filesystem::temp_directory_path() / ("pgtraffic-plan-" + std::to_string(::getpid()) + ".json");
    std::ofstream{file} << R"({"name": "mine", "arrivals": "uniform",
        "operations": [{"name": "one", "statements": [{"sql": "select 1"}]}],
        "traffic": {"phases": [{"name": "dawn", "share": 0.5, "from": 0.5}, {"name": "noon", "share": 0.5, "from": 1}]}})";
    const auto plan = run_pgtraffic({"plan", "--scenario", file.string(), "--peak-rate", "100", "-T", "10"});
    std::filesystem::remove(file);
    INFO(plan.out << plan.err);
    CHECK(plan.exit_code == 0);
    CHECK(plan.out.find("mine") != std::string::npos);
    CHECK(plan.out.find("dawn") != std::string::npos);
    CHECK(plan.out.find("noon") != std::string::npos);
    CHECK(plan.out.find("uniform") != std::string::npos);
    CHECK(plan.out.find("750") != std::string::npos);
}

TEST_CASE("a pattern of which no phase with arrivals lasts a nanosecond is refused") {
    const test::TemporaryFile pattern{R"({"name": "late", "phases": [{"name": "a", "share": 1, "from": 0},
        {"name": "b", "share": 1e-12, "from": 1}]})"};
    const auto plan = run_pgtraffic({"plan", "--pattern", pattern.path(), "--peak-rate", "100", "-T", "60"});
    CHECK(plan.exit_code == 1);
    CHECK(plan.err.find("the pattern \"late\" has no arrival within 60.00 s") != std::string::npos);
}

TEST_CASE("a plan that cannot be made says what is missing") {
    struct Case {
        std::vector<std::string> arguments;
        std::string expected;
    };
    for (const auto& [arguments, expected] : std::vector<Case>{
             {{"plan"}, "closed loop has no schedule"},
             {{"plan", "--pattern", "business-hours"}, "--peak-rate N is missing"},
             {{"plan", "--real-simulation", "--peak-rate", "auto"}, "--peak-rate: auto measures a server"},
             {{"plan", "--rate", "10000000", "-T", "1h"}, "36,000,000,000 arrivals are too many"},
             {{"plan", "--connections", "5"}, "`pgtraffic run` has"}}) {
        const auto plan = run_pgtraffic(arguments);
        INFO(plan.err);
        CHECK(plan.exit_code == 1);
        CHECK(plan.out.empty());
        CHECK(plan.err.find("pgtraffic: ") == 0);
        CHECK(plan.err.find(expected) != std::string::npos);
    }
}
