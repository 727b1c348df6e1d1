// Thresholds, early ends and --strict as a user meets them: the built program against a fake server that is
// fast, slow, failing or hanging on purpose, so that every condition has one answer.
#include <algorithm>
#include <csignal>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using nlohmann::json;
using test::warning;

namespace {

const std::string kProbe = R"({"name": "probe", "operations": [
    {"name": "point look-up", "weight": 3, "statements": [{"sql": "SELECT /* measured */ 1"}]},
    {"name": "v1.2", "statements": [{"sql": "SELECT /* measured */ 2"}]}])";

/// A fake server on a Unix socket of its own, and the scenario that asks it.
class Lab {
 public:
    explicit Lab(const std::vector<std::string>& behaviour, const std::string& scenario_end = "}")
        : scenario_{kProbe + scenario_end}, server_{server_argv(folder_, behaviour)} {
        REQUIRE(server_.wait_for_stdout("ready"));
    }

    [[nodiscard]] std::vector<std::string> arguments(const std::vector<std::string>& more) const {
        std::vector<std::string> all{"run",        "-h",         folder_.path().string(),
                                     "-p",         "5432",       "-U",
                                     "tester",     "--warmup",   "0",
                                     "--progress", "0.1",        "-c",
                                     "4",          "--scenario", scenario_.path(),
                                     "--format",   "json"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    [[nodiscard]] json run(const std::vector<std::string>& more, int exit_code) const {
        return test::read_result(test::run_pgtraffic(arguments(more)), exit_code);
    }

 private:
    static std::vector<std::string> server_argv(const test::Folder& folder,
                                                const std::vector<std::string>& behaviour) {
        std::vector<std::string> argv{PGTRAFFIC_FAKE_SERVER, "--socket", folder / ".s.PGSQL.5432"};
        argv.insert(argv.end(), behaviour.begin(), behaviour.end());
        return argv;
    }

    test::Folder folder_;
    test::TemporaryFile scenario_;
    test::Process server_;
};

double duration_s(const json& result) {
    return result["summary"]["duration_s"];
}

}  // namespace

TEST_CASE("thresholds of scenario and options are all checked, listed and decide the exit code") {
    const Lab lab{{"--delay", "5ms"},
                  R"(, "thresholds": ["failed_ratio < 0.1%", "v1.2.response.p50 > 1ms"]})"};
    const std::vector<std::string> met{"-T",
                                       "0.5",
                                       "--threshold",
                                       "response.min>=5ms",
                                       "--threshold",
                                       "point look-up.service.p50>=4.9ms",
                                       "--threshold=throughput>1,phase"};
    auto wrong = test::run_pgtraffic(lab.arguments(met));
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.err, Contains("--threshold: \"throughput>1,phase\": column 13"));

    auto arguments = met;
    arguments.back() = "--threshold=phase:steady.throughput>1";
    const auto good = lab.run(arguments, 0);
    CHECK(good["run"]["outcome"] == "completed");
    REQUIRE(good["thresholds"].size() == 5);
    CHECK(good["thresholds"][0]["expression"] == "failed_ratio < 0.1%");
    CHECK(good["thresholds"][0]["actual"] == 0.0);
    CHECK(good["thresholds"][1]["expression"] == "v1.2.response.p50 > 1ms");
    CHECK(good["thresholds"][2]["actual"].get<double>() == good["summary"]["response_ms"]["min"]);
    CHECK(good["thresholds"][3]["actual"].get<double>() >= 4.9);
    for (const auto& threshold : good["thresholds"]) CHECK(threshold["ok"] == true);
    // No comma splits a value, and none of several replaces the others.
    CHECK(good["config"]["threshold"] ==
          json({"response.min>=5ms", "point look-up.service.p50>=4.9ms", "phase:steady.throughput>1"}));
    CHECK(good["config"]["abort_window_s"] == 10);

    arguments.insert(arguments.end(), {"--threshold", "response.p50<5ms"});
    const auto bad = lab.run(arguments, 99);
    CHECK(bad["run"]["outcome"] == "threshold_failed");
    CHECK(bad["run"]["exit_code"] == 99);
    REQUIRE(bad["thresholds"].size() == 6);
    CHECK(bad["thresholds"][4]["ok"] == true);
    CHECK(bad["thresholds"][5]["ok"] == false);

