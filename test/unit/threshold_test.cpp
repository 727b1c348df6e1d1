// Threshold expressions: what they mean, what is refused and where, and how a made-up run stands against
// them.
#include "pgtraffic/metrics/threshold.hpp"

#include <vector>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using metrics::Comparison;
using metrics::Metric;
using metrics::Population;
using metrics::Statistic;
using metrics::Unit;

namespace {

metrics::ThresholdScope known(bool open_loop = true) {
    return {{"insert", "open orders of a store", "v1.2", "response", "v1"},
            {"ramp-up", "traffic spike", "tail"},
            open_loop,
            true};
}

metrics::Threshold parse(const std::string& text) {
    return metrics::parse_threshold(text, known());
}

std::string complaint(const std::string& text, bool open_loop = true) {
    try {
        (void)metrics::parse_threshold(text, known(open_loop));
    } catch (const base::Error& error) {
        return error.what();
    }
    return "accepted";
}

std::string abort_complaint(const std::string& text) {
    try {
        (void)metrics::parse_abort_condition(text, known());
    } catch (const base::Error& error) {
        return error.what();
    }
    return "accepted";
}

/// 1,000 planned in 10 s: 900 ok, 60 empty (48 of the 960 late), 20 failed, 10 timed out, 5 missed, 5
/// waiting.
metrics::RunResult made_up_run() {
    metrics::RunResult run;
    run.open_loop = true;
    run.duration_s = 10;
    auto& c = run.total;
    c.planned = 1000;
    c.started = 990;
    c.ok = 900;
    c.empty = 60;
    c.failed = 20;
    c.timed_out = 10;
    c.missed = 5;
    c.late = 48;
    c.waiting = 5;
    c.retries = 7;
    run.succeeded_in_time = 955;
    run.latencies.response.record(10ms, 900);
    run.latencies.response.record(40ms, 80);
    run.latencies.service.record(8ms, 960);
    run.latencies.lag.record(2ms, 960);
    run.client.cpu_us_per_query = 12.5;

    metrics::OperationResult insert;
    insert.name = "insert";
    insert.counts.ok = 200;
    insert.counts.failed = 20;
    insert.succeeded_in_time = 190;
    insert.latencies.response.record(40ms, 200);
    metrics::OperationResult idle;
    idle.name = "v1.2";
    run.operations = {insert, idle};

    metrics::PhaseResult spike;
    spike.name = "traffic spike";
    spike.duration_s = 2;
    spike.counts.ok = 300;
    spike.latencies.response.record(30ms, 300);
    metrics::PhaseResult not_reached;
    not_reached.name = "tail";
    run.phases = {spike, not_reached};
    return run;
}

metrics::ThresholdResult evaluated(const std::string& text) {
    return metrics::evaluate(parse(text), made_up_run());
}

}  // namespace

TEST_CASE("an expression is a scope, a metric, its statistic, a comparison and a limit with its unit") {
    const auto t = parse("  insert.response.p95 <= 20ms ");
    CHECK(t.expression == "insert.response.p95 <= 20ms");
    CHECK(t.population == Population::operation);
    CHECK(t.name == "insert");
    CHECK(t.metric == Metric::response);
    CHECK(t.statistic == Statistic::quantile);
    CHECK(t.quantile == Approx(0.95));
    CHECK(t.comparison == Comparison::less_or_equal);
    CHECK(t.limit == 20);
    CHECK(t.unit == Unit::milliseconds);

    CHECK(parse("throughput>=1000").population == Population::run);
    CHECK(parse("throughput>=1e3/s").limit == 1000);
    CHECK(parse("throughput>=1e3/s").unit == Unit::per_second);
    CHECK(parse("failed_ratio<0.1%").unit == Unit::percent);
    CHECK(parse("failed_ratio<0.001").unit == Unit::none);
    CHECK(parse("retries < 5").comparison == Comparison::less);
    CHECK(parse("retries > 5").comparison == Comparison::greater);
    CHECK(parse("cpu_us_per_query<25us").limit == 25);
}

