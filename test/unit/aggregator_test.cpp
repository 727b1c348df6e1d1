// The aggregator: what is recorded where, and that nothing is counted twice or lost.
#include <malloc.h>

#include <vector>

#include "pgtraffic/metrics/aggregator.hpp"

#include "pgtraffic/report/json.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using base::Nanos;
using metrics::Aggregator;
using metrics::Completion;
using metrics::Gauges;
using metrics::Outcome;
using test::kStart;

namespace {

metrics::AggregatorPlan two_by_two() {
    metrics::AggregatorPlan plan;
    plan.operations = {{"read", {"read"}}, {"write", {"first", "second"}}};
    plan.phases = {{"calm", 0, 2, 20.0}, {"rush", 2, 4, 40.0}};
    plan.start = kStart;
    plan.planned_between = [](double from, double to) { return (to - from) * 15; };
    return plan;
}

Completion completion(std::uint32_t operation, Nanos due, Nanos lag, Nanos service,
                      Outcome outcome = Outcome::ok) {
    Completion c;
    c.operation = operation;
    c.outcome = outcome;
    c.due = kStart + due;
    c.ready = c.due - 1s;
    c.sent = c.due + lag;
    c.done = c.sent + service;
    return c;
}

/// And not answered.
Completion tried_three_times(Nanos due) {
    Completion unfinished;
    unfinished.operation = 1;
    unfinished.due = kStart + due;
    unfinished.attempts = 3;
    return unfinished;
}

Gauges gauges(std::uint64_t planned, std::uint64_t started, std::uint32_t in_flight,
              Mono oldest = Mono::max()) {
    Gauges g;
    g.planned = planned;
    g.started = started;
    g.waiting = planned - started;
    g.in_flight = in_flight;
    g.oldest_pending = oldest;
    return g;
}

/// Bytes that `work` allocated and did not free.
template <class Work>
std::size_t allocated_by(Work&& work) {
    const auto before = mallinfo2();
    work();
    const auto after = mallinfo2();
    return (after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd);
}

}  // namespace

TEST_CASE("a query counts in its operation, in the phase in which it was due, and in the whole") {
    Aggregator aggregator{two_by_two()};
    aggregator.record(completion(0, 1s, 1ms, 2ms));
    aggregator.record(completion(0, 1999ms, 0ms, 500ms));  // done in the second phase, due in the first
    auto write = completion(1, 3s, 0ms, 4ms);
    write.statement = 1;
    write.attempts = 3;
    write.rows = 7;
    aggregator.record(write);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(3, 3, 0), result);

    CHECK(result.total.ok == 3);
    CHECK(result.total.retries == 2);
    CHECK(result.total.rows == 7);
    REQUIRE(result.phases.size() == 2);
    CHECK(result.phases[0].counts.ok == 2);
    CHECK(result.phases[1].counts.ok == 1);
    CHECK(result.phases[0].planned_mean == 30.0);
    CHECK(result.operations[0].latencies.response.max() == Nanos{500ms});
    CHECK(result.operations[0].latencies.lag.max() == Nanos{1ms});
    CHECK(result.operations[1].statements[0].ok == 0);
    CHECK(result.operations[1].statements[1].ok == 1);
    CHECK(result.duration_s == Approx(4));
    CHECK(result.throughput_per_s() == Approx(0.75));
}

TEST_CASE("queries are counted together, and whoever asks in between finds each of them") {
    auto plan = two_by_two();
    plan.looked_at = true;
    for (std::uint64_t n = 1; n <= 100; ++n) {
        Aggregator aggregator{plan};
        for (std::uint64_t i = 0; i < n; ++i) aggregator.record(completion(0, 100ms, 1ms, 2ms));
        INFO(n << " queries");
        CHECK(aggregator.ended() == n);
        metrics::LiveMoment moment;
        aggregator.look(moment);
        CHECK(moment.counts.operations[0].ended(Outcome::ok) == n);
        aggregator.record(completion(0, 1100ms, 1ms, 2ms));
        const auto closed = aggregator.advance(kStart + 1500ms, gauges(n + 1, n + 1, 0));
        REQUIRE(closed.size() == 1);
        CHECK(closed[0].ok == n);
        aggregator.record(completion(0, 1600ms, 1ms, 100ms));
        aggregator.close(kStart + 2s);
        aggregator.record(completion(0, 1700ms, 1ms, 299ms));
        aggregator.record(completion(0, 1700ms, 1ms, 300ms));
        metrics::RunResult result;
        aggregator.finish(gauges(n + 4, n + 4, 0), result);
        CHECK(result.total.ok == n + 4);
        CHECK(result.succeeded_in_time == n + 3);
    }
}

