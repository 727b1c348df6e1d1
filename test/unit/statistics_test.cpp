// How sure figures are: bounds that hold as often as they say, errors that shrink as they should.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "support/catch.hpp"
#include "support/queueing.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::Interval;

namespace {

std::vector<Interval> intervals_of(const std::vector<double>& counts, double length_s = 1) {
    std::vector<Interval> intervals;
    for (const double count : counts) {
        Interval interval;
        interval.duration_s = length_s;
        interval.ok = static_cast<std::uint64_t>(count);
        intervals.push_back(interval);
    }
    return intervals;
}

metrics::SparseCounts sparse(std::initializer_list<std::pair<base::Nanos, std::uint32_t>> counts) {
    metrics::CoarseHistogram dense;
    for (const auto& [latency, times] : counts) dense.record(latency, times);
    return metrics::SparseCounts{dense};
}

/// Of independent values, a hundred to each of twenty intervals.
struct Independent {
    metrics::Histogram histogram;
    std::vector<Interval> intervals = intervals_of(std::vector<double>(20, 100));

    explicit Independent(std::uint64_t seed) {
        base::Random random{seed, base::Stream::data};
        for (auto& interval : intervals) {
            metrics::CoarseHistogram dense;
            for (int i = 0; i < 100; ++i) {
                const auto latency = base::from_seconds(0.01 * random.exponential());
                histogram.record(latency);
                dense.record(latency);
            }
            interval.response = metrics::SparseCounts{dense};
        }
    }
};

std::optional<metrics::Bounds> bounds_of(const metrics::Histogram& histogram, double q,
                                         const std::vector<Interval>& intervals) {
    return metrics::quantile_bounds(histogram, q, metrics::batches_of(intervals, &Interval::response));
}

/// How many of a hundred runs of a queue at this load have bounds that hold the true percentile.
struct Coverage {
    int given = 0;
    int held = 0;
};

std::array<Coverage, 3> coverage(double load, int seconds) {
    constexpr int kServers = 8;
    test::Queue queue{kServers, load, 7};
    std::array<Coverage, 3> found{};
    for (int i = 0; i < 100; ++i) {
        const auto run = queue.run(seconds);
        std::size_t at = 0;
        for (const double q : {0.5, 0.95, 0.99}) {
            const auto truth = base::from_seconds(test::Queue::kService_s *
                                                  test::response_quantile(kServers, kServers * load, q));
            auto& of = found[at++];
            const auto bounds = bounds_of(run.latencies.response, q, run.intervals);
            if (!bounds) continue;
            ++of.given;
            if (bounds->low <= truth && truth <= bounds->high) ++of.held;
        }
    }
    return found;
}

}  // namespace