TEST_CASE("every unit of a duration is known, and every way to write a percentile") {
    const auto unit = [](const std::string& word) { return parse("response.max<5" + word).unit; };
    CHECK(unit("ns") == Unit::nanoseconds);
    CHECK(unit("us") == Unit::microseconds);
    CHECK(unit("µs") == Unit::microseconds);
    CHECK(unit("\xCE\xBCs") == Unit::microseconds);
    CHECK(unit(" ms") == Unit::milliseconds);
    CHECK(unit("s") == Unit::seconds);

    const auto quantile = [](const std::string& word) { return parse("lag." + word + "<5s").quantile; };
    CHECK(quantile("p50") == 0.5);
    CHECK(quantile("p1") == 0.01);
    CHECK(quantile("p99") == 0.99);
    CHECK(quantile("p999") == 0.999);
    CHECK(quantile("p9999") == 0.9999);
    CHECK(quantile("p99.9") == Approx(0.999));
    CHECK(quantile("p99.95") == Approx(0.9995));
    CHECK(parse("lag.min<5s").statistic == Statistic::min);
    CHECK(parse("lag.mean<5s").statistic == Statistic::mean);
    CHECK(parse("lag.max<5s").statistic == Statistic::max);
}

TEST_CASE("names may hold dots and spaces, be quoted, be those of phases, and be those of metrics") {
    const auto of = [](const std::string& text) {
        const auto t = parse(text);
        return std::pair{t.population, t.name};
    };
    CHECK(of("open orders of a store.response.p50<1s") ==
          std::pair{Population::operation, std::string{"open orders of a store"}});
    CHECK(of("\"open orders of a store\".failed>5") ==
          std::pair{Population::operation, std::string{"open orders of a store"}});
    CHECK(of("v1.2.response.p50<1s").second == "v1.2");  // not operation v1
    CHECK(of("v1.response.p50<1s").second == "v1");
    CHECK(of("response.response.p50<1s").second == "response");
    CHECK(of("\"response\".response.p50<1s").second == "response");
    CHECK(of("response.p50<1s").first == Population::run);
    CHECK(of("phase:traffic spike.response.p99<50ms") ==
          std::pair{Population::phase, std::string{"traffic spike"}});
    CHECK(of("phase:\"traffic spike\".throughput>5") ==
          std::pair{Population::phase, std::string{"traffic spike"}});
    CHECK(of("phase:ramp-up.retries<5").second == "ramp-up");
}

