// The log of single queries of real runs, against the figures of the JSON result: they are made of it.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/never_answered.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;

namespace {

/// One quick, one that finds nothing, one failing, one that is never answered.
const char* const kAllFates = R"json({"name": "all kinds", "operations": [
    {"name": "quick", "weight": 40, "statements": [{"sql": "SELECT 1"}]},
    {"name": "two", "weight": 8, "statements": [{"name": "first", "sql": "SELECT 1 WHERE false"},
                                                {"name": "second", "sql": "SELECT 1 WHERE false"}]},
    {"name": "broken", "weight": 1, "statements": [{"sql": "SELECT 1 / (random() * 0)::int"}]},
    {"name": "slow", "weight": 1, "statements": [{"sql": "SELECT pg_advisory_lock(1)"}]}]})json";

struct Line {
    std::uint64_t arrival = 0;
    double due_s = 0;
    double lag_ms = 0;
    double pool_wait_ms = 0;
    double service_ms = 0;
    double response_ms = 0;
    std::string operation;
    std::string outcome;
    std::string sqlstate;
    std::optional<int> session;

    [[nodiscard]] bool succeeded() const { return outcome == "ok" || outcome == "empty"; }
    [[nodiscard]] double done_s() const { return due_s + response_ms / 1000; }
};

std::vector<Line> read_log(const std::string& text) {
    std::istringstream lines{text};
    std::string row;
    REQUIRE(std::getline(lines, row));
    CHECK(row.rfind("arrival,due_s,lag_ms,", 0) == 0);
    std::vector<Line> queries;
    while (std::getline(lines, row)) {
        std::vector<std::string> fields;
        std::istringstream columns{row};
        for (std::string field; std::getline(columns, field, ',');) fields.push_back(field);
        fields.resize(13);  // nothing behind the last comma
        const auto number = [&](std::size_t i) { return fields[i].empty() ? 0 : std::stod(fields[i]); };
        queries.push_back({std::stoull(fields[0]), number(1), number(2), number(3), number(4), number(5),
                           fields[6], fields[8], fields[9],
                           fields[12].empty() ? std::nullopt : std::optional{std::stoi(fields[12])}});
    }
    return queries;
}

template <class Wanted>
std::uint64_t count(const std::vector<Line>& queries, Wanted wanted) {
    return static_cast<std::uint64_t>(std::count_if(queries.begin(), queries.end(), wanted));
}

/// `shown` has the figures of `values`: percentiles as of a histogram whose buckets are 1/1024 wide.
void check_figures(const json& shown, std::vector<double> values) {
    REQUIRE(!values.empty());
    std::sort(values.begin(), values.end());
    REQUIRE(shown["count"] == values.size());
    double sum = 0;
    for (const double value : values) sum += value;
    CHECK(shown["mean"].get<double>() == Approx(sum / static_cast<double>(values.size())).epsilon(1e-9));
    CHECK(shown["min"].get<double>() == Approx(values.front()).margin(1e-6));
    CHECK(shown["max"].get<double>() == Approx(values.back()).margin(1e-6));
    for (const auto& [name, q] : {std::pair{"p50", 0.5}, std::pair{"p95", 0.95}, std::pair{"p99", 0.99}}) {
        if (shown[name].is_null()) continue;  // of too few
        const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
        CHECK(shown[name].get<double>() == Approx(values[rank - 1]).epsilon(1.0 / 1024).margin(2e-6));
    }
}

/// Every figure that queries make is that of the log's.
void check_log(const std::vector<Line>& queries, const json& result) {
    const auto& summary = result["summary"];
    CHECK(queries.size() == summary["queries"]["planned"]);
    for (const std::string fate : {"ok", "empty", "failed", "timed_out", "missed", "waiting", "in_flight"}) {
        INFO(fate);
        const auto is = [&](const Line& one) { return one.outcome == fate; };
        CHECK(count(queries, is) == summary["queries"][fate]);
        for (const auto& operation : result["operations"]) {
            CHECK(count(queries, [&](const Line& one) {
                      return is(one) && one.operation == operation["name"];
                  }) == operation[fate]);
        }
    }
    std::vector<std::uint64_t> arrivals;
    std::vector<double> response;
    std::vector<double> service;
    std::vector<double> lag;
    std::vector<double> pool_wait;
    std::map<std::string, std::uint64_t> errors;
    const double duration_s = summary["duration_s"];
    for (const auto& one : queries) {
        arrivals.push_back(one.arrival);
        if (one.outcome != "failed") response.push_back(one.response_ms);
        if (one.succeeded()) service.push_back(one.service_ms);
        if (one.session && one.outcome != "in_flight") {
            lag.push_back(one.lag_ms);
            pool_wait.push_back(one.pool_wait_ms);
        }
        if (!one.sqlstate.empty()) ++errors[one.sqlstate];
        CHECK(one.response_ms == Approx(one.lag_ms + one.service_ms).margin(1e-6));
    }
    std::sort(arrivals.begin(), arrivals.end());
    for (std::size_t i = 0; i < arrivals.size(); ++i) REQUIRE(arrivals[i] == i);  // each once
    check_figures(summary["response_ms"], response);
    check_figures(summary["service_ms"], service);
    if (result["config"]["mode"] == "open") {
        check_figures(summary["lag_ms"], lag);
        check_figures(summary["pool_wait_ms"], pool_wait);
    }
    for (const auto& error : result["errors"]) CHECK(errors[error["sqlstate"]] == error["count"]);
    const auto in_time =
        count(queries, [&](const Line& one) { return one.succeeded() && one.done_s() <= duration_s + 1e-9; });
    CHECK(std::llround(summary["throughput_per_s"].get<double>() * duration_s) ==
          static_cast<long long>(in_time));
}

}  // namespace