TEST_CASE("the mean of runs has Student's interval") {
    // Gosset's own example of sleep, the first drug: mean 0.75, standard deviation 1.789, ten patients.
    const std::array hours{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    const auto mean = metrics::mean_of_runs(hours);
    CHECK(mean.value == Approx(0.75));
    CHECK(mean.half_width == Approx(2.262 * 1.789 / std::sqrt(10.0)).epsilon(0.001));
    const std::array two{1.0, 3.0};
    CHECK(metrics::mean_of_runs(two).half_width == Approx(12.706));
    CHECK(metrics::mean_of_runs(std::vector<double>(200, 5.0)).half_width == 0);
}

TEST_CASE("the mean of equal values is that value, to the last bit") {
    for (std::size_t n = 2; n < 100; ++n) {
        CAPTURE(n);
        CHECK(metrics::mean_of_runs(std::vector<double>(n, 1.0)).value == 1.0);
        CHECK(metrics::mean_of_runs(std::vector<double>(n, 0.1)).value == 0.1);
    }
}

TEST_CASE("the bounds of a percentile of independent values hold the true one in nineteen runs of twenty") {
    int held = 0;
    constexpr int kRuns = 500;
    for (int seed = 0; seed < kRuns; ++seed) {
        const Independent run{static_cast<std::uint64_t>(seed)};
        const auto bounds = bounds_of(run.histogram, 0.95, run.intervals);
        REQUIRE(bounds);
        const auto truth = base::from_seconds(0.01 * -std::log(0.05));
        if (bounds->low <= truth && truth <= bounds->high) ++held;
    }
    CHECK(held > kRuns * 94 / 100);
    CHECK(held < kRuns);
}

TEST_CASE("in a queue, where each waits for those before it, the bounds of a percentile hold, too") {
    // Bounds for independent values held the true median in 38, and the true p95 in 43 runs of a hundred.
    const auto short_runs = coverage(0.8, 10);
    CHECK(short_runs[0].held >= 88);
    CHECK(short_runs[1].held >= 88);
    CHECK(short_runs[2].given >= 50);
    CHECK(short_runs[2].held >= short_runs[2].given * 9 / 10);
    const auto minutes = coverage(0.8, 60);
    for (const auto& of : minutes) {
        CHECK(of.given >= 95);
        CHECK(of.held >= 90);
    }
}

TEST_CASE("the bounds of a percentile are those of the ranks that its share may be off by") {
    // Ten stretches; up to 1 ms are 40 or 60 of a hundred in turn, so the share of half is off by
    // t(9) · √(10 · 10² · 10/9) / 1000 = 0.0754: the ranks from 424 to 576 of the thousand.
    metrics::Histogram histogram;
    auto intervals = intervals_of(std::vector<double>(10, 100));
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        const std::uint32_t fast = i % 2 == 0 ? 40 : 60;
        intervals[i].response = sparse({{500us, fast - 1}, {1ms, 1}, {3ms, 100 - fast}});
    }
    for (int i = 1; i <= 1000; ++i) histogram.record(i <= 500 ? i * 2us : 1ms + i * 4us);
    const auto bounds = bounds_of(histogram, 0.5, intervals);
    REQUIRE(bounds);
    CHECK(base::to_millis(bounds->low) == Approx(0.848).epsilon(0.001));
    CHECK(base::to_millis(bounds->high) == Approx(3.304).epsilon(0.001));
}

TEST_CASE("the stretches hold all of the run, its last second as well") {
    for (const std::size_t seconds : {31U, 45U, 59U, 70U, 3599U}) {
        CAPTURE(seconds);
        auto intervals = intervals_of(std::vector<double>(seconds, 100));
        for (auto& interval : intervals) interval.response = sparse({{1ms, 100}});
        std::uint64_t values = 0;
        const auto batches = metrics::batches_of(intervals, &Interval::response);
        for (const auto& batch : batches) values += batch.count();
        CHECK(values == 100 * seconds);
        CHECK(batches.size() <= 30);

        // One bad second: as far as anybody knows none is usual.
        intervals.back().ok = 0;
        intervals.back().failed = 100;
        metrics::Counts counts;
        counts.ok = 100 * (seconds - 1);
        counts.failed = 100;
        const auto bounds = metrics::failure_bounds(counts, intervals);
        REQUIRE(bounds);
        CHECK(bounds->low == 0);
    }
}

TEST_CASE("stretches that are alike their neighbours do not make bounds narrow") {
    const auto width = [](std::size_t alike) {
        metrics::Histogram histogram;
        auto intervals = intervals_of(std::vector<double>(32, 1000));
        base::Random random{1, base::Stream::data};
        double pace = 1;
        for (std::size_t i = 0; i < intervals.size(); ++i) {
            if (i % alike == 0) pace = 1 + random.unit();
            metrics::CoarseHistogram dense;
            for (int n = 0; n < 1000; ++n) {
                const auto latency = base::from_seconds(0.01 * pace * random.exponential());
                histogram.record(latency);
                dense.record(latency);
            }
            intervals[i].response = metrics::SparseCounts{dense};
        }
        const auto bounds = bounds_of(histogram, 0.5, intervals).value();
        return base::to_millis(bounds.high - bounds.low);
    };
    CHECK(width(4) > 1.3 * width(1));
}

