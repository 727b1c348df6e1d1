// What the text report prints, line by line, of runs built by hand.
#include "pgtraffic/report/text.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "pgtraffic/report/assessment.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"
#include "support/catch.hpp"
#include "support/sample_result.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using test::line_with;
using test::lines_of;

namespace {

std::string plain(const metrics::RunResult& run) {
    auto text = report::text_report(run, {});
    REQUIRE(text.ends_with('\n'));
    return text;
}

/// With no sentence broken.
std::string wide(const metrics::RunResult& run) {
    return report::text_report(run, {.color = false, .width = 500});
}

bool has_no_number_word(std::string text) {
    for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* word : {" nan", " inf ", " -nan", " -inf", "n/a"}) {
        if (text.find(word) != std::string::npos) return false;
    }
    return true;
}

std::string without_colors(std::string text) {
    for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) {
        text.erase(at, text.find('m', at) - at + 1);
    }
    return text;
}

}  // namespace

TEST_CASE("the original's sections come in its order, with its labels and its numbers") {
    const auto text = plain(test::sample_closed_run());
    std::size_t at = 0;
    for (const char* line : {"\nQuery Statistics\n",                             //
                             "\n   Total Queries:                   628,800\n",  //
                             "\n   Successful:                      628,800\n",  //
                             "\n   Failed:                                0\n",  //
                             "\n   Success Rate:                     100.00 %\n",
                             "\nOperational Performance\n",                        //
                             "\n   Duration:                          30.01 s\n",  //
                             "\n   Queries/Second:                20,955.81 /s\n",
                             "\n   Concurrent Sessions:                 150\n",  //
                             "\n   Connection Efficiency:             100.0 %",  //
                             "\nLatency Breakdown\n",                            //
                             "\n   Total Average:                      5.08 ms\n",
                             "\n   Minimum:                            2.80 ms\n",
                             "\n   Maximum:                          219.52 ms\n",
                             "\n   50th Percentile:                    4.47 ms",
                             "\n   95th Percentile:                    5.38 ms",
                             "\n   99th Percentile:                    5.64 ms",
                             "\nPercentiles (ms)",
                             "\nOperations",
                             "\nClient Cost\n",
                             "\nAssessment\n",
                             "\nVerdict: VALID\n"}) {
        INFO(line);
        const auto found = text.find(line, at);
        REQUIRE(found != std::string::npos);
        at = found;
    }
}

TEST_CASE("the last lines are the verdict and the most important numbers") {
    const auto lines = lines_of(plain(test::sample_closed_run()));
    REQUIRE(lines.size() > 3);
    CHECK(lines[lines.size() - 3] == "Verdict: VALID");
    CHECK(lines[lines.size() - 2] == "20,955.81 queries/s, 99 % within 5.64 ms, 0 of 628,800 failed");
}

TEST_CASE("a closed loop shows neither lag nor target, an open loop both") {
    const auto closed = plain(test::sample_closed_run());
    CHECK_THAT(closed, !Contains("lag") && !Contains("Target") && !Contains("Attained"));
    const auto open = plain(test::sample_open_run());
    CHECK_THAT(line_with(open, "Percentiles (ms)"),
               Contains("response") && Contains("service") && Contains("lag"));
    CHECK_THAT(line_with(open, "Target Rate:"), Contains("498.35 /s"));
    CHECK_THAT(line_with(open, "Attained:"), Contains("99.95 %"));
}

TEST_CASE("a rate that was looked for stands in the head with what was found, or that nothing was") {
    auto run = test::sample_open_run();
    run.pattern.clear();
    run.peak_rate_per_s = 1'234;
    run.peak_rate_spread_per_s = {1'234, 1'400};
    const auto head = [&] {
        auto text = plain(run);
        std::ranges::replace(text, '\n', ' ');
        return text.substr(0, text.find("started"));
    };
    CHECK_THAT(head(), Contains("at 1,234 queries/s (found: 1,234 to 1,400)"));
    // Of the thresholds one was missed that decided nothing.
    CHECK_THAT(plain(run), !Contains("did not: the rate"));
    run.thresholds.front().ok = false;
    CHECK_THAT(plain(run), Contains("the rate that does") && Contains("below 1,234/s."));
    run.peak_rate_spread_per_s.reset();
    CHECK_THAT(head(), Contains("at 1,234 queries/s (the rate that was looked for was not found)"));
}

