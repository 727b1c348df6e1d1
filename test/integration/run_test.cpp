// Real runs against a real PostgreSQL, each figure checked against the tables or the server's own statistics.
#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <string>
#include <tuple>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/workload/workload.hpp"
#include "support/catch.hpp"
#include "support/never_answered.hpp"
#include "support/real_run.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using nlohmann::json;
using postgres::Client;
using test::check_conserved;
using test::number;
using test::operation;
using test::run_and_read;

namespace {

std::uint64_t failures(const json& result) {
    return result["summary"]["queries"]["failed"].get<std::uint64_t>() +
           result["summary"]["queries"]["timed_out"].get<std::uint64_t>();
}

}  // namespace

TEST_CASE("a mixed run becomes rows: a quarter inserts, every update one version more") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto orders = number(client, "SELECT count(*) FROM orders");
    const auto versions = number(client, "SELECT sum(version) FROM orders");
    const auto result = run_and_read(database, {"--query-type", "mixed", "--total-queries", "4000", "-c", "8",
                                                "--warmup", "0", "--random-seed", "5"});
    check_conserved(result);
    CHECK(failures(result) == 0);
    CHECK(result["summary"]["queries"]["started"] == 4000);
    const auto inserted = operation(result, "insert")["ok"].get<std::int64_t>();
    const auto updated = operation(result, "update")["ok"].get<std::int64_t>();
    const auto selected = operation(result, "select");
    CHECK(std::abs(static_cast<double>(inserted) - 1000) < 4 * std::sqrt(4000 * 0.25 * 0.75));
    CHECK(selected["ok"].get<std::int64_t>() + selected["empty"].get<std::int64_t>() > 2400 - 4 * 31);

    CHECK(number(client, "SELECT count(*) FROM orders") == orders + inserted);
    CHECK(number(client, "SELECT sum(version) FROM orders") == versions + inserted + updated);
    // New orders are as the model wants them.
    CHECK(number(client,
                 "SELECT count(*) FROM orders WHERE order_number ~ '^ORD[0-9]{11}$' AND quantity_cases "
                 "BETWEEN 5 AND 50 "
                 "AND order_date > now() - interval '1 hour'") == inserted);
}

TEST_CASE("approving, fulfilling and adjusting change what they say, and take different rows") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto status = [&](const char* name) {
        return number(client, std::string("SELECT count(*) FROM orders WHERE order_status = '") + name + "'");
    };
    const auto pending = status("pending_review");
    const auto approved = status("approved");
    const auto fulfilled = status("fulfilled");
    // The data has orders of today, too: by the time of day some were approved or fulfilled within the hour.
    const auto approved_of_late = [&] {
        return number(client,
                      "SELECT count(*) FROM orders WHERE approved_date > now() - interval '1 hour' AND "
                      "approved_by IN (SELECT user_id FROM users WHERE role = 'regional_manager')");
    };
    const auto fulfilled_of_late = [&] {
        return number(client, "SELECT count(*) FROM orders WHERE fulfilled_date > now() - interval '1 hour'");
    };
    const auto approved_before = approved_of_late();
    const auto fulfilled_before = fulfilled_of_late();
    // The oldest pending order is approved first.
    const auto oldest = number(client,
                               "SELECT order_id FROM orders WHERE order_status = 'pending_review' ORDER BY "
                               "order_date, order_id LIMIT 1");
    const auto result = run_and_read(
        database, {"--query-type", "update", "--total-queries", "45", "-c", "6", "--warmup", "0"});
    CHECK(failures(result) == 0);
    std::map<std::string, std::int64_t> ok;
    for (const auto& statement : operation(result, "update")["statements"])
        ok[statement["name"]] = statement["ok"];
    CHECK(ok.size() == 3);
    CHECK(ok["approve"] + ok["fulfil"] + ok["adjust"] ==
          operation(result, "update")["ok"].get<std::int64_t>());
    CHECK(ok["approve"] > 0);
    CHECK(status("pending_review") == pending - ok["approve"]);
    CHECK(status("fulfilled") == fulfilled + ok["fulfil"]);
    CHECK(status("approved") == approved + ok["approve"] - ok["fulfil"]);
    CHECK(client.value("SELECT order_status <> 'pending_review' FROM orders WHERE order_id = " +
                       std::to_string(oldest)) == "t");
    CHECK(approved_of_late() == approved_before + ok["approve"]);
    CHECK(fulfilled_of_late() == fulfilled_before + ok["fulfil"]);
}

TEST_CASE("a scenario is UTF-8 to the server, whatever the environment and the database speak") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (a text, b text)");
    const test::TemporaryFile scenario{R"json({"name": "o", "operations": [{"name": "o", "statements": [
        {"sql": "INSERT INTO t VALUES ('ü', $1)", "parameters": [{"constant": "€ä"}]}]}]})json"};
    const auto run =
        test::run_pgtraffic({"run", "-d", database.dsn() + " client_encoding=LATIN1", "--scenario",
                             scenario.path(), "-t", "1", "-c", "1", "--warmup", "0"});
    CHECK(run.exit_code == 0);
    CHECK(client.value("SELECT a || b || length(a || b) FROM t") == "ü€ä3");
}

TEST_CASE("updates that find nothing are empty, apart from success and failure, and the report says so") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute(
        "UPDATE orders SET order_status = 'cancelled' WHERE order_status IN ('pending_review', 'approved')");
    const auto result = run_and_read(
        database, {"--query-type", "update", "--total-queries", "60", "-c", "3", "--warmup", "0"});
    CHECK(result["summary"]["queries"]["empty"] == 60);
    CHECK(result["summary"]["queries"]["ok"] == 0);
    CHECK(failures(result) == 0);
    CHECK(result["run"]["warnings"].dump().find("mostly_empty") != std::string::npos);
}

TEST_CASE("duplicate order numbers are retried five times and then get a UUID part") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    // The numbers that seed 42 will draw, placed beforehand: each first one, and all six of arrival 7.
    const auto scenario = workload::built_in_scenario("insert");
    std::vector<workload::DataRows> answers;
    for (const auto& query : workload::Workload::data_queries(scenario))
        answers.push_back(client.query(query.sql));
    const workload::Workload workload{scenario, answers, workload::KeyDistribution::uniform, 42, 0};
    std::size_t code = 0;
    for (const auto& argument : scenario.operations[0].statements[0].arguments) {
        if (std::holds_alternative<workload::CodeParameter>(argument.parameter)) break;
        ++code;
    }
    const auto place = [&](std::uint64_t k, std::uint32_t attempt) {
        client.query(
            "INSERT INTO orders (order_number, to_store_id, product_id, quantity_cases, requested_by) "
            "SELECT $1, min(store_id), (SELECT min(product_id) FROM products), 5, (SELECT min(user_id) FROM "
            "users) FROM stores",
            {workload.values(0, k, attempt)[code]});
    };
    for (std::uint64_t k = 0; k < 50; ++k) place(k, 0);
    for (std::uint32_t attempt = 1; attempt <= 5; ++attempt) place(7, attempt);
    const auto orders = number(client, "SELECT count(*) FROM orders");

    const auto result = run_and_read(database, {"--query-type", "insert", "--total-queries", "50", "-c", "4",
                                                "--warmup", "0", "--random-seed", "42"});
    CHECK(result["summary"]["queries"]["ok"] == 50);
    CHECK(failures(result) == 0);
    CHECK(result["summary"]["queries"]["retries"] == 49 + 6);
    CHECK_THAT(test::warning(result, "seed_repeated"), Catch::Matchers::Contains("--random-seed 42"));
    CHECK(number(client, "SELECT count(*) FROM orders") == orders + 50);
    CHECK(number(client, "SELECT count(*) FROM orders WHERE order_number ~ '^ORD[0-9A-Fa-f]{12}$'") == 1);
}

TEST_CASE("a warm-up and the search for the peak leave the measurement its own order numbers") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto orders = number(client, "SELECT count(*) FROM orders");
    const auto result =
        run_and_read(database, {"--query-type", "insert", "--pattern", "ecommerce-rush", "--peak-rate",
                                "auto", "--duration", "2", "-c", "4", "--warmup", "1"});
    const double ok = result["summary"]["queries"]["ok"].get<double>();
    CHECK(ok > 0);
    // By a chance of one in a million a number of eleven digits meets one that is there already; an order's
    // own warm-up would meet it every time.
    const auto before = result["run"]["warmup_queries"].get<std::int64_t>();
    CHECK(before > 0);
    CHECK(number(client, "SELECT count(*) FROM orders") == orders + before + static_cast<std::int64_t>(ok));
    CHECK(result["summary"]["queries"]["retries"].get<double>() < ok / 1000 + 5);
    CHECK(failures(result) == 0);
}