TEST_CASE("what lies within one bucket of the time series has bounds of at least its limits") {
    // Less than a per cent apart: the intervals cannot tell them, so they do not show that the one gave way
    // to the other half-way.
    metrics::Histogram histogram;
    auto intervals = intervals_of(std::vector<double>(20, 1000));
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        const base::Nanos latency = i < 10 ? 9'980us : 10'010us;
        histogram.record(latency, 1000);
        intervals[i].response = sparse({{latency, 1000}});
    }
    const auto bounds = bounds_of(histogram, 0.25, intervals);
    REQUIRE(bounds);
    CHECK(bounds->low == histogram.min());
    CHECK(bounds->high == histogram.max());
}

TEST_CASE("a percentile that the data do not support has no bounds") {
    const Independent run{1};
    CHECK(bounds_of(run.histogram, 0.5, run.intervals));
    CHECK(bounds_of(run.histogram, 0.99, run.intervals));
    CHECK_FALSE(bounds_of(run.histogram, 0.999, run.intervals));
    CHECK_FALSE(bounds_of(metrics::Histogram{}, 0.5, run.intervals));
    CHECK_FALSE(bounds_of(run.histogram, 0.5, {}));
    CHECK_FALSE(bounds_of(run.histogram, 0.5, intervals_of(std::vector<double>(20, 100))));  // none counted
}

TEST_CASE("neither bounds nor errors come from a short run, or from a rate that a plan moves") {
    Independent run{1};
    auto few = run.intervals;
    few.resize(8);
    CHECK(bounds_of(run.histogram, 0.5, few));
    few.resize(7);
    CHECK_FALSE(bounds_of(run.histogram, 0.5, few));
    for (std::size_t i = 0; i < 20; ++i) run.intervals[i].target_per_s = 100.0 + static_cast<double>(i);
    CHECK_FALSE(bounds_of(run.histogram, 0.5, run.intervals));
}

TEST_CASE("the error of a throughput is that of its batches") {
    // Sixty seconds in thirty batches of two: means alternate between 900 and 1100.
    std::vector<double> counts;
    for (int batch = 0; batch < 30; ++batch) counts.insert(counts.end(), 2, batch % 2 == 0 ? 900 : 1100);
    const auto error = metrics::throughput_error(intervals_of(counts));
    REQUIRE(error);
    CHECK(error->standard == Approx(100 * std::sqrt(30.0 / 29.0) / std::sqrt(30.0)));
    CHECK(error->half_width == Approx(2.045 * error->standard));  // Student's t of 29, not the normal 1.96
}

TEST_CASE("a throughput without any spread is still sure to no more than a query") {
    const auto error = metrics::throughput_error(intervals_of(std::vector<double>(40, 500))).value();
    CHECK(error.standard == 0);
    CHECK(error.half_width == Approx(1.0 / 40));
}

TEST_CASE("the error of a throughput sees waves that are longer than a batch") {
    // Thirty batches of which each two neighbours are alike: from fifteen pairs the error is √2 as large.
    std::vector<double> counts;
    for (int pair = 0; pair < 15; ++pair) counts.insert(counts.end(), 4, pair % 2 == 0 ? 900 : 1100);
    const auto error = metrics::throughput_error(intervals_of(counts)).value();
    const double spread = 2 * std::sqrt(8.0 * 7.0) / 15 * 100;  // of eight at 900 and seven at 1100
    CHECK(error.standard == Approx(spread / std::sqrt(14.0)));
    CHECK(error.half_width == Approx(2.145 * error.standard));
}

TEST_CASE("a short run, and a rate that a plan moves, have no such error") {
    CHECK_FALSE(metrics::throughput_error({}));
    CHECK_FALSE(metrics::throughput_error(intervals_of(std::vector<double>(7, 500))));
    CHECK(metrics::throughput_error(intervals_of(std::vector<double>(8, 500))));
    auto planned = intervals_of(std::vector<double>(40, 500));
    for (std::size_t i = 0; i < planned.size(); ++i) planned[i].target_per_s = 100.0 + static_cast<double>(i);
    CHECK_FALSE(metrics::throughput_error(planned));
}

