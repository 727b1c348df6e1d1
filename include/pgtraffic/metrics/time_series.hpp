// The time series of a run: interval by interval what was done and what was due in it. Bounded for any
// length, by merging neighbours. Knows no clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/aggregator_plan.hpp"
#include "pgtraffic/metrics/interval.hpp"

namespace pgtraffic::metrics {

/// What the time series shows of the moment.
struct Gauges {
    std::uint64_t planned = 0;  ///< arrivals due so far
    std::uint64_t started = 0;
    std::uint64_t waiting = 0;
    std::uint32_t in_flight = 0;
    std::uint64_t reconnects = 0;  ///< so far
    double loop_busy_ratio = 0;    ///< since the last advance
    /// No query due before this instant is unfinished.
    base::Mono oldest_pending = base::Mono::max();
};

/// What is due and has no answer yet, for a look at a run that lasts.
struct Unanswered {
    std::vector<base::Mono> in_flight;             ///< when each was due
    std::uint64_t waiting = 0;                     ///< arrivals that are due and not started
    base::Mono waiting_since = base::Mono::max();  ///< when the first of them was due
};

/// An interval is *open* until it is over and all arrivals that were due in it have ended, then it is
/// *closed*. Refers to the plan, which outlives it.
class TimeSeries {
 public:
    /// At most this many intervals are kept; beyond, neighbours merge and each is twice as long.
    static constexpr std::size_t kMaxIntervals = 3600;
    /// At most so many are open at one time: behind a query that hangs for longer the oldest are closed
    /// without it.
    static constexpr std::size_t kMaxOpen = 20'000;

    explicit TimeSeries(const AggregatorPlan& plan);

    // Recording allocates nothing unless a clock tick is overdue, or more intervals are being filled at one
    // time than ever before.

    /// The interval of this instant, to count in: where it was closed already, the first open one. Good until
    /// the next call.
    [[nodiscard]] Interval& at(base::Mono t) { return open_at(t).interval; }
    void record_response(base::Mono due, base::Nanos response) {
        OpenInterval& open = open_at(due);
        histograms_of(open).response.record(response);
        open.interval.max = std::max(open.interval.max, response);
    }
    /// The same of one that had no answer, as old as it was then.
    void record_unanswered(base::Mono due, base::Nanos age) {
        record_response(due, age);
        ++open_at(due).interval.unanswered;
    }
    void record_lag(base::Mono due, base::Nanos lag) {
        OpenInterval& open = open_at(due);
        histograms_of(open).lag.record(lag);
        open.interval.lag_max = std::max(open.interval.lag_max, lag);
    }

    /// A query ended just now, whenever it was due. Only where AggregatorPlan::followed.
    void record_ended(base::Nanos response) noexcept {
        just_ended_->response.record(response);
        longest_ended_ = std::max(longest_ended_, response);
    }
    void record_ended_lag(base::Nanos lag) noexcept {
        just_ended_->lag.record(lag);
        longest_ended_lag_ = std::max(longest_ended_lag_, lag);
    }

    /// Closes what can be closed at `now`. Returns those closed by this call, unmerged, good until the next
    /// one.
    std::span<const Interval> advance(base::Mono now, const Gauges& gauges);

    /// The intervals that the last advance() or finish() completed: AggregatorPlan::joined neighbours each (a
    /// run's last one may have fewer), in order, never merged further. Every one is here exactly once; good
    /// until the next of these calls.
    [[nodiscard]] std::span<const Interval> just_joined() const noexcept { return just_joined_; }

    /// The intervals that ended since the last call, as one, for a progress line; of no length where none
    /// ended. Its response and lag are those of the queries that ended since then, whenever they were due:
    /// what was due in it and is slow has not ended yet, and would never be shown.
    [[nodiscard]] Interval take_recent();

    /// Intervals that are over and not closed.
    [[nodiscard]] std::size_t not_final() const noexcept { return over_; }
    /// Of these the last ones, at most `count`, as far as they are known
    /// at `now`. What is unanswered is in their responses with its age, a lower bound, so that a server that
    /// stopped answering does not look like one without queries; what was in flight before the first of these
    /// intervals counts in the first. Of the waiting arrivals, whose due times are
    /// not kept, each interval has as many as the schedule plans for it, with the age of the youngest.
    [[nodiscard]] std::vector<Interval> ended(std::size_t count, base::Mono now,
                                              const Unanswered& unanswered) const;

    /// Closes all that began before `end`, the last one at it, and returns what was kept of the whole run. At
    /// most once, the last call but just_joined().
    [[nodiscard]] std::vector<Interval> finish(base::Mono end, const Gauges& gauges);

 private:
    struct IntervalHistograms {
        CoarseHistogram response;
        CoarseHistogram lag;
        void add_to(Interval& interval) const;
    };
    struct OpenInterval {
        Interval interval;
        std::unique_ptr<IntervalHistograms> histograms;  // from the first record on until fold()
        std::size_t index = 0;
    };

    [[nodiscard]] std::size_t index_of(base::Mono t) const noexcept;
    OpenInterval& open_until(std::size_t index);
    OpenInterval& open_at(base::Mono t) {
        if (t >= at_hand_from_ && t < at_hand_until_) [[likely]]
            return *at_hand_;
        return take_at_hand(t);
    }
    OpenInterval& take_at_hand(base::Mono t);
    IntervalHistograms& histograms_of(OpenInterval& open) {
        if (!open.histograms) [[unlikely]]
            give_histograms(open);
        return *open.histograms;
    }
    void give_histograms(OpenInterval& open);
    void set_gauges(OpenInterval& open, const Gauges& gauges);
    [[nodiscard]] Interval snapshot(const OpenInterval& open) const;
    /// `ages` is empty, and is left so.
    void add_waiting(Interval& interval, base::Mono now, const Unanswered& unanswered,
                     CoarseHistogram& ages) const;
    void close_first();  // which is over
    void fold(OpenInterval& open);
    void take_back(std::unique_ptr<IntervalHistograms> histograms);
    void keep(const Interval& closed);
    void join(const Interval& closed);
    void merge_kept();

    const AggregatorPlan& plan_;
    std::uint64_t reconnects_seen_ = 0;

    std::deque<OpenInterval> open_;  // of consecutive indices from first_open_ on
    std::size_t first_open_ = 0;
    std::size_t over_ = 0;  // of them, the first ones: their end has passed, counts and gauges are final
    // The one that open_at() was last asked for, and when it is: nearly always the next one asked for.
    OpenInterval* at_hand_ = nullptr;
    base::Mono at_hand_from_ = base::Mono::max();
    base::Mono at_hand_until_ = base::Mono::min();
    /// Emptied ones, so that recording allocates nothing. Of an overload's backlog, which keeps many
    /// intervals open, only those that are being answered have any.
    std::vector<std::unique_ptr<IntervalHistograms>> spare_;
    /// Those that were given some, in that order: no interval beside them has any.
    std::vector<OpenInterval*> filled_;
    std::vector<Interval> just_closed_;
    std::vector<Interval> just_joined_;
    Interval joining_;
    std::size_t steps_joining_ = 0;
    Interval recent_;
    std::unique_ptr<IntervalHistograms> just_ended_;  // since take_recent(); where somebody follows
    base::Nanos longest_ended_{0};                    // response, of these
    base::Nanos longest_ended_lag_{0};
    std::vector<Interval> kept_;
    std::size_t merge_factor_;  // basic intervals in each kept one
    std::size_t merged_into_last_ = 0;
};

}  // namespace pgtraffic::metrics
