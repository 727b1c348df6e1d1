// Figures against exact answers: servers that stall, fail, queue and are overloaded on purpose, where what
// the report must say can be computed.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/queueing.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;
using test::FakeServerProcess;

namespace {

std::vector<std::string> argv_against(const FakeServerProcess& server,
                                      const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"run", "-d", server.dsn(), "--format", "json", "--warmup", "0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::pgtraffic_argv(all);
}

json run_against(const FakeServerProcess& server, const std::vector<std::string>& arguments) {
    return test::read_result(test::run_process(argv_against(server, arguments), test::without_target()), 0);
}

/// Values above `limit_ms` in a histogram of the result.
std::uint64_t slower_than(const json& histogram, double limit_ms) {
    std::uint64_t n = 0;
    for (const auto& bucket : histogram["counts"]) {
        if (bucket[0].get<double>() > limit_ms * 1e6) n += bucket[1].get<std::uint64_t>();
    }
    return n;
}

/// Times that the client went to sleep, or another took its place, for each query.
double wakes_a_query(const json& result) {
    return result["client"]["context_switches"].get<double>() /
           result["summary"]["queries"]["started"].get<double>();
}

bool has_reason(const json& result, const std::string& code) {
    const auto& reasons = result["verdict"]["reasons"];
    return std::any_of(reasons.begin(), reasons.end(),
                       [&](const json& reason) { return reason["code"] == code; });
}

/// The response times of uniform arrivals `spacing_ms` apart by the server's own record of its answers,
/// sorted. The record does not know when the first was due: `median_ms`, of those that met no stop, tells it.
std::vector<double> recorded_responses(const std::vector<double>& answered_ms, double spacing_ms,
                                       double median_ms) {
    std::vector<double> responses;
    for (std::size_t i = 0; i < answered_ms.size(); ++i) {
        responses.push_back(answered_ms[i] - static_cast<double>(i) * spacing_ms);
    }
    std::sort(responses.begin(), responses.end());
    const double start = responses[responses.size() / 2] - median_ms;
    for (auto& response : responses) response -= start;
    return responses;
}

double exact_quantile(const std::vector<double>& sorted, double q) {
    return sorted[static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()))) - 1];
}

/// The mean wait in M/M/k, in ms: that of those who must wait, times their share.
double mean_wait_ms(int k, double rate_per_s, double service_ms) {
    const double offered = rate_per_s * service_ms / 1000;
    return test::erlang_c(k, offered) * service_ms / (k - offered);
}

}  // namespace

