// --abort-if without a run: which window is looked at, from when on, and what of it is known while queries
// hang.
#include "pgtraffic/metrics/abort_watch.hpp"

#include <algorithm>
#include <vector>

#include "pgtraffic/metrics/aggregator.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using base::Nanos;
using metrics::AbortWatch;
using metrics::Interval;
using test::kStart;

namespace {

std::vector<metrics::Threshold> conditions(const std::vector<std::string>& texts) {
    metrics::ThresholdScope scope;
    scope.open_loop = true;
    std::vector<metrics::Threshold> parsed;
    for (const auto& text : texts) parsed.push_back(metrics::parse_abort_condition(text, scope));
    return parsed;
}

/// A second with so many queries that ended well, all of them after `response`.
Interval second(std::uint64_t ok, Nanos response = 1ms, std::uint64_t failed = 0) {
    Interval interval;
    interval.duration_s = 1;
    interval.ok = ok;
    interval.failed = failed;
    interval.max = response;
    metrics::CoarseHistogram histogram;
    histogram.record(response, static_cast<std::uint32_t>(ok));
    interval.response = metrics::SparseCounts{histogram};
    return interval;
}

/// Whether the first condition is true after each of these intervals.
std::vector<bool> decisions(const std::string& condition, Nanos window,
                            const std::vector<Interval>& intervals) {
    AbortWatch watch{conditions({condition}), window, 1s};
    std::vector<bool> result;
    for (const auto& interval : intervals) {
        watch.add({&interval, 1});
        result.push_back(watch.check({}).has_value());
    }
    return result;
}

metrics::AggregatorPlan plan_of(double rate) {
    metrics::AggregatorPlan plan;
    plan.operations = {{"read", {"read"}}};
    plan.phases = {{"steady", 0, 100, std::nullopt}};
    plan.start = kStart;
    if (rate > 0) plan.planned_between = [rate](double from, double to) { return (to - from) * rate; };
    return plan;
}

void answer(metrics::Aggregator& aggregator, Nanos due, Nanos response) {
    metrics::Completion c;
    c.due = c.ready = c.sent = kStart + due;
    c.done = c.due + response;
    aggregator.record(c);
}

}  // namespace

TEST_CASE("nothing is decided before a whole window has passed") {
    CHECK(decisions("throughput<10", 3s, {second(0), second(0), second(0)}) ==
          std::vector{false, false, true});
    CHECK(decisions("throughput<10", 2500ms, {second(0), second(0), second(0)}) ==
          std::vector{false, false, true});  // rounded up to whole intervals
    CHECK(decisions("throughput<10", 100ms, {second(0)}) == std::vector{true});
}

TEST_CASE("a long window is looked at in blocks, and is up to a block longer than asked for") {
    constexpr std::size_t kWindow = 10 * AbortWatch::kMostBlocks;
    std::vector<Interval> intervals(kWindow, second(20));
    intervals.resize(3 * kWindow, second(0));
    const auto decided = decisions("throughput<=0", std::chrono::seconds{kWindow}, intervals);
    CHECK_FALSE(decided[2 * kWindow - 2]);  // not while one of the window had queries
    CHECK(decided[2 * kWindow + 9]);        // and soon after
    CHECK(std::is_sorted(decided.begin() + 2 * kWindow, decided.end()));

    const auto early =
        decisions("throughput<=0", std::chrono::seconds{kWindow}, std::vector(kWindow, second(0)));
    CHECK_FALSE(early[kWindow - 2]);
    CHECK(early[kWindow - 1]);
}

TEST_CASE("many intervals that are not final are looked at once in the length of a block") {
    constexpr std::size_t kLength = 10 * AbortWatch::kMostBlocks;
    AbortWatch watch{{}, std::chrono::seconds{kLength}, 1s};
    const auto looks = [&](std::size_t not_final) {
        std::size_t looked = 0;
        for (std::size_t tick = 0; tick < kLength; ++tick) looked += watch.time_to_look(not_final) ? 1U : 0U;
        return looked;
    };
    CHECK(looks(kLength) == AbortWatch::kMostBlocks);
    CHECK(looks(AbortWatch::kMostBlocks) == kLength);
    AbortWatch short_window{{}, 10s, 1s};
    CHECK(short_window.time_to_look(kLength));
    CHECK(short_window.time_to_look(kLength));
}

TEST_CASE("the window slides and looks at its intervals as one") {
    // Over three seconds: 60, 70 and 40 in all.
    CHECK(decisions("throughput<15", 3s,
                    {second(20), second(20), second(20), second(30), second(0), second(10)}) ==
          std::vector{false, false, false, false, false, true});
    // One bad second in three is a third of the failures.
    CHECK(decisions("failed_ratio>40%", 3s, {second(10), second(10), second(0, 0ns, 10)}) ==
          std::vector{false, false, false});
    CHECK(decisions("failed_ratio>30%", 3s, {second(10), second(10), second(0, 0ns, 10)}) ==
          std::vector{false, false, true});
    // Percentiles are those of all values, no mean of percentiles.
    CHECK(decisions("response.p50>5ms", 2s, {second(10, 10ms), second(90, 1ms)}) ==
          std::vector{false, false});
    CHECK(decisions("response.p95>5ms", 2s, {second(10, 10ms), second(90, 1ms)}) == std::vector{false, true});
}

