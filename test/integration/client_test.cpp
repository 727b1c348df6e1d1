// The blocking client against a real server: values, errors, COPY, and that each way in which a connect can
// fail is told by where, why and what to do, without the password.
#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/postgres/blocking_connect.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/loopback_port.hpp"
#include "support/not_run.hpp"
#include "support/test_server.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using postgres::Client;
using postgres::Conninfo;
using postgres::SqlError;
using test::holds;

namespace {

std::string connect_complaint(const Conninfo& conninfo, base::Nanos timeout = std::chrono::seconds{10}) {
    try {
        const Client client{conninfo, timeout};
    } catch (const base::Error& error) {
        return error.what();
    }
    return "connected";
}

Conninfo over_tcp(const std::string& port) {
    Conninfo conninfo = Conninfo::parse("host=127.0.0.1 dbname=shop user=ann password=hunter22", "test");
    conninfo.set("port", port);
    return conninfo;
}

std::string state_of(Client& client, const std::string& sql) {
    try {
        client.execute(sql);
    } catch (const SqlError& error) {
        return std::string{error.state().text()};
    }
    return "none";
}

}  // namespace

TEST_CASE("rows come back as text, NULL apart from the empty string") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const auto rows =
        client.query("SELECT $1::int + 1, NULL, '', $2 FROM generate_series(1, 2)", {"41", "a'b"});
    REQUIRE(rows.size() == 2);
    CHECK(rows[1][0] == "42");
    CHECK_FALSE(rows[1][1].has_value());
    CHECK(rows[1][2] == "");
    CHECK(rows[1][3] == "a'b");
    CHECK(client.value("SELECT 7 WHERE false") == std::nullopt);
    CHECK(client.value("SELECT NULL") == std::nullopt);
    CHECK(client.value("SELECT 7") == "7");
}

TEST_CASE("a client says where it is connected") {
    const auto database = test::fresh_database();
    const Client client{database.conninfo()};
    CHECK(client.database() == database.name());
    CHECK(client.server_version_num() >= 120000);
    CHECK(holds(client.server_version(), std::to_string(client.server_version_num() / 10000)));
    CHECK(client.over_unix_socket() == client.host().starts_with('/'));
    CHECK(client.user() == test::server_conninfo().effective("user"));
    CHECK_FALSE(client.port().empty());
}

TEST_CASE("an empty query takes some time and less than a second") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const base::Nanos taken = client.round_trip();
    CHECK(taken > base::Nanos::zero());
    CHECK(taken < std::chrono::seconds{1});
}

TEST_CASE("a refused statement carries its SQLSTATE and leaves the connection usable") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    CHECK(state_of(client, "SELECT * FROM nowhere") == "42P01");
    CHECK(state_of(client, "SELEC 1") == "42601");
    CHECK_THROWS_WITH(client.query("SELECT * FROM nowhere"),
                      Catch::Contains("relation \"nowhere\" does not exist") && Catch::Contains("42P01"));
    CHECK(state_of(client, "COPY (SELECT 1) TO STDOUT") == "0A000");
    CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("a terminated backend is a connection failure") {
    const auto database = test::fresh_database();
    Client victim{database.conninfo()};
    Client killer{database.conninfo()};
    const auto pid = victim.value("SELECT pg_backend_pid()").value();
    killer.query("SELECT pg_terminate_backend($1::int, 10000)", {pid});
    const auto first = state_of(victim, "SELECT 1");
    CHECK((first == "57P01" || first == "08006"));
    CHECK(state_of(victim, "SELECT 1") == base::kConnectionFailure.text());
}

TEST_CASE("a statement's parameters are counted without running it") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (a int, b text)");
    CHECK(client.describe("INSERT INTO t VALUES ($1, $2)").parameters == 2);
    CHECK(client.describe("INSERT INTO t VALUES ($1, $2)").columns.empty());
    CHECK(client.describe("SELECT 1").parameters == 0);
    CHECK(client.describe("SELECT 1 AS a, 2 AS \"B c\", 3 AS a").columns ==
          std::vector<std::string>{"a", "B c", "a"});
    CHECK(client.value("SELECT count(*) FROM t") == "0");
    CHECK_THROWS_AS((void)client.describe("INSERT INTO nowhere VALUES ($1)"), SqlError);
}