TEST_CASE("the server counted as many queries and rows as the report") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto scans = [&] {
        // A backend hands its counts in when it ends, which may be after the program's end: waits for it.
        client.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = "
            "current_database() AND application_name = 'pgtraffic'");
        client.execute("SELECT pg_stat_clear_snapshot()");
        return number(client, "SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'orders'");
    };
    const auto before = scans();
    const auto result = run_and_read(
        database, {"--total-queries", "3000", "-c", "5", "--warmup", "0", "--protocol", "prepared"});
    check_conserved(result);
    CHECK(result["summary"]["queries"]["ok"] == 3000);
    // Each select is one scan of the primary key; two more found its lowest and highest value.
    CHECK(scans() - before == 3000 + 2);
}

TEST_CASE("a key of a column that is no number is refused with what takes it") {
    const auto database = test::fresh_database();
    postgres::Client{database.conninfo()}.execute(
        "CREATE TABLE t (id uuid); INSERT INTO t VALUES (gen_random_uuid())");
    const test::TemporaryFile scenario{R"json({"name": "k", "operations": [{"name": "k", "statements": [
        {"sql": "SELECT 1 FROM t WHERE id = $1", "parameters": [{"key": "t.id"}]}]}]})json"};
    const auto refused = test::run_pgtraffic(
        {"run", "-d", database.dsn(), "--scenario", scenario.path(), "-t", "1", "-c", "1", "--warmup", "0"});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("A key needs a column of integers; \"pick\" takes the values of any") !=
          std::string::npos);
}

TEST_CASE("uniform arrivals start exactly as planned, Poisson ones within three sigma") {
    const auto database = test::filled_database();
    // A session for each arrival of a second: a machine that is busy with something else lets no arrival of
    // the end wait for one.
    const auto uniform = run_and_read(database, {"--rate", "100", "--duration", "5", "--arrivals", "uniform",
                                                 "-c", "100", "--warmup", "1"});
    CHECK(uniform["summary"]["queries"]["started"] == 500);
    CHECK(failures(uniform) == 0);
    CHECK(uniform["config"]["mode"] == "open");
    const auto poisson = run_and_read(
        database, {"--rate", "100", "--duration", "5", "-c", "100", "--warmup", "0", "--random-seed", "1"});
    CHECK(std::abs(poisson["summary"]["queries"]["started"].get<double>() - 500) < 3 * std::sqrt(500));
    check_conserved(poisson);
}

TEST_CASE("a pattern's phases attain what they plan") {
    const auto database = test::filled_database();
    const auto result =
        run_and_read(database, {"--pattern", "ecommerce-rush", "--peak-rate", "400", "--duration", "6", "-c",
                                "20", "--warmup", "0", "--query-type", "mixed"});
    REQUIRE(result["phases"].size() == 3);
    for (const auto& phase : result["phases"]) {
        const double planned = phase["planned"].get<double>();
        CHECK(planned > 50);
        CHECK(phase["ok"].get<double>() >= planned * 0.85);  // the rest: updates that found nothing
        CHECK(phase["failed"] == 0);
    }
    check_conserved(result);
}

TEST_CASE("two hundred connections") {
    const auto database = test::filled_database();
    const auto result = run_and_read(database, {"-c", "200", "--duration", "2", "--warmup", "0"});
    CHECK(failures(result) == 0);
    CHECK(result["summary"]["queries"]["ok"].get<int>() > 200);
    check_conserved(result);
}

TEST_CASE("a backend terminated in mid-run costs one query, and its session comes back") {
    const auto database = test::filled_database();
    // One session: what is started after its loss is started because it came back.
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(database, {"--rate", "200", "--duration", "3", "-c", "1",
                                                            "--warmup", "0", "--progress", "250ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring"));
    Client client{database.conninfo()};
    test::terminate_one_session(client);
    const auto result = test::read_result(process.wait(), 0);
    check_conserved(result);
    CHECK(failures(result) <= 1);
    // A busy machine may take the last part of a run away.
    CHECK(result["summary"]["queries"]["started"].get<double>() >=
          0.5 * result["summary"]["queries"]["planned"].get<double>());
    CHECK(result["run"]["warnings"].dump().find("reconnects") != std::string::npos);
}

TEST_CASE("a connection lost in the search for the peak is told beside the peak") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--pattern", "ecommerce-rush", "--duration", "1", "-c", "2", "--warmup", "0"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("looking for the peak rate"));
    Client client{database.conninfo()};
    test::terminate_one_session(client);
    const auto result = test::read_result(process.wait(), 0);
    // A busy machine has more to say of its peak.
    const auto& warnings = result["run"]["warnings"];
    CHECK(std::ranges::any_of(warnings, [](const auto& one) {
        return one["code"] == "peak_disturbed" &&
               one["message"].template get<std::string>().starts_with("1 connection was lost while");
    }));
}

TEST_CASE("a rate is looked for by the thresholds, and what none of them allows is said") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--rate", "auto", "--threshold", "response.p50 < 1us", "--threshold", "throughput > 1",
                       "--duration", "1", "-c", "2", "--warmup", "0", "--sql", "SELECT pg_sleep(0.002)"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr(
        "looking for the highest rate at which response.p50 < 1us; throughput > 1 is for the end\n"));
    const auto result = test::read_result(process.wait(), 99);
    CHECK_THAT(test::warning(result, "peak_disturbed"), Catch::Matchers::Contains("kept the thresholds"));
    const auto& config = result["config"];
    CHECK(config["rate"] == "auto");
    CHECK(config["mode"] == "open");
    CHECK_FALSE(config.contains("rate_found_per_s"));
    CHECK(result["phases"][0]["target_per_s_mean"].get<double>() > 0);
    check_conserved(result);
}

TEST_CASE("users who think ask again after a pause, and the response-time law holds") {
    const auto database = test::filled_database();
    constexpr double kUsers = 20;
    const auto result = test::run_and_read(
        database, {"-c", "20", "--think-time", "50ms", "--duration", "4", "--warmup", "500ms"});
    check_conserved(result);
    CHECK(result["config"]["mode"] == "closed");
    CHECK(result["config"]["think_time_s"] == 0.05);
    const auto& summary = result["summary"];
    const double throughput = summary["throughput_per_s"];
    const double round_s = 0.05 + summary["response_ms"]["mean"].get<double>() / 1000;
    // As many queries as that have a standard deviation of their root.
    const double queries = summary["queries"]["ok"];
    CHECK(throughput * round_s == Approx(kUsers).epsilon(5 / std::sqrt(queries)));
}

TEST_CASE("as many connections are looked for as a closed loop has use of, and the run has these") {
    const auto database = test::filled_database();
    // One at a time, whoever asks.
    const auto result =
        test::run_and_read(database, {"-c", "auto", "--duration", "1", "--warmup", "0", "--sql",
                                      "SELECT pg_advisory_xact_lock(1), pg_sleep(0.002)"});
    const auto& search = result["connection_search"];
    const std::uint32_t found = search["found"]["connections"];
    CHECK(found <= 4);
    CHECK(result["config"]["connections"] == found);
    CHECK_FALSE(search["grew_to_the_end"].get<bool>());
    double started_s = 0;
    for (const auto& step : search["steps"]) {
        CHECK(step["throughput_per_s"] < 500);
        started_s += step["duration_s"].get<double>();
    }
    CHECK(started_s >= 2.0 * static_cast<double>(search["steps"].size()));
    CHECK(result["run"]["warmup_queries"].get<double>() > 0);
    check_conserved(result);
}

TEST_CASE("a run that ends in the search for its connections reports the step that it was in") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"-c", "auto", "--duration", "60", "--sql", "SELECT pg_sleep(0.01)"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("  2 connections: "));
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 130);
    CHECK(result["connection_search"]["found"].is_null());
    CHECK(result["connection_search"]["steps"].size() == 2);
    CHECK_THAT(test::warning(result, "connections_in_doubt"), Catch::Matchers::Contains("one step of it"));
    CHECK(result["config"]["connections"] == 3);
}