TEST_CASE("every query is in one line of the statistics") {
    const auto text = plain(test::sample_open_run());
    CHECK_THAT(line_with(text, "Total Queries:"), Contains(" 14,940"));
    CHECK_THAT(line_with(text, "Successful:"), Contains(" 14,890"));
    CHECK_THAT(line_with(text, "of these Empty:"), Contains(" 500 "));
    CHECK_THAT(line_with(text, "Failed:"), Contains(" 40"));
    CHECK_THAT(line_with(text, "Timed Out:"), Contains(" 3"));
    CHECK_THAT(line_with(text, "Missed:"), Contains(" 4 "));
    CHECK_THAT(line_with(text, "Waiting:"), Contains(" 2"));
    CHECK_THAT(line_with(text, "Unfinished:"), Contains(" 1 "));
    CHECK_THAT(line_with(text, "Retries:"), Contains(" 12 "));
    CHECK(14'890 + 40 + 3 + 4 + 2 + 1 == 14'940);
    CHECK_THAT(plain(test::sample_closed_run()), !Contains("Timed Out") && !Contains("Missed") &&
                                                     !Contains("Waiting:") && !Contains("Retries"));
}

TEST_CASE("a rate that is not whole never prints as 100 %") {
    auto run = test::sample_closed_run();
    run.total.ok -= 1;
    run.total.failed += 1;
    CHECK_THAT(line_with(plain(run), "Success Rate:"), Contains("99.99 %"));
}

TEST_CASE("what a user said of the run stands in its head") {
    CHECK_THAT(plain(test::sample_open_run()), Contains("labels commit=1a2b3c, place=a \"shed\" & <co>\n"));
    CHECK_THAT(plain(test::sample_closed_run()), !Contains("labels"));
}

TEST_CASE("a percentile with fewer than ten queries above it carries a mark, with its meaning below") {
    const auto text = plain(test::sample_open_run());
    CHECK_THAT(line_with(text, "   p99 "), !Contains("*"));
    CHECK_THAT(line_with(text, "   p99.99 "), Contains("*"));
    CHECK_THAT(text, Contains("* fewer than ten queries above it: not supported by the data"));
    auto run = test::sample_closed_run();
    CHECK_THAT(line_with(plain(run), "   p99.99 "), !Contains("*"));
}

TEST_CASE("operations, statements, errors, phases, network, thresholds and warnings have their lines") {
    const auto text = plain(test::sample_open_run());
    CHECK_THAT(line_with(text, "   update_order "),
               Contains(" 1,700 ") && Contains(" 500 ") && Contains(" 3 "));
    CHECK_THAT(text,
               Contains("      approve: 900 ok, 200 empty, 0 failed; service p50 3.40 ms, p99 3.40 ms\n"));
    CHECK_THAT(text,
               Contains("      adjust: 300 ok, 50 empty, 1 failed; service p50 3.40 ms, p99 3.40* ms\n"));
    CHECK_THAT(text, Contains("      12 retries\n"));
    CHECK_THAT(line_with(text, "   23505 "), Contains(" 40 ") && Contains("0.31 s"));
    CHECK_THAT(text, Contains("\n      duplicate key value violates unique constraint"));
    CHECK_THAT(line_with(text, "   ramp-up "),
               Contains("3,740") && Contains("100.00 %") && Contains("370.00"));
    CHECK_THAT(line_with(text, "Round Trip, idle:"), Contains("0.40 ms") && Contains("median of 200"));
    CHECK_THAT(line_with(text, "Network Share:"), Contains("33.0 %"));
    CHECK_THAT(text, Contains(" - ✓ response.p99 < 10ms: 9.9 ms\n - ✗ failed_ratio < 0.1%: 0.29 %\n"));
    CHECK_THAT(text, Contains("\nFAILED: a threshold was missed: failed_ratio < 0.1%.\n"));
    // Who sees the end of a log alone is told as well.
    CHECK(text.find("FAILED: ") != text.rfind("FAILED: "));
    CHECK_THAT(text, Contains(" - 23 % of the updates found no order"));
    CHECK_THAT(line_with(text, "CPU a Query:"), Contains("5.96 µs"));
    CHECK_THAT(line_with(text, "Peak Memory:"), Contains("24.0 MiB"));
    CHECK_THAT(text, Contains("Verdict: SUSPECT\n - suspect: the client's loop was busy 85 % of the time\n"));
}