TEST_CASE("lag is split exactly into the wait for a session and our own lateness") {
    Aggregator aggregator{two_by_two()};
    auto waited = completion(0, 1s, 10ms, 1ms);
    waited.ready = waited.due + 7ms;
    aggregator.record(waited);
    aggregator.record(completion(0, 1s, 5ms, 1ms));  // a session had been free all along
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(2, 2, 0), result);
    const auto& l = result.latencies;
    CHECK(l.pool_wait.max() == Nanos{7ms});
    CHECK(l.pool_wait.min() == 0ns);
    CHECK(l.generator_lag.max() == Nanos{5ms});
    CHECK(l.generator_lag.min() == Nanos{3ms});
    CHECK(l.lag.mean_ns() == Approx(l.pool_wait.mean_ns() + l.generator_lag.mean_ns()));
}

TEST_CASE("failures stand apart; what timed out, was missed or never ended stays in the response times") {
    Aggregator aggregator{two_by_two()};
    aggregator.record(completion(0, 1s, 0ms, 1ms));
    auto failed = completion(0, 1s, 0ms, 0ms, Outcome::failed);
    failed.sqlstate = *base::SqlState::parse("40001");
    aggregator.record(failed);
    aggregator.sample_error(failed.sqlstate, "could not serialize");
    aggregator.sample_error(failed.sqlstate, "a later message");
    aggregator.record(completion(0, 1s, 0ms, 300ms, Outcome::timed_out));
    aggregator.record_missed(0, kStart + 1s, kStart + 1200ms);
    aggregator.record_waiting(1, kStart + 3500ms, kStart + 4s);
    aggregator.record_in_flight(tried_three_times(3s), kStart + 5s);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish({6, 4, 1, 1, 0, 0, Mono::max()}, result);

    CHECK(result.total.planned == 6);
    CHECK(result.total.started == 4);
    CHECK(result.total.missed == 1);
    CHECK(result.total.waiting == 1);
    CHECK(result.total.in_flight == 1);
    CHECK(result.latencies.response.count() == 5);
    CHECK(result.latencies.response.max() == Nanos{2s});
    CHECK(result.latencies.failed.count() == 1);
    CHECK(result.latencies.service.count() == 1);
    REQUIRE(result.errors.size() == 2);
    CHECK(result.errors[0].sample == "could not serialize");
    CHECK(result.errors[0].first_at_s == Approx(1.0));
}

TEST_CASE("an interval says from which figure on its responses are lower bounds") {
    Aggregator aggregator{two_by_two()};
    std::uint64_t planned = 0;
    const auto answered = [&](base::Nanos due, int times) {
        for (int i = 0; i < times; ++i, ++planned) aggregator.record(completion(0, due, 0ms, 1ms));
    };
    const auto waiting = [&](base::Nanos due, int times) {
        for (int i = 0; i < times; ++i, ++planned) aggregator.record_waiting(0, kStart + due, kStart + 5s);
    };
    answered(0s, 100);
    answered(1s, 99);
    waiting(1s, 1);
    answered(2s, 99);
    waiting(2s, 2);
    answered(3s, 49);
    waiting(3s, 51);
    aggregator.close(kStart + 4s);
    metrics::Gauges gauges;
    gauges.planned = planned;
    gauges.started = 347;
    gauges.waiting = 54;
    metrics::RunResult result;
    aggregator.finish(gauges, result);
    REQUIRE(result.intervals.size() == 4);
    const auto& all = result.intervals;
    CHECK_FALSE(all[0].is_lower_bound(1));
    CHECK(all[1].unanswered == 1);
    CHECK(all[1].is_lower_bound(1));
    CHECK_FALSE(all[1].is_lower_bound(0.99));
    CHECK(all[2].is_lower_bound(0.99));
    CHECK_FALSE(all[2].is_lower_bound(0.95));
    CHECK(all[3].is_lower_bound(0.5));
    auto both = all[0];
    both.merge(all[3]);
    CHECK(both.unanswered == 51);
    CHECK_FALSE(both.is_lower_bound(0.5));
    CHECK(both.is_lower_bound(0.95));
    const auto told = report::interval_json(all[2], result.started_at, true);
    CHECK(told["unanswered"] == 2);
    CHECK(told["at_least_from"] == "p99");
    CHECK(report::interval_json(all[3], result.started_at, true)["at_least_from"] == "p50");
    CHECK(report::interval_json(all[0], result.started_at, true)["at_least_from"].is_null());
}

