// Comparing: changes, intervals and findings by figures that can be worked out by hand.
#include "pgtraffic/report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"
#include "support/catch.hpp"
#include "support/queueing.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using report::ComparedFigure;
using report::Finding;
using Json = nlohmann::ordered_json;

namespace {

/// One of twenty equal seconds, of whose queries one in fifty takes ten times as long.
metrics::Interval second_of(std::chrono::microseconds latency, std::uint32_t queries) {
    metrics::Interval interval;
    interval.duration_s = 1;
    interval.ok = queries;
    metrics::CoarseHistogram responses;
    responses.record(latency, queries - queries / 50);
    responses.record(10 * latency, queries / 50);
    interval.response = metrics::SparseCounts{responses};
    return interval;
}

/// A closed run whose responses all take `latency`, but one in fifty, which takes ten times as long.
Json run_of(std::chrono::microseconds latency, std::uint64_t queries = 10'000) {
    auto run = test::sample_closed_run();
    for (auto* latencies : {&run.latencies, &run.operations.front().latencies}) {
        latencies->response.clear();
        latencies->service.clear();
        for (auto* histogram : {&latencies->response, &latencies->service}) {
            histogram->record(latency, queries - queries / 50);
            histogram->record(10 * latency, queries / 50);
        }
    }
    run.intervals.assign(20, second_of(latency, static_cast<std::uint32_t>(queries / 20)));
    return report::json_report(run);
}

/// An open run against a queue.
Json queue_run(test::Queue& queue, int seconds) {
    auto run = test::sample_open_run();
    auto measured = queue.run(seconds);
    run.duration_s = measured.duration_s;
    run.latencies = std::move(measured.latencies);
    run.intervals = std::move(measured.intervals);
    return report::json_report(run);
}

std::vector<report::ComparedRun> runs_of(Json a, Json b, const char* file_of_a = "a.json",
                                         const char* file_of_b = "b.json") {
    return report::label_groups({{{file_of_a, std::move(a)}}, {{file_of_b, std::move(b)}}});
}

bool fails(const std::vector<report::ComparedRun>& runs, const char* expression) {
    return report::compare(runs, {report::parse_fail_condition(expression, runs.front())}).failed();
}

const ComparedFigure& figure(const report::Comparison& comparison, const std::string& name) {
    for (const auto& one : comparison.figures) {
        if (one.name == name) return one;
    }
    FAIL("no figure " << name);
    return comparison.figures.front();
}

std::string refusal(const std::string& expression, const Json& base) {
    try {
        (void)report::parse_fail_condition(expression, runs_of(base, base).front());
    } catch (const base::Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a run compared with itself shows no difference anywhere") {
    const auto runs =
        runs_of(report::json_report(test::sample_open_run()), report::json_report(test::sample_open_run()));
    const auto comparison = report::compare(runs, {});
    CHECK(report::load_differences(runs[0], runs[1]).empty());
    for (const auto& one : comparison.figures) {
        INFO(one.name);
        CHECK((one.values[1].finding == Finding::none || one.values[1].finding == Finding::no_difference));
        if (one.values[1].change) CHECK(*one.values[1].change == 0);
    }
    CHECK(report::compare_text(comparison, runs, {}).find("No difference from A can be shown") !=
          std::string::npos);
    const auto long_run = runs_of(run_of(1'000us), run_of(1'000us));
    CHECK(report::compare_text(report::compare(long_run, {}), long_run, {})
              .find("No difference from A is shown") != std::string::npos);
}

TEST_CASE("a slower run is worse, by its change and beyond its intervals") {
    const auto runs = runs_of(run_of(1'000us), run_of(1'250us));
    const auto comparison = report::compare(runs, {});
    const auto& median = figure(comparison, "response.p50");
    CHECK(median.values[1].change.value() == Approx(0.25).epsilon(0.002));
    CHECK(median.values[1].finding == Finding::worse);
    CHECK(median.values[0].finding == Finding::none);
    // p99 lies among the slow fiftieth, ten times as long.
    CHECK(figure(comparison, "response.p99").values[0].value.value() == Approx(10).epsilon(0.002));
    const auto back = report::compare(runs_of(run_of(1'250us), run_of(1'000us)), {});
    CHECK(figure(back, "response.p50").values[1].finding == Finding::better);
    CHECK(figure(back, "response.p50").values[1].change.value() == Approx(-0.2).epsilon(0.002));
}

TEST_CASE("a change within the intervals is no difference shown") {
    // With 98 % at 1 ms the interval of the 98th percentile reaches from one group into the other.
    const auto runs = runs_of(run_of(1'000us, 1'000), run_of(1'000us, 900));
    const auto condition = report::parse_fail_condition("response.p98>+10%", runs.front());
    const auto comparison = report::compare(runs, {condition});
    CHECK_FALSE(comparison.failed());
    CHECK(figure(comparison, "response.p50").values[1].finding == Finding::no_difference);
}

TEST_CASE("the bounds of a percentile are those of the result") {
    test::Queue queue{8, 0.7, 1};
    const auto document = queue_run(queue, 60);
    const auto comparison = report::compare(runs_of(document, document), {});
    for (const auto& [name, place] : {std::pair{"response.p50", "/response_bounds_ms/p50"},
                                      {"response.p90", "/response_bounds_ms/p90"},
                                      {"response.p99", "/response_bounds_ms/p99"},
                                      {"lag.p99", "/lag_bounds_ms/p99"},
                                      {"throughput", "/throughput_bounds_per_s"}}) {
        INFO(name);
        const auto& stored = document["summary"][Json::json_pointer{place}];
        const auto& bounds = figure(comparison, name).values[0].bounds;
        REQUIRE(bounds.has_value());
        CHECK(bounds->first == stored[0].get<double>());
        CHECK(bounds->second == stored[1].get<double>());
    }
    // The time series does not have it, so nothing tells how it moved.
    CHECK_FALSE(figure(comparison, "service.p50").values[0].bounds.has_value());
    CHECK(figure(comparison, "service.p50").values[1].finding == Finding::none);
}

TEST_CASE("equal runs against a queue are called different in a few of a hundred comparisons at most") {
    for (const double load : {0.8, 0.9}) {
        test::Queue queue{8, load, 3};
        int different = 0;
        int bounded = 0;
        constexpr int kPairs = 15;
        for (int i = 0; i < kPairs; ++i) {
            auto a = queue_run(queue, 10);
            auto b = queue_run(queue, 10);
            const auto comparison = report::compare(runs_of(std::move(a), std::move(b)), {});
            for (const auto* name : {"throughput", "response.p50", "response.p95", "response.p99"}) {
                const auto finding = figure(comparison, name).values[1].finding;
                bounded += finding != Finding::none ? 1 : 0;
                different += finding == Finding::better || finding == Finding::worse ? 1 : 0;
            }
        }
        CAPTURE(load, different, bounded);
        CHECK(bounded > 2 * kPairs);
        CHECK(different <= 1);  // 12 and 34 with bounds for independent queries
    }
}

TEST_CASE("bounds that took queries for independent, in results of earlier versions, show no difference") {
    auto document = run_of(1'000us);
    auto& summary = document["summary"];
    summary.erase("bounds_method");
    summary.erase("throughput_bounds_per_s");
    summary["throughput_standard_error_per_s"] = 10.0;
    summary["response_bounds_ms"]["p50"] = {0.999, 1.001};
    const auto comparison = report::compare(runs_of(document, run_of(1'250us)), {});
    CHECK_FALSE(figure(comparison, "response.p50").values[0].bounds.has_value());
    CHECK(figure(comparison, "response.p50").values[1].finding == Finding::none);
    CHECK(figure(comparison, "response.p50").values[1].change.value() == Approx(0.25).epsilon(0.002));
    // Student's t of the fewest batches that there were, not the normal 1.96.
    const auto& throughput = figure(comparison, "throughput").values[0];
    CHECK(throughput.bounds->second - *throughput.value == Approx(21.45));
}

TEST_CASE("how sure a share is the run tells, and counts alone do not: queries fail in bursts") {
    auto document = report::json_report(test::sample_open_run());
    auto& queries = document["summary"]["queries"];
    document["summary"]["failed_bounds_ratio"] = {0.02, 0.3};
    queries = {{"planned", 100}, {"started", 100}, {"waiting", 0},   {"in_flight", 0}, {"ok", 90},
               {"empty", 0},     {"failed", 10},   {"timed_out", 0}, {"missed", 0},    {"retries", 0}};
    const auto comparison = report::compare(runs_of(document, document), {});
    const auto& failed = figure(comparison, "failed_ratio").values[0];
    CHECK(failed.value.value() == Approx(0.1));
    CHECK(failed.bounds->first == 0.02);
    CHECK(failed.bounds->second == 0.3);
    CHECK(figure(comparison, "failed_ratio").values[1].finding == Finding::no_difference);
    document["summary"]["failed_bounds_ratio"] = nullptr;
    const auto unsure = report::compare(runs_of(document, document), {});
    CHECK_FALSE(figure(unsure, "failed_ratio").values[0].bounds.has_value());
    document["summary"].erase("failed_bounds_ratio");  // an earlier version's
    const auto earlier = report::compare(runs_of(document, document), {});
    CHECK_FALSE(figure(earlier, "failed_ratio").values[0].bounds.has_value());
}

TEST_CASE("a percentile that is a lower bound is compared with nothing") {
    auto document = report::json_report(test::sample_open_run());
    document["summary"]["response_lower_bounds"] = {"p50"};
    const auto runs = runs_of(document, report::json_report(test::sample_open_run()));
    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("response.p50>+10%", runs[0])});
    CHECK_FALSE(figure(comparison, "response.p50").values[0].value.has_value());
    CHECK(figure(comparison, "response.p50").values[1].finding == Finding::none);
    CHECK(figure(comparison, "response.p99").values[0].value.has_value());
    CHECK(comparison.failed());
}

TEST_CASE("a percentile above all that are kept is a lower bound where too many got no answer") {
    auto hanging = run_of(1'000us);  // 10,000 queries
    auto& queries = hanging["summary"]["queries"];
    const auto n = queries["ok"].get<int>();
    const auto fails_with = [&](int unanswered) {
        queries["in_flight"] = unanswered;
        return fails(runs_of(hanging, hanging), "response.p99.995>+10%");
    };
    CHECK_FALSE(fails_with(0));
    CHECK_FALSE(fails_with(n / 40'000));
    CHECK(fails_with(n / 10'000));
}

TEST_CASE("a mean and a maximum beside many queries without an answer are compared with nothing") {
    const auto sound = report::json_report(test::sample_closed_run());
    auto late = sound;
    const auto compared = [&] { return report::compare(runs_of(late, sound), {}); };
    CHECK(figure(compared(), "response.mean").values[0].value.has_value());
    late["summary"]["response_lower_bounds"] = {"p999", "p9999"};
    CHECK(figure(compared(), "response.mean").values[0].value.has_value());
    late["summary"]["response_lower_bounds"] = {"p99", "p999", "p9999"};
    for (const auto* name : {"response.mean", "response.max"}) {
        CHECK_FALSE(figure(compared(), name).values[0].value.has_value());
        CHECK(figure(compared(), name).values[1].value.has_value());
    }
    CHECK(figure(compared(), "response.p50").values[0].value.has_value());
}

TEST_CASE(
    "of operations, too, and of percentiles that the result does not name, lower bounds are not compared") {
    auto document = report::json_report(test::sample_open_run());
    const auto first = document["operations"][0]["name"].get<std::string>();
    const auto fails = [&](const std::string& condition) {
        const auto runs = runs_of(document, report::json_report(test::sample_open_run()));
        return report::compare(runs, {report::parse_fail_condition(condition, runs[0])}).failed();
    };
    const std::string of_operation = first + ".response.p99>+10%";
    CHECK_FALSE(fails(of_operation));
    CHECK_FALSE(fails("response.p97>+10%"));
    document["operations"][0]["response_lower_bounds"] = {"p99", "p999", "p9999"};
    CHECK(fails(of_operation));
    document["summary"]["response_lower_bounds"] = {"p99", "p999", "p9999"};
    CHECK_FALSE(fails("response.p97>+10%"));  // whatever is known of p99
    auto& queries = document["summary"]["queries"];
    queries["in_flight"] = queries["ok"].get<int>() / 25;
    CHECK(fails("response.p97>+10%"));
    CHECK_FALSE(fails("response.p94>+10%"));
}

TEST_CASE("a lag of which too many queries were never sent is compared with nothing") {
    const auto sound = report::json_report(test::sample_open_run());
    auto late = sound;
    auto& queries = late["summary"]["queries"];
    queries["waiting"] = queries["ok"].get<int>() / 20;
    const auto runs = runs_of(late, sound);
    const auto comparison = report::compare(runs, {report::parse_fail_condition("lag.p99>+10%", runs[0])});
    CHECK(comparison.failed());
    CHECK_FALSE(figure(comparison, "lag.p99").values[0].value.has_value());
    CHECK(figure(comparison, "lag.p99").values[1].value.has_value());
    CHECK(report::compare(runs, {report::parse_fail_condition("lag.mean>+10%", runs[0])}).failed());
    CHECK(report::compare(runs, {report::parse_fail_condition("pool_wait.p99>+10%", runs[0])}).failed());
    CHECK_FALSE(report::compare(runs, {report::parse_fail_condition("lag.p90>+10%", runs[0])}).failed());
}

TEST_CASE("a percentile that few queries support is marked, in one run or in one of a group") {
    const auto many = run_of(1'000us);
    const auto few = run_of(1'000us, 500);  // five queries lie above p99
    const auto runs = runs_of(many, few);
    const auto comparison = report::compare(runs, {});
    for (const auto* name : {"response.p99", "service.p99"}) {
        CAPTURE(name);
        CHECK_FALSE(figure(comparison, name).values[0].weak);
        CHECK(figure(comparison, name).values[1].weak);
    }
    CHECK_FALSE(figure(comparison, "response.p50").values[1].weak);
    CHECK_FALSE(figure(comparison, "response.max").values[1].weak);
    const auto text = report::compare_text(comparison, runs, {});
    CHECK(text.find("* fewer than ten queries above it") != std::string::npos);
    CHECK(report::compare_html(comparison, runs).find("class=\"weak\">*</span>") != std::string::npos);
    CHECK(report::compare_text(report::compare(runs_of(many, many), {}), runs_of(many, many), {})
              .find("fewer than ten") == std::string::npos);
    const auto groups =
        report::label_groups({{{"a1.json", many}, {"a2.json", few}}, {{"b1.json", many}, {"b2.json", many}}});
    const auto grouped = report::compare(groups, {});
    CHECK(figure(grouped, "response.p99").values[0].weak);
    CHECK_FALSE(figure(grouped, "response.p99").values[1].weak);
    CHECK(report::compare_json(grouped, groups)["figures"].dump().find("\"weak\":true") != std::string::npos);
}

TEST_CASE("statements of an operation of several are compared, found by their names") {
    auto base = test::sample_open_run();
    auto other = base;
    auto& statements = other.operations.back().statements;
    statements[1].service.emplace().record(6'800us, 750);
    // One more before them moves them all.
    statements.insert(statements.begin(), {"lock", 1'000, 0, 0});
    statements.front().service.emplace().record(100us, 1'000);
    const auto runs = runs_of(report::json_report(base), report::json_report(other));
    const auto comparison = report::compare(runs, {});
    const auto& approve = figure(comparison, "update_order.approve.service.p99");
    CHECK(approve.values[0].value.value() == Approx(3.4).epsilon(0.01));
    CHECK(approve.values[1].change.value() == 0);
    const auto& fulfil = figure(comparison, "update_order.fulfil.service.p50");
    CHECK(fulfil.values[1].value.value() == Approx(6.8).epsilon(0.01));
    CHECK(fulfil.values[1].change.value() == Approx(1).epsilon(0.01));
    CHECK_FALSE(fulfil.values[1].weak);
    CHECK(figure(comparison, "update_order.adjust.service.p99").values[0].weak);  // 350 of them
    CHECK(report::compare_text(comparison, runs, {}).find("update_order.fulfil.service.p50 ms") !=
          std::string::npos);
    // A line of the report, and no condition.
    CHECK(refusal("update_order.fulfil.service.p50>+10%", runs[0].document)
              .find("\"fulfil\" is a statement of \"update_order\"") != std::string::npos);

    const auto is_there = [](const report::Comparison& all, std::string_view name) {
        return std::ranges::any_of(all.figures, [&](const auto& one) { return one.name == name; });
    };
    // The base has no "lock"; the other way round it is there, and one side has none.
    CHECK_FALSE(is_there(comparison, "update_order.lock.service.p50"));
    const auto back = report::compare(runs_of(runs[1].document, runs[0].document), {});
    CHECK_FALSE(figure(back, "update_order.lock.service.p50").values[1].value.has_value());
    CHECK_FALSE(figure(back, "update_order.lock.service.p50").values[1].change.has_value());
    // A result of an earlier version tells no times.
    for (auto* run : {&base, &other}) {
        for (auto& statement : run->operations.back().statements) statement.service.reset();
    }
    CHECK_FALSE(is_there(report::compare(runs_of(report::json_report(base), report::json_report(other)), {}),
                         "update_order.fulfil.service.p50"));
}

TEST_CASE("retries, and what came late, are compared where there is any") {
    const auto names = [](const report::Comparison& comparison) {
        std::set<std::string> all;
        for (const auto& one : comparison.figures) all.insert(one.name);
        return all;
    };
    const auto closed = run_of(1'000us);
    const auto plain = names(report::compare(runs_of(closed, closed), {}));
    CHECK(plain.count("retries") == 0);
    CHECK(plain.count("late_ratio") == 0);

    auto retried = closed;
    retried["summary"]["queries"]["retries"] = 12;
    const auto runs = runs_of(closed, retried);
    const auto comparison = report::compare(runs, {});
    const auto& retries = figure(comparison, "retries");
    CHECK(retries.values[0].value == 0);
    CHECK(retries.values[1].value == 12);
    CHECK(std::isinf(retries.values[1].change.value()));
    // More queries have more: in groups, too, which would have an interval, it is no finding.
    const auto groups =
        report::label_groups({{{"a", closed}, {"b", closed}}, {{"c", retried}, {"d", retried}}});
    CHECK(figure(report::compare(groups, {}), "retries").values[1].finding == Finding::none);
    const auto text = report::compare_text(comparison, runs, {});
    CHECK(text.find("retries") != std::string::npos);
    CHECK(text.find("no confidence interval to tell") == std::string::npos);
    CHECK(report::compare_json(comparison, runs)["figures"].dump().find(
              R"("name":"retries","unit":"count")") != std::string::npos);

    auto limited = closed;
    limited["config"]["latency_limit_s"] = 0.002;
    auto later = limited;
    later["summary"]["queries"]["late"] = limited["summary"]["queries"]["ok"].get<int>() / 10;
    const auto late = report::compare(runs_of(limited, later), {});
    CHECK(figure(late, "late_ratio").values[1].value.value() == Approx(0.1).margin(0.001));
    CHECK(names(report::compare(runs_of(closed, limited), {})).count("late_ratio") == 0);
    // That nothing was late without a limit is no improvement.
    CHECK_FALSE(fails(runs_of(limited, limited), "late_ratio>+10%"));
    for (const auto* figure : {"late_ratio>+10%", "late>+10%"}) CHECK(fails(runs_of(later, closed), figure));
}

TEST_CASE("groups whose runs have the same few failures differ by no less than a query") {
    const auto with = [](int failed) {
        auto document = report::json_report(test::sample_open_run());
        document["summary"]["queries"] = {
            {"planned", 4000}, {"started", 4000},  {"waiting", 0},   {"in_flight", 0}, {"ok", 4000 - failed},
            {"empty", 0},      {"failed", failed}, {"timed_out", 0}, {"missed", 0},    {"retries", 0}};
        return document;
    };
    const auto compared = [&](int a, int b) {
        return report::compare(
            report::label_groups({{{"a", with(a)}, {"b", with(a)}}, {{"c", with(b)}, {"d", with(b)}}}), {});
    };
    CHECK(figure(compared(0, 1), "failed_ratio").values[1].finding == Finding::no_difference);
    CHECK(figure(compared(0, 1), "success_ratio").values[1].finding == Finding::no_difference);
    CHECK(figure(compared(0, 9), "failed_ratio").values[1].finding == Finding::worse);
}

TEST_CASE("a share of none or all has an exact end") {
    auto document = report::json_report(test::sample_open_run());
    auto& queries = document["summary"]["queries"];
    document["summary"].erase("success_bounds_ratio");
    document["summary"].erase("failed_bounds_ratio");
    for (const int n : {100, 643, 901, 951, 1402}) {
        CAPTURE(n);
        queries = {{"planned", n}, {"started", n}, {"waiting", 0},   {"in_flight", 0}, {"ok", n},
                   {"empty", 0},   {"failed", 0},  {"timed_out", 0}, {"missed", 0},    {"retries", 0}};
        const auto comparison = report::compare(runs_of(document, document), {});
        CHECK(figure(comparison, "failed_ratio").values[0].bounds->first == 0);
        CHECK(figure(comparison, "success_ratio").values[0].bounds->second == 1);
    }
}

TEST_CASE("other loads are found, and other machines only noted") {
    auto base = report::json_report(test::sample_open_run());
    base["config"]["rate"] = 500;
    auto other = base;
    other["config"]["rate"] = 600;
    other["config"]["protocol"] = "prepared";
    other["environment"]["server"]["settings"]["shared_buffers"] = "4GB";
    other["environment"]["client"]["hostname"] = "elsewhere";
    base["run"].erase("answers_timed_by");  // an earlier version
    other["run"]["answers_timed_by"] = "kernel";
    base["run"]["labels"] = {{"commit", "1a2b3c"}, {"place", "shed"}};
    other["run"]["labels"] = {{"place", "shed"}, {"branch", "main"}};
    const auto runs = runs_of(base, other);
    CHECK(report::load_differences(runs[0], runs[1]) == std::vector<std::string>{"rate: 500 in A, 600 in B"});
    auto spelled = base;
    spelled["config"]["rate"] = "500.0";
    CHECK(report::load_differences(runs_of(base, spelled)[0], runs_of(base, spelled)[1]).empty());
    const auto notes = report::other_differences(runs);
    const auto has = [&](const char* text) {
        return std::find(notes.begin(), notes.end(), text) != notes.end();
    };
    CHECK(has("protocol: extended in A, prepared in B"));
    CHECK(has("shared_buffers: 128MB in A, 4GB in B"));
    CHECK(has("client: loadgen in A, elsewhere in B"));
    CHECK(has("answers timed by: program in A, kernel in B"));
    CHECK(has("label commit: 1a2b3c in A, none in B"));
    CHECK(has("label branch: none in A, main in B"));
    CHECK_FALSE(std::ranges::any_of(notes, [](const auto& note) { return note.starts_with("label place"); }));
    CHECK(has("the verdict of A is suspect: its figures may not be the database's"));

    // The pattern says what --real-simulation chose; a result that names none says it by that alone.
    auto simulated = base;
    simulated["config"]["real_simulation"] = true;
    simulated["config"]["pattern"] = base["config"]["pattern"] = "business-hours";
    CHECK(report::load_differences(runs_of(base, simulated)[0], runs_of(base, simulated)[1]).empty());
    base["config"].erase("pattern");
    CHECK(report::load_differences(runs_of(base, simulated)[0], runs_of(base, simulated)[1]).size() == 1);

    auto renamed = base;
    renamed["operations"][0]["name"] = "another";
    renamed["config"]["scenario"] = "mine";
    const auto two = runs_of(base, renamed);
    CHECK(report::load_differences(two[0], two[1]).size() == 2);
}

TEST_CASE("weights make another load, a statement's SQL is what one may want to try") {
    auto base = report::json_report(test::sample_open_run());
    auto other = base;
    base["config"]["operation_shares"] = {{"select_order", 0.9}, {"insert_order", 0.1}};
    base["config"]["pattern"] = "business-hours";
    auto runs = runs_of(base, other);
    CHECK(report::load_differences(runs[0], runs[1]).empty());  // the other one is of an earlier version
    auto in_tens = base;
    base["config"]["mix"] = "select_order=9,insert_order=1";
    in_tens["config"]["mix"] = "insert_order=10,select_order=90";
    CHECK(report::load_differences(runs_of(base, in_tens)[0], runs_of(base, in_tens)[1]).empty());
    other["config"]["operation_shares"] = {{"select_order", 0.1}, {"insert_order", 0.9}};
    runs = runs_of(base, other);
    REQUIRE(report::load_differences(runs[0], runs[1]).size() == 1);
    CHECK(report::load_differences(runs[0], runs[1]).front().starts_with("operation_shares: "));
    other["config"]["pattern"] = "nightly-batch";
    runs = runs_of(base, other);
    CHECK(report::load_differences(runs[0], runs[1]).size() == 2);

    other = base;
    base["operations"][0]["statements"] = other["operations"][0]["statements"] =
        nlohmann::ordered_json::array({{{"name", ""}, {"sql", "SELECT 1"}}});
    other["operations"][0]["statements"][0]["sql"] = "SELECT 2";
    runs = runs_of(base, other);
    CHECK(report::load_differences(runs[0], runs[1]).empty());
    const auto notes = report::other_differences(runs);
    const std::string another = "the SQL of select_order is another one in B";
    CHECK(std::find(notes.begin(), notes.end(), another) != notes.end());
    other["operations"][0]["statements"][0].erase("sql");  // of an earlier version
    const auto silent = report::other_differences(runs_of(base, other));
    CHECK(std::find(silent.begin(), silent.end(), another) == silent.end());
}

TEST_CASE("other values for the same SQL, or other retries, are another load") {
    auto base = report::json_report(test::sample_open_run());
    base["operations"][0]["statements"] =
        nlohmann::ordered_json::array({{{"name", ""}, {"sql", "SELECT $1"}}});
    auto older = base;
    base["config"]["parameters"]["select_order"] = {{"statements", {{{{"key", "orders.order_id"}}}}},
                                                    {"retry", {{"on", {"40001"}}, {"max", 3}}}};
    CHECK(report::load_differences(runs_of(base, base)[0], runs_of(base, base)[1]).empty());
    CHECK(report::load_differences(runs_of(base, older)[0], runs_of(base, older)[1]).empty());
    for (const char* part : {"statements", "retry"}) {
        auto other = base;
        other["config"]["parameters"]["select_order"][part] = {{"zipf", true}};
        auto runs = runs_of(base, other);
        const auto differences = report::load_differences(runs[0], runs[1]);
        REQUIRE(differences.size() == 1);
        CHECK(differences[0] == "the values or retries of select_order are others in B than in A");
        other["operations"][0]["statements"][0]["sql"] = "SELECT $1::int";
        runs = runs_of(base, other);
        CHECK(report::load_differences(runs[0], runs[1]).empty());  // told as another SQL
    }
    auto strange = base;
    strange["config"]["parameters"] = nlohmann::ordered_json::array({1});
    CHECK(report::load_differences(runs_of(base, strange)[0], runs_of(base, strange)[1]).empty());
}

TEST_CASE("connections are the load of a closed loop, and not of an open one") {
    auto closed = report::json_report(test::sample_closed_run());
    closed["config"]["connections"] = 150;
    auto fewer = closed;
    fewer["config"]["connections"] = 50;
    CHECK(report::load_differences(runs_of(closed, fewer)[0], runs_of(closed, fewer)[1]).size() == 1);
    auto open = report::json_report(test::sample_open_run());
    open["config"]["connections"] = 150;
    auto more = open;
    more["config"]["connections"] = 200;
    CHECK(report::load_differences(runs_of(open, more)[0], runs_of(open, more)[1]).empty());
}

TEST_CASE("groups of runs are compared by their means, and by how their runs differ") {
    const auto group_of = [](std::vector<std::chrono::microseconds> latencies) {
        report::NamedResults files;
        for (const auto latency : latencies) files.emplace_back("some.json", run_of(latency));
        return files;
    };
    const auto runs =
        report::label_groups({group_of({1'000us, 1'010us, 1'020us}), group_of({1'100us, 1'110us, 1'120us})});
    std::vector<std::string> labels;
    for (const auto& run : runs) labels.push_back(run.label);
    CHECK(labels == std::vector<std::string>{"A1", "A2", "A3", "B1", "B2", "B3"});
    CHECK(report::group_labels(runs) == std::vector<std::string>{"A", "B"});

    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("response.p50>+9%", runs.front()),
                               report::parse_fail_condition("response.p50>+11%", runs.front())});
    const auto& median = figure(comparison, "response.p50");
    REQUIRE(median.values.size() == 2);
    CHECK(median.values[0].value.value() == Approx(1.01).epsilon(0.002));
    // A spread of 0.01 ms over three runs: t 4.303, half the width 4.303 × 0.01 / √3.
    CHECK(median.values[0].bounds->second - median.values[0].value.value() == Approx(0.02484).epsilon(0.06));
    CHECK(median.values[1].change.value() == Approx(0.099).epsilon(0.02));
    CHECK(median.values[1].finding == Finding::worse);
    // Of single runs these have no interval.
    CHECK(figure(comparison, "response.max").values[1].finding == Finding::worse);
    CHECK(comparison.conditions[0].failed);
    CHECK(comparison.conditions[0].run == "B");
    CHECK_FALSE(comparison.conditions[1].failed);

    // Each of the second group is slower than each of the first but one: runs differ by as much.
    const auto noisy = report::label_groups({group_of({1'000us, 1'200us}), group_of({1'150us, 1'350us})});
    CHECK(figure(report::compare(noisy, {}), "response.p50").values[1].finding == Finding::no_difference);

    // A share of at most 1 is not surer than that.
    CHECK(figure(comparison, "success_ratio").values[0].bounds->second <= 1);
    const auto text = report::compare_text(comparison, runs, {});
    CHECK_THAT(text, Catch::Matchers::Contains("B2  some.json") &&
                         Catch::Matchers::Contains("Figures are the means of a group's runs"));
    const auto json = report::compare_json(comparison, runs);
    CHECK(json["groups"] == Json{"A", "B"});
    CHECK(json["runs"][4]["group"] == "B");
    CHECK(json["figures"][0]["values"].size() == 2);
    CHECK(report::compare_html(comparison, runs).find("&#39;s runs, and the intervals") != std::string::npos);
}

TEST_CASE("a group of which one run has no such figure has none") {
    auto empty = run_of(1'000us);
    empty["summary"]["response_ms"] = nullptr;
    const auto runs = report::label_groups({{{"a", run_of(1'000us)}, {"b", run_of(1'000us)}},
                                            {{"c", run_of(1'000us)}, {"d", std::move(empty)}}});
    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("response.p99>+10%", runs.front())});
    CHECK_FALSE(figure(comparison, "response.p99").values[1].value.has_value());
    CHECK(comparison.failed());
}

TEST_CASE("conditions on the change hold as written") {
    const auto runs = runs_of(run_of(1'000us), run_of(1'250us));
    const auto failed = [&](const char* expression) { return fails(runs, expression); };
    CHECK(failed("response.p50>+20%"));
    CHECK(failed("response.p50 > 20 %") == true);
    CHECK_FALSE(failed("response.p50>+30%"));
    CHECK_FALSE(failed("response.p50<-5%"));
    CHECK(failed("response.p99.5>+20%"));
    CHECK(failed("response.mean>=+20%"));
    CHECK(failed("service.p99>+20%"));
    CHECK(failed("select_order.response.p99>+20%"));
    CHECK_FALSE(failed("throughput<-5%"));
    CHECK_FALSE(failed("failed_ratio>+0%"));
    CHECK_FALSE(failed("cpu_us_per_query>+1%"));
}

TEST_CASE("conditions on the change hold whatever the last bits say") {
    auto base = run_of(1'000us);
    auto other = base;
    base["client"]["cpu_us_per_query"] = 1.1;
    other["client"]["cpu_us_per_query"] = 1.21;
    const auto runs = runs_of(base, other);
    const auto failed = [&](const char* expression) { return fails(runs, expression); };
    CHECK(failed("cpu_us_per_query>=10%"));
    CHECK_FALSE(failed("cpu_us_per_query>10%"));
    CHECK(failed("cpu_us_per_query<=+10%"));
    CHECK_FALSE(failed("cpu_us_per_query<+10%"));
    CHECK(failed("cpu_us_per_query>9.999999%"));
}

TEST_CASE("groups of runs that all have the same figure show no change of it") {
    report::NamedResults five;
    report::NamedResults six;
    for (int i = 0; i < 6; ++i) {
        auto run = run_of(1'000us);
        run["summary"]["queries"]["failed"] = 0;
        run["summary"]["queries"]["timed_out"] = 0;
        run["summary"]["queries"]["missed"] = 0;
        if (i < 5) five.emplace_back("a.json", run);
        six.emplace_back("b.json", run);
    }
    const auto runs = report::label_groups({five, six});
    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("success_ratio<+0%", runs.front())});
    CHECK_FALSE(comparison.failed());
    CHECK(figure(comparison, "success_ratio").values[1].value == 1.0);
    CHECK(report::compare_text(comparison, runs, {}).find("0.00 %") == std::string::npos);
}

TEST_CASE("a figure that a run does not have fails its condition") {
    auto empty = run_of(1'000us);
    empty["summary"]["response_ms"] = nullptr;
    const auto runs = runs_of(run_of(1'000us), empty);
    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("response.p99>+10%", runs.front())});
    CHECK(comparison.failed());
    CHECK_FALSE(comparison.conditions.front().change.has_value());
}

TEST_CASE("a phase that a run did not reach fails its condition") {
    const auto whole = report::json_report(test::sample_open_run());
    auto cut = whole;
    const auto name = cut["phases"][1]["name"].get<std::string>();
    cut["phases"][1]["throughput_per_s"] = nullptr;
    CHECK(fails(runs_of(whole, cut), ("phase:" + name + ".throughput<-2%").c_str()));
}

TEST_CASE("responses under a growing backlog are not compared, the service is") {
    const auto run = report::json_report(test::sample_overloaded_run());
    const auto runs = runs_of(run, run);
    const auto comparison = report::compare(runs, {});
    CHECK_FALSE(figure(comparison, "response.p99").values.front().value);
    CHECK_FALSE(figure(comparison, "response.max").values.front().value);
    CHECK(figure(comparison, "service.p99").values.front().value);
    CHECK(fails(runs, "response.p99>+10%"));
}

TEST_CASE("where nothing ended no intervals are said to overlap") {
    auto nothing = report::json_report(test::sample_empty_run());
    const auto runs = runs_of(nothing, nothing);
    const auto text = report::compare_text(report::compare(runs, {}), runs, {});
    CHECK(text.find("the confidence intervals overlap") == std::string::npos);
    CHECK(text.find("no figure has a confidence interval") != std::string::npos);
}

TEST_CASE("a rise from nothing is beyond every limit") {
    auto failing = run_of(1'000us);
    failing["summary"]["queries"]["failed"] = 5;
    const auto runs = runs_of(run_of(1'000us), failing);
    CHECK(fails(runs, "failed>+1000%"));
    CHECK(report::compare_text(report::compare(runs, {}), runs, {}).find("from 0") != std::string::npos);
}

TEST_CASE("conditions that mean nothing are refused with their column") {
    const auto base = run_of(1'000us);
    CHECK(refusal("response.p99", base).starts_with("column 13: write a figure"));
    CHECK(refusal("", base).starts_with("column 1: "));
    CHECK(refusal("respnse.p99>+10%", base).find("response") != std::string::npos);
    CHECK(refusal("response>+10%", base).find("which figure") != std::string::npos);
    CHECK(refusal("response.p99>+10ms", base).find("per cent") != std::string::npos);
    CHECK(refusal("response.p99>%", base).find("a number") != std::string::npos);
    CHECK(refusal("response.p99 >\t+10 %", base).empty());
    auto umlaut = base;
    umlaut["operations"][0]["name"] = "störe";
    CHECK(refusal("störe.response.p99>+10", umlaut).starts_with("column 20: the change"));
    CHECK(refusal("response.p99>+-5%", base).empty());
    CHECK(refusal("throughput<-100%", base).empty());
    CHECK(refusal("throughput>-200%", base).find("more than 100 %") != std::string::npos);
    CHECK(refusal("lag.p99>+10%", base).find("closed loop") != std::string::npos);
    CHECK(refusal("select_order.response.p99.5>+10%", base).find("no other percentile") != std::string::npos);
    CHECK(refusal("phase:run.service.p99>+10%", base).find("whole run only") != std::string::npos);
    CHECK(refusal("generator_lag.p99>+10%", report::json_report(test::sample_open_run()))
              .find("does not keep") != std::string::npos);
}

TEST_CASE("the rate that a search found is no choice of a load: its spread is throughput's error") {
    auto a = report::json_report(test::sample_open_run());
    a["config"]["rate"] = "auto";
    a["config"]["rate_found_per_s"] = {{"lowest", 100}, {"highest", 120}};
    auto b = a;
    b["config"]["rate_found_per_s"]["lowest"] = 110;
    CHECK(report::load_differences(runs_of(a, b)[0], runs_of(a, b)[1]).empty());
    const auto noted = report::other_differences(runs_of(a, b));
    CHECK(std::ranges::count(noted, "rate_found_per_s: 100.0 in A, 110.0 in B") == 1);
    auto fixed = b;
    fixed["config"]["rate"] = 110;
    CHECK(report::load_differences(runs_of(a, fixed)[0], runs_of(a, fixed)[1]).size() == 1);

    // As precise as throughput is in each, another search would have found another one.
    const double rate = a["summary"]["throughput_per_s"];
    a["summary"]["throughput_bounds_per_s"] = {rate - 1, rate + 1};
    b = a;
    a["config"]["rate_found_per_s"] = {{"lowest", rate}, {"highest", rate + 50}};
    b["config"]["rate_found_per_s"] = {{"lowest", rate + 40}, {"highest", rate + 80}};
    b["summary"]["throughput_per_s"] = rate + 40;
    b["summary"]["throughput_bounds_per_s"] = {rate + 39, rate + 41};
    const auto comparison = report::compare(runs_of(a, b), {});
    const auto& throughput = figure(comparison, "throughput");
    CHECK(throughput.values[0].bounds->second == rate + 50);
    CHECK(throughput.values[1].finding == Finding::no_difference);
    a["config"].erase("rate_found_per_s");
    b["config"].erase("rate_found_per_s");
    a["config"]["operation_shares"] = {{"lowest", 0.5}, {"other", 0.5}};
    b = a;
    b["config"]["operation_shares"] = {{"lowest", 0.5}, {"another", 0.5}};
    CHECK(report::load_differences(runs_of(a, b)[0], runs_of(a, b)[1]).size() == 1);
}

TEST_CASE("a pattern whose phases changed under its name is another load") {
    auto a = report::json_report(test::sample_open_run());
    a["config"]["pattern"] = "mine.json";
    a["config"]["duration_s"] = a["summary"]["duration_s"];
    for (auto& phase : a["phases"]) phase["target_per_s_mean"] = 100;
    auto scaled = a;  // another peak, which is told by itself
    for (auto& phase : scaled["phases"]) phase["target_per_s_mean"] = 50;
    CHECK(report::load_differences(runs_of(a, scaled)[0], runs_of(a, scaled)[1]).empty());
    auto changed = a;
    changed["phases"][1]["target_per_s_mean"] = 90;
    const auto told = report::load_differences(runs_of(a, changed)[0], runs_of(a, changed)[1]);
    CHECK(told == std::vector<std::string>{"the phases of the pattern are others in B than in A"});
    auto reseeded = changed;  // the variance of a pattern is drawn
    reseeded["config"]["random_seed"] = 1 + a["config"]["random_seed"].get<std::uint64_t>();
    CHECK(report::load_differences(runs_of(a, reseeded)[0], runs_of(a, reseeded)[1]).empty());
    reseeded["phases"][1]["name"] = "another";
    CHECK(report::load_differences(runs_of(a, reseeded)[0], runs_of(a, reseeded)[1]).size() == 1);
    changed["summary"]["duration_s"] = a["summary"]["duration_s"].get<double>() / 2;  // broken off
    CHECK(report::load_differences(runs_of(a, changed)[0], runs_of(a, changed)[1]).empty());
}

TEST_CASE("another server, an outcome and a setting that only one has are listed") {
    const auto a = report::json_report(test::sample_open_run());
    auto b = a;
    b["environment"]["server"]["database"] = "elsewhere";
    b["run"]["outcome"] = "interrupted";
    b["environment"]["server"]["settings"]["new_one"] = "on";
    std::string all;
    for (const auto& line : report::other_differences(runs_of(a, b))) all += line + "\n";
    CHECK(all.find("elsewhere in B") != std::string::npos);
    CHECK(all.find("interrupted in B") != std::string::npos);
    CHECK(all.find("new_one: not told in A, on in B") != std::string::npos);

    auto small = a;
    small["config"]["scale"] = 1;
    auto large = small;
    large["config"]["scale"] = 20;
    const auto noted = [&] {
        const auto notes = report::other_differences(runs_of(small, large));
        return std::ranges::find(notes, "scale: 1 in A, 20 in B") != notes.end();
    };
    CHECK_FALSE(noted());  // the size of a temporary server's data, and these are none
    for (auto* one : {&small, &large}) (*one)["environment"]["server"]["temporary"] = true;
    CHECK(noted());
}

TEST_CASE("runs without intervals are not said to overlap") {
    auto a = run_of(1'000us);
    auto b = run_of(1'250us);
    for (auto* run : {&a, &b}) {
        (*run)["summary"]["throughput_bounds_per_s"] = nullptr;
        for (auto& bounds : (*run)["summary"]["response_bounds_ms"]) bounds = nullptr;
    }
    const auto runs = runs_of(a, b);
    const auto text = report::compare_html(report::compare(runs, {}), runs);
    CHECK(text.find("the confidence intervals overlap") == std::string::npos);
    INFO(text.substr(text.find("Nothing is"), 300));
    CHECK(text.find("No difference") == std::string::npos);
    CHECK(
        text.find("Nothing is proven against A. Changed by 10 % or more, with no confidence interval to tell "
                  "that from chance: response.mean +25.0 %, response.p50 +25.0 %, response.p90 +25.0 %") !=
        std::string::npos);
    CHECK(text.find("eight or more steps") != std::string::npos);
}

TEST_CASE("a tail that grew without an interval to tell it is named") {
    auto a = run_of(1'000us);
    auto b = a;
    b["summary"]["response_ms"]["p99"] = 10 * a["summary"]["response_ms"]["p99"].get<double>();
    b["summary"]["response_bounds_ms"]["p99"] = nullptr;
    const auto runs = runs_of(a, b);
    const auto text = report::compare_html(report::compare(runs, {}), runs);
    CHECK(text.find("the confidence intervals overlap") == std::string::npos);
    CHECK(
        text.find("Nothing is proven against A. Changed by 10 % or more, with no confidence interval to tell "
                  "that from chance: response.p99 +900.0 %.") != std::string::npos);
}

TEST_CASE("groups whose runs fall into neighbouring buckets of the histogram are not different") {
    using metrics::Histogram;
    const auto group = [](std::chrono::microseconds latency) {
        return report::NamedResults{{"a", run_of(latency)}, {"b", run_of(latency)}};
    };
    const auto next =
        1'000us + std::chrono::microseconds{static_cast<int>(1'000 * Histogram::kRelativeWidth + 0.5)};
    const auto runs = report::label_groups({group(1'000us), group(next)});
    const auto comparison = report::compare(runs, {});
    CHECK(figure(comparison, "response.p50").values[1].finding == Finding::no_difference);
    const auto apart = report::label_groups({group(1'000us), group(1'010us)});
    CHECK(figure(report::compare(apart, {}), "response.p50").values[1].finding == Finding::worse);
}

TEST_CASE(
    "a condition on an operation or a phase looks at counts that are there, and fails where they are not") {
    auto base = run_of(1'000us);
    base["config"]["mode"] = "open";  // with a limit: elsewhere nothing is missed
    base["config"]["latency_limit_s"] = 0.1;
    auto other = base;
    const auto operation = base["operations"][0]["name"].get<std::string>();
    const auto phase = base["phases"][0]["name"].get<std::string>();
    for (const char* part : {"operations", "phases"}) {
        auto& counts = other[part][0];
        for (const char* key : {"missed", "planned"})
            counts[key] = counts[key].get<std::uint64_t>() + 100'000;
    }
    for (const std::string& name : {operation, "phase:" + phase}) {
        for (const char* condition : {".missed>+0%", ".success_ratio<-5%"}) {
            INFO(name << condition);
            CHECK_FALSE(fails(runs_of(base, base), (name + condition).c_str()));
            CHECK(fails(runs_of(base, other), (name + condition).c_str()));
            auto older = base;
            for (const char* part : {"operations", "phases"}) older[part][0].erase("missed");
            CHECK(fails(runs_of(older, older), (name + condition).c_str()));
        }
    }
}

TEST_CASE("a condition on a percentile that few queries support says so") {
    const auto runs = runs_of(run_of(1'000us), run_of(1'250us));
    const auto compared = [&](const char* condition) {
        return report::compare(runs, {report::parse_fail_condition(condition, runs.front())});
    };
    const auto few = compared("response.p9999>+5%");
    REQUIRE(few.conditions.size() == 1);
    CHECK(few.conditions[0].weak);
    CHECK(report::compare_text(few, runs, {}).find("%* in B: FAILED") != std::string::npos);
    CHECK(report::compare_json(few, runs)["fail_if"][0]["weak"] == true);
    CHECK_FALSE(compared("response.p50>+5%").conditions[0].weak);
}

TEST_CASE("the comparison as JSON and as a page says what the text says") {
    const auto runs = runs_of(run_of(1'000us), run_of(1'250us));
    const auto comparison =
        report::compare(runs, {report::parse_fail_condition("response.p50>+20%", runs.front())});
    const auto json = report::compare_json(comparison, runs);
    CHECK(json["runs"][1]["file"] == "b.json");
    CHECK(json["fail_if"][0]["failed"] == true);
    bool found = false;
    for (const auto& one : json["figures"]) {
        if (one["name"] != "response.p50") continue;
        found = true;
        CHECK(one["values"][1]["finding"] == "worse");
        CHECK(one["values"][0]["change_ratio"].is_null());
    }
    CHECK(found);
    const auto page = report::compare_html(comparison, runs);
    CHECK(page.find("class=\"worse\">+25.") != std::string::npos);
    CHECK(page.find("class=\"missed\">failed") != std::string::npos);
    CHECK(report::compare_text(comparison, runs, {}).find("FAILED") != std::string::npos);
}

TEST_CASE("however many are compared, the lines are not longer than the page and no name is cut") {
    const auto document = report::json_report(test::sample_open_run());
    std::vector<report::NamedResults> groups;
    for (int i = 0; i < 8; ++i) groups.push_back({{fmt::format("{}.json", i), document}});
    const auto runs = report::label_groups(groups);
    const auto text = report::compare_text(report::compare(runs, {}), runs, {});
    for (const char* name : {"response.p999 ms", "update_order.response.p99 ms", "A to H"})
        CHECK(text.find(name) != std::string::npos);
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(report::columns_of(line) <= 80);
    }
}

TEST_CASE("hostile names stay text in a comparison") {
    const auto document = report::json_report(test::sample_hostile_run());
    const auto runs = runs_of(Json::parse(report::json_text(document)),
                              Json::parse(report::json_text(document)), "<b>.json", "\x1b[31m.json");
    const auto comparison = report::compare(runs, {});
    const auto page = report::compare_html(comparison, runs);
    CHECK(page.find("<img") == std::string::npos);
    CHECK(page.find("<b>.json") == std::string::npos);
    CHECK(report::compare_text(comparison, runs, {}).find('\x1b') == std::string::npos);
}