TEST_CASE("a warning is not cut before its end, which says what to do, and one connection is one") {
    auto run = test::sample_open_run();
    run.connections = 1;
    run.warnings.push_back({"long", std::string(300, 'x')});
    run.warnings.back().message.append(" do that");
    const auto text = plain(run);
    CHECK_THAT(text, Contains("do that"));
    CHECK_THAT(text, Contains("1 connection,") && !Contains("1 connections"));
}

TEST_CASE("an invalid run is headed by its reason") {
    auto run = test::sample_closed_run();
    run.verdict.status = metrics::VerdictStatus::invalid;
    run.verdict.reasons = {{"clock_gap", "this machine stood still for 4.0 s: run it again", 4, 1,
                            metrics::VerdictStatus::invalid}};
    const auto text = plain(run);
    const auto reason = text.find("INVALID: this machine stood still for 4.0 s: run it again.");
    REQUIRE(reason != std::string::npos);
    CHECK(reason < text.find("Query Statistics"));
    CHECK_THAT(text, Contains("50th Percentile:"));  // it still prints
}

TEST_CASE("an overloaded open loop shows how its backlog grew and no percentile of the response") {
    const auto run = test::sample_overloaded_run();
    REQUIRE(report::overloaded(run));
    const auto text = plain(run);
    CHECK_THAT(text, !Contains("99th Percentile") && !Contains("response ") && !Contains("within "));
    CHECK_THAT(line_with(text, "Backlog at the End:"), Contains(" 20,000 "));
    CHECK_THAT(line_with(text, "Backlog Growth:"), Contains("666.9 /s"));
    CHECK_THAT(lines_of(text).end()[-2], Contains("backlog growing by 667 queries/s"));
    CHECK_THAT(line_with(text, "Percentiles (ms)"), Contains("service") && !Contains("lag"));
}

TEST_CASE("an open loop that was invalid for another reason keeps its percentiles") {
    auto run = test::sample_open_run();
    run.total.waiting = 10;
    run.verdict.status = metrics::VerdictStatus::invalid;
    run.verdict.reasons = {{"clock_gap", "stood still", 4, 1, metrics::VerdictStatus::invalid}};
    CHECK_FALSE(report::overloaded(run));
}

TEST_CASE("a run without a query prints, and says so") {
    auto run = test::sample_empty_run();
    run.verdict = metrics::judge(run);
    const auto text = plain(run);
    CHECK_THAT(text, Contains("INTERRUPTED") && Contains("No query ended") && Contains("INVALID: "));
    CHECK_THAT(lines_of(text).end()[-2], Contains("0.00 queries/s, 0 of 0 failed"));
}

TEST_CASE("an interrupted run says how far it came") {
    auto run = test::sample_closed_run();
    run.outcome = metrics::RunOutcome::interrupted;
    run.duration_s = 12.34;
    const auto text = plain(run);
    CHECK_THAT(text, Contains("INTERRUPTED"));
    CHECK_THAT(line_with(text, "Duration:"), Contains("12.34 s") && Contains("of 30.00 s planned"));
}

