#include "pgtraffic/metrics/interval.hpp"

#include <algorithm>
#include <cmath>

#include "pgtraffic/metrics/histogram.hpp"

namespace pgtraffic::metrics {

inline void CoarseHistogram::add(base::Nanos d, std::uint64_t times) noexcept {
    const std::uint32_t index = bucket_of(d);
    counts_[index] += times;
    touched_low_ = std::min(touched_low_, index);
    touched_high_ = std::max(touched_high_, index);
}

void CoarseHistogram::record(base::Nanos d) noexcept {
    add(d, 1);
}

void CoarseHistogram::record(base::Nanos d, std::uint64_t times) noexcept {
    if (times > 0) add(d, times);
}

std::uint32_t CoarseHistogram::bucket_of(base::Nanos d) noexcept {
    return Buckets::index_of(
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(d.count(), 0, Histogram::kHighest.count())));
}

void CoarseHistogram::clear() noexcept {
    if (touched_low_ <= touched_high_) {
        std::fill(counts_.begin() + touched_low_, counts_.begin() + touched_high_ + 1, 0);
    }
    touched_low_ = Buckets::kBucketCount;
    touched_high_ = 0;
}

class SparseCounts::Reader {
 public:
    explicit Reader(const std::vector<std::uint8_t>& bytes)
        : at_{bytes.data()}, end_{bytes.data() + bytes.size()} {
        next();
    }
    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] std::uint32_t bucket() const noexcept { return bucket_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    void next() noexcept {
        done_ = at_ == end_;
        if (done_) return;
        bucket_ += static_cast<std::uint32_t>(number());
        count_ = number();
    }

 private:
    std::uint64_t number() noexcept {
        std::uint64_t n = 0;
        for (unsigned shift = 0;; shift += 7) {
            const std::uint8_t byte = *at_++;
            n |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80) return n;
        }
    }

    const std::uint8_t* at_;
    const std::uint8_t* end_;
    bool done_ = false;
    std::uint32_t bucket_ = 0;
    std::uint64_t count_ = 0;
};

void SparseCounts::append(std::uint32_t bucket, std::uint64_t count, std::uint32_t& last) {
    for (std::uint64_t n : {std::uint64_t{bucket - last}, count}) {
        for (; n >= 0x80; n >>= 7) bytes_.push_back(static_cast<std::uint8_t>(n | 0x80U));
        bytes_.push_back(static_cast<std::uint8_t>(n));
    }
    last = bucket;
}

SparseCounts::SparseCounts(const CoarseHistogram& dense) {
    std::uint32_t last = 0;
    for (std::uint32_t i = dense.touched_low_; i <= dense.touched_high_ && i < dense.counts_.size(); ++i) {
        if (dense.counts_[i] != 0) append(i, dense.counts_[i], last);
    }
    bytes_.shrink_to_fit();
}

void SparseCounts::merge(const SparseCounts& other) {
    SparseCounts merged;
    merged.bytes_.reserve(bytes_.size() + other.bytes_.size());
    std::uint32_t last = 0;
    Reader a{bytes_};
    Reader b{other.bytes_};
    while (!a.done() || !b.done()) {
        const bool from_a = b.done() || (!a.done() && a.bucket() <= b.bucket());
        const bool from_b = a.done() || (!b.done() && b.bucket() <= a.bucket());
        merged.append(from_a ? a.bucket() : b.bucket(), (from_a ? a.count() : 0) + (from_b ? b.count() : 0),
                      last);
        if (from_a) a.next();
        if (from_b) b.next();
    }
    merged.bytes_.shrink_to_fit();
    bytes_ = std::move(merged.bytes_);
}

std::uint64_t SparseCounts::count() const noexcept {
    std::uint64_t n = 0;
    for (Reader r{bytes_}; !r.done(); r.next()) n += r.count();
    return n;
}

std::uint64_t SparseCounts::count_before(std::uint32_t bucket) const noexcept {
    std::uint64_t n = 0;
    for (Reader r{bytes_}; !r.done() && r.bucket() < bucket; r.next()) n += r.count();
    return n;
}

base::Nanos SparseCounts::quantile(double q) const noexcept {
    const std::uint64_t n = count();
    if (n == 0) return base::Nanos{0};
    const std::uint64_t rank = rank_of_quantile(q, n);
    std::uint64_t seen = 0;
    for (Reader r{bytes_}; !r.done(); r.next()) {
        seen += r.count();
        if (seen >= rank) {
            return base::Nanos{static_cast<std::int64_t>(CoarseHistogram::Buckets::highest_of(r.bucket()))};
        }
    }
    return base::Nanos{0};
}

std::vector<std::pair<std::uint32_t, std::uint64_t>> SparseCounts::buckets() const {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> found;
    for (Reader r{bytes_}; !r.done(); r.next()) found.emplace_back(r.bucket(), r.count());
    return found;
}

void Interval::merge(const Interval& next) {
    const double together = duration_s + next.duration_s;
    if (together > 0) {
        target_per_s = (target_per_s * duration_s + next.target_per_s * next.duration_s) / together;
        loop_busy_ratio = (loop_busy_ratio * duration_s + next.loop_busy_ratio * next.duration_s) / together;
    }
    duration_s = std::round(together * 1e9) / 1e9;  // no 8.999999999999998 of ten times 0.9
    ok += next.ok;
    empty += next.empty;
    failed += next.failed;
    timed_out += next.timed_out;
    missed += next.missed;
    reconnects += next.reconnects;
    waiting = next.waiting;
    in_flight = next.in_flight;
    max = std::max(max, next.max);
    lag_max = std::max(lag_max, next.lag_max);
    response.merge(next.response);
    lag.merge(next.lag);
    unanswered += next.unanswered;
}

bool Interval::is_lower_bound(double q) const noexcept {
    const std::uint64_t n = unanswered > 0 ? response.count() : 0;
    return n > 0 && n - std::min(unanswered, n) < rank_of_quantile(q, n);
}

}  // namespace pgtraffic::metrics
