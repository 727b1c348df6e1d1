// One step of the time series. Counts are of what happened in the interval (done in it); latencies are of
// what was due in it, so a stall shows where it began. A finished interval keeps its histogram sparsely,
// because intervals merge with their neighbours when a run grows long.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/log_linear.hpp"

namespace pgtraffic::metrics {

/// A histogram of two significant digits for one interval. Dense while it is filled; see SparseCounts.
class CoarseHistogram {
 public:
    using Buckets = LogLinear<8>;  // relative width of a bucket <= 1/128

    CoarseHistogram() : counts_(Buckets::kBucketCount, 0) {}

    void record(base::Nanos d) noexcept;
    void record(base::Nanos d, std::uint64_t times) noexcept;
    void clear() noexcept;

    /// Where `d` is counted: negative durations as 0, those over an hour as an hour.
    [[nodiscard]] static std::uint32_t bucket_of(base::Nanos d) noexcept;

 private:
    void add(base::Nanos d, std::uint64_t times) noexcept;

    std::vector<std::uint64_t> counts_;
    std::uint32_t touched_low_ = Buckets::kBucketCount;
    std::uint32_t touched_high_ = 0;

    friend class SparseCounts;
};

/// The same, by non-zero bucket. A value; merges by adding.
class SparseCounts {
 public:
    SparseCounts() = default;
    explicit SparseCounts(const CoarseHistogram& dense);

    void merge(const SparseCounts& other);
    [[nodiscard]] std::uint64_t count() const noexcept;
    /// How many lie in buckets before this one of CoarseHistogram::Buckets.
    [[nodiscard]] std::uint64_t count_before(std::uint32_t bucket) const noexcept;
    /// As Histogram::quantile, with an error of at most 0.8 %. 0 when empty.
    [[nodiscard]] base::Nanos quantile(double q) const noexcept;

    /// Bucket of CoarseHistogram::Buckets and its count, by rising bucket, none of them 0. Decoded anew.
    [[nodiscard]] std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets() const;

 private:
    class Reader;
    void append(std::uint32_t bucket, std::uint64_t count, std::uint32_t& last);

    /// For each bucket its distance from the one before and its count, as LEB128: two to three bytes, of
    /// which a day-long run keeps a million.
    std::vector<std::uint8_t> bytes_;
};

struct Interval {
    double start_s = 0;  ///< from the start of the measured time
    double duration_s = 0;
    std::string phase;        ///< at its start
    double target_per_s = 0;  ///< mean planned rate; 0 in a closed loop
    std::uint64_t ok = 0;     ///< done in this interval, as are the next three
    std::uint64_t empty = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t missed = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t waiting = 0;    ///< at its end
    std::uint32_t in_flight = 0;  ///< at its end
    double loop_busy_ratio = 0;
    base::Nanos max{0};      ///< of the responses due in it, exact
    base::Nanos lag_max{0};  ///< the same of the lags
    SparseCounts response;   ///< of the queries due in it, as Latencies::response counts them
    /// Of them, those that had no answer, and are there with the age that they had reached.
    std::uint64_t unanswered = 0;
    SparseCounts lag;

    /// Of the response times, at most the exact maximum, which it is where it lies beyond an hour. 0 when
    /// empty.
    [[nodiscard]] base::Nanos response_quantile(double q) const noexcept { return within(response, q, max); }
    /// The same of the lags.
    [[nodiscard]] base::Nanos lag_quantile(double q) const noexcept { return within(lag, q, lag_max); }

    /// Where response_quantile(q) is but a lower bound: only what had no answer lies above that rank, or on
    /// it.
    [[nodiscard]] bool is_lower_bound(double q) const noexcept;

    /// Takes the interval behind this one into it.
    void merge(const Interval& next);
    [[nodiscard]] double throughput_per_s() const noexcept {
        return duration_s > 0 ? static_cast<double>(ok + empty) / duration_s : 0;
    }

 private:
    [[nodiscard]] static base::Nanos within(const SparseCounts& counts, double q, base::Nanos max) noexcept {
        const auto value = counts.quantile(q);
        return value >= Histogram::kHighest ? max : std::min(value, max);
    }
};

}  // namespace pgtraffic::metrics
