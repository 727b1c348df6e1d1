#include "pgtraffic/metrics/abort_watch.hpp"

#include <algorithm>
#include <utility>

namespace pgtraffic::metrics {

AbortWatch::AbortWatch(std::vector<Threshold> conditions, base::Nanos window, base::Nanos interval)
    : conditions_{std::move(conditions)},
      length_{static_cast<std::size_t>(
          std::max<std::int64_t>(1, (window.count() + interval.count() - 1) / interval.count()))},
      block_length_{(length_ + kMostBlocks - 1) / kMostBlocks} {}

void AbortWatch::add(std::span<const Interval> closed) {
    for (const auto& interval : closed) {
        if (closed_.empty() || closed_.back().intervals == block_length_) {
            closed_.push_back({interval, 1});
        } else {
            closed_.back().sum.merge(interval);
            ++closed_.back().intervals;
        }
        ++closed_length_;
    }
    while (!closed_.empty() && closed_length_ - closed_.front().intervals >= length_) {
        closed_length_ -= closed_.front().intervals;
        closed_.pop_front();
    }
}

bool AbortWatch::time_to_look(std::size_t not_final) noexcept {
    if (++ticks_ < block_length_ && not_final > kMostBlocks) return false;
    ticks_ = 0;
    return true;
}

std::optional<ThresholdResult> AbortWatch::check(std::span<const Interval> ended) const {
    if (closed_length_ + ended.size() < length_) return std::nullopt;
    const auto last = ended.last(std::min(ended.size(), length_));
    auto first = closed_.end();
    for (std::size_t covered = last.size(); covered < length_; covered += first->intervals) --first;
    Interval window;
    for (; first != closed_.end(); ++first) window.merge(first->sum);
    for (const auto& interval : last) window.merge(interval);
    for (const auto& condition : conditions_) {
        auto result = evaluate(condition, window);
        if (result.ok) return result;
    }
    return std::nullopt;
}

}  // namespace pgtraffic::metrics
