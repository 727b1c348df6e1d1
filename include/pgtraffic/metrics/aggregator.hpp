// Takes every completion of a run and turns into its result. Keeps one cell for each operation in each
// phase (a query belongs to the phase in which it was due), from which everything else is a sum, and the
// time series. Memory depends on the plan, not on the run's length. Knows no clock and no connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/aggregator_plan.hpp"
#include "pgtraffic/metrics/latencies.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/metrics/time_series.hpp"

namespace pgtraffic::metrics {

class Aggregator {
 public:
    explicit Aggregator(AggregatorPlan plan);
    Aggregator(const Aggregator&) = delete;  // the series refers to the plan
    Aggregator& operator=(const Aggregator&) = delete;

    /// The measured time begins at `start`, and not when the plan says: making the histograms took a while,
    /// and that is no query's. Before anything is recorded.
    void begin(base::Mono start);

    /// A query that ended. Allocates nothing unless its SQLSTATE is new, or the time series must. Counted
    /// together with others: where each query wakes the client, the code and data that counting touches are
    /// cold, and cost more than the counting.
    void record(const Completion& completion) noexcept {
        ended_[ended_count_++] = completion;
        if (ended_count_ == ended_.size()) count_ended();
    }

    /// A statement was answered without an error, in `service`. Kept where its operation has several.
    void record_statement(std::uint32_t operation, std::uint32_t statement, base::Nanos service) noexcept;

    /// A query of an earlier load, which is no query of this one, ended. Where it succeeded in the measured
    /// time it counts as what the server did in this time: else the throughput would lack as many queries as
    /// were under way when it began, and have none for those under way when it ends.
    void record_carried_over(const Completion& completion) noexcept;

    /// An attempt failed with `state`, and another followed at `now`.
    void record_retried(base::SqlState state, base::Mono now) noexcept;

    /// Keeps `message` as the sample of an SQLSTATE that has none so far.
    void sample_error(base::SqlState state, std::string_view message);

    /// Arrivals of `operation` that never got an answer, with the age that they reached at `now`.
    void record_missed(std::uint32_t operation, base::Mono due, base::Mono now) noexcept;
    void record_waiting(std::uint32_t operation, base::Mono due, base::Mono now) noexcept;
    void record_in_flight(const Completion& so_far, base::Mono now) noexcept;
    /// Of those in flight, one that may have been done.
    void record_in_doubt(const Completion& unanswered) noexcept;

    /// Closes what can be closed of the time series at `now`, and returns that as TimeSeries::advance() does.
    /// Checks conservation.
    std::span<const Interval> advance(base::Mono now, const Gauges& gauges);

    /// As of the last advance().
    [[nodiscard]] TimeSeries& series() noexcept { return series_; }
    [[nodiscard]] const TimeSeries& series() const noexcept { return series_; }

    /// What the load did so far, into `moment`: counts by operation and by SQLSTATE. Only where
    /// AggregatorPlan::looked_at.
    void look(LiveMoment& moment);

    /// The measured time ends at `end`; what is recorded with a later `done` was drained, not in time.
    void close(base::Mono end) noexcept { end_ = end; }

    /// Fills counts, latencies, operations, phases, errors and intervals of `result`; close() came before,
    /// nothing may be recorded afterwards. Checks conservation.
    void finish(const Gauges& gauges, RunResult& result);

    /// Queries that ended so far, those that were carried over too.
    [[nodiscard]] std::uint64_t ended() const noexcept {
        return total_.ended() + carried_over_ + ended_count_;
    }

 private:
    struct Cell {
        Counts counts;
        Latencies latencies;
    };

    static constexpr std::size_t kCountedTogether = 32;  // queries

    void count_ended() noexcept;
    void count_passed(const Completion& completion) noexcept;
    void count(const Completion& c) noexcept;
    [[nodiscard]] Cell& cell_of(std::uint32_t operation, base::Mono due) noexcept;
    void record_unanswered(std::uint32_t operation, base::Mono due, base::Mono now,
                           std::uint64_t Counts::*counter) noexcept;
    void record_error(const Completion& c) noexcept;
    [[nodiscard]] ErrorResult& error_of(base::SqlState state, base::Mono now) noexcept;
    void check_conserved(const Gauges& gauges) const;
    void fill_populations(RunResult& result) const;
    static void look_half_way(RunResult& result);

    std::size_t ended_count_ = 0;
    alignas(64) std::array<Completion, kCountedTogether> ended_;  // not counted yet
    AggregatorPlan plan_;
    std::vector<base::Mono> phase_ends_;
    std::vector<Cell> cells_;  // phase-major
    std::vector<std::vector<StatementResult>> statements_;
    std::vector<ErrorResult> errors_;
    std::optional<LiveCounts> live_;
    Counts total_;
    base::Mono end_;
    std::vector<std::uint64_t> succeeded_in_time_;  // by operation
    std::vector<base::Nanos> longest_in_flight_;    // by operation
    std::uint64_t carried_over_ = 0;
    TimeSeries series_;  // behind the plan, to which it refers
};

}  // namespace pgtraffic::metrics
