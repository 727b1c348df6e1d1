#include "pgtraffic/metrics/abort_watch.hpp"

#include <algorithm>
#include <utility>

namespace pgtraffic::metrics {

AbortWatch::AbortWatch(std::vector<Threshold> conditions, base::Nanos window, base::Nanos interval)
    : conditions_{std::move(conditions)},
      length_{static_cast<std::size_t>(
          std::max<std::int64_t>(1, (window.count() + interval.count() - 1) / interval.count()))} {}

void AbortWatch::add(std::span<const Interval> closed) {
    closed_.insert(closed_.end(), closed.begin(), closed.end());
    if (closed_.size() > length_) {
        closed_.erase(closed_.begin(), closed_.end() - static_cast<std::ptrdiff_t>(length_));
    }
}

std::optional<ThresholdResult> AbortWatch::check(std::span<const Interval> ended) const {
    if (closed_.size() + ended.size() < length_) return std::nullopt;
    const std::size_t of_ended = std::min(ended.size(), length_);
    Interval window;
    for (auto i = closed_.size() - (length_ - of_ended); i < closed_.size(); ++i) window.merge(closed_[i]);
    for (const auto& interval : ended.last(of_ended)) window.merge(interval);
    for (const auto& condition : conditions_) {
        auto result = evaluate(condition, window);
        if (result.ok) return result;
    }
    return std::nullopt;
}

}  // namespace pgtraffic::metrics
