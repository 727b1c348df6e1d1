#include "pgtraffic/metrics/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>

namespace pgtraffic::metrics {
namespace {

constexpr std::size_t kBytes = Histogram::Buckets::kBucketCount * sizeof(std::uint64_t);

std::uint64_t* allocate_counts() {
    auto* counts = static_cast<std::uint64_t*>(std::calloc(1, kBytes));
    if (counts == nullptr) throw std::bad_alloc{};
    return counts;
}

}  // namespace

Histogram::Histogram() : counts_{allocate_counts()} {}

Histogram::Histogram(const Histogram& other) : Histogram() {
    merge(other);
}

Histogram& Histogram::operator=(const Histogram& other) {
    if (this != &other) {
        clear();
        merge(other);
    }
    return *this;
}

void Histogram::merge(const Histogram& other) noexcept {
    if (other.count_ == 0) return;
    // Only the touched stretch, so that untouched pages stay untouched.
    const auto highest = std::min<std::int64_t>(other.max_, kHighest.count());
    const std::uint32_t last = Buckets::index_of(static_cast<std::uint64_t>(highest));
    const auto lowest = std::min<std::int64_t>(other.min_, kHighest.count());
    for (std::uint32_t i = Buckets::index_of(static_cast<std::uint64_t>(lowest)); i <= last; ++i) {
        if (other.counts_[i] != 0) counts_[i] += other.counts_[i];
    }
    count_ += other.count_;
    overflow_ += other.overflow_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
    sum_of_squares_ += other.sum_of_squares_;
}

void Histogram::clear() noexcept {
    if (count_ != 0) std::memset(counts_.get(), 0, kBytes);
    count_ = overflow_ = 0;
    min_ = INT64_MAX;
    max_ = 0;
    sum_ = sum_of_squares_ = 0;
}

base::Nanos Histogram::min() const noexcept {
    return base::Nanos{count_ == 0 ? 0 : min_};
}

base::Nanos Histogram::max() const noexcept {
    return base::Nanos{max_};
}

double Histogram::mean_ns() const noexcept {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

double Histogram::stddev_ns() const noexcept {
    if (count_ == 0) return 0;
    const double mean = mean_ns();
    return std::sqrt(std::max(0.0, sum_of_squares_ / static_cast<double>(count_) - mean * mean));
}

base::Nanos Histogram::quantile(double q) const noexcept {
    return count_ == 0 ? base::Nanos{0} : value_of_rank(rank_of(q));
}

std::uint64_t Histogram::rank_of(double q) const noexcept {
    return rank_of_quantile(q, count_);
}

base::Nanos Histogram::value_of_rank(std::uint64_t rank) const noexcept {
    if (count_ == 0) return base::Nanos{0};
    if (rank > count_ - overflow_) return max();
    std::uint64_t seen = 0;
    for (std::uint32_t i = Buckets::index_of(static_cast<std::uint64_t>(min_)); i < Buckets::kBucketCount;
         ++i) {
        seen += counts_[i];
        if (seen >= rank) {
            return base::Nanos{std::min(static_cast<std::int64_t>(Buckets::highest_of(i)), max_)};
        }
    }
    return max();
}

/// Those recorded up to a value may all belong behind it: the value then has so much lower a rank.
std::optional<base::Nanos> value_of_rank_at_most(const Histogram& all, const Histogram& lower_bounds,
                                                 std::uint64_t rank) noexcept {
    for (std::uint64_t as_recorded = rank; as_recorded <= all.count();) {
        const base::Nanos value = all.value_of_rank(as_recorded);
        const std::uint64_t behind = lower_bounds.empty() ? 0 : lower_bounds.count_up_to(value);
        if (rank + behind <= as_recorded) return value;
        as_recorded = rank + behind;
    }
    return std::nullopt;
}

std::uint64_t Histogram::count_up_to(base::Nanos d) const noexcept {
    if (d > kHighest) return count_;
    const std::uint32_t last = Buckets::index_of(static_cast<std::uint64_t>(d.count()));
    return std::accumulate(counts_.get(), counts_.get() + last + 1, std::uint64_t{0});
}

}  // namespace pgtraffic::metrics