TEST_CASE("a signal while a step of the search for the connections waits for its last answer ends the run") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    // A session's first query is the warm-up's, which is waited for by nobody.
    constexpr const char* kSecondIsSlow =
        "SELECT pg_sleep(CASE length(set_config('test.n', concat(current_setting('test.n', true), 'x'), "
        "false)) WHEN 1 THEN 1 ELSE 300 END), 4712";
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"-c", "auto", "--duration", "60", "--sql", kSecondIsSlow})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("looking for the fewest"));
    // It began after one second; the step, with its warm-up, lasts two and a half, and its last answers get
    // five more.
    const auto patience = base::mono_now() + std::chrono::seconds{30};
    while (
        client.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%4712%' AND state = 'active' "
                     "AND clock_timestamp() - query_start > '3 s' AND pid <> pg_backend_pid()") == "0")
        REQUIRE(base::mono_now() < patience);
    process.send_signal(SIGTERM);
    const auto result = test::read_result(process.wait(), 143);
    CHECK(result["connection_search"]["steps"].empty());
    CHECK(result["connection_search"]["found"].is_null());
}

TEST_CASE("a signal while the server is asked to cancel what is left ends the wait, and the run") {
    postgres::TemporaryServerOptions options;
    options.fsync = false;
    const postgres::TemporaryServer server{options};
    const auto conninfo = server.conninfo();
    Client client{conninfo};
    test::Process process{
        test::pgtraffic_argv({"run", "-d",
                              fmt::format("host={} port={} user={} dbname={}", conninfo.get("host"),
                                          conninfo.get("port"), conninfo.get("user"), conninfo.get("dbname")),
                              "--format", "json", "-c", "2", "--duration", "0.5", "--warmup", "0", "--sql",
                              "SELECT pg_sleep(300), 4713"}),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("waiting at most"));
    REQUIRE(::kill(server.postmaster(), SIGSTOP) == 0);  // which takes no request any more
    process.send_signal(SIGINT);                         // ends the wait for the answers
    const auto children = fmt::format("/proc/{0}/task/{0}/children", process.pid());
    std::string asking;
    const auto patience = base::mono_now() + std::chrono::seconds{30};
    while (asking.empty() && base::mono_now() < patience) std::getline(std::ifstream{children}, asking);
    process.send_signal(SIGTERM);
    const auto ended = process.wait();
    ::kill(server.postmaster(), SIGCONT);
    CHECK_FALSE(asking.empty());
    const auto result = test::read_result(ended, 143);
    CHECK(result["run"]["outcome"] == "interrupted");
}

TEST_CASE("a server that goes and comes back interrupts nothing but its own queries") {
    postgres::TemporaryServerOptions options;
    options.fsync = false;
    options.max_connections = 30;
    postgres::TemporaryServer server{options};
    const test::TemporaryFile scenario{
        R"json({"name": "one", "operations": [{"name": "one", "statements": [{"sql": "SELECT 1"}]}]})json"};
    const auto conninfo = server.conninfo();
    const std::string dsn = "host=" + conninfo.get("host") + " port=" + conninfo.get("port") +
                            " user=" + conninfo.get("user") + " dbname=" + conninfo.get("dbname");
    test::Process process{
        test::pgtraffic_argv({"run", "-d", dsn, "--format", "json", "--scenario", scenario.path(), "--rate",
                              "300", "--duration", "5", "-c", "8", "--warmup", "0", "--progress", "250ms"}),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring"));
    server.stop(/*immediate=*/true);
    server.start();
    const auto result = test::read_result(process.wait(), 0);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["planned"].get<double>() > 1500 - 4 * 39);
    CHECK(result["summary"]["queries"]["ok"].get<double>() > 500);
    CHECK(failures(result) <= 8);  // at most one a session: while it is away, arrivals wait
}

TEST_CASE("SIGINT in mid-run prints the full report and exits with 130") {
    const auto database = test::filled_database();
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--duration", "60", "-c", "4", "--warmup", "0", "--progress", "200ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 130);
    CHECK(result["run"]["outcome"] == "interrupted");
    CHECK(result["run"]["exit_code"] == 130);
    CHECK(result["summary"]["queries"]["ok"].get<int>() > 0);
    check_conserved(result);
}

TEST_CASE("what is still under way when the program leaves is cancelled on the server") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const auto left = [&] {
        return client.value(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%4711%' "
            "AND pid <> pg_backend_pid() AND datname = current_database()");
    };
    for (const bool twice : {false, true}) {
        CAPTURE(twice);
        test::Process process{test::pgtraffic_argv(test::run_arguments(
                                  database, {"--duration", twice ? "60" : "0.5", "-c", "12", "--warmup", "0",
                                             "--format", "text", "--sql", "SELECT pg_sleep(300), 4711"})),
                              test::without_target()};
        REQUIRE(process.wait_for_stderr(twice ? "measuring" : "waiting at most"));
        while (left() != "12") {
        }
        process.send_signal(SIGINT);
        if (twice) {
            REQUIRE(process.wait_for_stderr("waiting at most"));
            process.send_signal(SIGINT);
        }
        const auto ended = process.wait();
        CHECK(ended.exit_code == (twice ? 130 : 2));
        if (!twice)
            CHECK_THAT(ended.out, Catch::Matchers::Contains("the server was asked to cancel what was left"));
        const auto end = base::mono_now() + std::chrono::seconds{10};
        while (left() != "0" && base::mono_now() < end) {
        }
        CHECK(left() == "0");
    }
}

TEST_CASE("SIGTERM in the warm-up ends with a report of nothing and 143") {
    const auto database = test::filled_database();
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"--duration", "60", "-c", "4", "--warmup", "60"})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("warming up"));
    process.send_signal(SIGTERM);
    const auto result = test::read_result(process.wait(), 143);
    CHECK(result["summary"]["queries"]["planned"] == 0);
}

TEST_CASE("a terminal that is gone ends a run with its report, unless nohup said otherwise") {
    const auto database = test::filled_database();
    for (const bool ignored : {false, true}) {
        auto argv =
            test::pgtraffic_argv(test::run_arguments(database, {"--duration", ignored ? "2" : "60", "-c", "4",
                                                                "--warmup", "0", "--progress", "200ms"}));
        if (ignored) argv.insert(argv.begin(), "/usr/bin/nohup");
        test::Process process{argv, test::without_target()};
        REQUIRE(process.wait_for_stderr("/s "));
        process.send_signal(SIGHUP);
        const auto result = test::read_result(process.wait(), ignored ? 0 : 129);
        CHECK(result["run"]["outcome"] == (ignored ? "completed" : "interrupted"));
        CHECK(result["summary"]["queries"]["ok"].get<int>() > 0);
    }
}

TEST_CASE("a query over the time-out is counted as timed out and its session goes on") {
    const auto database = test::fresh_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile scenario{R"json({"name": "slow", "operations": [
        {"name": "quick", "weight": 9, "statements": [{"sql": "SELECT 1"}]},
        {"name": "slow", "weight": 1, "statements": [{"sql": "SELECT pg_advisory_lock(1)"}]}]})json"};
    const auto result =
        run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "100", "-c", "2",
                                "--warmup", "0", "--timeout", "100ms", "--random-seed", "3"});
    const auto& q = result["summary"]["queries"];
    CHECK(q["timed_out"].get<int>() > 0);
    CHECK(q["timed_out"] == operation(result, "slow")["timed_out"]);
    CHECK(q["ok"].get<int>() + q["timed_out"].get<int>() == 100);
    CHECK(result["errors"][0]["sqlstate"] == "57014");
    CHECK(result["summary"]["response_ms"]["max"].get<double>() >= 99);
}

TEST_CASE("a time-out does not loosen the one that the database has") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("ALTER DATABASE " + database.name() + " SET statement_timeout = '50ms'");
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [{"name": "s", "statements": [
        {"sql": "SELECT pg_sleep(0.3)"}]}]})json"};
    const std::vector<std::string> load{"--scenario", scenario.path(), "-t", "4",        "-c",
                                        "2",          "--warmup",      "0",  "--timeout"};
    auto longer = load;
    longer.emplace_back("10s");
    const auto failed = run_and_read(database, longer, 2);
    CHECK(failed["summary"]["queries"]["failed"] == 4);
    CHECK(failed["errors"][0]["sqlstate"] == "57014");
    auto shorter = load;
    shorter.emplace_back("20ms");
    CHECK(run_and_read(database, shorter, 2)["summary"]["queries"]["timed_out"] == 4);
}