TEST_CASE("a run in which every query failed names no latency") {
    metrics::RunResult run = test::sample_empty_run();
    run.outcome = metrics::RunOutcome::failed;
    run.total.planned = run.total.started = run.total.failed = 5;
    run.latencies.failed.record(std::chrono::milliseconds{2}, 5);
    run.errors = {{*base::SqlState::parse("42P01"), 5, 0, 0.0, "relation \"orders\" does not exist"}};
    const auto text = plain(run);
    CHECK_THAT(text, Contains("FAILED: no query succeeded.") &&
                         Contains("No query succeeded, so there is no response") && !Contains("Percentile") &&
                         Contains("42P01"));
}

TEST_CASE("no report holds what is not a number, or a line wider than the terminal") {
    for (const auto& run : test::sample_runs()) {
        for (const std::size_t width : {80U, 100U}) {
            const auto text = report::text_report(run, {.color = false, .width = width});
            CHECK(has_no_number_word(text));
            for (const auto& line : lines_of(text)) {
                INFO(line);
                CHECK(report::columns_of(line) <= width);
                CHECK((line.empty() || line.back() != ' '));
            }
        }
    }
}

TEST_CASE("colour changes no character of the text") {
    for (const auto& run : test::sample_runs()) {
        const auto colored = report::text_report(run, {.color = true, .width = 80});
        CHECK(colored.find("\x1b[") != std::string::npos);
        CHECK(without_colors(colored) == plain(run));
        CHECK(plain(run).find('\x1b') == std::string::npos);
    }
}