TEST_CASE("an interval cut short at the end does not count") {
    auto intervals = intervals_of(std::vector<double>(20, 500));
    intervals.push_back(intervals_of({3}, 0.01).front());
    CHECK(metrics::throughput_error(intervals).value().standard == 0);
}

TEST_CASE(
    "shares of queries that fail in bursts have intervals that hold, unlike those of independent ones") {
    // Each second all of its hundred queries fail, with a chance of one in ten.
    constexpr double kTrue = 0.1;
    constexpr int kRuns = 300;
    base::Random random{11, base::Stream::data};
    int held = 0;
    int held_if_independent = 0;
    for (int run = 0; run < kRuns; ++run) {
        metrics::Counts counts;
        std::vector<Interval> intervals(60);
        for (auto& interval : intervals) {
            interval.duration_s = 1;
            (random.unit() < kTrue ? interval.failed : interval.ok) = 100;
            counts.ok += interval.ok;
            counts.failed += interval.failed;
        }
        const auto holds = [](const std::optional<metrics::ShareBounds>& bounds, double truth) {
            return bounds && bounds->low <= truth && truth <= bounds->high;
        };
        const auto failure = metrics::failure_bounds(counts, intervals);
        const auto success = metrics::success_bounds(counts, intervals);
        held += holds(failure, kTrue) ? 1 : 0;
        CHECK(holds(failure, kTrue) == holds(success, 1 - kTrue));
        held_if_independent +=
            holds(metrics::independent_share_bounds(counts.failed_ratio(), 6000), kTrue) ? 1 : 0;
    }
    CHECK(held >= 0.9 * kRuns);
    CHECK(held_if_independent < 0.4 * kRuns);
}

TEST_CASE(
    "a share without bursts is as sure as independent queries make it, and a short run tells of none or "
    "all") {
    metrics::Counts counts;
    counts.ok = 90;
    counts.failed = 10;
    const auto independent = metrics::independent_share_bounds(0.1, 100);
    CHECK(independent->low == Approx(0.0552).epsilon(0.002));
    CHECK(independent->high == Approx(0.1744).epsilon(0.002));
    std::vector<Interval> intervals(10);
    for (auto& interval : intervals) {
        interval.duration_s = 1;
        interval.ok = 9;
        interval.failed = 1;
    }
    CHECK(metrics::failure_bounds(counts, intervals)->low == independent->low);
    CHECK(metrics::failure_bounds(counts, intervals)->high == independent->high);
    intervals.resize(7);
    CHECK_FALSE(metrics::failure_bounds(counts, intervals).has_value());
    counts.failed = 0;
    CHECK(metrics::failure_bounds(counts, intervals)->low == 0);
    CHECK(metrics::success_bounds(counts, intervals)->high == 1);
    CHECK_FALSE(metrics::success_bounds({}, intervals).has_value());
}

TEST_CASE(
    "what queries without an answer may have taken is in the upper bound, as far as they had not waited") {
    const auto intervals = Independent{3}.intervals;
    const auto histogram = Independent{3}.histogram;
    const auto batches = metrics::batches_of(intervals, &Interval::response);
    const auto all = metrics::quantile_bounds(histogram, 0.5, batches);
    metrics::Histogram unanswered;
    unanswered.record(1s, 500);  // far beyond: nothing changes
    CHECK(metrics::quantile_bounds(histogram, 0.5, batches, unanswered)->high == all->high);
    unanswered.clear();
    unanswered.record(0ns, 100);  // a twentieth may be anything
    const auto some = metrics::quantile_bounds(histogram, 0.5, batches, unanswered);
    CHECK(some->low == all->low);
    CHECK(some->high > all->high);
    unanswered.record(0ns, 900);
    CHECK_FALSE(metrics::quantile_bounds(histogram, 0.5, batches, unanswered).has_value());
}
