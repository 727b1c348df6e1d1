// Looks at the conditions of --abort-if over a sliding window of whole intervals. A value without a clock;
// the simulation feeds it at its ticks.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/threshold.hpp"

namespace pgtraffic::metrics {

class AbortWatch {
 public:
    /// `conditions` are of parse_abort_condition. The window is `window` rounded up to whole intervals of
    /// length `interval`, at least one.
    AbortWatch(std::vector<Threshold> conditions, base::Nanos window, base::Nanos interval);

    [[nodiscard]] bool empty() const noexcept { return conditions_.empty(); }
    /// Intervals in the window.
    [[nodiscard]] std::size_t length() const noexcept { return length_; }

    /// A window is looked at as so many blocks at most, whatever its length: a look must not keep the loop
    /// from its queries. So one of more intervals is up to a block longer than asked for.
    static constexpr std::size_t kMostBlocks = 60;

    /// Intervals that are final, in their order; only the last of a window's length are kept.
    void add(std::span<const Interval> closed);

    /// Told at each tick, behind add(): whether to check() now, where so many intervals are over and not
    /// final. One query without an answer keeps all behind it so, each to be looked at anew: where they are
    /// more than kMostBlocks it is done once in the length of a block.
    [[nodiscard]] bool time_to_look(std::size_t not_final) noexcept;

    /// The first condition that is true of the window, with its figure. The window ends with `ended`: those
    /// that are over behind the final ones, as far as they are known. Empty until a whole window has passed.
    [[nodiscard]] std::optional<ThresholdResult> check(std::span<const Interval> ended) const;

 private:
    /// Neighbours as one.
    struct Block {
        Interval sum;
        std::size_t intervals = 0;
    };

    std::vector<Threshold> conditions_;
    std::size_t length_;
    std::size_t block_length_;
    std::deque<Block> closed_;       // oldest first; only the last one may still grow
    std::size_t closed_length_ = 0;  // in intervals
    std::size_t ticks_ = 0;          // since the last look
};

}  // namespace pgtraffic::metrics