TEST_CASE("what is tried again and not answered counts its attempts for those who look on, too") {
    auto plan = two_by_two();
    plan.looked_at = true;
    Aggregator aggregator{std::move(plan)};
    aggregator.record_in_flight(tried_three_times(1s), kStart + 4s);
    metrics::LiveMoment moment;
    aggregator.look(moment);
    CHECK(moment.counts.operations[1].retries == 2);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(1, 1, 1), result);
    CHECK(result.total.retries == 2);
}

TEST_CASE("behind a query that hangs for hours not every interval waits for it") {
    constexpr std::size_t kHours = metrics::TimeSeries::kMaxOpen + 100;
    const auto plan = two_by_two();
    metrics::TimeSeries series{plan};
    std::size_t closed = 0;
    for (std::size_t s = 1; s <= kHours; ++s)
        closed += series.advance(kStart + s * 1s, gauges(1, 1, 1, kStart)).size();
    CHECK(closed == 100);
    // It ends at last, and counts in the first one that there is.
    series.record_response(kStart, kHours * 1s);
    const auto rest = series.advance(kStart + (kHours + 1) * 1s, gauges(1, 1, 0));
    CHECK(rest.size() == metrics::TimeSeries::kMaxOpen + 1);
    CHECK(rest.front().start_s == 100);
    CHECK(rest.front().max == kHours * 1s);
}

TEST_CASE("what was answered above the latency limit is late, and nothing else is") {
    auto plan = two_by_two();
    plan.latency_limit = 50ms;
    Aggregator aggregator{std::move(plan)};
    aggregator.record(completion(0, 1s, 20ms, 30ms));
    aggregator.record(completion(0, 1s, 20ms, 30ms + 1ns));
    aggregator.record(completion(1, 3s, 0ms, 60ms, Outcome::empty));
    auto failed = completion(1, 3s, 0ms, 60ms, Outcome::failed);
    failed.sqlstate = *base::SqlState::parse("40001");
    aggregator.record(failed);
    aggregator.record(completion(1, 3s, 0ms, 60ms, Outcome::timed_out));
    aggregator.record_missed(0, kStart + 1s, kStart + 1200ms);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish({6, 5, 0, 0, 0, 0, Mono::max()}, result);
    CHECK(result.total.late == 2);
    CHECK(result.operations[0].counts.late == 1);
    CHECK(result.operations[1].counts.late == 1);
    CHECK(result.phases[0].counts.late == 1);
    CHECK(result.phases[1].counts.late == 1);
}

TEST_CASE("why attempts were retried stands with the errors, behind what ended queries") {
    Aggregator aggregator{two_by_two()};
    const auto deadlock = *base::SqlState::parse("40P01");
    const auto duplicate = *base::SqlState::parse("23505");
    for (int i = 0; i < 3; ++i) aggregator.record_retried(deadlock, kStart + 500ms);
    aggregator.sample_error(deadlock, "deadlock detected");
    auto failed = completion(0, 1s, 0ms, 0ms, Outcome::failed);
    failed.sqlstate = duplicate;
    aggregator.record(failed);
    aggregator.record_retried(duplicate, kStart + 2s);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(1, 1, 0), result);
    REQUIRE(result.errors.size() == 2);
    CHECK(result.errors[0].sqlstate == duplicate);
    CHECK(result.errors[0].count == 1);
    CHECK(result.errors[0].retried == 1);
    CHECK(result.errors[1].sqlstate == deadlock);
    CHECK(result.errors[1].count == 0);
    CHECK(result.errors[1].retried == 3);
    CHECK(result.errors[1].first_at_s == Approx(0.5));
    CHECK(result.errors[1].sample == "deadlock detected");
}

