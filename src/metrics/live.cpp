#include "pgtraffic/metrics/live.hpp"

#include <algorithm>
#include <numeric>

namespace pgtraffic::metrics {

void LadderHistogram::record(base::Nanos d) noexcept {
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), d);
    ++buckets_[static_cast<std::size_t>(bound - kBounds.begin())];
    sum_ns_ += static_cast<double>(std::max(d, base::Nanos{0}).count());
}

std::uint64_t LadderHistogram::count() const noexcept {
    return std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0});
}

void LiveCounts::record(const Completion& c, bool open_loop) noexcept {
    LiveOperation& operation = operations[c.operation];
    operation.response[static_cast<std::size_t>(c.outcome)].record(c.done - c.due);
    operation.retries += c.attempts - 1;
    operation.rows += c.rows;
    if (!open_loop) return;
    operation.lag.record(c.sent - c.due);
    generator_lag.record(c.generator_lag());
}

}  // namespace pgtraffic::metrics
