// Bad input that only a connection, the server or the system can show: one message, exit 1, nothing on
// stdout, no file written, no password repeated.
#include <unistd.h>

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/loopback_port.hpp"
#include "support/subprocess.hpp"
#include "support/test_server.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using test::holds;

namespace {

/// A server on TCP that asks for a password and has no TLS.
const postgres::TemporaryServer& password_server() {
    static const postgres::TemporaryServer server{[] {
        postgres::TemporaryServerOptions options;
        options.fsync = false;
        options.tcp = true;
        options.tcp_password = "right";
        return options;
    }()};
    return server;
}

std::string url_of_password_server(const std::string& password, const std::string& rest) {
    const auto conninfo = password_server().tcp_conninfo();
    return fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}", conninfo.get("user"), password,
                       conninfo.get("port"), rest);
}

/// Fails unless the command says `expected` and does nothing else; `secret` must not appear.
void check_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& expected,
                   const test::ProcessOptions& options = {}, const std::string& secret = "") {
    const auto result = test::run_pgtraffic(arguments, options);
    INFO(fmt::format("{}\n{}", arguments.front(), result.err));
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("pgtraffic: "));
    CHECK(result.err.find("pgtraffic: ", 1) == std::string::npos);
    for (const auto& part : expected) CHECK(holds(result.err, part));
    if (!secret.empty()) CHECK_FALSE(holds(result.err, secret));
}

/// The same for every command that connects; `run` is also given an output file, which must not appear.
void check_refused_everywhere(const std::string& url, const std::vector<std::string>& expected,
                              const std::string& secret = "") {
    check_refused({"init", "-d", url}, expected, {}, secret);
    check_refused({"cleanup", "-d", url}, expected, {}, secret);
    const test::Folder folder;
    check_refused({"run", "-d", url, "--json", folder / "out.json"}, expected, {}, secret);
    CHECK(std::filesystem::is_empty(folder.path()));
    test::ProcessOptions options;
    options.environment = {{"DATABASE_URL", url}};
    check_refused({"run"}, expected, options, secret);
}

}  // namespace

TEST_CASE("an unknown host is named") {
    check_refused_everywhere("postgresql://app:geheim@no-such-host.invalid/shop",
                             {"no-such-host.invalid", "Check the host name"}, "geheim");
}

TEST_CASE("a refused port is named") {
    const test::LoopbackPort refused;
    const auto port = refused.number();
    check_refused_everywhere(fmt::format("postgresql://app:geheim@127.0.0.1:{}/shop", port),
                             {"127.0.0.1", "port " + port, "Connection refused"}, "geheim");
    check_refused({"run", "-h", "127.0.0.1", "-p", port, "-U", "ann"},
                  {"port " + port, "user \"ann\"", "Connection refused"});
}

TEST_CASE("a wrong password is told, and not repeated") {
    check_refused_everywhere(url_of_password_server("wrong-secret", "pgtraffic"),
                             {"password authentication failed"}, "wrong-secret");
    test::ProcessOptions options;
    options.environment = {{"PGPASSWORD", "wrong-secret"}};
    const auto conninfo = password_server().tcp_conninfo();
    check_refused({"run", "-h", "127.0.0.1", "-p", conninfo.get("port"), "-U", conninfo.get("user")},
                  {"password authentication failed"}, options, "wrong-secret");
}

TEST_CASE("a missing database is named with its cure") {
    check_refused_everywhere(url_of_password_server("right", "no_such_database"),
                             {"database \"no_such_database\"", "does not exist", "createdb"});
}

TEST_CASE("required TLS that is not offered is told") {
    check_refused_everywhere(url_of_password_server("right", "pgtraffic?sslmode=require"), {"SSL", "sslmode"},
                             "right");
}

TEST_CASE("a missing table is named with its cure") {
    const auto database = test::fresh_database();
    for (const auto* type : {"select", "insert", "update", "mixed"}) {
        const test::Folder folder;
        check_refused({"run", "-d", database.dsn(), "--query-type", type, "--json", folder / "out.json"},
                      {"orders", "pgtraffic init"});
        CHECK(std::filesystem::is_empty(folder.path()));
    }
}

TEST_CASE("more connections than the server has room for are refused with the number that is free") {
    const auto database = test::filled_database();
    postgres::Client client{database.conninfo()};
    const auto most =
        base::parse_count(client.value("SELECT current_setting('max_connections')").value()).value();
    check_refused({"run", "-d", database.dsn(), "-c", std::to_string(most + 1)},
                  {"--connections: ", "free", "max_connections"});
}