TEST_CASE("a measurement that begins later than planned counts from then") {
    auto plan = two_by_two();
    plan.end = kStart + 4s;
    Aggregator aggregator{std::move(plan)};
    aggregator.begin(kStart + 10s);
    aggregator.record(completion(0, 10s, 0ms, 1ms));
    aggregator.record(completion(0, 13900ms, 0ms, 200ms));  // done behind the end
    aggregator.close(kStart + 14s);
    metrics::RunResult result;
    aggregator.finish(gauges(2, 2, 0), result);
    CHECK(result.duration_s == Approx(4));
    CHECK(result.phases[0].counts.ok == 1);
    CHECK(result.phases[1].counts.ok == 1);
    CHECK(result.succeeded_in_time == 1);
    CHECK(result.intervals[0].ok == 1);
}

TEST_CASE("a lag's percentile of an interval is not above its longest") {
    Aggregator aggregator{two_by_two()};
    aggregator.record(completion(0, 100ms, 151ms, 1ms));
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(1, 1, 0), result);
    CHECK(result.intervals[0].lag.quantile(0.99) > 151ms);  // its bucket's end
    CHECK(result.intervals[0].lag_max == 151ms);
    CHECK(result.intervals[1].lag_max == 0ms);
}

TEST_CASE("the backlog half-way is that of the interval that ends nearest to it") {
    const auto middle_of = [](base::Nanos interval, base::Nanos length) {
        auto plan = two_by_two();
        plan.interval = interval;
        Aggregator aggregator{std::move(plan)};
        for (base::Nanos at = interval; at < length; at += interval)
            (void)aggregator.advance(kStart + at, gauges(0, 0, 0));
        aggregator.close(kStart + length);
        metrics::RunResult result;
        aggregator.finish(gauges(0, 0, 0), result);
        return result.middle_s;
    };
    CHECK(middle_of(1s, 4s) == Approx(2));
    CHECK(middle_of(1s, 3s) == Approx(2));
    CHECK(middle_of(700ms, 4s) == Approx(2.1));
    CHECK(middle_of(1s, 1050ms) == 0);
    CHECK(middle_of(1s, 900ms) == 0);
}

TEST_CASE("an interval closes when all that was due in it has ended, and only then") {
    auto plan = two_by_two();
    plan.followed = true;
    Aggregator aggregator{plan};
    aggregator.record(completion(0, 500ms, 0ms, 1ms));
    CHECK(aggregator.advance(kStart + 1001ms, gauges(2, 2, 1, kStart + 900ms)).empty());
    const auto recent = aggregator.series().take_recent();
    CHECK(recent.response.count() == 1);
    CHECK(recent.max == 1ms);
    CHECK(recent.ok == 1);
    CHECK(recent.in_flight == 1);
    CHECK(recent.duration_s == Approx(1));
    CHECK(aggregator.series().take_recent().duration_s == 0);
    aggregator.record(completion(0, 900ms, 300ms, 900ms));
    const auto closed = aggregator.advance(kStart + 3001ms, gauges(2, 2, 0));
    // Due in an interval that was shown without it, and slow: whoever follows sees it all the same.
    const auto later = aggregator.series().take_recent();
    CHECK(later.response.count() == 1);
    CHECK(later.max == 1200ms);
    CHECK(later.lag.count() == 1);
    CHECK(later.lag_quantile(0.99) == 300ms);
    REQUIRE(closed.size() == 3);
    CHECK(closed[0].response.count() == 2);
    CHECK(closed[0].max == Nanos{1200ms});
    CHECK(closed[0].ok == 1);
    CHECK(closed[2].ok == 1);  // done in the third
    CHECK(closed[0].target_per_s == Approx(15));
    CHECK(closed[2].phase == "rush");
}

