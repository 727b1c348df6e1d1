// The built program against servers that mean it ill: every row of the fake server's table of evils, each
// with the end that it must have. In no case a crash, a leak (under the sanitizers), a hang, or memory
// without bound, and every query is counted once.
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include <algorithm>
#include <string>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/fake_server/evil.hpp"
#include "support/fake_server_process.hpp"
#include "support/folder.hpp"
#include "support/not_run.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;
using test::check_conserved;
using test::FakeServerProcess;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr double kLargestRss = 1e9;  // freed memory is kept back, to catch who still uses it
#else
constexpr double kLargestRss = 40e6;
#endif

test::ProcessResult run(const FakeServerProcess& server, const std::vector<std::string>& arguments,
                        const std::string& conninfo = "") {
    std::vector<std::string> all{
        "run",        "-d", server.dsn() + conninfo, "--format", "json", "-c", "4", "--warmup", "0",
        "--duration", "20"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::run_pgtraffic(all);
}

/// What becomes of the queries that an evil strikes, and with which SQLSTATE.
struct End {
    std::string evil;
    std::string counted;  ///< ok, empty, failed or timed_out
    std::string sqlstate = "";
    std::string sample = "";  ///< part of what the report quotes
};

const std::vector<End>& ends() {
    static const std::vector<End> table{
        {"garbage", "failed", "08P01"},
        {"garbage-in-rows", "failed", "08P01"},
        {"truncated", "failed", "08006", "closed the connection"},
        {"truncated-silence", "timed_out", "57014"},
        {"huge", "timed_out", "57014"},
        {"huge-endless", "timed_out", "57014"},
        {"huge-beyond", "failed", "08P01"},
        {"huge-unknown", "failed", "08P01"},
        {"length-negative", "failed", "08P01"},
        {"length-zero", "failed", "08P01"},
        {"endless-rows", "timed_out", "57014"},
        {"endless-wide-rows", "timed_out", "57014"},
        {"endless-notices", "timed_out", "57014"},
        {"endless-results", "timed_out", "57014"},
        {"error-in-rows", "failed", "22012", "division by zero"},
        {"error-then-close", "failed", "57P01", "terminating"},
        {"pooler-error-then-close", "failed", "08P01", "crashed"},
        {"fatal-then-silence", "failed", "57P01", "terminating"},
        {"error-without-fields", "failed", "08006"},
        {"error-bad-sqlstate", "failed", "08006"},
        {"error-markup", "failed", "XX000"},
        {"error-long", "failed", "XX000"},
        {"rows-undescribed", "ok"},
        {"columns-too-few", "ok"},
        {"field-too-long", "ok"},
        {"close-before-answer", "failed", "08006", "closed the connection"},
        {"close-after-head", "failed", "08006", "closed the connection"},
        {"close-in-rows", "failed", "08006", "closed the connection"},
        {"close-before-end", "failed", "08006", "closed the connection"},
        {"silence", "timed_out", "57014"},
        {"silence-in-rows", "timed_out", "57014"},
        {"silence-before-end", "timed_out", "57014"},
        {"silence-after-failed-transaction", "failed", "22012", "division by zero"},
        {"notices", "ok"},
        {"notifications", "ok"},
        {"parameters", "ok"},
        {"copy-in", "failed", "0A000", "COPY"},
        {"copy-out", "failed", "0A000", "COPY"},
        {"copy-both", "failed", "0A000", "COPY"},
        {"copy-endless", "failed", "0A000", "COPY"},
        {"unknown-type", "failed", "08P01"},
        {"authentication", "failed", "08P01"},
        {"unasked-answer", "ok"},
        {"unasked-error", "ok"},
        {"ready-without-answer", "failed", "08P01", "without a result"},
        {"ready-behind-rows", "failed", "08P01", "without a result"},
    };
    return table;
}

/// What the program says of a server whose greeting, or whose answers before the load, are evil.
struct Refusal {
    std::string evil;
    std::string message;
};

const std::vector<Refusal>& refusals() {
    static const std::vector<Refusal> table{
        {"greeting-close", "closed the connection unexpectedly"},
        {"greeting-silence", "timeout expired"},
        {"greeting-garbage", "cannot connect"},
        {"greeting-http", "Is that a PostgreSQL server?"},
        {"greeting-huge", "cannot connect"},
        {"greeting-endless-error", "says too much"},
        {"greeting-truncated", "closed the connection unexpectedly"},
        {"greeting-notices", "says too much"},
        {"greeting-parameters", "says too much"},
        {"auth-unknown", "authentication method 99"},
        {"auth-password", "no password supplied"},
        {"auth-short-md5", "cannot connect"},
        {"auth-unknown-sasl", "SASL"},
        {"auth-endless-sasl", "SASL"},
        {"auth-gss", "cannot connect"},
        {"close-after-auth", "closed the connection unexpectedly"},
        {"close-after-parameters", "closed the connection unexpectedly"},
        {"close-before-ready", "closed the connection unexpectedly"},
        {"silence-after-auth", "timeout expired"},
        {"silence-before-ready", "timeout expired"},
        {"error-after-auth", "starting up"},
        {"greeting-rude", "owned"},
        {"greeting-rude-parameters", ""},  // integration/escape_test: it lets us in
        {"greeting-then-goodbye", "closed the connection unexpectedly"},
        {"rows-after-auth", "cannot connect"},
        {"prepare-close", "closed the connection unexpectedly\n    This probably means"},
        {"prepare-garbage", "pgtraffic: "},
        {"prepare-no-rows", "is that a PostgreSQL server?"},
        {"prepare-words", "is that a PostgreSQL server?"},
        {"prepare-narrow", "is that a PostgreSQL server?"},
        {"prepare-error", "permission denied"},
        {"prepare-rude", "owned"},
        {"prepare-rude-rows", "is that a PostgreSQL server?"},
        {"prepare-copy", "COPY is not possible here"},
        {"prepare-endless-rows", "too large"},
        {"prepare-silence", ""},  // below: it takes two minutes
    };
    return table;
}

/// Seconds for which the verdict says that the client stood still; 0 where it does not.
double clock_gap_of(const json& result) {
    for (const auto& reason : result["verdict"]["reasons"]) {
        if (reason["code"] == "clock_gap") return reason["value"].get<double>();
    }
    return 0;
}

}  // namespace

