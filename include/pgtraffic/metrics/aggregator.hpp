// Takes every completion of a run and turns into its result. Keeps one cell for each operation in each
// phase (a query belongs to the phase in which it was due), from which everything else is a sum, and the
// time series. Memory depends on the plan, not on the run's length. Knows no clock and no connection.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/latencies.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::metrics {

struct OperationShape {
    std::string name;
    std::vector<std::string> statements;
    bool in_order = false;  ///< each runs after the one before it; else one of them is chosen
};

struct PhaseShape {
    std::string name;
    double start_s = 0;
    double end_s = 0;
    std::optional<double> planned_mean;  ///< N(end) − N(start); none in a closed loop
};

/// What the aggregator must know of a run beforehand.
struct AggregatorPlan {
    std::vector<OperationShape> operations;
    std::vector<PhaseShape> phases;  ///< at least one; contiguous, from 0
    base::Mono start;                ///< of the measured time
    base::Mono end =
        base::Mono::max();  ///< of it, at the latest: what a late loop reads behind it is not in time
    base::Nanos interval = std::chrono::seconds{1};
    /// Arrivals have due times of their own. In a closed loop a query is due when it is sent: it has no lag,
    /// and its response is its service.
    bool open_loop = true;
    /// So many neighbours make one interval of the time series, which may be longer than what is watched.
    std::size_t joined = 1;
    /// Planned arrivals between two offsets in seconds; null in a closed loop.
    std::function<double(double, double)> planned_between;
    /// Somebody may look on while the run lasts: also count what look() gives.
    bool looked_at = false;
};

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

class Aggregator {
 public:
    /// At most this many intervals are kept; beyond, neighbours merge and each is twice as long.
    static constexpr std::size_t kMaxIntervals = 3600;

    explicit Aggregator(AggregatorPlan plan);

    /// A query that ended. Allocates nothing unless its SQLSTATE is new, a clock tick is overdue, or more
    /// intervals are being filled at one time than ever before.
    void record(const Completion& completion) noexcept;

    /// Keeps `message` as the sample of an SQLSTATE that has none so far.
    void sample_error(base::SqlState state, std::string_view message);

    /// Arrivals of `operation` that never got an answer, with the age that they reached at `now`.
    void record_missed(std::uint32_t operation, base::Mono due, base::Mono now) noexcept;
    void record_waiting(std::uint32_t operation, base::Mono due, base::Mono now) noexcept;
    void record_in_flight(std::uint32_t operation, base::Mono due, base::Mono now) noexcept;
    /// Of those in flight, one that may have been done.
    void record_in_doubt(const Completion& unanswered) noexcept;

    /// Closes what can be closed of the time series at `now`: intervals that are over and whose arrivals have
    /// all ended. Returns those closed by this call, unmerged, good until the next one. Checks conservation.
    std::span<const Interval> advance(base::Mono now, const Gauges& gauges);

    /// The intervals of the time series that the last advance() or finish() completed: AggregatorPlan::joined
    /// neighbours each (a run's last one may have fewer), in order, never merged further. Every one is here
    /// exactly once; good until the next of these calls.
    [[nodiscard]] std::span<const Interval> just_joined() const noexcept { return just_joined_; }

    /// The intervals that ended since the last call, as one, with what is known of them by now (queries
    /// still unfinished are not in it): for a progress line. Of no length where none ended.
    [[nodiscard]] Interval take_recent();

    /// Of the intervals that are over and not closed the last ones, at most `count`, as far as they are known
    /// at `now`. What is unanswered is in their responses with its age, a lower bound, so that a server that
    /// stopped answering does not look like one without queries; what was in flight before the first of these
    /// intervals counts in the first. Of the waiting arrivals, whose due times are
    /// not kept, each interval has as many as the schedule plans for it, with the age of the youngest.
    [[nodiscard]] std::vector<Interval> ended(std::size_t count, base::Mono now,
                                              const Unanswered& unanswered) const;

    /// What the load did so far, into `moment`: counts by operation and by SQLSTATE. Only where
    /// AggregatorPlan::looked_at.
    void look(LiveMoment& moment) const;

    /// The measured time ends at `end`; what is recorded with a later `done` was drained, not in time.
    void close(base::Mono end) noexcept { end_ = end; }

    /// Fills counts, latencies, operations, phases, errors and intervals of `result`; close() came before,
    /// nothing may be recorded afterwards. Checks conservation.
    void finish(const Gauges& gauges, RunResult& result);

    [[nodiscard]] const Counts& total() const noexcept { return total_; }

 private:
    struct Cell {
        Counts counts;
        Latencies latencies;
    };
    struct IntervalHistograms {
        CoarseHistogram response;
        CoarseHistogram lag;
        void add_to(Interval& interval) const;
    };
    struct OpenInterval {
        Interval interval;
        std::unique_ptr<IntervalHistograms> histograms;  // from the first record on until fold()
        bool over = false;                               // its end has passed: counts and gauges are final
    };

    [[nodiscard]] Cell& cell_of(std::uint32_t operation, base::Mono due) noexcept;
    [[nodiscard]] std::size_t interval_of(base::Mono t) const noexcept;
    OpenInterval& open_interval(std::size_t index);
    OpenInterval& interval_at(base::Mono t);
    IntervalHistograms& histograms_of(OpenInterval& open);
    void record_unanswered(std::uint32_t operation, base::Mono due, base::Mono now,
                           std::uint64_t Counts::*counter) noexcept;
    /// In the time series alone.
    void record_in_interval(base::Mono due, base::Nanos response) noexcept;
    void record_error(const Completion& c) noexcept;
    void set_gauges(std::size_t index, const Gauges& gauges);
    [[nodiscard]] Interval snapshot(const OpenInterval& open) const;
    void add_waiting(Interval& interval, base::Mono now, const Unanswered& unanswered) const;
    void close_first();
    void fold(OpenInterval& open);
    void take_back(std::unique_ptr<IntervalHistograms> histograms);
    void keep(const Interval& closed);
    void join(const Interval& closed);
    void merge_kept();
    void check_conserved(const Gauges& gauges) const;
    void fill_populations(RunResult& result) const;

    AggregatorPlan plan_;
    std::vector<base::Mono> phase_ends_;
    std::vector<Cell> cells_;  // phase-major
    std::vector<std::vector<StatementResult>> statements_;
    std::vector<ErrorResult> errors_;
    std::optional<LiveCounts> live_;
    Counts total_;
    base::Mono end_;
    std::uint64_t succeeded_in_time_ = 0;
    std::uint64_t reconnects_seen_ = 0;

    std::deque<OpenInterval> open_;  // of consecutive indices from first_open_ on
    std::size_t first_open_ = 0;
    // The one that interval_at() was last asked for, and when it is: nearly always the next one asked for.
    OpenInterval* at_hand_ = nullptr;
    base::Mono at_hand_from_ = base::Mono::max();
    base::Mono at_hand_until_ = base::Mono::min();
    /// Emptied ones, so that recording allocates nothing. Of an overload's backlog, which keeps many
    /// intervals open, only those that are being answered have any.
    std::vector<std::unique_ptr<IntervalHistograms>> spare_;
    std::vector<Interval> just_closed_;
    std::vector<Interval> just_joined_;
    Interval joining_;
    std::size_t steps_joining_ = 0;
    Interval recent_;
    std::vector<Interval> kept_;
    std::size_t merge_factor_;  // basic intervals in each kept one
    std::size_t merged_into_last_ = 0;
};

}  // namespace pgtraffic::metrics