TEST_CASE("what is done after the measured time counts, but not as throughput") {
    Aggregator aggregator{two_by_two()};
    aggregator.close(kStart + 4s);
    aggregator.record(completion(0, 3900ms, 0ms, 200ms));
    metrics::RunResult result;
    aggregator.finish(gauges(1, 1, 0), result);
    CHECK(result.total.ok == 1);
    CHECK(result.succeeded_in_time == 0);
    CHECK(result.intervals.size() == 4);
}

TEST_CASE("what a warm-up left under way counts as throughput where it is done, and nowhere else") {
    Aggregator aggregator{two_by_two()};
    aggregator.record(completion(0, 100ms, 0ms, 200ms));
    const auto carried_over = [&](Nanos done, Outcome outcome) {
        Completion earlier;
        earlier.operation = 1;
        earlier.done = kStart + done;
        earlier.outcome = outcome;
        aggregator.record_carried_over(earlier);
    };
    carried_over(1500ms, Outcome::ok);
    carried_over(2500ms, Outcome::empty);
    carried_over(2600ms, Outcome::failed);
    carried_over(-1ms, Outcome::ok);
    aggregator.close(kStart + 4s);
    carried_over(4001ms, Outcome::ok);
    CHECK(aggregator.ended() == 3);
    metrics::RunResult result;
    aggregator.finish(gauges(1, 1, 0), result);
    CHECK(result.total.ok == 1);
    CHECK(result.latencies.response.count() == 1);
    CHECK(result.succeeded_in_time == 3);
    CHECK(result.operations[0].succeeded_in_time == 1);
    CHECK(result.operations[1].succeeded_in_time == 2);
    CHECK(result.intervals[1].ok == 1);
    CHECK(result.intervals[2].ok == 0);
    CHECK(result.intervals[2].empty == 1);
}

TEST_CASE("what a late loop records behind the planned end is in the last interval, and not in time") {
    auto plan = two_by_two();
    plan.end = kStart + 1s;
    Aggregator aggregator{plan};
    aggregator.record(completion(0, 500ms, 0ms, 1ms));
    aggregator.record(completion(0, 900ms, 0ms, 1500ms));
    aggregator.record(completion(0, 900ms, 0ms, 1500ms, Outcome::failed));
    aggregator.close(kStart + 1s);
    metrics::RunResult result;
    aggregator.finish(gauges(3, 3, 0), result);
    CHECK(result.succeeded_in_time == 1);
    REQUIRE(result.intervals.size() == 1);
    CHECK(result.intervals[0].ok == 1);
    CHECK(result.intervals[0].failed == 1);
}

TEST_CASE("the last interval is as long as the run leaves it, and none lies behind the end") {
    Aggregator aggregator{two_by_two()};
    aggregator.record(completion(0, 100ms, 0ms, 1ms));
    (void)aggregator.advance(kStart + 1001ms, gauges(1, 1, 0));
    aggregator.close(kStart + 1250ms);
    metrics::RunResult result;
    aggregator.finish(gauges(1, 1, 0), result);
    REQUIRE(result.intervals.size() == 2);
    CHECK(result.intervals[1].duration_s == Approx(0.25));
    CHECK(result.phases[1].duration_s == 0);
    CHECK(result.phases[0].planned_mean.value() == Approx(1.25 * 15));
}