TEST_CASE("a server that stops for a second is charged for every query that it delayed") {
    // The server answers what waited as fast as the machine lets both run, so its own record of the answers
    // is what the report must agree with. It does not know how late the client came to read one: where that
    // is milliseconds the run is repeated; an error in the accounting would be in every one.
    json result;
    std::vector<double> exact;
    for (int attempt = 0; attempt < 3; ++attempt) {
        FakeServerProcess server{{"--stall-after", "2000", "--stall-for", "1s", "--record", "yes"}};
        result = run_against(server, {"--rate", "500", "--arrivals", "uniform", "--duration", "10", "-c",
                                      "50", "--protocol", "prepared"});
        const auto answered = server.stop();
        REQUIRE(answered.size() == 5000);
        exact = recorded_responses(answered, 2, result["summary"]["response_ms"]["p50"].get<double>());
        if (result["summary"]["response_ms"]["p95"].get<double>() ==
            Approx(exact_quantile(exact, 0.95)).epsilon(0.01))
            break;
    }
    CHECK(result["summary"]["queries"]["ok"] == 5000);
    const auto& response = result["summary"]["response_ms"];
    for (const auto& [key, q] : {std::pair{"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
        INFO(key);
        CHECK(response[key].get<double>() == Approx(exact_quantile(exact, q)).epsilon(0.01));
    }
    // The stop itself, known without any record: its first query waited for all of it, and half of the five
    // hundred that it met for at least half; what a busy machine adds makes them later, never earlier.
    CHECK(response["max"].get<double>() >= 999);
    CHECK(response["max"].get<double>() < 1100);
    CHECK(response["p95"].get<double>() >= 495);
    CHECK(response["p95"].get<double>() < 600);
    // The database saw fifty slow queries, one a session; its users felt five hundred.
    CHECK(slower_than(result["histograms"]["service"], 100) == 50);
    CHECK(slower_than(result["histograms"]["response"], 100) >= 445);
    CHECK(slower_than(result["histograms"]["response"], 100) < 500);
}

TEST_CASE("a real server whose processes stand still for a second is charged alike") {
    // Each row is stamped by the server's own clock: its record of when what had waited was carried out,
    // which takes a busy machine a good part of a second. It is exact to what is read back late, as above.
    const test::TemporaryFile scenario{
        R"json({"name": "stamps", "operations": [{"name": "stamp", "statements": [
        {"sql": "INSERT INTO stamps VALUES (clock_timestamp())"}]}]})json"};
    const test::Database database;
    postgres::Client client{database.conninfo()};
    client.execute("CREATE TABLE stamps (at timestamptz)");
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"--rate", "500", "--arrivals", "uniform", "--duration", "6", "-c",
                                         "10", "--warmup", "0", "--progress", "100ms", "--scenario",
                                         scenario.path(), "--confirm", database.name()})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    std::vector<pid_t> backends;
    for (const auto& row :
         client.query("SELECT pid FROM pg_stat_activity WHERE datname = "
                      "current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()")) {
        backends.push_back(std::stoi(row.at(0).value()));
    }
    REQUIRE(backends.size() == 10);
    const auto begin = base::mono_now();
    for (const pid_t pid : backends) REQUIRE(kill(pid, SIGSTOP) == 0);
    // Its own progress lines tell the time; the stop is as long as it turns out to be.
    while (base::mono_now() - begin < std::chrono::seconds{1}) REQUIRE(process.wait_for_more_stderr());
    for (const pid_t pid : backends) kill(pid, SIGCONT);
    const double stop_ms = base::to_millis(base::mono_now() - begin);

    const auto result = test::read_result(process.wait(), 0);
    CHECK(result["summary"]["queries"]["ok"] == 3000);
    std::vector<double> stamped_ms;
    for (const auto& row : client.query("SELECT extract(epoch FROM at - min(at) OVER ()) * 1000 FROM stamps "
                                        "ORDER BY at")) {
        stamped_ms.push_back(std::stod(row.at(0).value()));
    }
    REQUIRE(stamped_ms.size() == 3000);
    const auto& response = result["summary"]["response_ms"];
    const auto exact = recorded_responses(stamped_ms, 2, response["p50"].get<double>());
    for (const auto& [key, q] : {std::pair{"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}}) {
        INFO(key);
        CHECK(response[key].get<double>() == Approx(exact_quantile(exact, q)).epsilon(0.05));
        // Known without any record: a later answer to what the stop met is a busy machine's, an earlier one
        // is wrong. Those under way when it began are up to ten.
        CHECK(response[key].get<double>() >=
              0.97 * stop_ms - 2 * (1 - q) * static_cast<double>(stamped_ms.size()));
    }
    CHECK(slower_than(result["histograms"]["service"], 300) <= 10);
}

TEST_CASE("the mean wait behind four connections is that of M/M/4") {
    // Fifteen seconds of a queue at 90 % are few: its mean wanders by more than a tenth from seed to seed.
    // These are seeds whose paths, computed in virtual time, lie within 1.4 % of the formula whatever a
    // machine adds to each service time up to a third of a millisecond: it moves the load, and with it the
    // path. Near saturation a hiccup is a long queue, so a disturbed run is repeated, and alone, where the
    // first ones share the machine; an error in the accounting would be in every one. A machine that never
    // adds less leaves the path, and the formula then tells the size alone.
    struct Queue {
        double load;
        const char* seed;
    };
    constexpr double kServiceMs = 8;
    constexpr double kMostAddedMs = 0.33;
    constexpr double kExact = 0.05;
    const std::vector<Queue> queues{{0.5, "3746"}, {0.8, "1083"}, {0.9, "2376"}};
    const auto arguments = [](const Queue& queue) {
        return std::vector<std::string>{"--rate",
                                        std::to_string(queue.load * 4000 / kServiceMs),
                                        "--duration",
                                        "15",
                                        "-c",
                                        "4",
                                        "--random-seed",
                                        queue.seed,
                                        "--protocol",
                                        "prepared"};
    };
    const std::vector<std::string> slow{"--delay", "exp:8ms", "--seed", "1"};
    std::vector<std::unique_ptr<FakeServerProcess>> servers;
    std::vector<std::unique_ptr<test::Process>> first;
    for (const auto& queue : queues) {
        servers.push_back(std::make_unique<FakeServerProcess>(slow));
        first.push_back(std::make_unique<test::Process>(argv_against(*servers.back(), arguments(queue)),
                                                        test::without_target()));
    }
    std::vector<json> first_results;
    for (const auto& process : first) first_results.push_back(test::read_result(process->wait(), 0));
    for (std::size_t i = 0; i < queues.size(); ++i) {
        double found = 0;
        double exact = 0;
        double margin = 0;
        for (int attempt = 0; attempt < 3 && (exact == 0 || std::abs(found / exact - 1) > kExact);
             ++attempt) {
            const auto result =
                attempt == 0 ? first_results[i] : run_against(FakeServerProcess{slow}, arguments(queues[i]));
            const auto& summary = result["summary"];
            found = summary["pool_wait_ms"]["mean"].get<double>();
            // What the machine adds to each service time counts as service. So does, for the queue, what the
            // client needs to read an answer and to send the next query, the rest of the lag.
            const auto mean = [&](const char* name) { return summary[name]["mean"].get<double>(); };
            const double service = mean("service_ms") + mean("lag_ms") - found;
            exact = mean_wait_ms(
                4, summary["queries"]["started"].get<double>() / summary["duration_s"].get<double>(),
                service);
            margin = service < kServiceMs + kMostAddedMs ? kExact : 0.25;
        }
        INFO("load " << queues[i].load);
        CHECK(found == Approx(exact).epsilon(margin));
    }
}

// Little's law: sessions = throughput x mean response, whoever is slow. The server answers at once, so it is
// the client that sessions wait for, and what it takes between an answer and the next query is in the
// response.
TEST_CASE("in a closed loop each session is in a response all the time") {
    const FakeServerProcess server;
    for (const int sessions : {1, 200}) {
        INFO(sessions << " sessions");
        const auto result = run_against(
            server, {"--duration", "3", "-c", std::to_string(sessions), "--protocol", "prepared"});
        const auto& summary = result["summary"];
        const double per_s = summary["throughput_per_s"];
        CHECK(per_s * summary["response_ms"]["mean"].get<double>() / 1000 == Approx(sessions).epsilon(0.03));
        const double in_service = per_s * summary["service_ms"]["mean"].get<double>() / 1000;
        CHECK(in_service < sessions);
        CHECK(summary["connection_efficiency_ratio"].get<double>() ==
              Approx(in_service / sessions).epsilon(0.03));
    }
}

TEST_CASE("at twice the capacity nothing is lost, the verdict is invalid, and no p99 makes a headline") {
    const FakeServerProcess server{{"--delay", "10ms"}};
    const std::vector<std::string> load{"--rate", "2000", "--duration", "5", "-c", "10"};
    std::vector<std::string> all{"run", "-d", server.dsn(), "--warmup", "0"};
    all.insert(all.end(), load.begin(), load.end());
    test::Process in_words{test::pgtraffic_argv(all), test::without_target()};  // meanwhile
    const auto result = run_against(server, load);
    const auto& q = result["summary"]["queries"];
    CHECK(q["planned"].get<int>() ==
          q["started"].get<int>() + q["waiting"].get<int>() + q["missed"].get<int>());
    CHECK(q["waiting"].get<int>() > 4000);
    CHECK(result["verdict"]["status"] == "invalid");
    CHECK(has_reason(result, "backlog"));
    CHECK(has_reason(result, "offered_load"));

    const auto text = in_words.wait().out;
    INFO(text);
    const auto verdict_at = text.find("Verdict: INVALID");
    REQUIRE(verdict_at != std::string::npos);
    const auto conclusion = text.substr(verdict_at);  // also where a busy machine adds reasons of its own
    CHECK(conclusion.find("waiting at the end") != std::string::npos);
    CHECK(conclusion.find("backlog growing by") != std::string::npos);
    CHECK(conclusion.find("99 % within") == std::string::npos);
}

TEST_CASE("a client without a CPU of its own says that it was the client") {
    const FakeServerProcess server;
    std::vector<std::unique_ptr<test::Process>> thieves;
    for (int i = 0; i < 8; ++i) {
        thieves.push_back(std::make_unique<test::Process>(
            std::vector<std::string>{"/bin/sh", "-c", "while :; do :; done"}));
    }
    const auto result = run_against(server, {"--duration", "3", "-c", "50", "--protocol", "prepared"});
    CHECK(result["verdict"]["status"] != "valid");
    CHECK(has_reason(result, "run_queue_wait"));
}

TEST_CASE("a ramp attains its plan within 0.2 per cent, each second within four sigma") {
    const FakeServerProcess server;
    const test::TemporaryFile pattern{
        R"json({"name": "ramp", "phases": [{"name": "up", "share": 0.5, "from": 0.1, "to": 1},
        {"name": "down", "share": 0.5, "from": 1, "to": 0.2}]})json"};
    const auto result = run_against(server, {"--pattern", pattern.path(), "--peak-rate", "1000", "--duration",
                                             "8", "-c", "50", "--random-seed", "4"});
    const auto& q = result["summary"]["queries"];
    CHECK(q["started"].get<double>() >= 0.998 * q["planned"].get<double>());
    for (const auto& phase : result["phases"]) {
        CHECK(phase["ok"].get<double>() >= 0.998 * phase["planned"].get<double>());
        const double mean = phase["target_per_s_mean"].get<double>() * phase["duration_s"].get<double>();
        CHECK(std::abs(phase["planned"].get<double>() - mean) < 4 * std::sqrt(mean));
    }
    for (const auto& interval : result["intervals"]) {
        const double mean = interval["target_per_s"].get<double>() * interval["duration_s"].get<double>();
        const double done = interval["throughput_per_s"].get<double>() * interval["duration_s"].get<double>();
        CHECK(std::abs(done - mean) < 4 * std::sqrt(mean) + 5);  // a few are done in the next second
    }
}