TEST_CASE("an operation of several statements is one query; one that fails leaves no transaction behind") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL); INSERT INTO account SELECT i, 100 "
        "FROM generate_series(1, 10) i");
    const test::TemporaryFile scenario{R"json({"name": "transfer", "operations": [
        {"name": "transfer", "statements": [
            {"sql": "BEGIN"},
            {"sql": "UPDATE account SET balance = balance - 1 WHERE id = 1"},
            {"sql": "UPDATE account SET balance = balance + 1 WHERE id = $1", "parameters": [{"integer": [2, 10]}]},
            {"sql": "COMMIT"}]},
        {"name": "broken", "statements": [
            {"sql": "BEGIN"},
            {"sql": "UPDATE account SET balance = balance + 1000 WHERE id = 1"},
            {"sql": "SELECT 1 / (balance - balance) FROM account WHERE id = 1"},
            {"sql": "COMMIT"}]},
        {"name": "left open", "statements": [
            {"sql": "BEGIN"},
            {"sql": "UPDATE account SET balance = balance + 1000 WHERE id = 2"}]}]})json"};
    for (const char* protocol : {"extended", "prepared"}) {
        const auto result = run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "90",
                                                    "-c", "3", "--warmup", "0", "--protocol", protocol});
        check_conserved(result);
        CHECK(operation(result, "transfer")["ok"].get<int>() > 10);
        CHECK(operation(result, "transfer")["failed"] == 0);
        CHECK(operation(result, "broken")["ok"] == 0);
        CHECK(operation(result, "left open")["ok"] == 0);
        CHECK(number(client, "SELECT sum(balance) FROM account") == 1000);
    }
}

TEST_CASE("the service times of an operation's statements add up to its own") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "steps", "operations": [
        {"name": "in order", "statements": [
            {"name": "quick", "sql": "SELECT 1"},
            {"name": "slow", "sql": "SELECT pg_sleep(0.01)"},
            {"name": "end", "sql": "SELECT 2"}]},
        {"name": "one of", "choose": "one", "statements": [
            {"name": "a", "sql": "SELECT 1"}, {"name": "b", "sql": "SELECT pg_sleep(0.02)"}]},
        {"name": "single", "statements": [{"sql": "SELECT 1"}]}]})json"};
    const auto result =
        run_and_read(database, {"--scenario", scenario.path(), "-t", "120", "-c", "2", "--warmup", "0"});
    const auto mean = [](const json& of) { return of["service_ms"]["mean"].get<double>(); };
    const auto& in_order = operation(result, "in order");
    const auto& steps = in_order["statements"];
    for (const auto& step : steps) CHECK(step["service_ms"]["count"] == in_order["ok"]);
    CHECK(mean(steps[0]) + mean(steps[1]) + mean(steps[2]) == Approx(mean(in_order)));
    CHECK(steps[1]["service_ms"]["min"].get<double>() >= 10);
    const auto& one_of = operation(result, "one of");
    CHECK(one_of["statements"][0]["service_ms"]["count"] == one_of["statements"][0]["ok"]);
    CHECK(one_of["statements"][1]["service_ms"]["min"].get<double>() >= 20);
    CHECK_FALSE(operation(result, "single")["statements"][0].contains("service_ms"));
}

TEST_CASE("where a query to pick values has too many, the report says which were drawn") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "many", "operations": [{"name": "many", "statements": [
        {"sql": "SELECT $1::int", "parameters": [{"pick": "SELECT generate_series(1, 100001)"}]}]}]})json"};
    const auto result =
        run_and_read(database, {"--scenario", scenario.path(), "-t", "20", "-c", "1", "--warmup", "0"});
    CHECK_THAT(test::warning(result, "pick_cut"),
               Catch::Matchers::Contains("the first 100,000 of the 100,001 rows"));
}

TEST_CASE("prepared statements whose table was altered, or that are gone, are prepared again") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE altered AS SELECT i AS a FROM generate_series(1, 10) i");
    // The second operation alters what the first one prepared, or throws it away; each once.
    const test::TemporaryFile scenario{R"json({"name": "ddl", "operations": [
        {"name": "read", "weight": 98, "statements": [
            {"sql": "SELECT * FROM altered WHERE a = $1", "parameters": [{"integer": [1, 10]}]}]},
        {"name": "alter", "weight": 1, "statements": [
            {"sql": "DO $$ BEGIN ALTER TABLE altered ADD COLUMN IF NOT EXISTS b int; END $$"}]},
        {"name": "forget", "weight": 1, "statements": [{"sql": "DEALLOCATE ALL"}]}]})json"};
    const auto result = run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "2000",
                                                "-c", "4", "--warmup", "0", "--protocol", "prepared"});
    check_conserved(result);
    const auto forgotten = operation(result, "forget")["ok"].get<std::uint64_t>();
    CHECK(forgotten > 2);
    CHECK(failures(result) > 0);
    // Three statements are lost by each; those of four sessions by the one alteration.
    CHECK(failures(result) <= 3 * forgotten + 4);
    for (const auto& error : result["errors"])
        CHECK((error["sqlstate"] == "0A000" || error["sqlstate"] == "26000"));
    CHECK(operation(result, "read")["ok"].get<int>() > 1500);
}

TEST_CASE("a prepared statement is planned once before the load, and not executed") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE filled (i int); CREATE SEQUENCE drawn");
    // The server counts how often it planned a statement; the query itself is the second time.
    const test::TemporaryFile scenario{R"json({"name": "planned", "operations": [
        {"name": "look", "weight": 99, "statements": [{"sql":
            "SELECT 1 FROM pg_prepared_statements WHERE statement LIKE '%$1%' AND custom_plans = 2 AND $1 > 0",
            "parameters": [{"integer": [1, 10]}]}]},
        {"name": "fill", "weight": 1, "statements": [{"sql":
            "INSERT INTO filled VALUES (nextval('drawn'))"}]}]})json"};
    const auto result = run_and_read(database, {"--scenario", scenario.path(), "-t", "1", "-c", "5",
                                                "--warmup", "0", "-M", "prepared", "--random-seed", "1"});
    CHECK(result["summary"]["queries"]["ok"] == 1);
    CHECK(result["summary"]["queries"]["empty"] == 0);
    CHECK(number(client, "SELECT count(*) FROM filled") == 0);
    CHECK(number(client, "SELECT CASE WHEN is_called THEN 1 ELSE 0 END FROM drawn") == 0);
}

TEST_CASE("what cannot be planned fails when its turn comes, as any query") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "unplanned", "operations": [
        {"name": "broken", "statements": [{"sql": "SELECT $1::int", "parameters": [{"constant": "no number"}]}]},
        {"name": "sound", "statements": [{"sql": "SELECT 1"}]}]})json"};
    const auto result = run_and_read(
        database, {"--scenario", scenario.path(), "-t", "100", "-c", "5", "--warmup", "0", "-M", "prepared"});
    CHECK(operation(result, "broken")["ok"] == 0);
    CHECK(result["errors"][0]["sqlstate"] == "22P02");
    CHECK(operation(result, "sound")["failed"] == 0);
    CHECK(operation(result, "sound")["ok"].get<int>() > 10);
}

TEST_CASE("who waits for a next attempt when the run ends failed as the last one did") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE FUNCTION boom() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no luck' USING "
        "ERRCODE = '40001'; END $$");
    const test::TemporaryFile scenario{R"json({"name": "b", "operations": [{"name": "b", "statements": [
        {"sql": "SELECT boom()"}], "retry": {"on": ["40001"], "max": 50, "backoff_ms": [5000, 60000]}}]})json"};
    // Nothing succeeded, which is exit code 2.
    const auto result = test::read_result(
        test::run_pgtraffic(test::run_arguments(
            database, {"--scenario", scenario.path(), "--duration", "1", "-c", "3", "--warmup", "0"})),
        2);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["in_flight"] == 0);
    CHECK(result["summary"]["queries"]["failed"] == 3);
    CHECK(result["summary"]["queries"]["retries"] == 0);
    CHECK(result["errors"][0]["sqlstate"] == "40001");
    CHECK(result["errors"][0]["sample"] == "no luck");
}