TEST_CASE("neighbours join into one interval of the time series, and each of those is told once, in order") {
    auto plan = two_by_two();
    plan.interval = 250ms;
    plan.joined = 4;
    Aggregator aggregator{plan};
    std::vector<metrics::Interval> told;
    const auto listen = [&] {
        const auto joined = aggregator.series().just_joined();
        told.insert(told.end(), joined.begin(), joined.end());
    };
    std::uint64_t n = 0;
    for (Nanos now = 250ms; now <= 3500ms; now += 250ms) {
        aggregator.record(completion(0, now - 100ms, 0ms, now.count() % 3 * 1ms));
        ++n;
        // One query of the third second does not end before 3.3 s.
        const bool slow = now >= 2500ms && now < 3300ms;
        const auto planned = n + (now >= 2500ms ? 1 : 0);
        if (now == 3500ms) aggregator.record(completion(0, 2400ms, 0ms, 900ms));
        const auto steps =
            aggregator.advance(kStart + now, gauges(planned, planned, now >= 2500ms && now < 3500ms ? 1 : 0,
                                                    slow || now == 3250ms ? kStart + 2400ms : Mono::max()));
        CHECK(steps.size() == (now == 3500ms ? 5 : now >= 2500ms ? 0 : 1));
        listen();
        CHECK(told.size() == (now >= 3500ms ? 3 : now >= 2000ms ? 2 : now >= 1000ms ? 1 : 0));
    }
    aggregator.close(kStart + 3600ms);
    metrics::RunResult result;
    aggregator.finish(gauges(n + 1, n + 1, 0), result);
    listen();
    REQUIRE(told.size() == 4);
    REQUIRE(result.intervals.size() == 4);
    std::uint64_t ok = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto& interval = told[i];
        const auto& kept = result.intervals[i];
        CHECK(interval.start_s == static_cast<double>(i));
        CHECK(interval.duration_s == Approx(i < 3 ? 1.0 : 0.6));
        CHECK(interval.target_per_s == Approx(15));
        CHECK(interval.phase == (i < 2 ? "calm" : "rush"));
        CHECK(kept.start_s == interval.start_s);
        CHECK(kept.duration_s == interval.duration_s);
        CHECK(kept.target_per_s == interval.target_per_s);
        CHECK(kept.ok == interval.ok);
        CHECK(kept.max == interval.max);
        CHECK(kept.response.count() == interval.response.count());
        ok += interval.ok;
    }
    CHECK(ok == n + 1);
    CHECK(told[2].max == Nanos{900ms});
}

TEST_CASE("a long run keeps a bounded series, and tells every interval unmerged all the same") {
    auto plan = two_by_two();
    plan.interval = 100ms;
    plan.joined = 2;
    Aggregator aggregator{plan};
    constexpr std::size_t kTold = 5'000;
    std::size_t told = 0;
    for (std::size_t i = 1; i <= 2 * kTold; ++i) {
        (void)aggregator.advance(kStart + static_cast<std::int64_t>(i) * 100ms, gauges(0, 0, 0));
        for (const auto& interval : aggregator.series().just_joined()) {
            CHECK(interval.duration_s == 0.2);
            CHECK(interval.start_s == Approx(0.2 * static_cast<double>(told++)));
        }
    }
    aggregator.close(kStart + static_cast<std::int64_t>(2 * kTold) * 100ms);
    metrics::RunResult result;
    aggregator.finish(gauges(0, 0, 0), result);
    CHECK(told + aggregator.series().just_joined().size() == kTold);
    REQUIRE(result.intervals.size() == kTold / 2);
    for (const auto& interval : result.intervals) CHECK(interval.duration_s == 0.4);
}

TEST_CASE("intervals that wait for a backlog hold no histograms until it is answered") {
    auto plan = two_by_two();
    plan.interval = 100ms;
    Aggregator aggregator{plan};
    constexpr int kIntervals = 20'000;
    CHECK(allocated_by([&] {
              for (int i = 1; i <= kIntervals; ++i)
                  (void)aggregator.advance(kStart + i * 100ms, gauges(1, 0, 0, kStart));
          }) < std::size_t{kIntervals} * 1000);
    aggregator.record_missed(0, kStart, kStart + 1s);
    Gauges last = gauges(1, 0, 0);
    last.waiting = 0;
    CHECK(aggregator.advance(kStart + kIntervals * 100ms, last).size() == kIntervals);
}

TEST_CASE("a query that hangs keeps the intervals behind it open, and little of them in memory") {
    auto plan = two_by_two();
    plan.interval = 100ms;
    Aggregator aggregator{plan};
    constexpr int kIntervals = 5'000;
    CHECK(allocated_by([&] {
              for (int i = 1; i <= kIntervals; ++i) {
                  const auto due = (i - 1) * 100ms;
                  aggregator.record(completion(0, due, 0ms, 1ms));
                  aggregator.record(completion(0, due + 50ms, 0ms, 20ms));
                  const auto n = static_cast<std::uint64_t>(2 * i + 1);
                  CHECK(aggregator.advance(kStart + i * 100ms, gauges(n, n, 1, kStart)).empty());
              }
          }) < std::size_t{kIntervals} * 1000);
    aggregator.record(completion(0, 0ms, 0ms, 400s));
    const auto n = static_cast<std::uint64_t>(2 * kIntervals + 1);
    const auto closed = aggregator.advance(kStart + kIntervals * 100ms, gauges(n, n, 0));
    REQUIRE(closed.size() == kIntervals);
    CHECK(closed[0].response.count() == 3);
    CHECK(closed[0].max == Nanos{400s});
    for (std::size_t i = 1; i < closed.size(); ++i) CHECK(closed[i].response.count() == 2);
    CHECK(closed[kIntervals / 2].lag.count() == 2);
}

