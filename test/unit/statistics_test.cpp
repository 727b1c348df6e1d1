// How sure figures are: bounds that hold as often as they say, errors that shrink as they should.
#include <algorithm>
#include <cmath>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "support/catch.hpp"

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

}  // namespace

TEST_CASE("the mean of runs has Student's interval") {
    // Gosset's own example of sleep, the first drug: mean 0.75, standard deviation 1.789, ten patients.
    const std::array hours{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    const auto mean = metrics::mean_of_runs(hours);
    CHECK(mean.value == Approx(0.75));
    CHECK(mean.half_width == Approx(2.262 * 1.789 / std::sqrt(10.0)).epsilon(0.001));
    const std::array two{1.0, 3.0};
    CHECK(metrics::mean_of_runs(two).half_width == Approx(12.706));
    CHECK(metrics::mean_of_runs(std::vector<double>(200, 5.0)).half_width == Approx(0).margin(1e-12));
}

TEST_CASE("the bounds of a percentile hold the true value in nineteen runs of twenty") {
    int held = 0;
    constexpr int kRuns = 1000;
    for (int run = 0; run < kRuns; ++run) {
        base::Random random{static_cast<std::uint64_t>(run), base::Stream::data};
        metrics::Histogram histogram;
        for (int i = 0; i < 2000; ++i) histogram.record(base::from_seconds(0.01 * random.exponential()));
        const auto bounds = metrics::quantile_bounds(histogram, 0.95);
        REQUIRE(bounds);
        const auto truth = base::from_seconds(0.01 * -std::log(0.05));
        if (bounds->low <= truth && truth <= bounds->high) ++held;
    }
    CHECK(held > kRuns * 93 / 100);
    CHECK(held < kRuns * 98 / 100);
}

TEST_CASE("a percentile that the data do not support has no bounds") {
    metrics::Histogram histogram;
    CHECK_FALSE(metrics::quantile_bounds(histogram, 0.5));
    histogram.record(1ms, 100);
    CHECK(metrics::quantile_bounds(histogram, 0.5));
    CHECK_FALSE(metrics::quantile_bounds(histogram, 0.99));
}

TEST_CASE("the error of a throughput is that of its batches") {
    // Sixty seconds in thirty batches of two: means alternate between 900 and 1100.
    std::vector<double> counts;
    for (int batch = 0; batch < 30; ++batch) counts.insert(counts.end(), 2, batch % 2 == 0 ? 900 : 1100);
    const auto error = metrics::throughput_standard_error(intervals_of(counts));
    REQUIRE(error);
    CHECK(*error == Approx(100 * std::sqrt(30.0 / 29.0) / std::sqrt(30.0)));
    CHECK(metrics::throughput_standard_error(intervals_of(std::vector<double>(40, 500))).value() ==
          Approx(0));
}

TEST_CASE("a short run, and a rate that a plan moves, have no such error") {
    CHECK_FALSE(metrics::throughput_standard_error({}));
    CHECK_FALSE(metrics::throughput_standard_error(intervals_of(std::vector<double>(19, 500))));
    auto planned = intervals_of(std::vector<double>(40, 500));
    for (std::size_t i = 0; i < planned.size(); ++i) planned[i].target_per_s = 100.0 + static_cast<double>(i);
    CHECK_FALSE(metrics::throughput_standard_error(planned));
}

TEST_CASE("an interval cut short at the end does not count") {
    auto intervals = intervals_of(std::vector<double>(20, 500));
    intervals.push_back(intervals_of({3}, 0.01).front());
    CHECK(metrics::throughput_standard_error(intervals).value() == Approx(0));
}
