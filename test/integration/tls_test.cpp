// TLS in every mode, client certificates, SCRAM and channel binding, password and service files: a server
// with certificates made here, and runs whose sessions prove how they are connected.
#include <fmt/format.h>
#include <sys/stat.h>

#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kTlsPassword = "S3cret:p@ss w%rd";

/// The server, its certificates, and scenarios that succeed only over TLS, or only without.
struct Lab {
    Lab() {
        ours.sign("server", "localhost", "localhost");
        ours.sign("client", "certuser");
        ours.sign("stranger", "somebody");
        other.sign("client", "certuser");
        postgres::TemporaryServerOptions options;
        options.fsync = false;
        options.max_connections = 30;
        options.tcp = true;
        options.files = {{"server.crt", ours.text("server.crt")},
                         {"server.key", ours.text("server.key")},
                         {"root.crt", ours.text("ca.crt")}};
        options.settings = {"ssl=on", "ssl_ca_file=root.crt"};
        options.hba = {"hostssl all certuser 127.0.0.1/32 cert", "hostssl all tlsuser 127.0.0.1/32 trust",
                       "hostnossl all plainuser 127.0.0.1/32 trust", "host all either 127.0.0.1/32 trust",
                       "host all scram 127.0.0.1/32 scram-sha-256"};
        server = std::make_unique<postgres::TemporaryServer>(options);
        postgres::Client client{server->conninfo()};
        for (const char* role : {"certuser", "tlsuser", "plainuser", "either"})
            client.execute(fmt::format("CREATE ROLE {} LOGIN", role));
        client.execute(fmt::format("CREATE ROLE scram LOGIN PASSWORD '{}'", kTlsPassword));
    }

    [[nodiscard]] std::string target(const std::string& user, const std::string& more,
                                     const std::string& host = "localhost") const {
        return fmt::format("host={} port={} dbname=pgtraffic user={} {}", host,
                           server->conninfo().get("port"), user, more);
    }

    test::Authority ours;
    test::Authority other;
    std::unique_ptr<postgres::TemporaryServer> server;
    test::TemporaryFile over_tls{scenario("ssl::int")};
    test::TemporaryFile without_tls{scenario("(1 - ssl::int)")};

 private:
    static std::string scenario(const std::string& divisor) {
        return fmt::format(R"json({{"name": "how", "operations": [{{"name": "how", "statements": [
            {{"sql": "SELECT 1 / {} FROM pg_stat_ssl WHERE pid = pg_backend_pid()"}}]}}]}})json",
                           divisor);
    }
};

const Lab& lab() {
    static const Lab instance;
    return instance;
}

/// libpq looks into the home directory for certificates.
test::ProcessOptions clean(test::Environment more = {}) {
    test::ProcessOptions options;
    options.environment = std::move(more);
    options.environment.emplace_back("HOME", "/nonexistent");
    return options;
}

std::vector<std::string> arguments(const std::optional<std::string>& target, bool tls) {
    std::vector<std::string> all{"run",
                                 "--format",
                                 "json",
                                 "-t",
                                 "6",
                                 "-c",
                                 "3",
                                 "--warmup",
                                 "0",
                                 "--scenario",
                                 (tls ? lab().over_tls : lab().without_tls).path()};
    if (target) all.insert(all.end(), {"-d", *target});
    return all;
}

/// Every session is connected with, or without, TLS.
void check_connects(const std::optional<std::string>& target, bool tls, const test::Environment& more = {}) {
    CAPTURE(target.value_or("(environment)"));
    const auto run = test::run_pgtraffic(arguments(target, tls), clean(more));
    const auto result = test::read_result(run, 0);
    CHECK(result["summary"]["queries"]["ok"] == 6);
    CHECK(result["environment"]["server"]["ssl"] == tls);
    CHECK((run.out + run.err).find(kTlsPassword) == std::string::npos);
}

void check_refused(const std::string& target, const std::string& reason, const test::Environment& more = {}) {
    CAPTURE(target);
    const auto run = test::run_pgtraffic(arguments(target, true), clean(more));
    CHECK(run.exit_code == 1);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, Contains(reason));
    CHECK(run.err.find(kTlsPassword) == std::string::npos);
}

std::string root(const test::Authority& authority) {
    return " sslrootcert=" + authority.path("ca.crt");
}

}  // namespace