TEST_CASE("every evil that the fake server knows has its end here") {
    std::vector<std::string> tested;
    for (const auto& end : ends()) tested.push_back(end.evil);
    for (const auto& refusal : refusals()) tested.push_back(refusal.evil);
    std::vector<std::string> known;
    for (const auto& evil : test::evil_table()) known.push_back(evil.name);
    std::sort(tested.begin(), tested.end());
    std::sort(known.begin(), known.end());
    CHECK(tested == known);
}

TEST_CASE("an evil answer is one counted query, and the connection is made again") {
    for (const auto& end : ends()) {
        INFO(end.evil);
        const FakeServerProcess server{{"--evil", end.evil}};
        const bool slow = end.counted == "timed_out" || end.evil.starts_with("silence");
        const auto ended = run(server, {"--total-queries", "8", "--timeout", slow ? "200ms" : "15s"});
        const auto result = test::read_result(ended, end.counted == "ok" ? 0 : 2);
        const auto& queries = result["summary"]["queries"];
        check_conserved(result);
        CHECK(queries[end.counted] == 8);
        CHECK(result["client"]["max_rss_bytes"].get<double>() < kLargestRss);
        if (end.sqlstate.empty()) {
            CHECK(result["errors"].empty());
            continue;
        }
        REQUIRE(result["errors"].size() == 1);
        CHECK(result["errors"][0]["sqlstate"] == end.sqlstate);
        CHECK(result["errors"][0]["count"] == 8);
        const std::string sample = result["errors"][0]["sample"];
        INFO(sample);
        CHECK(sample.find(end.sample) != std::string::npos);
        CHECK(sample.size() < 1500);
    }
}

TEST_CASE("a prepared statement's evil answer ends as any other's") {
    for (const std::string evil : {"garbage", "endless-rows", "close-in-rows", "error-in-rows", "copy-out"}) {
        INFO(evil);
        const FakeServerProcess server{{"--evil", evil}};
        const auto result = test::read_result(
            run(server, {"--total-queries", "8", "--protocol", "prepared", "--timeout", "300ms"}), 2);
        const auto& queries = result["summary"]["queries"];
        check_conserved(result);
        CHECK(queries["failed"].get<int>() + queries["timed_out"].get<int>() == 8);
    }
}