TEST_CASE("every figure of an open loop's queries can be made anew from the log, whatever became of them") {
    const auto database = test::fresh_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile scenario{kAllFates};
    const test::TemporaryFile log{"of the last run\n", ".csv"};
    // Two of three connections wait for a time-out at nearly all times, and what waits for the third is
    // missed.
    const auto result = test::run_and_read(
        database, {"--scenario", scenario.path(), "--rate", "500", "-T", "2", "-c", "3", "--warmup", "0",
                   "--timeout", "300ms", "-L", "100ms", "--query-log", log.path()});
    check_log(read_log(test::read_file(log.path())), result);
    for (const std::string fate : {"ok", "empty", "failed", "timed_out", "missed"}) {
        INFO(fate);
        CHECK(test::queries(result)[fate].get<int>() > 0);
    }
}

TEST_CASE("the log of a closed loop, in a pipeline and on stdout, is that of its queries") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{
        R"({"name": "quick", "operations": [{"name": "quick", "statements": [{"sql": "SELECT 1"}]}]})"};
    for (const std::string pipeline : {"1", "4"}) {
        const test::TemporaryFile json_file{""};
        const auto ended = test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(),
                                                "-t", "2000", "-c", "4", "--warmup", "0", "--pipeline",
                                                pipeline, "--query-log", "-", "--json", json_file.path()});
        INFO(ended.err);
        REQUIRE(ended.exit_code == 0);
        CHECK(ended.err.find("Query Statistics") != std::string::npos);  // the report has given way
        const auto queries = read_log(ended.out);
        CHECK(queries.size() == 2000);
        check_log(queries, json::parse(test::read_file(json_file.path())));
    }
}

TEST_CASE("the log of an interrupted run has what was waiting and under way, too") {
    const auto database = test::fresh_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile scenario{kAllFates};
    const test::TemporaryFile log{"", ".csv"};
    test::Process process{
        test::pgtraffic_argv(test::run_arguments(
            database, {"--scenario", scenario.path(), "--rate", "400", "-T", "60", "-c", "3", "--warmup", "0",
                       "--interval", "100ms", "--query-log", log.path()})),
        test::without_target()};
    // All three hang, soon; what comes due then waits.
    postgres::Client client{database.conninfo()};
    constexpr const char* kHanging =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event = 'advisory' AND clock_timestamp() - query_start > '100 ms'";
    for (const auto begun = base::mono_now(); test::number(client, kHanging) < 3;)
        REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 130);
    CHECK(test::queries(result)["in_flight"] == 3);
    CHECK(test::queries(result)["waiting"].get<int>() > 0);
    check_log(read_log(test::read_file(log.path())), result);
}

TEST_CASE("a log that cannot be written to its end is a warning and costs no figure") {
    const auto database = test::fresh_database();
    const auto result = test::run_and_read(
        database, {"--sql", "SELECT 1", "-T", "1", "-c", "2", "--warmup", "0", "--query-log", "/dev/full"});
    CHECK(test::warning(result, "query_log_ended").find("No space left on device") != std::string::npos);
    CHECK(test::queries(result)["ok"].get<int>() > 0);
    CHECK(result["run"]["exit_code"] == 0);
}

TEST_CASE("a sample of the log is a part of the queries, and of no figure") {
    const auto database = test::fresh_database();
    const test::TemporaryFile log{"", ".csv"};
    const auto result =
        test::run_and_read(database, {"--sql", "SELECT 1", "-t", "5000", "-c", "4", "--warmup", "0",
                                      "--query-log", log.path(), "--sampling-rate", "0.1"});
    CHECK(test::queries(result)["ok"] == 5000);
    CHECK(result["config"]["sampling_rate"] == 0.1);
    const auto lines = static_cast<double>(read_log(test::read_file(log.path())).size());
    CHECK(std::abs(lines - 500) < 5 * std::sqrt(5000 * 0.1 * 0.9));
}