TEST_CASE("what is wrong is named with its column and with what would be right") {
    struct Case {
        std::string text;
        std::vector<std::string> expected;
    };
    const std::vector<Case> cases{
        {"", {"column 1: it is empty", "response.p99<20ms"}},
        {"   ", {"column 1: it is empty"}},
        {"respons.p99<20ms",
         {"column 1: unknown metric \"respons\"", "did you mean \"response\"?", "known are"}},
        {"p99 < 5ms", {"column 1:", "response.p99"}},
        {"insert.respons.p99<20ms", {"column 8: unknown metric \"respons\""}},
        {"inser.response.p99<20ms", {"column 1: the run has no operation \"inser\"", "\"insert\"?", "v1.2"}},
        {"\"inser\".response.p99<20ms", {"column 1: the run has no operation \"inser\""}},
        {"\"insert.response.p99<20ms", {"column 1: the quote"}},
        {"\"insert\" response.p99<20ms", {"column 9: a dot and a metric"}},
        {"traffic spike.response.p99<20ms",
         {"column 1: \"traffic spike\" is a phase: write phase:traffic spike"}},
        {"phase:ramp.response.p99<20ms", {"column 7: the run has no phase \"ramp\"", "traffic spike"}},
        {"phase:\"ramp\".response.p99<20ms", {"column 7: the run has no phase \"ramp\""}},
        {"insert.loop_busy<50%", {"column 8:", "whole run"}},
        {"insert.<5ms", {"column 8: a metric is missing"}},
        {"<5ms", {"column 1: a metric is missing"}},
        {"response<20ms", {"column 9:", "response.p99"}},
        {"response.p100<20ms", {"column 10: \"p100\"", "max"}},
        {"response.p0<20ms", {"column 10: \"p0\""}},
        {"response.p995<20ms", {"column 10: \"p995\""}},
        {"response.p1e1<20ms", {"column 10: \"p1e1\""}},
        {"response.p99.<20ms", {"column 10: \"p99.\""}},
        {"response.median<20ms", {"column 10: \"median\"", "p50"}},
        {"throughput.p99>5", {"column 11:", "one number"}},
        {"response.p99=20ms", {"column 13:", "< <= > >="}},
        {"response.p99==20ms", {"column 13:"}},
        {"response.p99", {"column 13:"}},
        {"response.p99<", {"column 14: here must stand a number"}},
        {"response.p99<ms", {"column 14: here must stand a number"}},
        {"response.p99<-5ms", {"column 14: \"-5\" is not a number"}},
        {"response.p99<1.2.3ms", {"column 14: \"1.2.3\""}},
        {"response.p99<nan", {"column 14:"}},
        {"response.p99<20", {"column 16: the unit is missing", "ns, us, ms, s"}},
        {"response.p99 < 20 msec", {"column 19: unknown unit \"msec\"", "ns, us, ms, s"}},
        {"response.p99<20m", {"column 16: unknown unit \"m\""}},
        {"throughput>=5k", {"column 14: unknown unit \"k\"", "1000/s"}},
        {"failed_ratio<5", {"column 14:", "between 0 and 1"}},
        {"failed_ratio<101%", {"column 14:", "100%"}},
        {"failed_ratio<1", {"column 14: 1 is all of them: write 100%, or 1% for one in a hundred"}},
        {"failed_ratio<5ms", {"column 15: unknown unit \"ms\"", "0.1%"}},
        {"failed<5%", {"column 9:", "count"}},
        {"cpu_us_per_query<5ms", {"column 19: unknown unit \"ms\"", "25us"}},
        {"response.p99<20ms and failed<5", {"column 19: \"and failed<5\" is too much"}},
        {"\"ü\".failed<5", {"column 1:"}},
        {"open orders of a störe.failed<5",
         {"column 1: the run has no operation \"open orders of a störe\""}},
    };
    for (const auto& bad : cases) {
        INFO(bad.text);
        for (const auto& expected : bad.expected) CHECK_THAT(complaint(bad.text), Contains(expected));
    }
    // Columns are characters, not bytes: the ö is one.
    metrics::ThresholdScope umlaut{{"störe"}, {}, true};
    CHECK_THROWS_WITH(metrics::parse_threshold("störe.respons<5", umlaut),
                      Contains("column 7: unknown metric"));
}

TEST_CASE("a statement has no conditions, and whoever names one is told so") {
    metrics::ThresholdScope scope{{"place", "select"}, {}, true};
    scope.statements = {{"place", "insert the order"}, {"place", "commit"}, {"select", "look"}};
    const auto refused = [&](const std::string& text) {
        try {
            (void)metrics::parse_threshold(text, scope);
        } catch (const base::Error& error) {
            return std::string{error.what()};
        }
        return std::string{"accepted"};
    };
    CHECK_THAT(refused("place.commit.service.p99<1s"),
               Contains("column 7: \"commit\" is a statement of \"place\"") && Contains("leave it out"));
    CHECK_THAT(refused("\"place\".insert the order.service.p99<1s"),
               Contains("column 9: \"insert the order\" is a statement of \"place\""));
    CHECK_THAT(refused("place.look.service.p99<1s"), Contains("unknown metric \"look\""));
    CHECK(refused("place.service.p99<1s") == "accepted");
}

TEST_CASE("a closed loop has no lag, no queue and no target") {
    for (const std::string text : {"lag.p99<5ms", "pool_wait.p99<5ms", "generator_lag.max<5ms", "waiting<5",
                                   "target_attainment>99%"}) {
        CHECK(complaint(text) == "accepted");
        CHECK_THAT(complaint(text, false), Contains("column 1: a closed loop has no ") && Contains("--rate"));
    }
    CHECK_THAT(complaint("foo<5", false), !Contains("pool_wait"));
}

