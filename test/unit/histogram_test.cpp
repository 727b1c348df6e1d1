// Histograms: no value off by more than a bucket, nothing lost, merging is adding.
#include <algorithm>
#include <cmath>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "rapidcheck.h"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Nanos;
using metrics::Histogram;

namespace {

std::vector<Nanos> some_durations(const std::vector<std::uint32_t>& raw) {
    std::vector<Nanos> durations;
    for (const auto r : raw) durations.emplace_back(std::int64_t{r} * (r % 7 == 0 ? 800 : 1));
    return durations;
}

Histogram histogram_of(const std::vector<Nanos>& durations) {
    Histogram histogram;
    for (const auto d : durations) histogram.record(d);
    return histogram;
}

bool same(const Histogram& a, const Histogram& b) {
    return std::ranges::equal(a.buckets(), b.buckets()) && a.count() == b.count() && a.min() == b.min() &&
           a.max() == b.max() && a.overflow() == b.overflow() &&
           std::abs(a.mean_ns() - b.mean_ns()) <= 1e-9 * a.mean_ns();
}

}  // namespace

TEST_CASE("every value up to an hour lies in its bucket, and a bucket is at most 0.1 % wide") {
    using Buckets = Histogram::Buckets;
    std::uint32_t last = 0;
    for (std::uint64_t ns = 0; ns <= 3'600'000'000'000; ns += 1 + ns / 3000) {
        const auto index = Buckets::index_of(ns);
        REQUIRE(index < Buckets::kBucketCount);
        REQUIRE(index >= last);
        REQUIRE(Buckets::lowest_of(index) <= ns);
        REQUIRE(ns <= Buckets::highest_of(index));
        REQUIRE(static_cast<double>(Buckets::highest_of(index) - Buckets::lowest_of(index)) <=
                0.001 * static_cast<double>(ns));
        last = index;
    }
    for (std::uint32_t i = 0; i + 1 < Buckets::kBucketCount; ++i) {
        REQUIRE(Buckets::highest_of(i) + 1 == Buckets::lowest_of(i + 1));
    }
}

TEST_CASE("quantiles are within 0.1 % of the exact ones") {
    CHECK(rc::check([](const std::vector<std::uint32_t>& raw) {
        RC_PRE(!raw.empty());
        auto durations = some_durations(raw);
        const auto histogram = histogram_of(durations);
        std::sort(durations.begin(), durations.end());
        for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 1.0}) {
            const auto rank = std::max<std::size_t>(
                1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(durations.size()) - 1e-9)));
            const auto exact = durations[rank - 1];
            const auto found = histogram.quantile(q);
            RC_ASSERT(found >= exact);
            RC_ASSERT(static_cast<double>((found - exact).count()) <=
                      0.001 * static_cast<double>(exact.count()));
        }
        RC_ASSERT(histogram.min() == durations.front());
        RC_ASSERT(histogram.max() == durations.back());
        RC_ASSERT(histogram.count() == durations.size());
    }));
}

TEST_CASE("merging is adding: associative, commutative, and the same as recording everything in one") {
    CHECK(rc::check([](const std::vector<std::uint32_t>& x, const std::vector<std::uint32_t>& y,
                       const std::vector<std::uint32_t>& z) {
        const auto a = histogram_of(some_durations(x));
        const auto b = histogram_of(some_durations(y));
        const auto c = histogram_of(some_durations(z));
        Histogram left = a;
        left.merge(b);
        left.merge(c);
        Histogram right = c;
        Histogram inner = b;
        inner.merge(a);
        right.merge(inner);
        RC_ASSERT(same(left, right));
        auto all = some_durations(x);
        for (const auto d : some_durations(y)) all.push_back(d);
        for (const auto d : some_durations(z)) all.push_back(d);
        RC_ASSERT(same(left, histogram_of(all)));
    }));
}