TEST_CASE("what a server says cannot steer the terminal") {
    auto run = test::sample_open_run();
    run.errors[0].sample =
        "bad\x1b[2J\nvalue \xc2\x9b"
        "31m\x7f \xff\xfe end\t\xe2\x80\xae"
        "x";
    run.operations[0].name = "select\x1b]0;title\a";
    const auto text = plain(run);
    CHECK_THAT(text, Contains("bad\\x1b[2J\\nvalue \\u009b31m\\x7f \xEF\xBF\xBD\xEF\xBF\xBD end\\t\\u202ex"));
    for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
    run.errors[0].sample = std::string(100'000, 'x');
    CHECK(plain(run).size() < 10'000);
}

TEST_CASE("foreign text is escaped, repaired and bounded") {
    using report::printable;
    CHECK(printable("plain äöü €") == "plain äöü €");
    CHECK(printable("\xc0\xaf") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
    CHECK(printable("\xed\xa0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
    CHECK(printable("\xf4\x90\x80\x80") ==
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // beyond Unicode
    CHECK(printable("cut\xe2\x82") == "cut\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(printable("\xf0\x9f\x98\x80") == "\xf0\x9f\x98\x80");
    CHECK(printable("abcdef", 6) == "abcdef");
    CHECK(printable("abcdefg", 6) == "abcde…");
    CHECK(printable("朝のピーク", 7) == "朝のピ…");  // two columns each
    CHECK(report::columns_of("朝のピーク") == 10);
    CHECK(report::columns_of("e\xcc\x81 \xf0\x9f\x98\x80") == 4);  // combining acute; an emoji
    CHECK(report::pad_right("朝", 4) == "朝  ");
    CHECK(report::columns_of("\xe2\x9c\x85") == 2);
    std::string marks;
    for (int i = 0; i < 1000; ++i) marks += "\xe2\x80\x8b";  // zero width space
    CHECK(printable(marks, 10).size() < 200);
    CHECK(printable("abcde\n", 6) == "abcde…");  // no half of an escape
    CHECK(printable("") == "");
}

TEST_CASE("text wraps at spaces, and where a word is longer than a line") {
    CHECK(report::wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
    CHECK(report::wrap("abcdefghij", 4) == std::vector<std::string>{"abcd", "efgh", "ij"});
    CHECK(report::wrap("äöü äöü", 3) == std::vector<std::string>{"äöü", "äöü"});
    CHECK(report::wrap("", 4) == std::vector<std::string>{""});
}

TEST_CASE("the assessment names the queue when it and not the server makes queries slow") {
    auto run = test::sample_open_run();
    const auto all = [&] {
        std::string text;
        for (const auto& sentence : report::assess(run)) text += sentence + "\n";
        return text;
    };
    CHECK_THAT(all(), Contains("Service is 93 % of response"));
    run.outages.clear();
    for (int i = 0; i < 15'000; ++i) {
        run.latencies.lag.record(std::chrono::milliseconds{40});
        run.latencies.pool_wait.record(std::chrono::milliseconds{40});
    }
    CHECK_THAT(all(), Contains("the queue, not the server") && Contains("for a free connection"));
    CHECK_THAT(all(), Contains("0.29 % of the queries that ended failed or timed out") && Contains("23505"));
}

namespace {

std::string assessment(const metrics::RunResult& run) {
    std::string text;
    for (const auto& sentence : report::assess(run)) text += sentence + "\n";
    return text;
}

/// Seconds, and how much of them without a success.
metrics::Outage service_outage(double from_s, double silence_s) {
    metrics::Outage outage;
    outage.from_s = from_s;
    outage.to_s = from_s + silence_s;
    outage.duration_s = outage.silence_s = outage.silences_s = outage.without_service_s = silence_s;
    outage.over = true;
    outage.scope = metrics::Outage::Scope::service;
    return outage;
}

}  // namespace

TEST_CASE("what had no answer is not called answered, in the assessment or in the last line") {
    auto run = test::sample_open_run();
    CHECK_THAT(assessment(run), Contains("99 % of the queries that did not fail were answered within"));
    run.total.planned += 10'000;
    run.total.missed += 10'000;
    run.latencies.response.record(std::chrono::milliseconds{1}, 10'000);
    CHECK_THAT(assessment(run),
               Contains("were answered, or over without an answer, within") && !Contains("Service is"));
    CHECK_THAT(report::headline(run), Contains("% without an answer") && !Contains("within"));
}

TEST_CASE("an outage is named, and what waited for it blames neither the queue nor the rate") {
    auto run = test::sample_overloaded_run();
    CHECK_THAT(assessment(run), Contains("Lower the rate") && Contains("The queue, not the server"));
    run.outages = {service_outage(3, 5), service_outage(20, 0.5)};
    CHECK_THAT(assessment(run), Contains("They waited for the service to come back") &&
                                    !Contains("Lower the rate") && !Contains("The queue, not the server"));
    CHECK_THAT(report::headline(run), Contains("no service for 5.50 s"));
    for (auto& outage : run.outages) outage.without_service_s = 0;  // of some sessions only
    CHECK_THAT(report::headline(run), !Contains("no service"));
}

TEST_CASE("a server that stood still is not called a queue") {
    auto run = test::sample_overloaded_run();
    run.total.in_flight = 3;
    run.operations[0].longest_in_flight = std::chrono::minutes{1};
    CHECK_THAT(assessment(run), Contains("stood still") &&
                                    Contains("3 queries that were sent had no answer") &&
                                    !Contains("Lower the rate") && !Contains("The queue, not the server"));
}

TEST_CASE("a queue is told from a server that stood still by how far its longest service stands out") {
    auto run = test::sample_open_run();
    auto& latencies = run.latencies;
    latencies = {};
    run.verdict = {};
    run.outages.clear();
    run.total.planned = run.total.started = run.total.ok = 1000;
    run.total.failed = run.total.timed_out = run.total.missed = run.total.waiting = run.total.in_flight = 0;
    for (int i = 1; i <= 1000; ++i) {  // of one mean, as if drawn from an exponential distribution
        const auto service = base::from_seconds(-0.01 * std::log((i - 0.5) / 1000));
        latencies.service.record(service);
        latencies.response.record(service + 5ms);
        latencies.lag.record(5ms);
        latencies.pool_wait.record(5ms);
        latencies.generator_lag.record(0ms);
    }
    run.operations.resize(1);
    auto& operation = run.operations[0].latencies;
    operation = latencies;
    const auto check_waited = [&] {
        CHECK_THAT(assessment(run), Contains("more connections help") && !Contains("stood still"));
    };
    check_waited();
    latencies.service.record(2s);
    latencies.response.record(2100ms);
    operation.service.record(2s);
    // One slow query, and everything else went on.
    check_waited();
    // Waits as long as it: they stood behind such ones.
    const auto before = latencies.pool_wait;
    latencies.pool_wait.record(1900ms, latencies.pool_wait.count() / 50);
    CHECK_THAT(assessment(run), Contains("behind queries that took far longer") && Contains("do not help"));
    latencies.pool_wait = before;
    auto& still = run.intervals[1];
    still.ok = still.empty = 0;
    CHECK_THAT(assessment(run), Contains("a server that stood still") && !Contains("more connections help"));
    // Of few queries an interval has none by chance.
    const auto planned = still.target_per_s;
    for (auto& interval : run.intervals) {
        interval.ok = &interval == &still ? 0 : 10;
        interval.empty = 0;
        interval.target_per_s = 10 / interval.duration_s;
    }
    check_waited();
    for (auto& interval : run.intervals) {
        interval.ok = &interval == &still ? 0 : 1000;
        interval.target_per_s = planned;
    }
    CHECK_THAT(assessment(run), Contains("a server that stood still"));
    // Queries that are always that slow, among fast ones: no server that stands still.
    operation = metrics::Latencies{};
    operation.service.record(1ms, 1000);
    run.operations.emplace_back().latencies.service.record(2s, 30);
    check_waited();
}

TEST_CASE("a percentile that queries without an answer make a lower bound says so, and has no interval") {
    auto run = test::sample_open_run();
    const auto sure = report::text_report(run, {});
    const auto p99_of = [](const std::string& report) {
        const auto percentiles = report.substr(report.find("Percentiles (ms)"));
        const auto row = percentiles.substr(percentiles.find("p99 "));
        return row.substr(0, row.find('\n'));
    };
    CHECK_THAT(sure, !Contains("at least: 10 had no answer"));
    CHECK_THAT(p99_of(sure), !Contains("≥"));
    run.total.planned += 10'000;
    run.total.missed += 10'000;
    run.latencies.response.record(1ms, 10'000);
    run.latencies.unanswered.record(1ms, 10'000);
    const auto text = report::text_report(run, {});
    const auto line = text.substr(text.find("99th Percentile"));
    CHECK_THAT(line.substr(0, line.find('\n')),
               Contains("at least: 10,010 had no answer") && !Contains("sure"));
    CHECK_THAT(p99_of(text), Contains("≥"));
    CHECK_THAT(text, Contains("≥ at least: too many queries had no answer, or were never sent"));
    CHECK_THAT(assessment(run),
               Contains("Half of the queries that did not fail were answered") && !Contains("99 %"));
    run.latencies.response.record(1ms, 10'000);
    run.latencies.unanswered.record(1ms, 10'000);
    CHECK_THAT(assessment(run),
               Contains("20,010 queries had no answer: nobody knows how long even half of the queries take"));
}

TEST_CASE("a lag of which too many queries were never sent is shown as a lower bound") {
    auto run = test::sample_open_run();
    run.total.planned += 1000;
    run.total.waiting += 1000;
    run.waiting_at_middle = run.total.waiting;  // the backlog did not grow
    const auto text = report::text_report(run, {});
    const auto percentiles = text.substr(text.find("Percentiles (ms)"));
    const auto lag_in = [&](std::string_view row) {
        const auto line = percentiles.substr(percentiles.find(row));
        return line.substr(0, line.find('\n')).substr(line.substr(0, line.find('\n')).rfind("  "));
    };
    CHECK_THAT(lag_in("p90 "), !Contains("≥"));
    CHECK_THAT(lag_in("p99 "), Contains("≥"));
    CHECK_THAT(lag_in("max "), Contains("≥"));
    const auto summary = report::json_report(run)["summary"];
    CHECK(summary["lag_lower_bounds"] == nlohmann::ordered_json{"p95", "p99", "p999", "p9999"});
    CHECK(summary["lag_bounds_ms"]["p99"].is_null());
    CHECK(report::json_report(test::sample_open_run())["summary"]["lag_lower_bounds"] ==
          nlohmann::ordered_json{"p9999"});
}

TEST_CASE("one query that is slow by nature does not make an overload a server that stood still") {
    auto run = test::sample_open_run();
    run.total.waiting += 10'000;
    run.total.planned += 10'000;
    run.verdict.reasons.push_back({"backlog", "", 10'000, 500, metrics::VerdictStatus::invalid});
    run.total.missed = 0;
    run.total.in_flight = 1;
    run.operations[0].counts.in_flight = 1;
    run.operations[0].latencies.service.clear();
    run.operations[0].latencies.service.record(2s, 100);
    run.operations[0].longest_in_flight = 5s;
    CHECK_THAT(assessment(run), !Contains("stood still"));
    run.operations[0].longest_in_flight = 20s;
    CHECK_THAT(assessment(run), Contains("stood still"));
}

TEST_CASE("in a closed loop the client is no limit only where its part of a round is small") {
    auto run = test::sample_closed_run();
    CHECK_THAT(assessment(run), Contains("busy 43 % of the time and was not the limit"));
    run.connections = 2;
    CHECK_THAT(assessment(run),
               Contains("which is 22 % of the time from one query of a session to its next") &&
                   !Contains("not the limit"));
    run.pipeline = 64;
    CHECK_THAT(assessment(run), Contains("was not the limit"));
}

TEST_CASE("a latency limit is told, whether or not anything was late") {
    auto run = test::sample_open_run();
    CHECK_THAT(report::text_report(run, {}), !Contains("of these Late"));
    run.config["latency_limit_s"] = 5;
    CHECK_THAT(report::text_report(run, {}), Contains("response over 5.00 s"));
}

TEST_CASE("a latency limit bounds the queue: with arrivals skipped, responses have a steady state") {
    auto run = test::sample_overloaded_run();
    run.total.missed = 1;
    CHECK_FALSE(report::overloaded(run));
}

TEST_CASE("the backlog's growth is that from half-way on, wherever half-way is") {
    auto run = test::sample_overloaded_run();
    run.duration_s = 30;
    run.middle_s = 10;
    run.waiting_at_middle = 10'000;
    run.total.waiting = 20'000;
    CHECK(report::backlog_growth_per_s(run) == Approx(500));
    CHECK_THAT(assessment(run),
               Contains("10,000 queries waited after 10.00 s of the run and 20,000 at its end"));
    run.middle_s = 0;  // a single interval
    run.waiting_at_middle = 0;
    CHECK(report::backlog_growth_per_s(run) == Approx(666.667));
    CHECK_THAT(assessment(run), Contains("20,000 queries waited at the run's end, 667 more a second"));
    run.total.waiting = 4;
    CHECK_THAT(assessment(run), Contains("0.133 more a second"));
    CHECK_THAT(report::headline(run), Contains("backlog growing by 0.133 queries/s"));
}

TEST_CASE("a queue is blamed where it took most of the time, and not where the server did") {
    auto run = test::sample_overloaded_run();
    CHECK_THAT(assessment(run), Contains("The queue, not the server, made queries slow: once sent, half"));
    run.latencies.service.clear();
    run.latencies.service.record(9s, 10'000);
    CHECK_THAT(assessment(run),
               Contains("Once sent, half of them took no longer than 9.00 s.") && !Contains("The queue"));
}

TEST_CASE("the network's share is told where there is a network and something to share") {
    auto run = test::sample_open_run();
    CHECK_THAT(assessment(run), Contains("The network is"));
    run.network->unix_socket = true;
    CHECK_THAT(assessment(run), !Contains("The network is"));
    run.network->unix_socket = false;
    run.network->network_ratio.reset();
    CHECK_THAT(assessment(run), !Contains("The network is"));
}

TEST_CASE("a client that was late without being busy is not said to be no limit") {
    auto run = test::sample_open_run();
    run.client.loop_busy_ratio = 0.016;
    CHECK_THAT(assessment(run), Contains("was busy 1.6 % of the time and was not the limit"));
    run.verdict.reasons = {{"generator_lag", "late", 5, 1, metrics::VerdictStatus::invalid}};
    CHECK_THAT(assessment(run), Contains("and late all the same"));
    run.client.loop_busy_ratio = 0.98;
    run.client.run_queue_wait_ratio = 0.864;
    CHECK_THAT(assessment(run),
               Contains("This client had no CPU for 86 % of the time") && !Contains("was busy"));
}

TEST_CASE("the assessment calls a percentile what the data support, and a tail by its length") {
    metrics::RunResult run;
    run.total.planned = run.total.started = run.total.ok = 500;
    run.latencies.response.record(std::chrono::milliseconds{2}, 470);
    run.latencies.response.record(std::chrono::milliseconds{90}, 30);
    const auto sentences = report::assess(run);
    CHECK(sentences[0] == "95 % of queries were answered within 90.00 ms, half of them within 2.00 ms.");
    CHECK(sentences[1] == "A long tail: the slowest 5 % took at least 44 times the median.");
}

TEST_CASE("the outage table says from when to when, what it cost and which errors it made") {
    auto run = test::sample_open_run();
    const auto text = plain(run);
    CHECK_THAT(line_with(text, "Outages, from"), Contains("silence"));
    const auto row = line_with(text, "12.25 s");
    for (const char* cell : {"14.50 s", "2.250 s", "2.100 s", "1,130", "service"})
        CHECK_THAT(row, Contains(cell));
    CHECK_THAT(text, Contains("20 sessions lost, 61 attempts to connect failed"));
    CHECK_THAT(text, Contains("57P01: 12 queries 3 connects"));
    CHECK_THAT(line_with(text, "In Doubt"), Contains("5"));

    run.outages[0].over = false;
    CHECK_THAT(line_with(plain(run), "12.25 s"), Contains("not over"));
    run.outages.assign(100, run.outages[0]);
    CHECK_THAT(plain(run), Contains("and 88 others, see the JSON result"));
    run.outages.clear();
    CHECK_THAT(plain(run), !Contains("Outages"));
}

TEST_CASE("the audit says what is lost, and what became of what was in doubt") {
    auto run = test::sample_open_run();
    auto text = plain(run);
    CHECK_THAT(text, Contains("Audit of orders"));
    CHECK_THAT(text, Contains("2 are there, 3 are not"));
    CHECK_THAT(line_with(text, "Lost:"), Contains(" 0 "));
    CHECK_THAT(text, !Contains("Unexplained"));
    run.audit[0].rows_after -= 7;
    CHECK_THAT(line_with(plain(run), "Lost:"), Contains(" 7 "));
    run.audit[0].rows_after += 9;
    CHECK_THAT(line_with(plain(run), "Unexplained"), Contains(" 2"));
    run.audit[0].unchecked = 1;
    CHECK_THAT(line_with(plain(run), "Unexplained"), Contains("or unchecked"));
    // A second copy stands in for no row that is lost.
    run.audit[0].rows_after -= 2;
    run.audit[0].twice = 3;
    CHECK_THAT(line_with(plain(run), "Lost:"), Contains(" 3 "));
}

TEST_CASE("a run whose connections were looked for says what the search saw") {
    auto run = test::sample_searched_run();
    auto text = plain(run);
    CHECK_THAT(line_with(text, "Concurrent Sessions:"),
               Contains("150") && Contains("found by --connections auto"));
    CHECK_THAT(wide(run), Contains("The search saw 20,000 to 20,912/s with 150 connections; the highest "
                                   "throughput was 20,900 to 20,950/s with 200 connections."));
    run.connection_search->best = run.connection_search->found;
    CHECK_THAT(wide(run),
               Contains("The search saw 20,000 to 20,912/s with 150 connections, the highest throughput."));
    run.connection_search->grew_to_the_end = true;  // a warning tells it
    CHECK_THAT(plain(run), !Contains("The search saw"));
}
