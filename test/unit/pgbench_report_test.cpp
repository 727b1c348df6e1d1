// The summary in pgbench's words, read by the kinds of expressions that its readers use.
#include "pgtraffic/report/pgbench.hpp"

#include <regex>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;

namespace {

/// The first group of the expression, `^` and `$` being those of a line; "(none)" where nothing matches.
std::string found(const std::string& text, const std::string& expression) {
    const std::regex regex{expression, std::regex::ECMAScript | std::regex::multiline};
    std::smatch match;
    return std::regex_search(text, match, regex) ? match[1].str() : "(none)";
}

}  // namespace

TEST_CASE("readers of pgbench's summary find a closed loop's numbers") {
    auto run = test::sample_closed_run();
    run.connecting_s = 0.0123456;
    const auto text = report::pgbench_report(run);
    INFO(text);
    CHECK(found(text, R"(^transaction type: (.+)$)") == "select");
    CHECK(found(text, R"(^scaling factor: (\d+)$)") == "1");
    CHECK(found(text, R"(^query mode: (simple|extended|prepared)$)") == "extended");
    CHECK(found(text, R"(^number of clients: (\d+)$)") == "150");
    CHECK(found(text, R"(^number of threads: (\d+)$)") == "1");
    CHECK(found(text, R"(^maximum number of tries: (\d+)$)") == "1");
    CHECK(found(text, R"(^duration: (\d+) s$)") == "30");
    CHECK(found(text, R"(number of transactions actually processed:\s*(\d+))") == "628800");
    CHECK(found(text, R"(^number of failed transactions: (\d+) \(0\.000%\)$)") == "0");
    CHECK(found(text, R"(^latency average = (\d+\.\d{3}) ms$)") == "5.085");
    CHECK(found(text, R"(^latency stddev = (\d+\.\d{3}) ms$)") == "7.662");
    CHECK(found(text, R"(^initial connection time = (\d+\.\d{3}) ms$)") == "12.346");
    CHECK(found(text, R"(^tps = (\d+\.\d{6}) \(without initial connection time\)$)") == "20955.808838");
    // What belongs to other kinds of runs is not there.
    for (const auto* absent : {"skipped", "latency limit", "retries", "schedule lag", "SQL script"}) {
        CHECK(text.find(absent) == std::string::npos);
    }
    CHECK(report::pgbench_warnings(run).empty());
}

TEST_CASE("a run that ended a moment early tells what it measured") {
    auto run = test::sample_closed_run();
    run.planned_duration_s = 30;
    run.duration_s = 29.9;
    CHECK(found(report::pgbench_report(run), R"(^duration: (\S+) s$)") == "29.900");
    run.duration_s = 29.9995;
    CHECK(found(report::pgbench_report(run), R"(^duration: (\S+) s$)") == "30");
}

TEST_CASE("failed, skipped and retried queries have pgbench's lines, and each operation its own") {
    auto run = test::sample_open_run();
    run.config["latency_limit_s"] = 0.5;
    run.max_tries = 7;
    const auto text = report::pgbench_report(run);
    INFO(text);
    // 40 failed and 3 timed out of 14,890 + 43 that ended and 4 that were missed.
    CHECK(found(text, R"(^number of transactions actually processed: (\d+)$)") == "14890");
    CHECK(found(text, R"(^number of failed transactions: (\d+ \(.*%\))$)") == "43 (0.288%)");
    CHECK(found(text, R"(^number of transactions skipped: (\d+ \(.*%\))$)") == "4 (0.027%)");
    CHECK(found(text, R"(^number of transactions above the 500\.0 ms latency limit: (\d+/\d+ \(.*%\))$)") ==
          "90/14890 (0.604%)");
    CHECK(found(text, R"(^maximum number of tries: (\d+)$)") == "7");
    CHECK(found(text, R"(^number of transactions retried: (\d+ \(.*%\))$)") == "9 (0.060%)");
    CHECK(found(text, R"(^total number of retries: (\d+)$)") == "12");
    auto unfinished = run;
    unfinished.total = {};
    unfinished.total.planned = unfinished.total.started = 3;
    unfinished.total.ok = 1;
    unfinished.total.in_flight = unfinished.total.retried = unfinished.total.retries = 2;
    CHECK(found(report::pgbench_report(unfinished), R"(^number of transactions retried: (\d+ \(.*%\))$)") ==
          "2 (66.667%)");
    CHECK(found(text, R"(^rate limit schedule lag: avg \d+\.\d{3} \(max (\d+\.\d{3})\) ms$)") == "5.000");
    CHECK(found(text, R"(^SQL script 2: (.*)$)") == "insert_order");
    CHECK(found(text, R"(^ - (\d+) transactions \(24\.8% of total, tps = [0-9.]+\)$)") == "3700");
    CHECK(found(text, R"(^ - number of failed transactions: (40) \()") == "40");

    // Of an operation in pgbench's order: failed, retried, skipped.
    CHECK(
        found(
            text,
            R"(^ - number of failed transactions: 0 \(0\.000%\)\n - number of transactions retried: 0 \(0\.000%\)\n)"
            R"( - total number of retries: 0\n - number of )"
            R"(transactions skipped: (\d+) )") == "4");
    CHECK(found(text, R"(^ - total number of retries: (12)$)") == "12");

    const auto warnings = report::pgbench_warnings(run);
    CHECK(warnings.find("suspect: the client's loop was busy") != std::string::npos);
    CHECK(warnings.find("threshold missed: failed_ratio < 0.1% (actual: 0.29 %)") != std::string::npos);
    CHECK(warnings.find("response.p99") == std::string::npos);
    run.thresholds.clear();
    run.thresholds.emplace_back().expression = "phase:tail.failed<5";
    CHECK(report::pgbench_warnings(run).find("threshold missed: phase:tail.failed<5 (the run has no such "
                                             "number)") != std::string::npos);
}

TEST_CASE("a run that ended early says how long it lasted, and one without a query no latency") {
    auto run = test::sample_closed_run();
    run.duration_s = 3.2171;
    CHECK(found(report::pgbench_report(run), R"(^duration: (.*) s$)") == "3.217");

    const auto text = report::pgbench_report(test::sample_empty_run());
    CHECK(text.find("latency average") == std::string::npos);
    CHECK(found(text, R"(^tps = (.*) \()") == "0.000000");
    for (const auto& sample : test::sample_runs()) {
        CHECK(report::pgbench_report(sample).find("nan") == std::string::npos);
    }
}

TEST_CASE("the scale of a temporary server is the scaling factor") {
    auto run = test::sample_closed_run();
    run.config["scale"] = 10;
    CHECK(found(report::pgbench_report(run), R"(^scaling factor: (.*)$)") == "1");
    run.server.temporary = true;
    CHECK(found(report::pgbench_report(run), R"(^scaling factor: (.*)$)") == "10");
    run.config["scale"] = "0.01";
    CHECK(found(report::pgbench_report(run), R"(^scaling factor: (.*)$)") == "0.01");
}