TEST_CASE("nothing is late or missed without a latency limit, nor missed in a closed loop") {
    auto scope = known();
    scope.latency_limit = false;
    for (const std::string text : {"late<5", "late_ratio<1%", "missed<5", "missed_ratio<1%"}) {
        CHECK(complaint(text) == "accepted");
        CHECK_THROWS_WITH(metrics::parse_threshold(text, scope),
                          Contains("column 1: " + text.substr(0, 4)) && Contains(" takes --latency-limit"));
    }
    for (const std::string text : {"late<5", "late_ratio<1%"}) CHECK(complaint(text, false) == "accepted");
    for (const std::string text : {"missed<5", "missed_ratio<1%"})
        CHECK_THAT(complaint(text, false), Contains("column 1: a closed loop has no missed"));
    CHECK_THROWS_WITH(metrics::parse_abort_condition("missed>5", scope), Contains("takes --latency-limit"));
}

TEST_CASE("while a run lasts only what intervals know can be asked for") {
    for (const auto* text :
         {"response.p99>500ms", "response.max>1s", "throughput<10", "failed_ratio>5%", "success_ratio<90%",
          "empty_ratio>50%", "failed>100", "timed_out>5", "missed>100", "waiting>1000", "loop_busy>95%"}) {
        CHECK(abort_complaint(text) == "accepted");
    }
    for (const auto* text : {"service.p99>1s", "lag.p99>1s", "retries>5", "missed_ratio>5%", "late>5",
                             "target_attainment<5%", "cpu_us_per_query>5"}) {
        CHECK_THAT(abort_complaint(text),
                   Contains("column 1:") && Contains("known are response, throughput"));
    }
    CHECK_THAT(abort_complaint("response.mean>5ms"), Contains("column 10: mean is not known"));
    CHECK_THAT(abort_complaint("insert.failed>5"), Contains("column 1: operations and phases"));
    CHECK_THAT(abort_complaint("phase:tail.failed>5"), Contains("column 1: operations and phases"));
}

