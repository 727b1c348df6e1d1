#include "pgtraffic/simulation/measurement.hpp"

#include <limits>
#include <utility>

#include "pgtraffic/simulation/plan.hpp"

namespace pgtraffic::simulation {

using base::Mono;

namespace {

metrics::AggregatorPlan aggregator_plan(const SimulationPlan& plan, const workload::Workload& workload,
                                        const traffic::PhaseScheduler* schedule, Onlookers onlookers) {
    metrics::AggregatorPlan counted;
    for (const auto& operation : workload.operations()) {
        const auto sends = operation.choose_one      ? metrics::Sends::one
                           : operation.steps.empty() ? metrics::Sends::all
                                                     : metrics::Sends::some;
        metrics::OperationShape shape{operation.name, {}, sends};
        for (const auto& statement : operation.statements) shape.statements.push_back(statement.name);
        counted.operations.push_back(std::move(shape));
    }
    counted.end = counted.start + plan.duration;
    counted.interval = plan.interval;
    counted.joined = plan.joined_intervals;
    counted.open_loop = schedule != nullptr;
    counted.looked_at = onlookers.look;
    counted.followed = onlookers.follow;
    if (plan.latency_limit) counted.latency_limit = *plan.latency_limit;
    if (schedule != nullptr) {
        for (const auto& phase : schedule->phases()) {
            counted.phases.push_back({phase.name, phase.start_s, phase.end_s, phase.planned});
        }
        counted.planned_between = [schedule](double from_s, double to_s) {
            return schedule->arrivals_until(to_s) - schedule->arrivals_until(from_s);
        };
    } else {
        counted.phases.push_back({traffic::kSteadyPhase, 0, base::to_seconds(plan.duration), std::nullopt});
    }
    return counted;
}

}  // namespace

Measurement::Measurement(const SimulationPlan& plan, const workload::Workload& workload,
                         Dispatcher& dispatcher, const traffic::PhaseScheduler* schedule, Onlookers onlookers)
    : workload_{workload},
      dispatcher_{dispatcher},
      schedule_{schedule},
      length_{plan.duration},
      connections_{plan.connections},
      read_only_{plan.read_only},
      queries_{onlookers.queries},
      aggregator_{aggregator_plan(plan, workload, schedule, onlookers)},
      abort_watch_{plan.abort_if, plan.abort_window, plan.interval} {}

void Measurement::begin(Mono now, std::uint32_t disconnected) {
    start_ = now;
    planned_end_ = now + length_;
    aggregator_.begin(now);
    outages_.begin(now, connections_, disconnected);
}

void Measurement::tell(metrics::Fate fate, const metrics::Completion& completion, Origin origin,
                       Mono until) const noexcept {
    queries_({fate, origin.arrival, origin.session, completion, until, start_});
}

void Measurement::tell_unstarted(metrics::Fate fate, std::uint32_t operation, const traffic::Token& token,
                                 Mono until) const noexcept {
    if (!queries_) return;
    metrics::Completion unstarted;
    unstarted.operation = operation;
    unstarted.due = token.due;
    unstarted.attempts = 0;
    queries_({fate, token.index, std::nullopt, unstarted, until, start_});
}

void Measurement::query_failed(const metrics::Completion& completion, std::string_view error) noexcept {
    aggregator_.sample_error(completion.sqlstate, error);
    // Where it was us who made the session read only, the server is there, and as it was.
    if (read_only_ && completion.sqlstate == base::kReadOnly) return;
    if (!over(completion.done)) outages_.query_failed(completion, planned(completion.done));
}

void Measurement::session_lost(Mono now, std::optional<base::SqlState> idle,
                               std::string_view error) noexcept {
    if (!over(now)) outages_.session_lost(now, idle, error, planned(now));
}

void Measurement::session_up(Mono now) noexcept {
    if (!over(now)) outages_.session_up(now, planned(now));
}

void Measurement::connect_failed(Mono now, base::SqlState state, std::string_view error) noexcept {
    if (!over(now)) outages_.connect_failed(now, state, error, planned(now));
}

std::optional<metrics::ThresholdResult> Measurement::abort_condition(
    Mono now, std::span<const metrics::Interval> closed, const metrics::Unanswered& unanswered) {
    abort_watch_.add(closed);
    if (!abort_watch_.time_to_look(aggregator_.series().not_final())) return std::nullopt;
    return abort_watch_.check(aggregator_.series().ended(abort_watch_.length(), now, unanswered));
}

void Measurement::close(Mono end, LoopLoad& load, const ClientUsage& usage, metrics::RunResult& result) {
    end_ = end;
    busy_ratio_at_close_ = load.take_ratio(end);
    in_flight_at_close_ = dispatcher_.in_flight();
    auto& client = result.client;
    client = cost_between(usage_at_start_, usage, aggregator_.ended());
    client.loop_busy_ratio = load.total_ratio();
    client.longest_loop_turn_ms = base::to_millis(load.longest_turn());
    client.longest_clock_gap_s = std::max(client.longest_clock_gap_s, base::to_seconds(longest_gap_));
    client.stood_still_s = base::to_seconds(stood_still_);
    result.disconnected_s = base::to_seconds(outages_.disconnected_for(end));
    const double wanted_s = base::to_seconds(end - start_) * connections_;
    result.sessions_away_ratio = wanted_s > 0 ? outages_.sessions_away_s(end) / wanted_s : 0;
    result.outages = outages_.finish(end, dispatcher_.planned(end));
    dispatcher_.close(end);
    aggregator_.close(end);
}

bool Measurement::take_waiting(int most) {
    for (int taken = 0; taken < most; ++taken) {
        const auto token = dispatcher_.next_abandoned();
        if (!token) return true;
        const auto operation = operation_of(*token);
        aggregator_.record_waiting(operation, token->due, end_);
        tell_unstarted(metrics::Fate::waiting, operation, *token, end_);
    }
    return false;
}

void Measurement::finish(const metrics::Gauges& gauges, metrics::RunResult& result) {
    while (!take_waiting(std::numeric_limits<int>::max())) {
    }
    metrics::Gauges at_close = gauges;
    at_close.in_flight = in_flight_at_close_;
    aggregator_.finish(at_close, result);
}

}  // namespace pgtraffic::simulation