TEST_CASE("a server that fails a tenth at once improves no percentile of success") {
    const FakeServerProcess server{{"--delay", "5ms", "--fail-ratio", "0.1"}};
    const auto result = run_against(server, {"--rate", "400", "--duration", "4", "-c", "20"});
    const auto& q = result["summary"]["queries"];
    CHECK(q["failed"].get<int>() > 100);
    CHECK(result["errors"][0]["sqlstate"] == "40001");
    CHECK(result["errors"][0]["count"] == q["failed"]);
    // A failure is answered in well under the five milliseconds that every success takes.
    CHECK(result["summary"]["response_ms"]["min"].get<double>() >= 5);
    CHECK(result["summary"]["service_ms"]["min"].get<double>() >= 5);
    std::uint64_t counted = 0;
    for (const auto& bucket : result["histograms"]["response"]["counts"])
        counted += bucket[1].get<std::uint64_t>();
    CHECK(counted == q["planned"].get<std::uint64_t>() - q["failed"].get<std::uint64_t>());
    CHECK(has_reason(result, "failures"));
}

TEST_CASE("steps of pacing over TCP take an answer's time from the kernel, not from when it was read") {
    // Sent at a step of 2 ms and answered 2.2 ms later, an answer is read at the second.
    const FakeServerProcess server{{"--delay", "2200us"}};
    const auto result = run_against(
        server, {"--rate", "700", "--arrivals", "uniform", "--duration", "2", "-c", "20", "--pacing", "2ms"});
    const auto& service = result["summary"]["service_ms"];
    CHECK(service["min"].get<double>() >= 2.2);
    CHECK(service["p50"].get<double>() < 2.7);
    CHECK(result["run"]["warnings"].dump().find("economy_pacing") == std::string::npos);
}