TEST_CASE("sslmode disable, allow, prefer and require choose as libpq documents") {
    check_connects(lab().target("either", "sslmode=disable"), false);
    check_connects(lab().target("either", "sslmode=allow"), false);
    check_connects(lab().target("tlsuser", "sslmode=allow"), true);  // refused without, tried again with
    check_connects(lab().target("either", "sslmode=prefer"), true);
    check_connects(lab().target("plainuser", "sslmode=prefer"), false);  // and the other way round
    check_connects(lab().target("either", "sslmode=require"), true);
    check_connects(lab().target("either", ""), true);
    check_refused(lab().target("tlsuser", "sslmode=disable"), "sslmode=require");
    check_refused(lab().target("plainuser", "sslmode=require"), "pg_hba.conf");
}

TEST_CASE("in an open loop over TLS, too, an answer has the time at which the kernel received it") {
    const auto* version = GENERATE("TLSv1.2", "TLSv1.3");
    CAPTURE(version);
    const auto run = [&](const std::string& scenario) {
        const auto target =
            lab().target("either", fmt::format("sslmode=require ssl_max_protocol_version={}", version));
        return test::read_result(test::run_pgtraffic({"run", "--format", "json", "-d", target, "--scenario",
                                                      scenario, "--rate", "300", "--arrivals", "uniform",
                                                      "--duration", "2", "-c", "10", "--warmup", "0"},
                                                     clean()),
                                 0);
    };
    const auto result = run(lab().over_tls.path());
    CHECK(result["summary"]["queries"]["ok"] == 600);
    CHECK(result["run"]["answers_timed_by"] == "kernel");
    // It is read with the next query, 3.3 ms behind the one before.
    CHECK(test::sleeps_a_query(result) < 1.5);
    CHECK(result["summary"]["service_ms"]["p50"].get<double>() < 3);
    // Of many records, which are not left for later.
    const test::TemporaryFile wide{
        R"json({"name": "wide", "operations": [{"name": "wide", "statements": [
        {"sql": "SELECT repeat('x', 100000)"}]}]})json"};
    const auto of_many = run(wide.path());
    CHECK(of_many["summary"]["queries"]["ok"] == 600);
    CHECK(of_many["client"]["context_switches"].get<double>() / 600 > 1.6);
}

TEST_CASE("over TLS, too, answers of any length come whole, several in one read and one in several") {
    const auto* version = GENERATE("TLSv1.2", "TLSv1.3");
    const auto* pipeline = GENERATE("1", "8");
    CAPTURE(version, pipeline);
    const test::TemporaryFile lengths{
        R"json({"name": "lengths", "operations": [{"name": "length", "statements": [
        {"sql": "SELECT repeat('x', $1::int * $1::int) FROM generate_series(1, 2)",
         "parameters": [{"integer": [0, 250]}]}]}]})json"};
    const auto result = test::read_result(
        test::run_pgtraffic(
            {"run", "--format", "json", "-d",
             lab().target("either", fmt::format("sslmode=require ssl_max_protocol_version={}", version)),
             "--scenario", lengths.path(), "-t", "4000", "-c", "5", "--pipeline", pipeline, "--warmup", "0"},
            clean()),
        0);
    CHECK(result["summary"]["queries"]["ok"] == 4000);
    CHECK(result["operations"][0]["rows"] == 8000);
}

TEST_CASE("over TLS a server's last words count, though it closes right behind them") {
    const test::TemporaryFile ends{
        R"json({"name": "ends", "operations": [{"name": "end", "statements": [
        {"sql": "SELECT pg_terminate_backend(pg_backend_pid())"}]}]})json"};
    const auto result = test::read_result(
        test::run_pgtraffic({"run", "--format", "json", "-d", lab().target("either", "sslmode=require"),
                             "--scenario", ends.path(), "-t", "20", "-c", "2", "--warmup", "0"},
                            clean()),
        2);
    CHECK(result["summary"]["queries"]["failed"] == 20);
    REQUIRE(result["errors"].size() == 1);
    CHECK(result["errors"][0]["sqlstate"] == "57P01");
    CHECK(result["errors"][0]["count"] == 20);
    CHECK_THAT(result["errors"][0]["sample"].get<std::string>(), Contains("terminating connection"));
}