TEST_CASE("a gauge is that of the window's end") {
    auto long_queue = second(10);
    long_queue.waiting = 1000;
    CHECK(decisions("waiting>500", 2s, {second(10), long_queue, second(10)}) ==
          std::vector{false, true, false});
}

TEST_CASE("without queries a response is not known, and a throughput is zero") {
    CHECK(decisions("response.p99>1ms", 1s, {second(0)}) == std::vector{false});
    CHECK(decisions("failed_ratio>=0", 1s, {second(0)}) == std::vector{false});
    CHECK(decisions("throughput<=0", 1s, {second(0)}) == std::vector{true});
}

TEST_CASE("the first condition that is true is named with its figure") {
    AbortWatch watch{conditions({"waiting>5", "throughput<10", "failed>=0"}), 1s, 1s};
    const auto interval = second(7);
    watch.add({&interval, 1});
    const auto result = watch.check({});
    REQUIRE(result);
    CHECK(result->expression == "throughput<10");
    CHECK(result->actual_text == "7/s");
    CHECK_FALSE(AbortWatch(conditions({}), 1s, 1s).check({&interval, 1}));
}

TEST_CASE("intervals that are over and not final make up the end of the window") {
    AbortWatch watch{conditions({"throughput<10"}), 3s, 1s};
    const std::vector closed{second(0), second(50), second(20), second(20)};
    watch.add(closed);
    const std::vector empty(3, second(0));
    CHECK_FALSE(watch.check({}));
    CHECK_FALSE(watch.check(std::span{empty}.first(1)));  // 40 in 3 s
    CHECK(watch.check(std::span{empty}.first(2)));        // 20 in 3 s
    const auto none = watch.check(empty);
    REQUIRE(none);
    CHECK(none->actual == 0.0);
}

TEST_CASE("a query in flight counts with its age in the interval in which it was due") {
    metrics::Aggregator aggregator{plan_of(0)};
    metrics::Gauges gauges;
    for (int i = 0; i < 10; ++i) answer(aggregator, 100ms * i, 1ms);
    gauges.planned = gauges.started = 12;
    gauges.in_flight = 2;
    gauges.oldest_pending = kStart + 500ms;
    CHECK(aggregator.advance(kStart + 3s, gauges).empty());

    metrics::Unanswered unanswered;
    unanswered.in_flight = {kStart + 500ms, kStart + 1500ms};
    const auto ended = aggregator.series().ended(10, kStart + 3s, unanswered);
    REQUIRE(ended.size() == 3);
    CHECK(ended[0].response.count() == 11);
    CHECK(ended[0].max == 2500ms);
    CHECK(ended[1].response.count() == 1);
    CHECK(ended[1].max == 1500ms);
    CHECK(ended[2].response.count() == 0);

    // Of a shorter look back, the first interval takes what has been in flight for longer.
    const auto last = aggregator.series().ended(1, kStart + 3s, unanswered);
    REQUIRE(last.size() == 1);
    CHECK(last[0].start_s == 2);
    CHECK(last[0].response.count() == 2);
    CHECK(last[0].max == 2500ms);
}

TEST_CASE("waiting arrivals count as planned, at least as old as their interval's end") {
    metrics::Aggregator aggregator{plan_of(100)};
    metrics::Gauges gauges;
    for (int i = 0; i < 50; ++i) answer(aggregator, 10ms * i, 1ms);
    gauges.planned = 300;
    gauges.started = 50;
    gauges.waiting = 250;
    gauges.oldest_pending = kStart + 500ms;
    (void)aggregator.advance(kStart + 3s, gauges);

    metrics::Unanswered unanswered;
    unanswered.waiting = 250;
    unanswered.waiting_since = kStart + 500ms;
    auto ended = aggregator.series().ended(3, kStart + 3s, unanswered);
    REQUIRE(ended.size() == 3);
    CHECK(ended[0].response.count() == 100);
    CHECK(ended[0].max == 2s);
    CHECK(ended[1].response.count() == 100);
    CHECK(ended[1].max == 1s);
    CHECK(ended[2].response.count() == 100);
    CHECK(ended[2].max == 0ns);
    CHECK(ended[1].response_quantile(0.01) == 1s);

    // A limited number of queries may end the plan before the schedule does.
    unanswered.waiting = 120;
    ended = aggregator.series().ended(3, kStart + 3s, unanswered);
    CHECK(ended[0].response.count() == 100);
    CHECK(ended[1].response.count() == 70);
    CHECK(ended[2].response.count() == 0);
}
