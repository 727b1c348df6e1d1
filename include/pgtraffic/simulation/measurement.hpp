// The measured part of a run: what is counted of all that happens, from the moment at which the reported load
// begins until the last of its queries is accounted for. Feeds the aggregator, the outage table and the
// conditions of --abort-if, and fills the result. Told the time and what happened: knows no session, no timer
// and no clock, so that a test measures in virtual time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/abort_watch.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/metrics/outage_log.hpp"
#include "pgtraffic/metrics/query_record.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/client_cost.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/simulation/heartbeat.hpp"
#include "pgtraffic/simulation/loop_load.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

struct SimulationPlan;

/// Who wants to know of a load while it lasts.
struct Onlookers {
    bool look = false;    ///< at moments: look() will be wanted
    bool follow = false;  ///< line by line: take_recent() will be
    /// Query by query: told of each that is counted, once.
    base::Callback<const metrics::QueryRecord&> queries{};
};

/// Which query it was; no figure depends on it.
struct Origin {
    std::uint64_t arrival = 0;
    std::uint32_t session = 0;
};

/// Neither copies nor moves. Refers to what it is made with, which outlives it.
class Measurement {
 public:
    /// `schedule` is that of the load that will begin, null in a closed loop; `dispatcher` will run that
    /// load.
    Measurement(const SimulationPlan& plan, const workload::Workload& workload, Dispatcher& dispatcher,
                const traffic::PhaseScheduler* schedule, Onlookers onlookers);
    Measurement(const Measurement&) = delete;
    Measurement& operator=(const Measurement&) = delete;

    /// The load begins; `disconnected` sessions are without a connection. First of all.
    void begin(base::Mono now, std::uint32_t disconnected);

    /// The client's cost counts from here on.
    void count_cost_from(const ClientUsage& usage) noexcept { usage_at_start_ = usage; }

    /// A query of this load ended, however it did.
    void query_ended(const metrics::Completion& completion, Origin origin = {}) noexcept {
        aggregator_.record(completion);
        if (queries_) [[unlikely]]
            tell(metrics::Fate::ended, completion, origin, completion.done);
        if (outages_.silent() && metrics::succeeded(completion.outcome) && !over(completion.done))
            [[unlikely]]
            outages_.succeeded(completion, planned(completion.done));
    }
    /// A statement of a query of this load was answered without an error, in `service`.
    void statement_done(const metrics::Completion& so_far, base::Nanos service) noexcept {
        aggregator_.record_statement(so_far.operation, so_far.statement, service);
    }
    /// A query did not succeed; `error` is the server's message, or ours.
    void query_failed(const metrics::Completion& completion, std::string_view error) noexcept;
    /// An attempt failed with `state`, `error` being the server's message, and another followed at `now`.
    void retried(base::SqlState state, std::string_view error, base::Mono now) {
        aggregator_.record_retried(state, now);
        aggregator_.sample_error(state, error);
    }
    /// A query of a load before this one ended.
    void carried_over(const metrics::Completion& completion) noexcept {
        if (!closed()) aggregator_.record_carried_over(completion);
    }
    /// An arrival was older than the latency limit.
    void missed(const traffic::Token& token, base::Mono now) noexcept {
        const auto operation = operation_of(token);
        aggregator_.record_missed(operation, token.due, now);
        tell_unstarted(metrics::Fate::missed, operation, token, now);
    }

    // What disturbs the load; of no interest once it is over, closed already or not.
    void session_lost(base::Mono now, std::optional<base::SqlState> idle, std::string_view error) noexcept;
    void session_up(base::Mono now) noexcept;
    void connect_failed(base::Mono now, base::SqlState state, std::string_view error) noexcept;
    /// A tick came so late. Nothing of ours takes a second: where it is that late, the machine or the process
    /// stood still.
    void tick_was_late(base::Nanos by) noexcept { longest_gap_ = std::max(longest_gap_, by); }
    /// What the whole measured time's beats came to; before close().
    void stood_still(const Heartbeat& heartbeat) noexcept {
        stood_still_ = heartbeat.stood_still();
        tick_was_late(heartbeat.longest());
    }