TEST_CASE("COPY takes pieces cut anywhere, and its errors come at the end") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (a int PRIMARY KEY, b text)");
    client.copy_begin("COPY t FROM STDIN");
    client.copy_data("1\ton");
    client.copy_data("e\n2\ttwo\n");
    client.copy_end();
    CHECK(client.value("SELECT string_agg(a || b, ',' ORDER BY a) FROM t") == "1one,2two");

    client.copy_begin("COPY t FROM STDIN");
    client.copy_data("1\tagain\n");
    CHECK_THROWS_WITH(client.copy_end(), Catch::Contains("23505"));
    CHECK_THROWS_AS(client.copy_begin("COPY nowhere FROM STDIN"), SqlError);
    CHECK(client.value("SELECT count(*) FROM t") == "2");
}

TEST_CASE("notices are swallowed") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    client.execute("DROP TABLE IF EXISTS nowhere");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    char byte = 0;
    CHECK(read(ends[0], &byte, 1) == 0);
    close(ends[0]);
}

TEST_CASE("a refused port is named with its cure") {
    const test::LoopbackPort port;
    const std::string complaint = connect_complaint(over_tcp(port.number()));
    CHECK(holds(complaint,
                "host \"127.0.0.1\", port " + port.number() + ", database \"shop\" as user \"ann\""));
    CHECK(holds(complaint, "Connection refused. Is the server running"));
    CHECK_FALSE(holds(complaint, "hunter22"));
}

TEST_CASE("a silent server ends in a timeout") {
    const test::LoopbackPort port;
    port.open();
    const std::string complaint = connect_complaint(over_tcp(port.number()), std::chrono::milliseconds{1});
    CHECK(holds(complaint, "timeout expired. The server does not answer"));
}

TEST_CASE("a silent address costs its limit, and the next one of the same name is tried") {
    if (test::own_server() == nullptr) return test::not_run("the server is not ours");
    Conninfo conninfo = test::own_server()->tcp_conninfo();
    const test::LoopbackPort silent{2, static_cast<std::uint16_t>(std::stoi(conninfo.get("port")))};
    silent.open();
    conninfo.set("host", "db.test");
    const auto begun = base::mono_now();
    const auto opened =
        postgres::connect_blocking(conninfo, std::chrono::milliseconds{300},
                                   [](const std::string& host, std::string&) -> std::
                                                                                 vector<std::string> {
                                                                                     return host == "db.test" ? std::vector<std::string>{"127.0.0.2", "127.0.0.1"}
                                     : std::vector<std::string>{};
                                                                                 });
    CHECK(opened.trouble.empty());
    CHECK(std::string{PQhostaddr(opened.connection)} == "127.0.0.1");
    CHECK(base::mono_now() - begun >= std::chrono::milliseconds{300});
    PQfinish(opened.connection);
}

TEST_CASE("a signal that is held back ends every wait for the server, and waits on") {
    const base::SignalMask unheard{base::SignalMask::Ending::held_back};
    const auto database = test::fresh_database();
    Client connected{database.conninfo()};
    Client copying{database.conninfo()};
    Client asking{database.conninfo()};
    connected.execute("CREATE TABLE t (a int)");
    copying.copy_begin("COPY t FROM STDIN");
    const test::LoopbackPort port;
    port.open();
    const auto interrupted = Catch::Equals(base::kInterrupted);
    ::raise(SIGINT);
    // Each would take a minute.
    CHECK_THROWS_WITH(asking.query("SELECT pg_sleep(60)"), interrupted);
    CHECK_THROWS_WITH(copying.copy_data("1\n"), interrupted);
    CHECK(connect_complaint(over_tcp(port.number()), std::chrono::seconds{60}) == base::kInterrupted);
    CHECK(base::take_held_back_signal() == SIGINT);
    CHECK(connected.value("SELECT count(*) FROM t") == "0");
}