TEST_CASE("over TCP an answer that nobody waits for is read with the next query, and keeps its own time") {
    const FakeServerProcess server{{"--delay", "1ms"}};
    const auto result =
        run_against(server, {"--rate", "300", "--arrivals", "uniform", "--duration", "2", "-c", "20"});
    CHECK(result["summary"]["queries"]["ok"] == 600);
    CHECK(result["run"]["answers_timed_by"] == "kernel");
    CHECK(test::sleeps_a_query(result) < 1.5);
    // It was read 2.3 ms later.
    const auto& service = result["summary"]["service_ms"];
    CHECK(service["min"].get<double>() >= 1);
    CHECK(service["p50"].get<double>() < 2);
    CHECK(result["summary"]["lag_ms"]["p50"].get<double>() < 1);
}

TEST_CASE("an answer that somebody waits for is read when it comes") {
    struct Case {
        const char* who;
        std::string operation;
        std::vector<std::string> server;
        std::vector<std::string> load;
    };
    const auto [who, operation, options, load] = GENERATE(
        Case{"the next statement", R"("statements": [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}])", {}, {}},
        Case{"a further attempt",
             R"("statements": [{"sql": "SELECT 1"}], "retry": {"on": ["40001"], "max": 100})",
             {"--fail-ratio", "0.3"},
             {}},
        Case{"the server", R"json("statements": [{"sql": "SELECT repeat('x', 262144)"}])json", {}, {}},
        Case{"a query that has no session", R"("statements": [{"sql": "SELECT 1"}])", {}, {"-c", "1"}},
        Case{"nobody, but the next query is far",
             R"("statements": [{"sql": "SELECT 1"}])",
             {},
             {"--rate", "100"}});
    CAPTURE(who);
    const test::TemporaryFile scenario{R"({"name": "s", "operations": [{"name": "o", )" + operation + "}]}"};
    auto server_options = options;
    server_options.insert(server_options.end(), {"--delay", "1ms"});
    const FakeServerProcess server{server_options};
    std::vector<std::string> arguments{"--scenario", scenario.path(), "--arrivals",
                                       "uniform",    "--duration",    "2"};
    if (load.empty() || load[0] != "--rate") arguments.insert(arguments.end(), {"--rate", "300"});
    if (load.empty() || load[0] != "-c") arguments.insert(arguments.end(), {"-c", "20"});
    arguments.insert(arguments.end(), load.begin(), load.end());
    const auto result = run_against(server, arguments);
    CHECK(result["summary"]["queries"]["failed"] == 0);
    CHECK(wakes_a_query(result) > 1.6);
}

TEST_CASE("steps of pacing take no throughput from few connections") {
    // Two queries a step are due on the one connection, each a fifth of a step long.
    const FakeServerProcess server{{"--delay", "400us"}};
    const auto result = run_against(
        server, {"--rate", "1000", "--arrivals", "uniform", "--duration", "2", "-c", "1", "--pacing", "2ms"});
    const auto& queries = result["summary"]["queries"];
    CHECK(queries["planned"] == 2000);
    CHECK(queries["started"].get<int>() > 1950);
}