TEST_CASE("what is longer than an hour is counted, shown and kept in maximum and mean") {
    Histogram histogram;
    histogram.record(1ms);
    histogram.record(2h);
    CHECK(histogram.count() == 2);
    CHECK(histogram.overflow() == 1);
    CHECK(histogram.max() == Nanos{2h});
    CHECK(histogram.quantile(1.0) == Nanos{2h});
    CHECK(histogram.quantile(0.5) < 1'001us);
    CHECK(histogram.mean_ns() == Approx((1e6 + 7.2e12) / 2));
}

TEST_CASE("negative durations count as zero and an empty histogram has no surprises") {
    Histogram histogram;
    CHECK(histogram.quantile(0.99) == 0ns);
    CHECK(histogram.mean_ns() == 0);
    CHECK(histogram.min() == 0ns);
    histogram.record(-5ns);
    CHECK(histogram.max() == 0ns);
    CHECK(histogram.count() == 1);
}

TEST_CASE("mean and standard deviation are exact") {
    Histogram histogram;
    for (const int ms : {1, 2, 3, 4}) histogram.record(std::chrono::milliseconds{ms});
    CHECK(histogram.mean_ns() == Approx(2.5e6));
    CHECK(histogram.stddev_ns() == Approx(std::sqrt(1.25) * 1e6));
}

TEST_CASE("a percentile with fewer than ten values above it is not supported by the data") {
    Histogram histogram;
    histogram.record(1ms, 999);
    CHECK_FALSE(histogram.supports(0.99));
    histogram.record(1ms, 1);
    CHECK(histogram.supports(0.99));
    CHECK_FALSE(histogram.supports(0.999));
}

TEST_CASE("values that may be larger than they were recorded leave a rank to those behind them") {
    Histogram all;
    Histogram larger;
    for (int i = 1; i <= 100; ++i) all.record(std::chrono::milliseconds{i});
    const auto at_most = [&](std::uint64_t rank) {
        const auto value = metrics::value_of_rank_at_most(all, larger, rank);
        return value ? std::round(base::to_millis(*value)) : -1.0;
    };
    CHECK(at_most(50) == 50);
    larger.record(10ms, 5);
    CHECK(at_most(5) == 5);    // they are behind it
    CHECK(at_most(50) == 55);  // any five of those before it may be behind
    CHECK(at_most(95) == 100);
    CHECK(at_most(96) == -1);
    larger.record(53ms, 3);  // which count as soon as the rank has moved up to them
    CHECK(at_most(50) == 58);
    CHECK(at_most(47) == 52);
}

TEST_CASE("a maximum that may be larger than it was recorded is not the most that it can be") {
    Histogram all;
    Histogram larger;
    all.record(1ms, 9);
    all.record(7s + 3ns);  // somewhere in its bucket
    larger.record(7s + 3ns);
    CHECK(metrics::value_of_rank_at_most(all, larger, 9) == all.value_of_rank(9));
    CHECK_FALSE(metrics::value_of_rank_at_most(all, larger, 10).has_value());
    all.record(2h);
    CHECK(metrics::value_of_rank_at_most(all, larger, 10) == 2h);
    larger.record(2h);
    CHECK_FALSE(metrics::value_of_rank_at_most(all, larger, 10).has_value());
}

TEST_CASE("the coarse histogram of an interval is within 0.8 %, dense, sparse and merged") {
    base::Random random{5, base::Stream::data};
    metrics::CoarseHistogram first;
    metrics::CoarseHistogram second;
    std::vector<Nanos> all;
    for (int i = 0; i < 5000; ++i) {
        const auto d = base::from_seconds(0.001 * random.exponential());
        (i % 3 == 0 ? first : second).record(d);
        all.push_back(d);
    }
    std::sort(all.begin(), all.end());
    metrics::SparseCounts counts{first};
    counts.merge(metrics::SparseCounts{second});
    CHECK(counts.count() == 5000);
    for (const double q : {0.5, 0.95, 0.99}) {
        const auto exact =
            static_cast<double>(all[static_cast<std::size_t>(std::ceil(q * 5000)) - 1].count());
        CHECK(static_cast<double>(counts.quantile(q).count()) == Approx(exact).epsilon(0.008));
    }
    first.clear();
    CHECK(metrics::SparseCounts{first}.count() == 0);
    // Of a day at full speed more than 2^32.
    metrics::CoarseHistogram day;
    day.record(1ms, 3'000'000'000);
    metrics::SparseCounts days{day};
    days.merge(metrics::SparseCounts{day});
    CHECK(days.count() == 6'000'000'000);
    CHECK(days.buckets().at(0).second == 6'000'000'000);
}
