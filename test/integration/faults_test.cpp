// The server and the network break in every way that we could think of, under a load that must neither stop
// nor lose count. Tests wait for what the load or the server tells, never for a time.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <set>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/faulty_load.hpp"
#include "support/tcp_proxy.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using nlohmann::json;
using postgres::Client;
using postgres::TemporaryServer;
using test::check_sound_audit;
using test::dsn_of;
using test::FaultyLoad;
using test::report_recovery;
using test::sessions_at;
using test::whole_outage;

namespace {

/// Durable: what it acknowledged survives each of these deaths. Crashed backends do not end the postmaster.
postgres::TemporaryServerOptions durable(bool tcp = false) {
    postgres::TemporaryServerOptions options;
    options.max_connections = 30;
    options.tcp = tcp;
    options.settings = {"restart_after_crash=on"};
    return options;
}

std::uint16_t port_of(const postgres::Conninfo& conninfo) {
    return static_cast<std::uint16_t>(std::stoi(conninfo.get("port")));
}

std::uint64_t count_of(const json& outage, const std::string& state, const char* what) {
    for (const auto& error : outage["errors"]) {
        if (error["sqlstate"] == state) return error[what];
    }
    return 0;
}

std::uint64_t total(const json& result, const char* key) {
    std::uint64_t sum = 0;
    for (const auto& outage : result["outages"]) sum += outage[key].get<std::uint64_t>();
    return sum;
}

std::uint64_t total_of(const json& result, const std::string& state, const char* what) {
    std::uint64_t sum = 0;
    for (const auto& outage : result["outages"]) sum += count_of(outage, state, what);
    return sum;
}

std::uint64_t interval_reconnects(const json& result) {
    std::uint64_t sum = 0;
    for (const auto& interval : result["intervals"]) sum += interval["reconnects"].get<std::uint64_t>();
    return sum;
}

std::vector<pid_t> backends(Client& client) {
    std::vector<pid_t> pids;
    for (const auto& row :
         client.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgtraffic'"))
        pids.push_back(std::stoi(row[0].value()));
    REQUIRE(pids.size() == FaultyLoad::kSessions);
    return pids;
}

void terminate(Client& client, int count) {
    client.query(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = "
        "'pgtraffic' ORDER BY backend_start LIMIT $1::int) AS chosen",
        {std::to_string(count)});
}

}  // namespace

TEST_CASE("a server that is restarted, killed and recovered interrupts nothing but its own queries",
          "[restart]") {
    for (const char* how : {"restart fast", "restart immediate", "SIGKILL of the postmaster"}) {
        INFO(how);
        TemporaryServer server{durable()};
        test::make_orders(server.conninfo());
        FaultyLoad load{dsn_of(server.conninfo()), {"--audit"}};
        if (std::string{how} == "SIGKILL of the postmaster") {
            ::kill(server.postmaster(), SIGKILL);
            server.stop();
            // Its children notice one after the other, and keep the shared memory until then.
            for (bool up = false; !up;) {
                try {
                    server.start();
                    up = true;
                } catch (const base::Error&) {
                    load.wait_for_lines(1);
                }
            }
        } else {
            server.stop(std::string{how} == "restart immediate");
            server.start();
        }
        Client client{server.conninfo()};
        load.wait_until_back(client);
        const auto result = load.finish();
        const auto& outage = whole_outage(result);
        CHECK(outage["sessions_lost"] == FaultyLoad::kSessions);
        CHECK(interval_reconnects(result) == FaultyLoad::kSessions);
        CHECK(result["summary"]["queries"]["failed"].get<int>() <= FaultyLoad::kSessions);
        check_sound_audit(result);
        report_recovery(how, outage);
    }
}

TEST_CASE("backends terminated one by one are sessions lost, not an outage of the service", "[one-by-one]") {
    const auto database = test::fresh_database();
    test::make_orders(database.conninfo());
    FaultyLoad load{database.dsn(), {"--audit"}};
    Client client{test::server_conninfo()};
    const int rounds = 6;
    for (int i = 0; i < rounds; ++i) {
        terminate(client, 1);
        load.wait_until_back(client);
    }
    const auto result = load.finish();
    CHECK(total(result, "sessions_lost") == rounds);
    CHECK(total(result, "failed_connects") == 0);
    for (const auto& outage : result["outages"]) {
        CHECK(outage["scope"] == "sessions");
        CHECK(outage["to_s"].is_number());
        report_recovery("one backend terminated", outage);
    }
    CHECK(result["summary"]["queries"]["failed"].get<int>() <= rounds);
    check_sound_audit(result);
}

TEST_CASE("backends terminated all at once come back spread over time, each once", "[all-at-once]") {
    const int pipeline = GENERATE(1, 4);
    INFO("pipeline " << pipeline);
    const auto database = test::fresh_database();
    test::make_orders(database.conninfo());
    FaultyLoad load{database.dsn(), {"-c", "40", "--audit", "--pipeline", std::to_string(pipeline)}};
    Client client{test::server_conninfo()};
    terminate(client, 40);
    load.wait_until_back(client, 40);
    // They were lost in one instant; 40 that came back in one would lie within a few milliseconds.
    const auto spread = client.value(
        "SELECT extract(epoch FROM max(backend_start) - min(backend_start)) * 1000 FROM pg_stat_activity "
        "WHERE application_name = 'pgtraffic'");
    CHECK(std::stod(spread.value()) > 20);
    const auto result = load.finish();
    CHECK(total(result, "sessions_lost") == 40);
    CHECK(interval_reconnects(result) == 40);
    CHECK(result["summary"]["queries"]["failed"].get<int>() <= 40 * pipeline);
    check_sound_audit(result);
    report_recovery(fmt::format("all backends terminated, pipeline {}", pipeline), result["outages"][0]);
}

TEST_CASE("backends that are stopped and go on: without a time-out nothing is lost, with one they are left",
          "[stopped]") {
    for (const bool with_timeout : {false, true}) {
        INFO(with_timeout);
        TemporaryServer server{durable()};
        test::make_orders(server.conninfo());
        FaultyLoad load{dsn_of(server.conninfo()),
                        with_timeout ? std::vector<std::string>{"--timeout", "500ms", "--audit"}
                                     : std::vector<std::string>{"--audit"}};
        Client client{server.conninfo()};
        const auto pids = backends(client);
        for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
        load.wait_for_lines(8);
        for (const pid_t pid : pids) ::kill(pid, SIGCONT);
        load.wait_until_back(client);
        const auto result = load.finish();
        const auto& q = result["summary"]["queries"];
        CHECK(result["summary"]["response_ms"]["max"].get<double>() > (with_timeout ? 500 : 1000));
        CHECK(q["failed"] == 0);
        if (with_timeout) {
            CHECK(q["timed_out"].get<int>() >= FaultyLoad::kSessions);
            CHECK(q["in_doubt"].get<int>() >= FaultyLoad::kSessions);
            // New backends were not stopped: nobody waited for the old ones.
            CHECK(total(result, "sessions_lost") >= FaultyLoad::kSessions);
            report_recovery("backends stopped, --timeout 500ms", result["outages"][0]);
        } else {
            CHECK(result["outages"].empty());
            CHECK(q["timed_out"] == 0);
        }
        check_sound_audit(result);
    }
}

TEST_CASE("backends that crash with the query unread: the farewell and the error on the socket are both seen",
          "[crash]") {
    TemporaryServer server{durable()};
    test::make_orders(server.conninfo());
    FaultyLoad load{dsn_of(server.conninfo()), {"--audit"}};
    {
        Client client{server.conninfo()};
        const auto pids = backends(client);
        for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
        load.wait_for_lines(3);
        // They write their farewell from within the signal's handler, and never read what was sent to them.
        for (const pid_t pid : pids) ::kill(pid, SIGQUIT);
        for (const pid_t pid : pids) ::kill(pid, SIGCONT);
    }
    std::unique_ptr<Client> client;
    while (!client) {
        load.wait_for_lines(1);
        try {
            client = std::make_unique<Client>(server.conninfo());
        } catch (const base::Error&) {
            continue;  // the postmaster takes it for a crash and recovers
        }
    }
    load.wait_until_back(*client);
    const auto result = load.finish();
    const auto& outage = whole_outage(result);
    CHECK(outage["sessions_lost"] == FaultyLoad::kSessions);
    CHECK(result["summary"]["queries"]["failed"] == FaultyLoad::kSessions);
    CHECK(result["summary"]["queries"]["in_flight"] == 0);
    check_sound_audit(result);
    report_recovery("backends crashed", outage);
}

TEST_CASE("a postmaster that stands still, and one that waits for its sessions to go, lose nobody who stays",
          "[postmaster]") {
    for (const int how : {SIGSTOP, SIGTERM}) {
        const bool stands_still = how == SIGSTOP;
        INFO("stands still " << stands_still);
        TemporaryServer server{durable()};
        test::make_orders(server.conninfo());
        FaultyLoad load{dsn_of(server.conninfo(), "connect_timeout=2"), {"--audit"}};
        auto client = std::make_unique<Client>(server.conninfo());
        ::kill(server.postmaster(), how);
        terminate(*client, 4);
        load.wait_for_lines(12);
        CHECK(sessions_at(*client) == FaultyLoad::kSessions - 4);
        if (stands_still) {
            ::kill(server.postmaster(), SIGCONT);
        } else {
            client.reset();  // it waits for everybody
            server.stop();
            server.start();
            client = std::make_unique<Client>(server.conninfo());
        }
        load.wait_until_back(*client);
        const auto result = load.finish();
        const std::uint64_t lost = stands_still ? 4 : FaultyLoad::kSessions;
        CHECK(total(result, "sessions_lost") == lost);
        CHECK(total(result, "failed_connects") >= 4);
        CHECK((total_of(result, "57P03", "connects") > 0) != stands_still);
        CHECK(result["summary"]["queries"]["failed"].get<std::uint64_t>() <= lost);
        check_sound_audit(result);
        report_recovery(stands_still ? "postmaster stopped (SIGSTOP)" : "smart shutdown (SIGTERM)",
                        result["outages"][0]);
    }
}

TEST_CASE("a network that is cut, and one that swallows everything", "[cut]") {
    TemporaryServer server{durable(true)};
    test::make_orders(server.conninfo());
    Client client{server.conninfo()};
    for (const bool black_hole : {false, true}) {
        INFO(black_hole);
        test::TcpProxy proxy{port_of(server.tcp_conninfo())};
        auto through = server.tcp_conninfo();
        through.set("port", std::to_string(proxy.port()));
        FaultyLoad load{dsn_of(through, "connect_timeout=2 sslmode=disable"),
                        {"--timeout", "500ms", "--audit"}};
        black_hole ? proxy.swallow() : proxy.cut();
        load.wait_for_lines(10);
        proxy.forward();
        load.wait_until_back(client);
        const auto result = load.finish();
        const auto& outage = whole_outage(result);
        const auto& q = result["summary"]["queries"];
        CHECK(outage["sessions_lost"].get<int>() >= FaultyLoad::kSessions);
        CHECK(outage["failed_connects"].get<int>() > 0);
        // A black hole is noticed by the queries that it keeps; a cut one by the sessions, busy or not.
        if (black_hole) CHECK(q["timed_out"].get<int>() >= FaultyLoad::kSessions);
        CHECK(q[black_hole ? "failed" : "timed_out"].get<int>() <= (black_hole ? 0 : FaultyLoad::kSessions));
        check_sound_audit(result);
        report_recovery(black_hole ? "black hole" : "network cut", outage);
    }
}

TEST_CASE("others take the connections: the sessions that are left go on, the rest come back",
          "[max-connections]") {
    auto options = durable();
    options.max_connections = 12;
    TemporaryServer server{options};
    test::make_orders(server.conninfo());
    Client client{server.conninfo()};
    FaultyLoad load{dsn_of(server.conninfo()), {}};
    std::vector<std::unique_ptr<Client>> others;
    const auto take_all = [&] {
        const auto before = others.size();
        try {
            for (;;) others.push_back(std::make_unique<Client>(server.conninfo()));
        } catch (const base::Error& error) {
            CHECK(std::string{error.what()}.find("too many clients") != std::string::npos);
        }
        return others.size() - before;
    };
    REQUIRE(take_all() == 12 - 1 - FaultyLoad::kSessions);
    terminate(client, 4);
    std::size_t taken = take_all();
    load.wait_for_lines(2);
    taken += take_all();
    REQUIRE(taken > 0);
    REQUIRE(sessions_at(client) < FaultyLoad::kSessions);
    load.wait_for_lines(8);
    others.clear();
    load.wait_until_back(client);
    const auto result = load.finish();
    CHECK(total_of(result, "53300", "connects") > 0);
    CHECK(total(result, "sessions_lost") == 4);
    CHECK(result["outages"].back()["to_s"].is_number());
    CHECK(result["summary"]["queries"]["failed"].get<int>() <= 4);
    report_recovery("max_connections taken", result["outages"][0]);
}

TEST_CASE("recovery that refuses connections is told as 57P03, and ends with it", "[recovery]") {
    TemporaryServer server{durable()};
    test::make_orders(server.conninfo());
    FaultyLoad load{dsn_of(server.conninfo()), {"--audit"}};
    const std::string data = server.directory() + "/data/";
    server.stop();
    // A standby that is in recovery, and lets nobody in, until it is promoted.
    std::ofstream{data + "standby.signal"};
    std::ofstream{data + "postgresql.auto.conf", std::ios::app} << "hot_standby = off\n";
    server.start(/*wait=*/false);
    load.wait_for_lines(12);
    std::ofstream{data + "promote"};
    ::kill(server.postmaster(), SIGUSR1);
    std::unique_ptr<Client> client;
    while (!client) {
        try {
            client = std::make_unique<Client>(server.conninfo());
        } catch (const base::Error&) {
            load.wait_for_lines(1);
        }
    }
    load.wait_until_back(*client);
    const auto result = load.finish();
    const auto& outage = whole_outage(result);
    CHECK(count_of(outage, "57P03", "connects") > 0);
    check_sound_audit(result);
    report_recovery("57P03", outage);
}

TEST_CASE("a server that becomes read-only fails writes with 25006 until it is not, and loses no session",
          "[read-only]") {
    TemporaryServer server{durable()};
    test::make_orders(server.conninfo());
    Client client{server.conninfo()};
    FaultyLoad load{dsn_of(server.conninfo()), {"--audit"}};
    client.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    client.execute("SELECT pg_reload_conf()");
    load.wait_for_lines(6);
    client.execute("SET default_transaction_read_only = off");
    client.execute("ALTER SYSTEM RESET default_transaction_read_only");
    client.execute("SELECT pg_reload_conf()");
    load.wait_until_back(client);
    const auto result = load.finish();
    const auto& outage = whole_outage(result);
    CHECK(outage["sessions_lost"] == 0);
    CHECK(count_of(outage, "25006", "queries") == result["summary"]["queries"]["failed"]);
    CHECK(result["summary"]["queries"]["failed"].get<int>() > FaultyLoad::kSessions);
    CHECK(result["summary"]["queries"]["in_doubt"] == 0);  // the server said that it did not
    check_sound_audit(result);
    report_recovery("read-only", outage);
}

TEST_CASE("with several hosts and target_session_attrs the sessions go where writing is possible",
          "[fail-over]") {
    TemporaryServer first{durable()};
    TemporaryServer second{durable()};
    test::make_orders(first.conninfo());
    test::make_orders(second.conninfo());
    auto both = first.conninfo();
    both.set("host", first.conninfo().get("host") + "," + second.conninfo().get("host"));
    both.set("port", first.conninfo().get("port") + "," + second.conninfo().get("port"));
    FaultyLoad load{dsn_of(both, "target_session_attrs=read-write"), {}};
    Client at_first{first.conninfo()};
    Client at_second{second.conninfo()};
    REQUIRE(sessions_at(at_first) == FaultyLoad::kSessions);

    // A fail-over as a client sees it: its server refuses to write, another one does not.
    at_first.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    at_first.execute("SELECT pg_reload_conf()");
    load.wait_until_back(at_second);
    CHECK(sessions_at(at_first) == 0);
    load.wait_for_lines(8);  // a fault within a second of the last one's end would continue its outage

    // And back, because the second one is gone.
    at_first.execute("SET default_transaction_read_only = off");
    at_first.execute("ALTER SYSTEM RESET default_transaction_read_only");
    at_first.execute("SELECT pg_reload_conf()");
    second.stop();
    load.wait_until_back(at_first);
    const auto result = load.finish();
    REQUIRE(result["outages"].size() == 2);
    for (const auto& outage : result["outages"]) {
        INFO(outage.dump());
        CHECK(outage["sessions_lost"] == FaultyLoad::kSessions);
        CHECK(outage["to_s"].is_number());
    }
    CHECK(count_of(result["outages"][0], "25006", "queries") == FaultyLoad::kSessions);
    report_recovery("fail-over to another host (25006)", result["outages"][0]);
    report_recovery("fail-over to another host (stopped)", result["outages"][1]);
}

TEST_CASE("a first host that swallows everything costs one time limit, however many sessions there are",
          "[first-host]") {
    // More than are connected at the same time: those that come after the first ones know of it already.
    const int sessions = GENERATE(int{FaultyLoad::kSessions}, 80);
    auto roomy = durable(true);
    roomy.max_connections = 200;
    TemporaryServer server{roomy};
    test::make_orders(server.conninfo());
    Client client{server.conninfo()};
    test::TcpProxy proxy{port_of(server.tcp_conninfo())};
    auto both = server.tcp_conninfo();
    both.set("host", "127.0.0.1,127.0.0.1");
    both.set("port", std::to_string(proxy.port()) + "," + server.tcp_conninfo().get("port"));
    FaultyLoad load{dsn_of(both, "connect_timeout=2 sslmode=disable"),
                    {"--timeout", "500ms", "--audit"},
                    FaultyLoad::kRate,
                    sessions};
    proxy.swallow();
    load.wait_for_lines(10);  // the sessions at the server are the old ones for so long
    load.wait_until_back(client, sessions);
    const auto result = load.finish();
    const auto& outage = whole_outage(result);
    CHECK(outage["sessions_lost"] == sessions);
    CHECK(outage["failed_connects"] == std::min(sessions, 32));
    CHECK(outage["silence_s"].get<double>() > 2);
    CHECK(outage["silence_s"].get<double>() < 4);
    check_sound_audit(result);
    report_recovery(fmt::format("first host a black hole, {} sessions", sessions), outage);
}

TEST_CASE("a standby that swallows everything is waited for once, where a primary will do", "[first-host]") {
    TemporaryServer server{durable(true)};
    test::TcpProxy proxy{port_of(server.tcp_conninfo())};
    proxy.swallow();
    auto both = server.tcp_conninfo();
    both.set("host", "127.0.0.1,127.0.0.1");
    both.set("port", server.tcp_conninfo().get("port") + "," + std::to_string(proxy.port()));
    const test::TemporaryFile scenario{
        R"json({"name": "s", "operations": [{"name": "s", "statements": [{"sql": "SELECT 1"}]}]})json"};
    const auto run = test::run_pgtraffic(
        {"run", "-d", dsn_of(both, "connect_timeout=2 sslmode=disable target_session_attrs=prefer-standby"),
         "--format", "json", "--scenario", scenario.path(), "-c", "4", "-t", "8", "--warmup", "0"});
    INFO(run.err);
    CHECK(test::read_result(run, 0)["summary"]["queries"]["ok"] == 8);
}

TEST_CASE("the audit sees an acknowledged order that is gone, and one that nobody here placed") {
    const auto database = test::fresh_database();
    test::make_orders(database.conninfo());
    Client client{database.conninfo()};
    {
        FaultyLoad load{database.dsn(), {"--audit"}};
        client.execute("DELETE FROM orders WHERE ctid = (SELECT min(ctid) FROM orders)");
        const auto result = load.finish();
        CHECK(result["audit"][0]["lost"] == 1);
        CHECK(result["run"]["warnings"].dump().find("acknowledged are missing") != std::string::npos);
    }
    {
        FaultyLoad load{database.dsn(), {"--audit"}};
        client.execute("INSERT INTO orders VALUES ('somebody else', '')");
        const auto result = load.finish();
        CHECK(result["audit"][0]["unexplained"] == 1);
        CHECK(result["audit"][0]["lost"] == 0);
    }
}
