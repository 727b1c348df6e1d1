// --listen as a scraper meets it: the built program against a fake server, asked over sockets while it runs
// and after its end, by clients that behave and by clients that do not.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <list>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/http_client.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using nlohmann::json;
using test::http_get;

namespace {

const char* const kScenario = R"json({"name": "probe", "operations": [
    {"name": "look up", "weight": 3, "statements": [{"sql": "SELECT 1"}]},
    {"name": "say \"hi\"", "statements": [{"sql": "SELECT 2"}]}]})json";

/// A run that listens on a port that it chose itself.
class ListeningRun {
 public:
    explicit ListeningRun(const std::vector<std::string>& more,
                          const std::vector<std::string>& behaviour = {})
        : server_{behaviour}, scenario_{kScenario}, process_{argv(more), test::without_target()} {
        REQUIRE(process_.wait_for_stderr("serving http://127.0.0.1:"));
        REQUIRE(process_.wait_for_stderr("connecting"));
        const std::string said{process_.stderr_so_far()};
        port_ = static_cast<std::uint16_t>(
            std::stoi(said.substr(said.find("127.0.0.1:", said.find("serving")) + 10)));
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] test::Process& process() noexcept { return process_; }

    /// Waits for the end of the load and gives the result as it is served.
    [[nodiscard]] json served_result() {
        REQUIRE(process_.wait_for_stderr("serving the result"));
        const auto reply = http_get(port_, "/result.json");
        REQUIRE(reply.status == 200);
        CHECK(reply.header("Content-Type") == "application/json");
        return json::parse(reply.body);
    }

 private:
    [[nodiscard]] std::vector<std::string> argv(const std::vector<std::string>& more) const {
        std::vector<std::string> all{"run",      "-d", server_.dsn(), "--warmup",      "0", "-c", "8",
                                     "--listen", "0",  "--scenario",  scenario_.path()};
        all.insert(all.end(), more.begin(), more.end());
        return test::pgtraffic_argv(all);
    }

    test::FakeServerProcess server_;
    test::TemporaryFile scenario_;
    test::Process process_;
    std::uint16_t port_ = 0;
};

double sample(const std::string& page, const std::string& series) {
    const auto at = page.find("\n" + series + " ");
    INFO(series);
    REQUIRE(at != std::string::npos);
    return std::stod(page.substr(at + series.size() + 2));
}

/// A line of the page for each of the program's own series, and all queries in it, are those of the result.
void check_equal(const std::string& page, const json& result) {
    for (const auto& operation : result["operations"]) {
        const std::string label = operation["name"] == "look up" ? "look up" : "say \\\"hi\\\"";
        for (const auto* outcome : {"ok", "empty", "failed", "timed_out"}) {
            CHECK(sample(page, fmt::format("pgtraffic_queries_total{{operation=\"{}\",outcome=\"{}\"}}",
                                           label, outcome)) == operation[outcome].get<double>());
        }
        CHECK(sample(page, fmt::format("pgtraffic_response_seconds_count{{operation=\"{}\",outcome=\"ok\"}}",
                                       label)) == operation["ok"].get<double>());
    }
    const auto& queries = result["summary"]["queries"];
    CHECK(sample(page, "pgtraffic_arrivals_planned_total") == queries["planned"].get<double>());
    CHECK(sample(page, "pgtraffic_arrivals_started_total") == queries["started"].get<double>());
    CHECK(sample(page, "pgtraffic_arrivals_missed_total") == queries["missed"].get<double>());
    CHECK(sample(page, "pgtraffic_queries_in_flight") == queries["in_flight"].get<double>());
    CHECK(sample(page, "pgtraffic_stage{stage=\"finished\"}") == 1);
}

/// .ci/setup.sh does not install it: a test does without.
bool has_promtool() {
    return std::filesystem::exists("/usr/bin/promtool");
}

}  // namespace