TEST_CASE("an attempt that a lost connection prevents is none") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const test::TemporaryFile scenario{R"json({"name": "b", "operations": [{"name": "b", "statements": [
        {"name": "whole", "sql": "SELECT 1"}, {"name": "broken", "sql": "SELECT 1 / 0"}], "retry": {"on": ["22012"], "max": 50, "backoff_ms": [60000, 60000]}}]})json"};
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--scenario", scenario.path(), "--total-queries", "1", "-c", "1", "--warmup", "0"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring"));
    const std::string paused =
        "FROM pg_stat_activity WHERE application_name = 'pgtraffic' AND datname = current_database() AND "
        "state = 'idle' AND query LIKE '%1 / 0%'";
    for (const auto begun = base::mono_now(); number(client, "SELECT count(*) " + paused) == 0;)
        REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    client.execute("SELECT pg_terminate_backend(pid) " + paused);
    const auto result = test::read_result(process.wait(), 2);
    check_conserved(result);
    CHECK(result["summary"]["queries"]["failed"] == 1);
    CHECK(result["summary"]["queries"]["retries"] == 0);
    const auto& statements = operation(result, "b")["statements"];
    CHECK(statements[0]["ok"] == 1);
    CHECK(statements[0]["failed"] == 0);
    CHECK(statements[1]["failed"] == 1);
}

namespace {

/// 300 transactions of pgbench's on its tables of scale 3: what their statements share adds up in all four.
void check_tpcb(Client& client) {
    CHECK(number(client, "SELECT count(*) FROM pgbench_history") == 300);
    // Each row of the history is of the account, the teller and the branch that had its delta.
    for (const auto& [table, key, balance] :
         {std::tuple{"accounts", "aid", "abalance"}, std::tuple{"tellers", "tid", "tbalance"},
          std::tuple{"branches", "bid", "bbalance"}}) {
        INFO(table);
        CHECK(number(client,
                     fmt::format(
                         "SELECT count(*) FROM pgbench_{0} LEFT JOIN (SELECT {1}, sum(delta) AS sum FROM "
                         "pgbench_history GROUP BY {1}) AS changed USING ({1}) "
                         "WHERE {2} <> coalesce(sum, 0)",
                         table, key, balance)) == 0);
    }
    CHECK(number(client, "SELECT count(DISTINCT aid) FROM pgbench_history") > 290);
    CHECK(number(client, "SELECT count(DISTINCT bid) FROM pgbench_history") == 3);
    CHECK(number(client, "SELECT count(DISTINCT delta) FROM pgbench_history") > 250);
}

}  // namespace

TEST_CASE("pgbench's transaction on pgbench's tables, as a scenario and as pgbench's own script") {
    const auto database = test::fresh_database();
    const auto made = test::run_process({test::pgbench(), "-i", "-s", "3", "-q", database.dsn()});
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    Client client{database.conninfo()};
    SECTION("scenario") {
        const auto result = run_and_read(
            database,
            {"--scenario", PGTRAFFIC_SOURCE_DIR "/examples/tpcb-like.json", "-t", "300", "--warmup", "0"});
        CHECK(result["summary"]["queries"]["ok"] == 300);
        CHECK(result["config"]["parameters"]["tpcb-like"]["values"]["aid"]["key"] == "pgbench_accounts.aid");
        check_tpcb(client);
    }
    SECTION("script") {
        // It prints to stderr, behind a line of its own that is a comment.
        const auto script = test::run_process({test::pgbench(), "--show-script=tpcb-like"});
        REQUIRE(script.exit_code == 0);
        const test::TemporaryFile file{script.err};
        const auto result = run_and_read(database, {"-f", file.path(), "-D", "scale=3", "-t", "300", "-c",
                                                    "4", "--warmup", "0", "-M", "prepared"});
        CHECK(result["summary"]["queries"]["ok"] == 300);
        CHECK(result["operations"][0]["statements"].size() == 7);
        check_tpcb(client);
    }
}

TEST_CASE("what pgbench's functions draw is spread here as it is there") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE draws (who int, z int, e int, g int, u int)");
    const test::TemporaryFile script{
        "\\set z random_zipfian(1, 20, 1.2)\n"
        "\\set e random_exponential(1, 20, 3)\n"
        "\\set g random_gaussian(1, 20, 2.5)\n"
        "\\set u random(1, 20)\n"
        "INSERT INTO draws VALUES (:who, :z, :e, :g, :u);\n",
        ".sql"};
    // With their seeds both draw the same whenever this test runs.
    const auto theirs = test::run_process({test::pgbench(), "-n", "-f", script.path(), "-D", "who=1", "-t",
                                           "4000", "--random-seed=1", database.dsn()});
    INFO(theirs.err);
    REQUIRE(theirs.exit_code == 0);
    (void)run_and_read(database, {"-f", script.path(), "-D", "who=2", "-t", "4000", "-c", "4", "--warmup",
                                  "0", "--random-seed", "1"});
    for (const std::string column : {"z", "e", "g", "u"}) {
        CAPTURE(column);
        // Of two samples of one size: 99.9 % of a chi-square with 19 degrees of freedom.
        const auto chi_square = *client.value(fmt::format(
            "SELECT sum((a - b) ^ 2 / (a + b)) FROM (SELECT count(*) FILTER (WHERE who = 1)::float AS a, "
            "count(*) FILTER (WHERE who = 2)::float AS b FROM draws GROUP BY {}) AS counts",
            column));
        CHECK(std::stod(chi_square) < 43.8);
        CHECK(std::stod(chi_square) > 2);
    }
}

TEST_CASE("a statement takes what one before it returned") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE orders (id serial PRIMARY KEY, note text); "
        "CREATE TABLE lines (order_id int, note text, tries int); CREATE SEQUENCE tries");
    const std::string protocol = GENERATE("extended", "prepared");
    INFO(protocol);
    // A row of some length comes in several reads. The insert of lines fails every second time: what is
    // returned anew counts.
    const test::TemporaryFile scenario{
        R"json({"name": "shop", "operations": [{"name": "order", "statements": [
        {"sql": "BEGIN"},
        {"name": "new", "sql": "INSERT INTO orders (note) VALUES (repeat($1, 20000)) RETURNING id, note",
         "parameters": [{"uuid": true}], "returns": "order_*"},
        {"sql": "SELECT nextval('tries') AS n", "returns": "*"},
        {"sql": "INSERT INTO lines SELECT $1, $2::text, $3 WHERE 1 / (($3::int + 1) % 2) = 1",
         "parameters": [{"value": "order_id"}, {"value": "order_note"}, {"value": "n"}]},
        {"sql": "COMMIT"}], "retry": {"on": ["22012"], "max": 100}}]})json"};
    const auto result = run_and_read(
        database, {"--scenario", scenario.path(), "-t", "60", "-c", "3", "--warmup", "0", "-M", protocol});
    CHECK(result["summary"]["queries"]["ok"] == 60);
    CHECK(result["summary"]["queries"]["retries"].get<int>() > 0);
    CHECK(result["config"]["parameters"]["order"]["returns"]["new"] == "order_*");
    CHECK(number(client, "SELECT count(*) FROM lines") == 60);
    CHECK(number(client,
                 "SELECT count(*) FROM lines JOIN orders ON id = order_id AND lines.note = orders.note") ==
          60);
    CHECK(number(client, "SELECT min(length(note)) FROM lines") == 36 * 20'000);
    CHECK(number(client, "SELECT count(*) FROM lines WHERE tries % 2 = 1") == 0);
    client.execute("DROP TABLE orders, lines; DROP SEQUENCE tries");
}