TEST_CASE("statements that run in order count each time that they are passed") {
    auto plan = two_by_two();
    plan.operations[1].sends = metrics::Sends::all;
    Aggregator aggregator{plan};
    const auto write = [&](std::uint32_t statement, Outcome outcome) {
        auto done = completion(1, 1s, 0ms, 1ms, outcome);
        done.statement = statement;
        aggregator.record(done);
    };
    write(1, Outcome::ok);
    write(1, Outcome::failed);
    write(0, Outcome::failed);
    aggregator.close(kStart + 4s);
    metrics::RunResult result;
    aggregator.finish(gauges(3, 3, 0), result);
    const auto& statements = result.operations[1].statements;
    CHECK(statements[0].ok == 2);
    CHECK(statements[0].failed == 1);
    CHECK(statements[1].ok == 1);
    CHECK(statements[1].failed == 1);
}

TEST_CASE("statements that conditions choose count each time that they are answered") {
    auto plan = two_by_two();
    plan.operations[1].sends = metrics::Sends::some;
    plan.operations[1].statements.push_back("third");
    Aggregator aggregator{plan};
    const auto write = [&](const std::vector<std::uint32_t>& answered, std::uint32_t last, Outcome outcome) {
        for (const auto statement : answered) aggregator.record_statement(1, statement, 1ms);
        auto done = completion(1, 1s, 0ms, 1ms, outcome);
        done.statement = last;
        aggregator.record(done);
    };
    write({0, 2}, 2, Outcome::ok);
    write({1}, 1, Outcome::ok);
    write({0, 2}, 2, Outcome::empty);
    write({0}, 2, Outcome::failed);
    write({}, 0, Outcome::timed_out);
    aggregator.close(kStart + 4s);
    metrics::RunResult result;
    aggregator.finish(gauges(5, 5, 0), result);
    const auto& statements = result.operations[1].statements;
    CHECK(statements[0].ok == 3);
    CHECK(statements[0].failed == 1);
    CHECK(statements[1].ok == 1);
    CHECK(statements[2].ok == 1);
    CHECK(statements[2].empty == 1);
    CHECK(statements[2].failed == 1);
    CHECK(statements[0].service->count() == 3);
}

TEST_CASE("statements have a service time of their own where an operation has several") {
    Aggregator aggregator{two_by_two()};
    aggregator.record_statement(1, 0, 2ms);
    aggregator.record_statement(1, 0, 4ms);
    aggregator.record_statement(0, 0, 8ms);
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(0, 0, 0), result);
    const auto& statements = result.operations[1].statements;
    REQUIRE((statements[0].service && statements[1].service));
    CHECK(statements[0].service->count() == 2);
    CHECK(statements[0].service->mean_ns() == 3e6);
    CHECK(statements[1].service->empty());
    CHECK_FALSE(result.operations[0].statements[0].service);
}

TEST_CASE("more kinds of errors than are kept apart still add up") {
    Aggregator aggregator{two_by_two()};
    for (int i = 0; i < 300; ++i) {
        auto failed = completion(0, 1s, 0ms, 0ms, Outcome::failed);
        failed.sqlstate.code = {'X', 'X', static_cast<char>('0' + i / 100),
                                static_cast<char>('0' + i / 10 % 10), static_cast<char>('0' + i % 10)};
        aggregator.record(failed);
    }
    metrics::RunResult result;
    aggregator.close(kStart + 4s);
    aggregator.finish(gauges(300, 300, 0), result);
    std::uint64_t sum = 0;
    for (const auto& error : result.errors) sum += error.count;
    CHECK(sum == 300);
    CHECK(result.errors.size() == 100);
}