TEST_CASE("a pipeline of queries survives every evil answer, each of its queries counted once") {
    for (const auto& end : ends()) {
        INFO(end.evil);
        const FakeServerProcess server{{"--evil", end.evil}};
        const auto ended = run(server, {"--total-queries", "24", "--pipeline", "4", "--timeout", "250ms"});
        // One answer too many or too few, and nobody knows whose the others are.
        const bool strange = end.evil.starts_with("unasked") || end.evil == "ready-without-answer";
        INFO(ended.err);
        CHECK((ended.exit_code == 2 || (ended.exit_code == 0 && (strange || end.counted == "ok"))));
        const auto result = test::read_result(ended, ended.exit_code);
        const auto& queries = result["summary"]["queries"];
        check_conserved(result);
        CHECK(queries["started"] == 24);
        CHECK(result["client"]["max_rss_bytes"].get<double>() < kLargestRss);
    }
}

TEST_CASE("a server that is evil before the load is refused with its reason and exit code 1") {
    for (const auto& refusal : refusals()) {
        if (refusal.message.empty()) continue;
        INFO(refusal.evil);
        const FakeServerProcess server{{"--evil", refusal.evil}};
        const auto ended = run(server, {}, " connect_timeout=2");
        INFO(ended.err);
        CHECK_FALSE(ended.timed_out);
        CHECK(ended.exit_code == 1);
        CHECK(ended.out.empty());
        CHECK(ended.err.find(refusal.message) != std::string::npos);
        CHECK(ended.err.find("internal error") == std::string::npos);
    }
}

TEST_CASE("sessions that an evil server never lets in end the start with exit code 1") {
    for (const std::string evil : {"greeting-close", "greeting-garbage", "greeting-endless-error",
                                   "greeting-notices", "greeting-parameters", "auth-unknown",
                                   "close-before-ready", "error-after-auth", "greeting-silence"}) {
        INFO(evil);
        // The first connection is the one that asks before the load.
        const FakeServerProcess server{{"--evil", evil + "@2"}};
        const auto ended = run(server, {}, " connect_timeout=2");
        INFO(ended.err);
        CHECK_FALSE(ended.timed_out);
        CHECK(ended.exit_code == 1);
        CHECK(ended.err.find("connected 0 of 4 sessions") != std::string::npos);
    }
}

TEST_CASE("a goodbye that comes with the greeting is why a session never came up") {
    const FakeServerProcess server{{"--evil", "greeting-then-goodbye@2"}};
    const auto ended = run(server, {});
    INFO(ended.err);
    CHECK(ended.exit_code == 1);
    CHECK(ended.err.find("connected 0 of 4 sessions") != std::string::npos);
    CHECK(ended.err.find("terminating by command of the fake") != std::string::npos);
}

TEST_CASE("what the server refused is not in doubt, however the connection goes then") {
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "write", "statements": [{"sql": "INSERT INTO t VALUES (1)"}]}]})json"};
    const auto in_doubt = [&](const std::string& evil) {
        const FakeServerProcess server{{"--evil", evil}};
        const auto result = test::read_result(
            run(server, {"--scenario", scenario.path(), "--total-queries", "8", "--confirm", "fake"}), 2);
        CHECK(result["summary"]["queries"]["failed"] == 8);
        return result["summary"]["queries"]["in_doubt"].get<int>();
    };
    CHECK(in_doubt("close-before-answer") == 8);
    CHECK(in_doubt("error-then-close") == 0);
    CHECK(in_doubt("pooler-error-then-close") == 8);
    CHECK(in_doubt("garbage") == 8);
    CHECK(in_doubt("unknown-type") == 8);
}

TEST_CASE("a server that turns evil in mid-run loses what was under way and nothing of the account") {
    for (const std::string evil :
         {"greeting-close", "greeting-garbage", "auth-unknown", "silence-after-auth"}) {
        INFO(evil);
        // Four sessions lose their connections at their first query and never get another.
        const FakeServerProcess server{{"--evil", "close-before-answer," + evil + "@6"}};
        const auto ended = run(server, {"--rate", "100", "--duration", "1"});
        const auto result = test::read_result(ended, 2);
        const auto& queries = result["summary"]["queries"];
        check_conserved(result);
        CHECK(queries["failed"] == 4);
        CHECK(queries["waiting"].get<int>() + 4 == queries["planned"].get<int>());
    }
}

TEST_CASE("a server that lets everybody in and throws out who asks is asked less and less often") {
    // As a pooler does whose database is down. Without pauses that grow a session would come back forty times
    // a second.
    const FakeServerProcess server{{"--evil", "close-before-answer"}};
    const auto result = test::read_result(run(server, {"--rate", "1000", "--duration", "2"}), 2);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["failed"].get<int>() >= 4);
    CHECK(result["summary"]["queries"]["failed"].get<int>() < 80);
}