    arguments.insert(arguments.end(), {"--format", "text"});
    const auto text = test::run_pgtraffic(lab.arguments(arguments));
    CHECK(text.exit_code == 99);
    CHECK_THAT(text.out, Contains("\nThresholds\n - ✓ failed_ratio < 0.1%: 0 %\n") &&
                             Contains("\n - ✗ response.p50<5ms: ") &&
                             Contains("\nFAILED: a threshold was missed: response.p50<5ms.\n"));
}

TEST_CASE("two signals at once, with nothing under way, end a run with its report") {
    const Lab lab{{"--delay", "1ms"}};
    test::Process process{
        test::pgtraffic_argv(lab.arguments({"-T", "60", "--rate", "1", "--arrivals", "uniform"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring for"));
    REQUIRE(process.wait_for_stderr("  p50 "));
    process.send_signal(SIGSTOP);
    process.send_signal(SIGTERM);
    process.send_signal(SIGHUP);
    process.send_signal(SIGCONT);
    const auto ended = process.wait();
    CHECK((ended.exit_code == 143 || ended.exit_code == 129));
    CHECK(json::parse(ended.out)["run"]["outcome"] == "interrupted");
}

TEST_CASE("a signal that comes to the process and to its group is one, and the report is written") {
    const Lab lab{{"--delay", "400ms"}};
    test::Process process{test::pgtraffic_argv(lab.arguments({"-T", "60"})), test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring for"));
    REQUIRE(process.wait_for_stderr("  p50 "));
    for (int i = 0; i < 100; ++i) process.send_signal(SIGTERM);
    const auto ended = process.wait();
    CHECK(ended.exit_code == 128 + SIGTERM);
    CHECK(json::parse(ended.out)["run"]["outcome"] == "interrupted");
}

TEST_CASE("signals are heard while the queries of an overload that were never started are counted") {
    const Lab lab{{}};
    test::Process process{test::pgtraffic_argv(lab.arguments({"-T", "4", "--rate", "10000000"})),
                          test::without_target()};
    // Some seconds of it: 40 million.
    REQUIRE(process.wait_for_stderr("queries that were never started"));
    process.send_signal(SIGINT);  // ends the wait for answers, of which there is none
    process.send_signal(SIGTERM);
    const auto ended = process.wait();
    CHECK((ended.exit_code == 128 + SIGTERM || ended.exit_code == 128 + SIGINT));
    CHECK(ended.out.empty());
}

TEST_CASE("an interrupted run lists its thresholds and keeps its exit code") {
    const Lab lab{{"--delay", "5ms"}};
    test::Process process{
        test::pgtraffic_argv(lab.arguments({"-T", "60", "--threshold", "response.p50<1ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring for"));
    REQUIRE(process.wait_for_stderr("  p50 "));
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 130);
    CHECK(result["run"]["outcome"] == "interrupted");
    CHECK(result["thresholds"][0]["ok"] == false);
}

TEST_CASE("a run is stopped once a condition is true, drains, and reports what it has") {
    const Lab lab{{"--delay", "2ms", "--fail-ratio", "0.5", "--fail-only", "measured"}};
    const auto result = lab.run({"-T", "60", "--abort-if", "throughput<1", "--abort-if", "failed_ratio>20%",
                                 "--abort-window", "0.3", "--threshold", "failed_ratio<60%"},
                                99);
    CHECK(result["run"]["outcome"] == "threshold_failed");
    CHECK(duration_s(result) >= 0.3);
    CHECK(duration_s(result) < 20);
    CHECK_THAT(warning(result, "aborted"),
               Contains("failed_ratio>20%") && Contains("of 60.0 s") && Contains("300.00 ms"));
    CHECK(result["thresholds"][0]["ok"] == true);
    const auto& queries = result["summary"]["queries"];
    CHECK(queries["in_flight"] == 0);
    CHECK(queries["started"].get<int>() == queries["ok"].get<int>() + queries["failed"].get<int>());
    CHECK(result["config"]["abort_if"] == json({"throughput<1", "failed_ratio>20%"}));
}

TEST_CASE("a server that hangs is noticed while it hangs") {
    // It stops within the first second: in an open loop with free sessions, in one without, in a closed one.
    for (const std::vector<std::string>& load :
         {std::vector<std::string>{"--rate", "200"}, {"--rate", "3000"}, {}}) {
        const Lab lab{{"--delay", "4ms", "--stall-after", "200", "--stall-for", "3s"}};
        std::vector<std::string> arguments{"-T", "60", "--abort-if", "response.p99>250ms", "--abort-window",
                                           "0.4"};
        arguments.insert(arguments.end(), load.begin(), load.end());
        const auto result = lab.run(arguments, 99);
        INFO((load.empty() ? "closed" : load.back()));
        CHECK_THAT(warning(result, "aborted"), Contains("response.p99>250ms"));
        // Had it waited for the answers, the stall of three seconds would be in the measured time.
        CHECK(duration_s(result) < 2.8);
        CHECK(result["summary"]["response_ms"]["max"].get<double>() > 250);
        CHECK(result["summary"]["queries"]["ok"].get<int>() > 150);
    }
}

TEST_CASE("a condition that is never true lets the run end as planned") {
    const Lab lab{{"--delay", "2ms"}};
    const auto result = lab.run(
        {"-T", "1", "--abort-if", "response.p50>1s", "--abort-if", "throughput<1", "--abort-window", "0.5"},
        0);
    CHECK(result["run"]["outcome"] == "completed");
    CHECK(duration_s(result) == Approx(1).epsilon(0.01));
    CHECK(warning(result, "aborted").empty());
}

TEST_CASE("a run without a success failed, whatever its conditions say") {
    const Lab lab{{"--delay", "2ms", "--fail-ratio", "1", "--fail-only", "measured"}};
    const auto result = lab.run({"-T", "60", "--abort-if", "failed_ratio>20%", "--abort-window", "0.2",
                                 "--threshold", "failed_ratio<1%"},
                                2);
    CHECK(result["run"]["outcome"] == "failed");
    CHECK_THAT(warning(result, "aborted"), Contains("failed_ratio>20%"));
    CHECK(result["thresholds"][0]["ok"] == false);
}

TEST_CASE("--latency-limit skips what is too late, --duration-only does not stop at a number of queries") {
    const Lab lab{{"--delay", "50ms"}};
    const auto late = lab.run({"-T", "1", "--rate", "199.5", "--arrivals", "uniform", "-L", "20ms"}, 0);
    CHECK(late["config"]["rate"] == 199.5);
    // Four connections carry 80 a second.
    CHECK(late["summary"]["queries"]["missed"].get<int>() > 50);
    CHECK(late["summary"]["lag_ms"]["max"].get<double>() < 21);
    CHECK(late["config"]["pacing"] == "precise");
    CHECK(late["config"]["pacing_step_s"] == 0);
    CHECK(late["config"]["latency_limit_s"] == 0.02);
    // Those that were sent within it still had 50 ms in front of them.
    CHECK(late["summary"]["queries"]["late"] == late["summary"]["queries"]["ok"]);
    const auto whole = lab.run({"-T", "1", "-t", "5", "--duration-only"}, 0);
    CHECK(whole["summary"]["queries"]["ok"].get<int>() > 5);
    CHECK(duration_s(whole) == Approx(1).epsilon(0.01));
}

TEST_CASE("in a closed loop --latency-limit counts what took longer, and a threshold can ask for it") {
    const Lab lab{{"--delay", "50ms"}};
    const auto slow = lab.run({"-T", "1", "-L", "20ms", "--threshold", "late_ratio<1%"}, 99);
    const auto& queries = slow["summary"]["queries"];
    CHECK(queries["late"] == queries["ok"].get<int>() + queries["empty"].get<int>());
    CHECK(queries["missed"] == 0);
    CHECK(slow["thresholds"][0]["actual"] == 100);
    const auto quick = lab.run({"-T", "1", "-L", "1s", "--threshold", "late<=0"}, 0);
    CHECK(quick["summary"]["queries"]["late"] == 0);
}

TEST_CASE("an invalid verdict fails a run only under --strict, and before its thresholds do") {
    const Lab lab{{"--delay", "40ms"}};
    // Four connections carry 100 queries a second.
    const std::vector<std::string> overload{"-T", "1", "--rate", "800", "--threshold", "response.p50<1ms"};
    const auto tolerant = lab.run(overload, 99);
    CHECK(tolerant["verdict"]["status"] == "invalid");
    auto arguments = overload;
    arguments.emplace_back("--strict");
    const auto strict = lab.run(arguments, 2);
    CHECK(strict["run"]["outcome"] == "failed");
    CHECK_THAT(warning(strict, "strict"), Contains("--strict"));
    CHECK(strict["thresholds"][0]["ok"] == false);
    arguments.insert(arguments.end(), {"--format", "text"});
    const auto text = test::run_pgtraffic(lab.arguments(arguments));
    CHECK(text.exit_code == 2);
    CHECK_THAT(text.out, Contains("\nFAILED: the verdict is invalid (--strict).\n"));
    CHECK(lab.run({"-T", "1", "--rate", "800"}, 0)["verdict"]["status"] == "invalid");
}