TEST_CASE("what no row gave is NULL, and what nothing can give is refused at the start") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE taken (id int)");
    const auto scenario = [](const std::string& first) {
        return R"json({"name": "t", "operations": [{"name": "t", "statements": [)json" + first +
               R"json(, {"sql": "INSERT INTO taken VALUES ($1)", "parameters": [{"value": "id"}]}]}]})json";
    };
    const test::TemporaryFile none{scenario(R"({"sql": "SELECT 1 AS id WHERE false", "returns": "*"})")};
    const auto result =
        run_and_read(database, {"--scenario", none.path(), "-t", "5", "-c", "1", "--warmup", "0"});
    CHECK(result["summary"]["queries"]["ok"] == 5);
    CHECK(number(client, "SELECT count(*) FROM taken WHERE id IS NULL") == 5);
    const auto complaint = [&](const std::string& first) {
        const test::TemporaryFile file{scenario(first)};
        const auto refused = test::run_pgtraffic(test::run_arguments(database, {"--scenario", file.path()}));
        CHECK(refused.exit_code == 1);
        return refused.err;
    };
    CHECK_THAT(complaint(R"({"sql": "SELECT 1 AS ident", "returns": "*"})"),
               Catch::Contains("no statement before it returns \"id\"; they return ident"));
    CHECK_THAT(complaint(R"({"sql": "DELETE FROM taken", "returns": "*"})"),
               Catch::Contains(
                   "operation \"t\", statement \"t 1\": it returns no column whose value could be taken"));
    CHECK_THAT(
        complaint(
            R"json({"sql": "CREATE TEMP TABLE x (id int)"}, {"sql": "SELECT id FROM x", "returns": "*"})json"),
        Catch::Contains("relation \"x\" does not exist"));
    const test::TemporaryFile large{
        scenario(R"json({"sql": "SELECT 1 AS id, repeat('x', 1100000) AS more", "returns": "*"})json")};
    const auto failed =
        run_and_read(database, {"--scenario", large.path(), "-t", "5", "-c", "1", "--warmup", "0"}, 2);
    CHECK(failed["summary"]["queries"]["failed"] == 5);
    CHECK(failed["errors"][0]["sqlstate"] == "54000");
    CHECK(number(client, "SELECT count(*) FROM taken") == 5);
    // The server did it all the same, and a retry does it again: --max-rows counts that.
    const test::TemporaryFile again{R"json({"name": "t", "operations": [{"name": "t", "statements": [
        {"sql": "INSERT INTO taken VALUES (1) RETURNING id, repeat('x', 1100000) AS more", "returns": "*"},
        {"sql": "SELECT $1", "parameters": [{"value": "id"}]}], "retry": {"on": ["54000"], "max": 100}}]})json"};
    (void)run_and_read(
        database, {"--scenario", again.path(), "-t", "5", "-c", "1", "--warmup", "0", "--max-rows", "7"}, 2);
    CHECK(number(client, "SELECT count(*) FROM taken") == 5 + 7);
}

TEST_CASE("\\gset keeps here what it keeps with pgbench") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE accounts AS SELECT id, id * 7 AS balance, 'account ' || id AS name FROM "
        "generate_series(1, 50) AS "
        "id; CREATE TABLE seen (who int, id int, balance int, name text, orders int)");
    const test::TemporaryFile script{
        "\\set id random(1, 50)\n"
        "BEGIN;\n"
        "SELECT 5 AS balance, balance, name FROM accounts WHERE id = :id \\gset\n"
        "SELECT count(*) AS orders, :balance + 0 AS balance FROM seen WHERE id = :id \\gset x_\n"
        "INSERT INTO seen VALUES (:who, :id, :x_balance, :name, :x_orders);\n"
        "COMMIT;\n",
        ".sql"};
    const auto theirs = test::run_process({test::pgbench(), "-n", "-M", "extended", "-f", script.path(), "-D",
                                           "who=1", "-t", "200", database.dsn()});
    INFO(theirs.err);
    REQUIRE(theirs.exit_code == 0);
    const auto ours = run_and_read(database, {"-f", script.path(), "-D", "who=2", "-t", "200", "-c", "1",
                                              "--warmup", "0", "-M", "prepared"});
    CHECK(ours["summary"]["queries"]["ok"] == 200);
    for (const int who : {1, 2}) {
        INFO(who);
        CHECK(number(client,
                     fmt::format(
                         "SELECT count(*) FROM seen JOIN accounts USING (id, balance, name) WHERE who = {}",
                         who)) == 200);
    }
    // One connection: each sees how many there were before it.
    CHECK(
        number(
            client,
            "SELECT count(*) FROM (SELECT orders, row_number() OVER (PARTITION BY id ORDER BY orders) - 1 AS "
            "n FROM seen) AS numbered WHERE orders <> n") == 0);
}

TEST_CASE("expressions make here what they make with pgbench") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE made (who int, n int, value text)");
    // Of values that are drawn, so that neither computes them beforehand.
    const std::vector<std::string> expressions{
        ":x / 2",
        "-:x / 2",
        "-:x % 4",
        ":x / 2.0",
        ":y * 1.1 + :x",
        ":x * 1000000007 % 97",
        "(:x + :y) * (:x - :y) - -3",
        ":x << 3 | 1 # 2 & 7",
        "~:x >> 1",
        "~:x + 1",
        "random(:x * 0.5, :x * 0.5)",
        ":x * 0.5 % 3",
        "(:x * 0.5) & 3",
        "case when :x > 5 then 1 else 1 / (:y - 3) end",
        "case when :x > 6 and not :y > 6 then 10 when :x = 1 then 20 else 30 end",
        ":x <> 7 or :y <= 3",
        "not :x = :y",
        "abs(-:x * 1.5)",
        "least(:x, :y, 5)",
        "greatest(:x, :y, 5.5)",
        "int(:x / 2.0)",
        "int(5.4 + :x * 0.55)",
        "double(:x) / 3",
        "sqrt(:x)",
        "exp(:y) - ln(:x)",
        "pow(:x, 2)",
        "power(2.5, :y)",
        "mod(:x * 5, :y)",
        "pi() * :x",
        ":x is not null",
        "hash(:x, 5)",
        "hash_murmur2(-:x * 1000000007, 0)",
        "hash_fnv1a(:x, 99)",
        "hash_fnv1a(-:x, -:y)",
        ":x * :x * :x * 1e10",
        "1.0 * :x / 3 * 3"};
    // A few at a time: a statement has no room for all.
    constexpr std::size_t kAtOnce = 16;
    for (std::size_t first = 0; first < expressions.size(); first += kAtOnce) {
        std::string script = "\\set x random(7, 7)\n\\set y random(3, 3)\n";
        std::string insert = "INSERT INTO made SELECT :who, at.n, value FROM unnest(ARRAY[";
        for (std::size_t i = first; i < std::min(first + kAtOnce, expressions.size()); ++i) {
            script += fmt::format("\\set e{} {}\n", i, expressions[i]);
            insert += fmt::format("{}:e{}::text", i > first ? ", " : "", i);
        }
        insert += fmt::format(
            "]) WITH ORDINALITY AS made (value, n), LATERAL (SELECT {} - 1 + n) AS at (n);\n", first);
        const test::TemporaryFile file{script + insert, ".sql"};
        const auto theirs = test::run_process({test::pgbench(), "-n", "-M", "extended", "-f", file.path(),
                                               "-D", "who=1", "-t", "1", database.dsn()});
        INFO(theirs.err);
        REQUIRE(theirs.exit_code == 0);
        (void)run_and_read(database,
                           {"-f", file.path(), "-D", "who=2", "-t", "1", "-c", "1", "--warmup", "0"});
    }
    CHECK(number(client, "SELECT count(DISTINCT n) FROM made") == static_cast<int>(expressions.size()));
    CHECK(number(client, "SELECT count(*) FROM made") == 2 * static_cast<int>(expressions.size()));
    const auto others = client.query(
        "SELECT a.n, a.value, b.value FROM made AS a JOIN made AS b USING (n) WHERE a.who = 1 AND b.who = 2 "
        "AND a.value <> "
        "b.value");
    for (const auto& other : others) {
        FAIL_CHECK(expressions.at(std::stoul(*other[0]))
                   << ": pgbench makes " << *other[1] << ", we " << *other[2]);
    }
}

