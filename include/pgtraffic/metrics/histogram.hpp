// A log-linear histogram of durations: three significant digits from 1 ns to 1 h in the layout of
// HdrHistogram (2,048 sub-buckets), so that its counts can be written in HdrHistogram's format without
// loss. Exact minimum, maximum, sum and count stand beside it. Recording allocates nothing; merging adds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/log_linear.hpp"

namespace pgtraffic::metrics {

/// So many values above a quantile support it (docs/metrics.md).
inline constexpr double kQueriesAboveQuantile = 10;

/// Whether of `values` values as many lie above the quantile.
[[nodiscard]] constexpr bool supports_quantile(double values, double q) noexcept {
    return values * (1 - q) >= kQueriesAboveQuantile - 1e-6;
}

/// The rank of the q-quantile (0..1) of so many values, at least one, in their order: ceil(q·count), from 1
/// on. A q that was written in decimals may be a little above what was meant.
[[nodiscard]] inline std::uint64_t rank_of_quantile(double q, std::uint64_t count) noexcept {
    constexpr double kRounding = 1e-12;
    const auto all = static_cast<double>(count);
    const double rank = std::clamp(std::ceil(q * all * (1 - kRounding)), 1.0, all);
    return std::min(static_cast<std::uint64_t>(rank), count);
}

/// A value. 270 kB of address space; pages never counted in stay untouched, so a histogram of latencies
/// that span ten octaves holds some 80 kB.
class Histogram {
 public:
    using Buckets = LogLinear<11>;                        // 2,048 sub-buckets
    static constexpr double kRelativeWidth = 1.0 / 1024;  ///< of a bucket, at most
    static constexpr base::Nanos kHighest = std::chrono::hours{1};

    Histogram();
    Histogram(const Histogram& other);
    Histogram(Histogram&&) noexcept = default;
    Histogram& operator=(const Histogram& other);
    Histogram& operator=(Histogram&&) noexcept = default;
    ~Histogram() = default;

    /// Negative durations count as 0; those over an hour go to the overflow counter, and with their exact
    /// length into maximum and sum.
    /// Inlined wherever it stands: on a query's path the call would cost a quarter of the rest.
    [[gnu::always_inline]] void record(base::Nanos d, std::uint64_t times = 1) noexcept {
        const std::int64_t ns = std::max<std::int64_t>(d.count(), 0);
        if (ns <= kHighest.count()) [[likely]] {
            counts_[Buckets::index_of(static_cast<std::uint64_t>(ns))] += times;
        } else {
            overflow_ += times;
        }
        count_ += times;
        min_ = std::min(min_, ns);
        max_ = std::max(max_, ns);
        const auto x = static_cast<double>(ns);
        const auto weight = static_cast<double>(times);
        sum_ += x * weight;
        sum_of_squares_ += x * x * weight;
    }

    void merge(const Histogram& other) noexcept;
    void clear() noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t overflow() const noexcept { return overflow_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] base::Nanos min() const noexcept;   ///< exact; 0 when empty
    [[nodiscard]] base::Nanos max() const noexcept;   ///< exact; 0 when empty
    [[nodiscard]] double mean_ns() const noexcept;    ///< exact; 0 when empty
    [[nodiscard]] double stddev_ns() const noexcept;  ///< exact, of the population; 0 when empty

    /// The value that a share q (0..1) of all values does not exceed: the highest value of the bucket that
    /// holds rank ceil(q·count), at most max(). Error at most one bucket, 0.1 %. 0 when empty.
    [[nodiscard]] base::Nanos quantile(double q) const noexcept;

    /// The rank of that value, at least 1. Not when empty.
    [[nodiscard]] std::uint64_t rank_of(double q) const noexcept;

    /// The value of rank `rank` (1 … count) in the same sense.
    [[nodiscard]] base::Nanos value_of_rank(std::uint64_t rank) const noexcept;

    [[nodiscard]] bool supports(double q) const noexcept {
        return supports_quantile(static_cast<double>(count_), q);
    }

    /// How many values lie in the bucket of `d` (not negative) or in one below it; all, where that is more
    /// than an hour.
    [[nodiscard]] std::uint64_t count_up_to(base::Nanos d) const noexcept;

    /// Counts by bucket, for encoders; Buckets::kBucketCount of them.
    [[nodiscard]] std::span<const std::uint64_t> buckets() const noexcept {
        return {counts_.get(), Buckets::kBucketCount};
    }

 private:
    struct Free {
        void operator()(std::uint64_t* p) const noexcept { std::free(p); }
    };

    std::unique_ptr<std::uint64_t[], Free> counts_;  // from calloc: untouched pages cost nothing
    std::uint64_t count_ = 0;
    std::uint64_t overflow_ = 0;
    std::int64_t min_ = INT64_MAX;
    std::int64_t max_ = 0;
    double sum_ = 0;
    double sum_of_squares_ = 0;
};

/// The most that the value of rank `rank` (from 1 on) of `all` can be where those of `lower_bounds`, which
/// are among them, may be larger than they were recorded; none where it may be one of these.
[[nodiscard]] std::optional<base::Nanos> value_of_rank_at_most(const Histogram& all,
                                                               const Histogram& lower_bounds,
                                                               std::uint64_t rank) noexcept;

}  // namespace pgtraffic::metrics