TEST_CASE("more connections than open files allow are refused with the limit") {
    const auto database = test::filled_database();
    auto argv = test::pgtraffic_argv({"run", "-d", database.dsn(), "--connections", "1000"});
    argv.insert(argv.begin(), {"bash", "-c", "ulimit -n 200 && exec \"$@\"", "bash"});
    const auto result = test::run_process(argv, test::without_target());
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(holds(result.err, "pgtraffic: --connections: "));
    CHECK(holds(result.err, "200"));
}

TEST_CASE("an output file that cannot be written is known before anything else happens") {
    const auto database = test::filled_database();
    const auto rows = [&database] {
        return postgres::Client{database.conninfo()}.value("SELECT count(*) FROM orders").value();
    };
    const auto before = rows();
    const test::Folder folder;
    for (const auto& path : {folder.path() / "none" / "out.json", folder.path()}) {
        check_refused({"run", "-d", database.dsn(), "--query-type", "insert", "--json", path.string()},
                      {"--json", path.string()});
        // Known before the connection is even tried.
        check_refused({"run", "-d", "postgresql://no-such-host.invalid/shop", "--json", path.string()},
                      {"--json", path.string()});
    }
    CHECK(rows() == before);
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a scenario that the server does not understand is refused with its operation") {
    const auto database = test::filled_database();
    const test::Folder folder;
    const auto file = folder / "mine.json";
    const auto refused = [&](const std::string& sql, const std::string& expected) {
        std::FILE* out = std::fopen(file.c_str(), "w");
        REQUIRE(out != nullptr);
        fmt::print(
            out, R"({{"name": "mine", "operations": [{{"name": "look", "statements": [{{"sql": "{}"}}]}}]}})",
            sql);
        std::fclose(out);
        check_refused({"run", "-d", database.dsn(), "--scenario", file}, {"\"look\"", expected});
    };
    refused("selekt 1", "syntax error");
    refused("select no_such_column from orders", "no_such_column");
    refused("select no_such_column from orders", "the tables that `pgtraffic init` makes");
    refused("select * from orders where order_id = :aid", "Parameters are $1, $2, ...");
    refused("select * from pgbench_accounts", "`pgbench -i` those of pgbench");
    refused("select * from orders where order_id = $1", "1 parameter and is given 0");
}

TEST_CASE("of SQL of several lines a message tells where it is wrong") {
    const auto database = test::filled_database();
    const auto refused = [&](const std::string& sql, const std::string& expected) {
        check_refused({"run", "-d", database.dsn(), "--sql", sql}, {expected});
    };
    // In characters: the name before it has two bytes.
    refused("SELECT 1\n  AS \"ü\", nothing\nFROM orders",
            "operation \"sql\", line 2, column 11 of its SQL: column \"nothing\" does not exist");
    refused("SELECT 1\nFROM", "line 2, column 5 of its SQL: syntax error at end of input");
    refused("SELEKT 1", "operation \"sql\": syntax error at or near \"SELEKT\"");
}

TEST_CASE("a database with other tables of the model's names is told what it takes") {
    const auto database = test::fresh_database();
    postgres::Client{database.conninfo()}.execute("CREATE TABLE orders (id bigint)");
    check_refused({"run", "-d", database.dsn(), "--query-type", "select"},
                  {"column \"order_id\" does not exist (SQLSTATE 42703)", "pgtraffic init", "--scenario"});
}

TEST_CASE("a tab in what the server says indents a line, or is a blank") {
    const auto database = test::filled_database();
    const test::Folder folder;
    const auto file = folder / "mine.json";
    std::FILE* out = std::fopen(file.c_str(), "w");
    REQUIRE(out != nullptr);
    fmt::print(
        out, R"({{"name": "mine", "operations": [{{"name": "look", "statements": [{{"sql": "SELECT $1::text",
        "parameters": [{{"pick": "SELECT E'one\\n\\ttwo\\tthree'::int"}}]}}]}}]}})");
    std::fclose(out);
    check_refused({"run", "-d", database.dsn(), "--scenario", file}, {"\"one\n    two three\""});
}

TEST_CASE("an audit of a workload that inserts nothing to be found again is refused before the load") {
    const auto database = test::filled_database();
    const auto process = test::run_pgtraffic({"run", "-d", database.dsn(), "--audit", "-c", "2"});
    CHECK(process.exit_code == 1);
    CHECK(process.out.empty());
    CHECK(process.err.find("--audit: no operation of the workload places rows") != std::string::npos);
}