TEST_CASE("\\if goes here where it goes with pgbench") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE gone (who int, r int, way text, x int); CREATE TABLE t AS SELECT i, i % 2 = 0 AS even "
        "FROM "
        "generate_series(1, 10) AS i");
    const test::TemporaryFile script{
        "\\set r random(1, 10)\n"
        "\\set x 0\n"
        "\\if :r <= 3\n"
        "  \\set x :r * 10\n"
        "  INSERT INTO gone VALUES (:who, :r, 'low', :x);\n"
        "\\elif :r % 2 = 0\n"
        "  \\set x random(500, 600)\n"
        "  INSERT INTO gone VALUES (:who, :r, 'even', :x);\n"
        "\\else\n"
        "  \\if :r > 7\n"
        "    INSERT INTO gone VALUES (:who, :r, 'nine', :x);\n"
        "  \\endif\n"
        "\\endif\n"
        "INSERT INTO gone VALUES (:who, :r, 'all', :x);\n"
        "SELECT even, i AS kept FROM t WHERE i = :r \\gset\n"
        "\\if :kept >= 9\n"
        "INSERT INTO gone VALUES (:who, :r, 'kept', :kept);\n"
        "\\endif\n",
        ".sql"};
    const auto theirs = test::run_process({test::pgbench(), "-n", "-M", "extended", "-f", script.path(), "-D",
                                           "who=1", "-t", "300", database.dsn()});
    INFO(theirs.err);
    REQUIRE(theirs.exit_code == 0);
    const auto ours = run_and_read(database, {"-f", script.path(), "-D", "who=2", "-t", "300", "-c", "3",
                                              "--warmup", "0", "-M", "prepared"});
    CHECK(ours["summary"]["queries"]["ok"] == 300);
    for (const int who : {1, 2}) {
        INFO(who);
        const auto count = [&](const std::string& where) {
            return number(client, fmt::format("SELECT count(*) FROM gone WHERE who = {} AND {}", who, where));
        };
        CHECK(count("way = 'all'") == 300);
        CHECK(count("way = 'low' AND (r > 3 OR x <> r * 10)") == 0);
        CHECK(count("way = 'even' AND (r <= 3 OR r % 2 = 1 OR x NOT BETWEEN 500 AND 600)") == 0);
        CHECK(count("way = 'nine' AND (r <> 9 OR x <> 0)") == 0);
        CHECK(count("way = 'kept' AND (r < 9 OR x <> r)") == 0);
        for (const auto* way : {"low", "even", "nine", "kept"})
            CHECK(count(fmt::format("way = '{}'", way)) > 0);
        CHECK(count("way IN ('low', 'even', 'nine')") == count("way = 'all' AND r NOT IN (5, 7)"));
        // Behind the branches x is what the branch made of it, which is one draw.
        CHECK(count("way = 'all' AND x = CASE WHEN r <= 3 THEN r * 10 ELSE 0 END") ==
              count("way = 'all' AND (r <= 3 OR r % 2 = 1)"));
        CHECK(number(client, fmt::format("SELECT count(DISTINCT x) FROM gone WHERE who = {} AND way = 'even'",
                                         who)) > 30);
    }
    // Each statement is counted as often as it was sent.
    const auto& statements = ours["operations"][0]["statements"];
    REQUIRE(statements.size() == 6);
    CHECK(statements[0]["ok"] == number(client, "SELECT count(*) FROM gone WHERE who = 2 AND way = 'low'"));
    CHECK(statements[4]["ok"] == 300);
    CHECK(ours["operations"][0]["rows"] == number(client, "SELECT count(*) FROM gone WHERE who = 2") + 300);
}

TEST_CASE("the example of a script reserves what it found") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    const auto reserved = number(client, "SELECT sum(reserved_cases) FROM inventory");
    const auto result =
        run_and_read(database, {"-f", PGTRAFFIC_SOURCE_DIR "/examples/checkout.sql", "-t", "300", "-c", "4",
                                "--warmup", "0", "-M", "prepared", "--random-seed", "3"});
    check_conserved(result);
    const auto& checkout = operation(result, "checkout");
    CHECK(checkout["ok"] == 300);
    const auto& statements = checkout["statements"];
    REQUIRE(statements.size() == 5);
    CHECK(statements[2]["name"] == "UPDATE inventory");
    const auto updated = statements[2]["ok"].get<std::int64_t>();
    CHECK(updated > 5);  // of a small database
    CHECK(updated + statements[3]["ok"].get<std::int64_t>() == 300);
    const auto more = number(client, "SELECT sum(reserved_cases) FROM inventory") - reserved;
    CHECK(more >= updated);
    CHECK(more <= 5 * updated);
}

TEST_CASE("an operation may make the table that its later statements name") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "t", "operations": [{"name": "t", "statements": [
        {"sql": "BEGIN"}, {"sql": "CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT 1 AS x"},
        {"sql": "SELECT count(*) FROM mine"}, {"sql": "COMMIT"}]}]})json"};
    const auto result = run_and_read(
        database, {"--scenario", scenario.path(), "--total-queries", "20", "-c", "2", "--warmup", "0"});
    CHECK(result["summary"]["queries"]["ok"] == 20);
}

TEST_CASE("a run that waits for its last answers says so") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [{"name": "s", "statements": [
        {"sql": "SELECT pg_sleep(2)"}]}]})json"};
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--scenario", scenario.path(), "--duration", "60", "-c", "3", "--warmup", "0"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("measuring"));
    process.send_signal(SIGINT);
    CHECK(process.wait_for_stderr("waiting at most 5.00 s for 3 queries under way; Ctrl-C again"));
    const auto result = test::read_result(process.wait(), 130);
    CHECK(result["summary"]["queries"]["ok"] == 3);
}

TEST_CASE("Ctrl-C while a load that is over waits for its last answers ends the wait, and nothing else") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "quick", "weight": 9, "statements": [{"sql": "SELECT 1"}]},
        {"name": "slow", "weight": 1, "statements": [{"sql": "SELECT pg_sleep(60)"}]}]})json"};
    // The seed decides which arrivals are slow: its second slow one is the eighth. One seed of a hundred
    // makes the first two slow, and a run in which nothing succeeds has failed.
    test::Process process{test::pgtraffic_argv(test::run_arguments(
                              database, {"--scenario", scenario.path(), "--duration", "1", "-c", "2",
                                         "--warmup", "0", "--random-seed", "2"})),
                          test::without_target()};
    REQUIRE(process.wait_for_stderr("for 2 queries under way; Ctrl-C ends the wait"));
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 0);
    CHECK(result["run"]["outcome"] == "completed");
    CHECK(result["summary"]["queries"]["ok"] == 6);
    CHECK(result["summary"]["queries"]["in_flight"] == 2);
    CHECK(result["histograms"]["response"]["counts"].back()[0].get<double>() < 4.5e9);  // of five seconds
}

TEST_CASE("rows of a transaction that went with its connection do not count") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE t (i int)");
    const test::TemporaryFile scenario{R"json({"name": "lost", "operations": [
        {"name": "lost", "statements": [
            {"sql": "BEGIN"},
            {"sql": "INSERT INTO t SELECT generate_series(1, 10)"},
            {"sql": "SELECT pg_terminate_backend(pg_backend_pid())"},
            {"sql": "COMMIT"}]},
        {"name": "kept", "statements": [{"sql": "BEGIN"}, {"sql": "INSERT INTO t VALUES (0)"}, {"sql": "COMMIT"}]}]})json"};
    const auto result = run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "20", "-c",
                                                "2", "--warmup", "0", "--random-seed", "1"});
    CHECK(operation(result, "lost")["failed"].get<int>() > 0);
    CHECK(operation(result, "lost")["rows"] == 0);
    CHECK(operation(result, "kept")["rows"] == operation(result, "kept")["ok"]);
    CHECK(number(client, "SELECT count(*) FROM t") == operation(result, "kept")["rows"]);
}

TEST_CASE("the first failure of a kind is told at once, and no other") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "never", "statements": [{"sql": "SELECT 1 / 0"}]}]})json"};
    const auto ended = test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(),
                                            "--total-queries", "50", "-c", "2", "--warmup", "0"});
    CHECK(ended.exit_code == 2);
    const std::string told = "first failure with SQLSTATE 22012: division by zero\n";
    const auto at = ended.err.find(told);
    REQUIRE(at != std::string::npos);
    CHECK(ended.err.find("first failure", at + told.size()) == std::string::npos);
}