TEST_CASE("a finished run is compared in the unit of the expression") {
    struct Case {
        std::string text;
        double actual;
        std::string shown;
        bool ok;
    };
    const std::vector<Case> cases{
        {"response.max<=40ms", 40, "40 ms", true},
        {"response.max<40ms", 40, "40 ms", false},
        {"response.max>=40000us", 40'000, "40,000 µs", true},
        {"response.max>0.04s", 0.04, "0.04 s", false},
        {"response.mean<20ms", (900 * 10 + 80 * 40) / 980.0, "12.449 ms", true},
        {"response.min>=10000000ns", 10'000'000, "10,000,000 ns", true},
        {"throughput>=95.5", 95.5, "95.5/s", true},
        {"throughput>95.5/s", 95.5, "95.5/s", false},
        {"failed_ratio<=0.0303", 30 / 990.0, "0.030303", false},
        {"failed_ratio<3.1%", 100 * 30 / 990.0, "3.0303 %", true},
        {"success_ratio>96%", 100 * 960 / 995.0, "96.482 %", true},
        {"empty_ratio<=6.25%", 6.25, "6.25 %", true},
        {"missed_ratio<=0.5%", 0.5, "0.5 %", true},
        {"late_ratio<5%", 5, "5 %", false},
        {"late<=48", 48, "48", true},
        {"target_attainment>=99%", 99, "99 %", true},
        {"target_attainment>99%", 99, "99 %", false},
        {"failed<20", 20, "20", false},
        {"failed<=20", 20, "20", true},
        {"timed_out<11", 10, "10", true},
        {"missed<=5", 5, "5", true},
        {"retries<=6", 7, "7", false},
        {"waiting<=4", 5, "5", false},
        {"cpu_us_per_query<12.5", 12.5, "12.5 µs", false},
        {"insert.response.max<30ms", 40, "40 ms", false},
        {"insert.throughput>=19", 19, "19/s", true},
        {"insert.failed_ratio<10%", 100 * 20 / 220.0, "9.0909 %", true},
        {"phase:traffic spike.response.mean<=30ms", 30, "30 ms", true},
        {"phase:traffic spike.throughput>=150", 150, "150/s", true},
        {"phase:traffic spike.failed<5", 0, "0", true},
    };
    for (const auto& one : cases) {
        INFO(one.text);
        const auto result = evaluated(one.text);
        CHECK(result.expression == one.text);
        REQUIRE(result.actual);
        CHECK(*result.actual == Approx(one.actual).epsilon(1e-9));
        CHECK(result.actual_text == one.shown);
        CHECK(result.ok == one.ok);
    }
    const auto p90 = evaluated("response.p90<15ms");
    CHECK(p90.ok);
    CHECK(*p90.actual == Approx(10).epsilon(0.002));
    CHECK_FALSE(evaluated("response.p95<15ms").ok);
}

TEST_CASE("a percentile with few queries above it says so") {
    CHECK_THAT(evaluated("response.p99.9<50ms").actual_text,
               Contains(", with fewer than ten queries above it"));
    CHECK(evaluated("response.p99.9<50ms").weak);
    CHECK_THAT(evaluated("response.p95<50ms").actual_text, !Contains("fewer"));
    CHECK_FALSE(evaluated("response.p95<50ms").weak);
}

TEST_CASE("a percentile below a limit only because queries had no answer does not meet it") {
    auto run = made_up_run();  // 900 of 10 ms, 80 of 40 ms
    run.latencies.response.record(5ms, 30);
    run.latencies.unanswered.record(5ms, 30);
    const auto evaluate = [&](const char* text) { return metrics::evaluate(parse(text), run); };
    CHECK(evaluate("response.p50<15ms").ok);  // whatever they would have taken
    CHECK_FALSE(evaluate("response.p90<15ms").ok);
    CHECK(evaluate("response.p90<15ms").actual_text.starts_with("at least 10."));
    CHECK(evaluate("response.p90<15ms").at_least);
    CHECK_FALSE(evaluate("response.p90<1ms").at_least);  // it is above that already
    CHECK_FALSE(evaluate("response.max<10s").ok);
    CHECK(evaluate("response.max<10s").at_least);
    CHECK(evaluate("response.max>10ms").ok);
    CHECK(evaluate("response.mean<10s").at_least);
    CHECK(evaluate("response.min<10s").ok);
    auto few = made_up_run();
    few.latencies.response.record(5ms, 2);
    few.latencies.unanswered.record(5ms, 2);
    CHECK(metrics::evaluate(parse("response.mean<10s"), few).ok);
    CHECK(evaluate("response.p90<15ms").actual_text.ends_with("ms: 30 queries had no answer"));
    CHECK(evaluate("response.p90<50ms").ok);
    CHECK_FALSE(evaluate("response.p99<50ms").ok);
    CHECK(evaluate("response.p99>15ms").ok);  // more is more
    CHECK(evaluate("service.p99<15ms").ok);   // of those with an answer
}

TEST_CASE("a lag below a limit only because queries were never sent does not meet it") {
    auto run = made_up_run();
    run.open_loop = true;
    run.latencies.lag = run.latencies.pool_wait = {};
    run.latencies.lag.record(1ms, 1'000);
    run.latencies.pool_wait.record(1ms, 1'000);
    run.total.waiting = 300;
    run.total.missed = 20;
    const auto evaluate = [&](const char* text) { return metrics::evaluate(parse(text), run); };
    for (const std::string name : {"lag", "pool_wait"}) {
        INFO(name);
        CHECK(evaluate((name + ".p50<5ms").c_str()).ok);  // however late the others would have been
        CHECK(evaluate((name + ".p75<5ms").c_str()).ok);
        for (const char* figure : {".p90<5ms", ".p99<=5ms", ".max<5ms", ".mean<5ms"}) {
            INFO(figure);
            const auto result = evaluate((name + figure).c_str());
            CHECK_FALSE(result.ok);
            CHECK(result.at_least);
            CHECK_THAT(result.actual_text, Catch::EndsWith("ms: 320 queries were never sent"));
        }
        CHECK(evaluate((name + ".min<5ms").c_str()).ok);
        CHECK(evaluate((name + ".p99>0.5ms").c_str()).ok);  // more is more
    }
    run.total.waiting = 1;
    run.total.missed = 0;
    run.latencies.lag.clear();
    run.latencies.lag.record(1ms, 999);
    run.total.ok = 999;
    run.total.empty = run.total.failed = run.total.timed_out = 0;
    // The thousandth is the one behind it, by whatever rounding.
    CHECK(evaluate("lag.p999<5ms").ok);
    CHECK(evaluate("lag.p99.9<5ms").ok);
    CHECK_FALSE(metrics::lag_is_lower_bound(run.total, 99.9 / 100));
    CHECK_FALSE(metrics::lag_is_lower_bound(run.total, 0.999));
    CHECK(metrics::lag_is_lower_bound(run.total, 0.9991));
    run.latencies.lag.record(1ms);
    run.total.waiting = 2;
    CHECK(evaluate("lag.p99<5ms").ok);
    CHECK(evaluate("lag.mean<5ms").ok);
    CHECK_FALSE(evaluate("lag.max<5ms").ok);
}

TEST_CASE("a figure that the run does not have meets no threshold") {
    for (const auto* text : {"v1.2.response.p99<1s", "v1.2.failed_ratio<1%", "phase:tail.throughput<1000",
                             "phase:tail.failed<5", "phase:tail.response.max<1s", "loop_busy<95%",
                             "generator_lag.p99<1s", "v1.2.success_ratio>=0", "v1.2.empty_ratio<0.9",
                             "v1.2.missed_ratio<0.9", "v1.2.late_ratio<0.9", "v1.2.target_attainment<0.9"}) {
        INFO(text);
        const auto result = evaluated(text);
        CHECK_FALSE(result.ok);
        CHECK_FALSE(result.actual);
        CHECK(result.actual_text.empty());
    }
    const auto nothing = metrics::evaluate(parse("cpu_us_per_query<25"), metrics::RunResult{});
    CHECK_FALSE(nothing.ok);
    CHECK(evaluated("v1.2.failed<=0").ok);  // a count of nothing is 0
}

TEST_CASE("equal but for rounding is equal") {
    auto run = made_up_run();
    for (std::uint64_t failed = 1; failed < 1000; ++failed) {
        run.total = {};
        run.total.ok = 1000 - failed;
        run.total.failed = failed;
        const auto limit = std::to_string(failed / 10) + "." + std::to_string(failed % 10) + "%";
        CHECK(metrics::evaluate(parse("failed_ratio<=" + limit), run).ok);
        CHECK(metrics::evaluate(parse("failed_ratio>=" + limit), run).ok);
        CHECK_FALSE(metrics::evaluate(parse("failed_ratio<" + limit), run).ok);
        CHECK_FALSE(metrics::evaluate(parse("failed_ratio>" + limit), run).ok);
    }
}

TEST_CASE("figures that differ by the last bits only are equal") {
    using metrics::Comparison;
    const double sum = 0.1 + 0.2;
    REQUIRE(sum != 0.3);
    CHECK(metrics::nearly_equal(sum, 0.3));
    CHECK_FALSE(metrics::nearly_equal(0.3, 0.300001));
    CHECK_FALSE(metrics::nearly_equal(0, 1e-300));
    CHECK(metrics::holds(sum, Comparison::less_or_equal, 0.3));
    CHECK_FALSE(metrics::holds(sum, Comparison::greater, 0.3));
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(metrics::holds(infinity, Comparison::greater, 1e300));
    CHECK(metrics::holds(infinity, Comparison::greater_or_equal, infinity));
}