    /// Closes what can be closed of the time series, and returns it; good until the next call.
    std::span<const metrics::Interval> advance(base::Mono now, const metrics::Gauges& gauges) {
        return aggregator_.advance(now, gauges);
    }
    /// Whether there are conditions of --abort-if.
    [[nodiscard]] bool watches() const noexcept { return !abort_watch_.empty(); }
    /// The one that is true of the window up to `now`. `closed` is what advance() returned.
    [[nodiscard]] std::optional<metrics::ThresholdResult> abort_condition(
        base::Mono now, std::span<const metrics::Interval> closed, const metrics::Unanswered& unanswered);

    /// The measured time ended at `end`; `load` and `usage` are as of then. The client's cost and the outages
    /// go into `result`; the dispatcher lets nothing in any more.
    void close(base::Mono end, LoopLoad& load, const ClientUsage& usage, metrics::RunResult& result);

    // After close(), of queries that have no answer when the run ends.
    void in_doubt(const metrics::Completion& so_far) noexcept { aggregator_.record_in_doubt(so_far); }
    void unfinished(const metrics::Completion& so_far, base::Mono now, Origin origin = {}) noexcept {
        aggregator_.record_in_flight(so_far, now);
        if (queries_) tell(metrics::Fate::in_flight, so_far, origin, now);
    }
    /// Takes at most `most` of the arrivals into account that waited and were never started. False where more
    /// are left, some 100 ns each: finish() takes all of them.
    bool take_waiting(int most);
    /// Then counts, latencies and the rest of the time series go into `result`. The last interval ends with
    /// what was under way at its end, most of which has been answered since.
    void finish(const metrics::Gauges& gauges, metrics::RunResult& result);

    // For whoever looks on.
    [[nodiscard]] double elapsed_s(base::Mono now) const noexcept {
        return base::to_seconds(std::min(now, end_) - start_);
    }
    /// The loop's busy share in the last moments before the end, without the time of draining.
    [[nodiscard]] double busy_ratio_at_close() const noexcept { return busy_ratio_at_close_; }
    [[nodiscard]] const traffic::PhaseScheduler* schedule() const noexcept { return schedule_; }
    [[nodiscard]] std::span<const metrics::Interval> just_joined() const noexcept {
        return aggregator_.series().just_joined();
    }
    [[nodiscard]] metrics::Interval take_recent() { return aggregator_.series().take_recent(); }
    void look(metrics::LiveMoment& moment) { aggregator_.look(moment); }

 private:
    [[gnu::cold]] void tell(metrics::Fate fate, const metrics::Completion& completion, Origin origin,
                            base::Mono until) const noexcept;
    void tell_unstarted(metrics::Fate fate, std::uint32_t operation, const traffic::Token& token,
                        base::Mono until) const noexcept;
    [[nodiscard]] bool closed() const noexcept { return end_ != base::Mono::max(); }
    [[nodiscard]] bool over(base::Mono at) const noexcept { return closed() || at >= planned_end_; }
    [[nodiscard]] std::uint32_t operation_of(const traffic::Token& token) const noexcept {
        return workload_.choose(token.index).operation;
    }
    /// Arrivals that were due by then.
    [[nodiscard]] std::uint64_t planned(base::Mono now) noexcept {
        return dispatcher_.planned(std::min(now, planned_end_));
    }

    const workload::Workload& workload_;
    Dispatcher& dispatcher_;
    const traffic::PhaseScheduler* schedule_;
    base::Nanos length_;
    std::uint32_t connections_;
    bool read_only_;  // of our own accord
    base::Callback<const metrics::QueryRecord&> queries_;
    base::Mono start_;
    base::Mono planned_end_;
    base::Mono end_ = base::Mono::max();
    metrics::Aggregator aggregator_;
    metrics::OutageLog outages_;
    metrics::AbortWatch abort_watch_;
    ClientUsage usage_at_start_;
    base::Nanos longest_gap_{0};
    base::Nanos stood_still_{0};
    double busy_ratio_at_close_ = 0;
    std::uint32_t in_flight_at_close_ = 0;
};

}  // namespace pgtraffic::simulation