TEST_CASE("while a run lasts its paths answer, and after it the counters are those of the result") {
    const test::TemporaryFile file{""};
    ListeningRun run{{"--rate", "500", "-T", "3", "--linger", "60", "--json", file.path()},
                     {"--fail-ratio", "0.1"}};
    const auto port = run.port();

    const auto health = http_get(port, "/healthz");
    CHECK(health.status == 200);
    CHECK(health.body == "ok\n");
    const auto during = http_get(port, "/metrics");
    CHECK(during.status == 200);
    CHECK(during.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK_THAT(during.body, Contains("pgtraffic_stage{stage=\"finished\"} 0\n"));
    CHECK(http_get(port, "/result.json").status == 404);
    CHECK(http_get(port, "/../etc/passwd").status == 404);
    // A whole URL, as a proxy's target is.
    CHECK(http_get(port, "http://127.0.0.1/healthz").body == health.body);
    CHECK(http_get(port, "http://127.0.0.1/no").status == 404);
    CHECK(http_get(port, "/metrics", "POST").status == 405);
    const auto page = http_get(port, "/");
    CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
    CHECK_THAT(page.header("Content-Security-Policy"), Contains("default-src 'none'"));

    // Events come as they happen, and the last of them is there for whoever comes late.
    test::HttpClient listener{port};
    REQUIRE(listener.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_THAT(listener.read("\"elapsed_s\":1.0,"), Contains("event: interval"));
    CHECK_THAT(listener.read("event: result"), Contains("\"stage\":\"finished\""));

    const auto result = run.served_result();
    const auto after = http_get(port, "/metrics").body;
    check_equal(after, result);
    CHECK(result["summary"]["queries"]["failed"].get<int>() > 0);
    CHECK(sample(after, "pgtraffic_connections{state=\"closed\"}") > 0);
    CHECK(sample(after, "pgtraffic_connections{state=\"idle\"}") == 0);
    CHECK(sample(after, "process_cpu_seconds_total") > 0);
    CHECK(sample(after, "process_start_time_seconds") > 1.7e9);
    CHECK(sample(after, "process_resident_memory_bytes") > 1e6);

    if (has_promtool()) {
        test::ProcessOptions options;
        options.input = after;
        const auto checked = test::run_process({"/usr/bin/promtool", "check", "metrics"}, options);
        INFO(checked.err << checked.out);
        CHECK(checked.exit_code == 0);
        CHECK(checked.out + checked.err == "");
    } else {
        WARN("no promtool here: the page of metrics was not checked by it");
    }

    run.process().send_signal(SIGTERM);
    const auto ended = run.process().wait();
    CHECK(ended.exit_code == 0);
    CHECK(json::parse(std::ifstream{file.path()}) == result);
}

TEST_CASE("clients that stall and clients that flood are kept waiting, and the schedule is not") {
    ListeningRun run{{"--rate", "2000", "--arrivals", "uniform", "-T", "4", "--linger", "60"}};
    const auto port = run.port();
    std::list<test::HttpClient> stalled;
    for (int i = 0; i < 8; ++i) {  // ask for the longest answer there is, and never read it
        stalled.emplace_back(port).send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i % 2 == 0)
            stalled.emplace_back(port).send("GET /metrics HTTP/1.1\r\nHos");  // never end a request
    }
    std::list<test::HttpClient> huge;
    huge.emplace_back(port).send("GET /" + std::string(40'000, 'x'));

    // Until the end of the load as fast as they are answered, three at a time.
    int answered = 0;
    for (bool finished = false; !finished;) {
        std::list<test::HttpClient> flood;
        for (int i = 0; i < 3; ++i)
            flood.emplace_back(port).send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        for (auto& client : flood) {
            const auto& page = client.read();
            if (page.starts_with("HTTP/1.1 200 ")) ++answered;
            finished = finished || page.find("stage=\"finished\"} 1\n") != std::string::npos;
        }
    }
    CHECK(answered > 20);

    const auto result = run.served_result();
    check_equal(http_get(port, "/metrics").body, result);
    const auto& summary = result["summary"];
    const auto& queries = summary["queries"];
    CHECK(queries["planned"].get<int>() == 8000);
    // What a server that waited for one of its clients would show is seconds, of arrivals and of lag; a
    // moment of the machine's own may stand in front of the end.
    CHECK(queries["ok"].get<int>() + queries["empty"].get<int>() >= 7900);
    CHECK(summary["lag_ms"]["p99"].get<double>() < 50);
    CHECK(result["client"]["loop_busy_ratio"].get<double>() < 0.6);
    run.process().send_signal(SIGINT);
    CHECK(run.process().wait().exit_code == 0);
}

TEST_CASE("who listens is told the last moment of a run that ends, and then the end") {
    ListeningRun run{{"--rate", "200", "-T", "60"}};
    test::HttpClient client{run.port()};
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(client.read("\"measuring\"").find("\"measuring\"") != std::string::npos);
    run.process().send_signal(SIGINT);
    const auto& all = client.read();
    CHECK(all.find("\"stage\":\"finished\"") != std::string::npos);
    CHECK(run.process().wait().exit_code == 128 + SIGINT);
}

TEST_CASE("listeners that left make room for others behind the end of a run, too") {
    ListeningRun run{{"--rate", "50", "-T", "1", "--linger", "60"}};
    (void)run.served_result();
    const auto listens = [&](test::HttpClient& client) {
        client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        return client.read("\r\n").find(" 200 ") != std::string::npos;
    };
    {
        std::list<test::HttpClient> page;
        for (int i = 0; i < 8; ++i) CHECK(listens(page.emplace_back(run.port())));
        test::HttpClient one_more{run.port()};
        CHECK_FALSE(listens(one_more));
    }
    // It shows within two of the beats that they are told.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{15};
    bool again = false;
    while (!again && std::chrono::steady_clock::now() < until) {
        test::HttpClient next{run.port()};
        again = listens(next);
    }
    CHECK(again);
    run.process().send_signal(SIGINT);
    CHECK(run.process().wait().exit_code == 0);
}

TEST_CASE("clients that leave in the middle of a request, all places taken, make room for others") {
    ListeningRun run{{"--rate", "50", "-T", "60"}};
    {
        std::list<test::HttpClient> half;
        for (int i = 0; i < 18; ++i) {  // two more than there are places
            half.emplace_back(run.port());
            half.back().send("GET /met");
        }
        test::HttpClient one_more{run.port()};
        one_more.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        // Behind the others it waits for a place; they leave meanwhile.
        half.clear();
        CHECK(one_more.read("\r\n").find(" 200 ") != std::string::npos);
    }
    CHECK(test::http_get(run.port(), "/healthz").body == "ok\n");
    run.process().send_signal(SIGINT);
    CHECK(run.process().wait().exit_code == 130);
}

TEST_CASE("one who asks for the events when the program ends does not break its end") {
    ListeningRun run{{"--rate", "50", "-T", "1", "--linger", "60"}};
    std::list<test::HttpClient> silent;
    for (int i = 0; i < 8; ++i) silent.emplace_back(run.port());
    (void)run.served_result();
    // Heard when the server is about to end: the requests are there before the program has gone on.
    run.process().send_signal(SIGSTOP);
    for (auto& client : silent) client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    run.process().send_signal(SIGINT);
    run.process().send_signal(SIGCONT);
    CHECK(run.process().wait().exit_code == 0);
}

TEST_CASE("no place to listen is known before the load, in one message") {
    ListeningRun run{{"-T", "60", "--rate", "5"}};
    for (const auto& [listen, expected] :
         {std::pair{std::to_string(run.port()), std::string{"Address already in use"}},
          std::pair{std::string{"192.0.2.1:9187"}, std::string{"Cannot assign requested address"}},
          std::pair{std::string{":9187"}, std::string{"names no address"}},
          std::pair{std::string{"example.org:80"}, std::string{"no numeric address"}}}) {
        const auto refused = test::run_pgtraffic({"--ephemeral", "-T", "1", "--listen", listen});
        INFO(refused.err);
        CHECK(refused.exit_code == 1);
        CHECK(refused.out.empty());
        CHECK_THAT(refused.err, Contains("pgtraffic: --listen: ") && Contains(expected));
        CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
    }
    const auto alone = test::run_pgtraffic({"--ephemeral", "--linger", "5"});
    CHECK(alone.exit_code == 1);
    CHECK_THAT(alone.err, Contains("--linger: has no meaning without --listen"));
    run.process().send_signal(SIGINT);
    CHECK(run.process().wait().exit_code == 130);
}

TEST_CASE("a run that a signal ends does not linger") {
    ListeningRun run{{"--rate", "50", "-T", "60", "--linger", "60"}};
    REQUIRE(run.process().wait_for_stderr("measuring"));
    run.process().send_signal(SIGINT);
    const auto ended = run.process().wait();
    CHECK_FALSE(ended.timed_out);
    CHECK(ended.exit_code == 130);
    CHECK(ended.err.find("serving the result") == std::string::npos);
}