TEST_CASE("verify-ca asks for the right authority, verify-full for the right name as well") {
    check_connects(lab().target("either", "sslmode=verify-ca" + root(lab().ours)), true);
    check_connects(lab().target("either", "sslmode=verify-full" + root(lab().ours)), true);
    // The name is libpq's "host", though the connection is made to an address that we looked up.
    check_connects(lab().target("either", "sslmode=verify-ca" + root(lab().ours), "127.0.0.1"), true);
    check_refused(lab().target("either", "sslmode=verify-full" + root(lab().ours), "127.0.0.1"),
                  "does not match host name \"127.0.0.1\"");
    check_connects(lab().target("either", "hostaddr=127.0.0.1 sslmode=verify-full" + root(lab().ours)), true);
    check_refused(
        lab().target("either", "hostaddr=127.0.0.1 sslmode=verify-full" + root(lab().ours), "db.example"),
        "does not match host name \"db.example\"");
    for (const char* mode : {"sslmode=verify-ca", "sslmode=verify-full"}) {
        check_refused(lab().target("either", mode + root(lab().other)), "certificate verify failed");
        check_refused(lab().target("either", mode), "root certificate file");
    }
    // A root certificate that is named counts also where only "require" is asked for.
    check_refused(lab().target("either", "sslmode=require" + root(lab().other)), "certificate verify failed");
}

TEST_CASE("a client certificate names its user") {
    const auto with = [](const test::Authority& authority, const std::string& name) {
        return fmt::format("sslmode=verify-full{} sslcert={} sslkey={}", root(lab().ours),
                           authority.path(name + ".crt"), authority.path(name + ".key"));
    };
    check_connects(lab().target("certuser", with(lab().ours, "client")), true);
    check_refused(lab().target("certuser", "sslmode=verify-full" + root(lab().ours)), "certificate");
    check_refused(lab().target("certuser", with(lab().ours, "stranger")),
                  "certificate authentication failed");
    check_refused(lab().target("certuser", with(lab().other, "client")), "tlsv1 alert");
    REQUIRE(::chmod(lab().ours.path("stranger.key").c_str(), 0644) == 0);
    check_refused(lab().target("certuser", with(lab().ours, "stranger")), "permissions");
}

TEST_CASE("SCRAM with and without TLS and channel binding, its password from everywhere") {
    const std::string quoted = fmt::format("password='{}'", kTlsPassword);
    check_connects(lab().target("scram", "sslmode=disable " + quoted), false);
    check_connects(lab().target("scram", "sslmode=require channel_binding=require " + quoted), true);
    check_connects(lab().target("scram", "sslmode=require channel_binding=disable " + quoted), true);
    check_refused(lab().target("scram", "sslmode=disable channel_binding=require " + quoted),
                  "channel binding");
    check_refused(lab().target("tlsuser", "sslmode=require channel_binding=require"), "channel binding");
    check_refused(lab().target("scram", "password='wrong one'"), "password authentication failed");
    check_refused(lab().target("scram", ""), "no password supplied");
    const auto url =
        fmt::format("postgresql://scram:S3cret%3Ap%40ss%20w%25rd@localhost:{}/pgtraffic?sslmode=require",
                    lab().server->conninfo().get("port"));
    check_connects(url, true);
    check_connects(lab().target("scram", ""), true, {{"PGPASSWORD", kTlsPassword}});
    check_refused(lab().target("scram", ""), "password authentication failed", {{"PGPASSWORD", "wrong"}});
    check_connects(std::nullopt, true, {{"DATABASE_URL", url}});
}

TEST_CASE("a password file is looked up by the host's name, not by the address that was found") {
    const test::TemporaryFile file{"other:*:*:*:wrong\nlocalhost:*:pgtraffic:scram:S3cret\\:p@ss w%rd\n",
                                   ".pgpass"};
    check_connects(lab().target("scram", ""), true, {{"PGPASSFILE", file.path()}});
    check_connects(lab().target("scram", "passfile=" + file.path()), true);
    const test::TemporaryFile wrong{"localhost:*:*:*:not it\n", ".pgpass"};
    check_refused(lab().target("scram", ""), "password authentication failed",
                  {{"PGPASSFILE", wrong.path()}});
}

TEST_CASE("a service file names all of it") {
    const test::TemporaryFile file{
        fmt::format(
            "[lab]\nhost=localhost\nport={}\ndbname=pgtraffic\nuser=scram\npassword={}\n"
            "sslmode=verify-full\nsslrootcert={}\n[broken]\nhost=localhost\nport={}\ndbname=pgtraffic\n"
            "user=scram\npassword=wrong one\n",
            lab().server->conninfo().get("port"), kTlsPassword, lab().ours.path("ca.crt"),
            lab().server->conninfo().get("port")),
        ".conf"};
    const test::Environment environment{{"PGSERVICEFILE", file.path()}};
    check_connects("service=lab", true, environment);
    check_connects(std::nullopt, true, {{"PGSERVICEFILE", file.path()}, {"PGSERVICE", "lab"}});
    check_refused("service=broken", "password authentication failed", environment);
    check_refused("service=none", "service", environment);
}