TEST_CASE("a warm-up in which every query was refused for what it asks ends the run") {
    const auto database = test::fresh_database();
    const std::vector<std::string> hour{"--warmup", "1", "--duration", "1h", "-c", "2"};
    const auto with = [&](const std::string& sql, std::vector<std::string> more) {
        more.insert(more.end(), {"--sql", sql});
        return run_and_read(database, more, 2);
    };
    const auto result = with("SELECT 1 / 0", hour);
    CHECK_THAT(test::warning(result, "all_refused"),
               Catch::Matchers::Contains("(division by zero, SQLSTATE 22012)"));
    CHECK(result["run"]["outcome"] == "failed");
    CHECK(result["run"]["warmup_queries"].get<int>() > 0);
    CHECK(result["summary"]["queries"]["planned"] == 0);
    const auto searched = with("SELECT 1 / 0", {"--duration", "1h", "-c", "auto"});
    CHECK_FALSE(test::warning(searched, "all_refused").empty());
    // What is the server's fault, or a neighbour's, may pass.
    const auto passing = with("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53200'; END $$",
                              {"--warmup", "1", "--duration", "0.2", "-c", "2"});
    CHECK(passing["summary"]["queries"]["failed"].get<int>() > 0);
}

TEST_CASE("one statement is a workload") {
    const auto database = test::fresh_database();
    const auto result = run_and_read(database, {"--sql", "SELECT i FROM generate_series(1, 3) AS g(i)", "-t",
                                                "20", "-c", "2", "--warmup", "0"});
    CHECK(result["run"]["name"] == "sql");
    CHECK(operation(result, "sql")["ok"] == 20);
    CHECK(operation(result, "sql")["rows"] == 60);
    const auto refused = test::run_pgtraffic({"run", "-d", database.dsn(), "--sql", "SELECT $1::int"});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("takes 1 parameter") != std::string::npos);
    CHECK(refused.err.find("A --scenario says") != std::string::npos);
    const auto several = test::run_pgtraffic({"run", "-d", database.dsn(), "--sql", "SELECT 1; SELECT 2"});
    CHECK(several.exit_code == 1);
    CHECK(several.err.find("one by one") != std::string::npos);
}

TEST_CASE("a warm-up that never came back is named") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "s", "operations": [
        {"name": "hang", "statements": [{"sql": "SELECT pg_sleep(60)"}]}]})json"};
    const auto ended = test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(), "-T",
                                            "1", "-c", "2", "--warmup", "200ms", "--format", "json"});
    const auto warnings = json::parse(ended.out)["run"]["warnings"];
    const auto found =
        std::ranges::find(warnings, "warmup_unfinished", [](const auto& w) { return w["code"]; });
    REQUIRE(found != warnings.end());
    CHECK((*found)["message"].get<std::string>().starts_with(
        "what was sent before the measurement had no answer to the end in 2 of 2 sessions"));
}

TEST_CASE("network: round trips before the load, and the server's share") {
    const auto database = test::filled_database();
    const auto result =
        run_and_read(database, {"--measure-network", "--total-queries", "200", "-c", "2", "--warmup", "0"});
    REQUIRE(result.contains("network"));
    const auto& network = result["network"];
    const double trip = network["rtt_ms"]["p50"].get<double>();
    const double service = result["summary"]["service_ms"]["p50"].get<double>();
    CHECK(trip > 0);
    CHECK(network["database_ms"].get<double>() == Approx(std::max(0.0, service - trip)).margin(1e-6));
    CHECK(network["network_ratio"].get<double>() == Approx(std::min(1.0, trip / service)));
}

TEST_CASE("network: a query of several statements takes a round trip for each, if all are alike in that") {
    const auto database = test::fresh_database();
    const std::string three =
        R"json({"name": "three", "statements": [
            {"sql": "BEGIN"}, {"sql": "SELECT pg_sleep(0.001)"}, {"sql": "COMMIT"}]})json";
    const std::string one = R"json({"name": "one", "statements": [{"sql": "SELECT 1"}]})json";
    const auto network_of = [&](const std::string& operations, const std::string& pipeline) {
        const test::TemporaryFile scenario{R"json({"name": "s", "operations": [)json" + operations + "]}"};
        return run_and_read(database, {"--scenario", scenario.path(), "--measure-network", "--pipeline",
                                       pipeline, "--total-queries", "40", "-c", "2", "--warmup", "0"});
    };
    const auto alike = network_of(three, "1");
    const double trips = 3 * alike["network"]["rtt_ms"]["p50"].get<double>();
    const double service = alike["summary"]["service_ms"]["p50"].get<double>();
    CHECK(alike["network"]["database_ms"].get<double>() == Approx(service - trips).margin(1e-6));
    CHECK(alike["network"]["network_ratio"].get<double>() == Approx(trips / service));
    CHECK(alike["network"]["method"].get<std::string>().ends_with("; a query takes 3"));

    const auto different = network_of(three + "," + one, "1");
    CHECK(different["network"]["rtt_ms"]["p50"].get<double>() > 0);
    CHECK(different["network"]["database_ms"].is_null());
    CHECK(different["network"]["network_ratio"].is_null());
    const auto shared = network_of(one, "4");
    CHECK(shared["network"]["database_ms"].is_null());
    CHECK(shared["network"]["method"].get<std::string>().find("pipeline") != std::string::npos);
}

TEST_CASE("a part of a parameter's values is NULL where the statement says so, in either protocol") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE note (t text, i int)");
    const test::TemporaryFile scenario{
        R"json({"name": "notes", "operations": [{"name": "note", "statements": [
        {"sql": "INSERT INTO note VALUES (NULLIF($1, ''), NULLIF($2::int, 0))",
         "parameters": [{"choice": ["", "a", "b"]}, {"integer": [0, 9]}]}]}]})json"};
    for (const auto* protocol : {"extended", "prepared"}) {
        client.execute("TRUNCATE note");
        (void)run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "1000", "-c", "2",
                                      "--warmup", "0", "--random-seed", "1", "--protocol", protocol});
        CHECK(number(client, "SELECT count(*) FROM note WHERE t IS NULL") == Approx(333).margin(75));
        CHECK(number(client, "SELECT count(*) FROM note WHERE i IS NULL") == Approx(100).margin(45));
    }
}

TEST_CASE("the keys that are asked for are spread as --key-distribution says") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 1000); "
        "CREATE TABLE asked (id int)");
    const test::TemporaryFile scenario{R"json({"name": "ask", "operations": [{"name": "ask", "statements": [
        {"sql": "INSERT INTO asked VALUES ($1)", "parameters": [{"key": "item.id"}]}]}]})json"};
    const auto most_asked = [&](const char* distribution) {
        client.execute("TRUNCATE asked");
        (void)run_and_read(
            database, {"--scenario", scenario.path(), "--total-queries", "500", "-c", "2", "--warmup", "0",
                       "--random-seed", "1", "--key-distribution", distribution});
        const auto row =
            client.row("SELECT id, count(*) FROM asked GROUP BY id ORDER BY 2 DESC LIMIT 1", {}, 2);
        return std::pair{std::stoi(row[0].value()), std::stoi(row[1].value())};
    };
    // Rank 1 of a thousand has an eighth of the queries by Zipf's law; of 500 spread evenly none has ten.
    CHECK(most_asked("uniform").second < 10);
    CHECK(most_asked("zipf").second > 30);
    const auto [id, times] = most_asked("recent");
    CHECK(id == 1000);
    CHECK(times > 30);
}

TEST_CASE("the same seed asks for the same keys, whatever the number of connections") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 1000); "
        "CREATE TABLE asked (run int, id int)");
    std::string sums;
    for (const auto& [run, connections] : {std::pair{"1", "1"}, std::pair{"2", "7"}}) {
        const test::TemporaryFile scenario{
            std::string(R"json({"name": "ask", "operations": [{"name": "ask", "statements": [
            {"sql": "INSERT INTO asked VALUES ($1, $2)", "parameters": [{"constant": ")json") +
            run + R"json("}, {"key": "item.id"}]}]}]})json"};
        (void)run_and_read(database, {"--scenario", scenario.path(), "--total-queries", "300", "-c",
                                      connections, "--warmup", "0", "--random-seed", "99"});
    }
    CHECK(number(client, "SELECT count(*) FROM asked WHERE run = 1") == 300);
    CHECK(number(client,
                 "SELECT count(*) FROM (SELECT id, count(*) FROM asked WHERE run = 1 GROUP BY id EXCEPT "
                 "SELECT id, count(*) FROM asked WHERE run = 2 GROUP BY id) AS different") == 0);
}