TEST_CASE("a signal that is held back ends the wait for a server that takes nothing of a copy") {
    const base::SignalMask unheard{base::SignalMask::Ending::held_back};
    const auto database = test::fresh_database();
    Client copying{database.conninfo()};
    copying.execute("CREATE TABLE t (a text)");
    const auto backend = static_cast<pid_t>(std::stoi(copying.value("SELECT pg_backend_pid()").value()));
    copying.copy_begin("COPY t FROM STDIN");
    timer_t later{};
    sigevent tell{};
    tell.sigev_notify = SIGEV_SIGNAL;
    tell.sigev_signo = SIGTERM;
    REQUIRE(::timer_create(CLOCK_MONOTONIC, &tell, &later) == 0);
    REQUIRE(::kill(backend, SIGSTOP) == 0);
    const itimerspec in_a_while{{0, 0}, {0, 300'000'000}};
    REQUIRE(::timer_settime(later, 0, &in_a_while, nullptr) == 0);
    const std::string much(std::size_t{64} << 20, 'x');  // more than any socket holds
    CHECK_THROWS_WITH(copying.copy_data(much + "\n"), Catch::Equals(base::kInterrupted));
    CHECK(base::take_held_back_signal() == SIGTERM);
    ::timer_delete(later);
    CHECK(::kill(backend, SIGCONT) == 0);
}

TEST_CASE("an unknown host is named with its cure") {
    Conninfo conninfo = over_tcp("5432");
    conninfo.set("host", "no-such-host.invalid");
    const std::string complaint = connect_complaint(conninfo);
    CHECK(holds(complaint, "no-such-host.invalid"));
    CHECK(holds(complaint, "Check the host name."));
    CHECK_FALSE(holds(complaint, "hunter22"));
}

TEST_CASE("a socket that is not there is named with its cure") {
    const std::string complaint =
        connect_complaint(Conninfo::parse("host=/nonexistent dbname=shop user=ann", "x"));
    CHECK(holds(complaint, "host \"/nonexistent\""));
    CHECK(holds(complaint, "No such file or directory. No server has its socket there"));
}

TEST_CASE("a missing database and a missing role are told apart") {
    Conninfo conninfo = test::server_conninfo();
    conninfo.set("dbname", "no_such_database");
    CHECK(holds(connect_complaint(conninfo), "createdb no_such_database"));
    if (test::own_server() == nullptr) return test::not_run("the server is not ours");
    conninfo.set("user", "no_such_role");
    CHECK(holds(connect_complaint(conninfo), "Create the role \"no_such_role\""));
}

TEST_CASE("a database name that looks like settings redirects nobody") {
    Conninfo conninfo = test::server_conninfo();
    conninfo.set("dbname", "host=/nonexistent dbname=x");
    CHECK(holds(connect_complaint(conninfo), "database \"host=/nonexistent dbname=x\" does not exist"));
}

TEST_CASE("required TLS that is not offered is named with its cure") {
    if (test::own_server() == nullptr) return test::not_run("the server is not ours");
    Conninfo conninfo = test::own_server()->tcp_conninfo();
    conninfo.set("sslmode", "require");
    CHECK(holds(connect_complaint(conninfo),
                "server does not support SSL, but SSL was required. Set sslmode=prefer"));
}

TEST_CASE("an invalid setting is named") {
    Conninfo conninfo = test::server_conninfo();
    conninfo.set("sslmode", "perhaps");
    CHECK(holds(connect_complaint(conninfo), "invalid sslmode value"));
}

TEST_CASE("passwords over TCP: right, wrong, and none, and never in the message") {
    if (test::own_server() == nullptr) return test::not_run("the server is not ours");
    postgres::TemporaryServerOptions options;
    options.fsync = false;
    options.tcp = true;
    options.tcp_password = "correct horse";
    options.max_connections = 5;
    const postgres::TemporaryServer server{options};
    Conninfo conninfo = server.tcp_conninfo();
    {
        const Client client{conninfo};
        CHECK_FALSE(client.over_unix_socket());
    }
    conninfo.set("password", "hunter22");
    const std::string wrong = connect_complaint(conninfo);
    CHECK(holds(wrong, "password authentication failed for user \"pgtraffic\". Check user and password."));
    CHECK_FALSE(holds(wrong, "hunter22"));
    conninfo.set("password", "");
    CHECK(holds(connect_complaint(conninfo), "no password supplied. Give the password in the URL"));

    std::vector<std::unique_ptr<Client>> crowd;
    std::string full;
    for (int i = 0; i < 6 && full.empty(); ++i) {
        try {
            crowd.push_back(std::make_unique<Client>(server.conninfo()));
        } catch (const base::Error& error) {
            full = error.what();
        }
    }
    CHECK(holds(full, "max_connections."));
    CHECK(holds(full, "too many clients"));
}