TEST_CASE("a program that was stopped for over a second says that its figures are void") {
    const auto database = test::filled_database();
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"--rate", "50", "--duration", "4", "-c", "2", "--warmup", "0",
                                         "--interval", "100ms", "--progress", "100ms"})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    process.send_signal(SIGSTOP);
    // Another run is not hindered, and lasts long enough.
    CHECK(test::run_and_read(database,
                             {"--duration", "1500ms", "-c", "1", "--warmup", "0"})["summary"]["queries"]["ok"]
              .get<int>() > 0);
    process.send_signal(SIGCONT);
    const auto result = test::read_result(process.wait(), 0);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["ok"] == result["summary"]["queries"]["planned"]);
    CHECK(result["verdict"]["status"] == "invalid");
    CHECK(clock_gap_of(result) > 1.4);
}

TEST_CASE("an answer that came while the program stood still is no time-out") {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 1300) return test::not_run("not so many files may be open here");
    // More than the loop is told of at a time.
    const FakeServerProcess server{{"--delay", "200ms"}};
    test::Process process{
        test::pgtraffic_argv({"run", "-d", server.dsn(), "-c", "1200", "--duration", "4", "--warmup", "0",
                              "--timeout", "1s", "--progress", "100ms", "--format", "json"}),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    process.send_signal(SIGSTOP);
    (void)run(FakeServerProcess{}, {"--duration", "1500ms"});  // lasts long enough
    process.send_signal(SIGCONT);
    const auto result = test::read_result(process.wait(), 0);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["timed_out"] == 0);
    CHECK(result["summary"]["service_ms"]["max"].get<double>() > 1000);
}

TEST_CASE("so does one that was stopped until its time was over") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--duration", "2s", "-c", "2", "--warmup", "0", "--progress", "100ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    process.send_signal(SIGSTOP);
    (void)test::run_and_read(database,
                             {"--duration", "3s", "-c", "1", "--warmup", "0"});  // lasts long enough
    process.send_signal(SIGCONT);
    const auto result = test::read_result(process.wait(), 0);
    CHECK(clock_gap_of(result) > 1);
}

TEST_CASE("a closed loop that is stopped again and again for less than a second says for how long") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--duration", "4s", "-c", "2", "--warmup", "0", "--progress", "100ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    postgres::Client client{database.conninfo()};
    for (int i = 0; i < 3; ++i) {
        process.send_signal(SIGSTOP);
        client.query("SELECT pg_sleep(0.5)");
        process.send_signal(SIGCONT);
        client.query("SELECT pg_sleep(0.3)");
    }
    const auto result = test::read_result(process.wait(), 0);
    const auto& reasons = result["verdict"]["reasons"];
    const auto paused =
        std::ranges::find_if(reasons, [](const json& reason) { return reason["code"] == "client_paused"; });
    REQUIRE(paused != reasons.end());
    CHECK((*paused)["value"].get<double>() > 3 * 0.4 / 4 - 0.01);
    CHECK(result["verdict"]["status"] == "invalid");
}

TEST_CASE("a program that stood still beyond an attempt's time to connect and its own end still ends") {
    // Two of four sessions wait for a greeting. The look at the stop file is due before their time is over,
    // and by then both are overdue in the same turn of the loop.
    const FakeServerProcess server{{"--evil", "greeting-silence@4"}};
    const test::Folder folder;
    const auto stop = folder / "stop";
    test::Process process{test::pgtraffic_argv({"run", "-d", server.dsn() + " connect_timeout=3", "--rate",
                                                "10", "-c", "4", "--warmup", "0", "--progress", "100ms",
                                                "--format", "json", "--stop-file", stop}),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("connected 2 of 4"));
    (void)run(FakeServerProcess{}, {"--duration", "100ms"});  // it waits again, and the next look is to come
    process.send_signal(SIGSTOP);
    test::write_file(stop, "");
    (void)run(FakeServerProcess{}, {"--duration", "2500ms"});  // lasts long enough
    process.send_signal(SIGCONT);
    const auto ended = process.wait();
    CHECK_FALSE(ended.timed_out);
    check_conserved(test::read_result(ended, 130));
}

TEST_CASE("a server that says nothing before the load is waited for, but not for ever") {
    const FakeServerProcess server{{"--evil", "prepare-silence"}};
    const auto conninfo = postgres::Conninfo::parse(server.dsn(), "the test");
    postgres::Client client{conninfo, std::chrono::seconds{10}, std::chrono::milliseconds{200}};
    CHECK_THROWS_WITH(client.query("SELECT count(*) FROM pg_class"),
                      Catch::Contains("did not answer within 200"));
}
