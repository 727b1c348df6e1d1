#include "pgtraffic/metrics/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::metrics {

using base::Mono;
using base::Nanos;

namespace {

/// Distinct SQLSTATEs that are kept apart; the rest share the last entry's place in the table.
constexpr std::size_t kMaxErrorKinds = 100;

void count_retries(Counts& counts, const Completion& c) noexcept {
    counts.retries += c.attempts - 1;
    ++counts.retried;
}

}  // namespace

Aggregator::Aggregator(AggregatorPlan plan) : plan_{std::move(plan)}, end_{plan_.end}, series_{plan_} {
    PGTRAFFIC_CHECK(!plan_.operations.empty() && !plan_.phases.empty(), "a run has operations and phases");
    begin(plan_.start);
    cells_.resize(plan_.phases.size() * plan_.operations.size());
    succeeded_in_time_.resize(plan_.operations.size());
    longest_in_flight_.resize(plan_.operations.size());
    for (const auto& operation : plan_.operations) {
        auto& statements = statements_.emplace_back();
        for (const auto& name : operation.statements) {
            auto& statement = statements.emplace_back();
            statement.name = name;
            if (operation.statements.size() > 1) statement.service.emplace();
        }
    }
    errors_.reserve(kMaxErrorKinds);
    if (plan_.looked_at) {
        live_.emplace();
        for (const auto& operation : plan_.operations) live_->operations.emplace_back().name = operation.name;
    }
}

void Aggregator::begin(Mono start) {
    if (plan_.end != Mono::max()) plan_.end += start - plan_.start;
    plan_.start = start;
    end_ = plan_.end;
    phase_ends_.clear();
    for (const auto& phase : plan_.phases) phase_ends_.push_back(start + base::from_seconds(phase.end_s));
}

Aggregator::Cell& Aggregator::cell_of(std::uint32_t operation, Mono due) noexcept {
    const std::size_t phase = phase_at(phase_ends_, due, std::identity{});
    return cells_[phase * plan_.operations.size() + operation];
}

void Aggregator::count_ended() noexcept {
    for (std::size_t i = 0; i < ended_count_; ++i) count(ended_[i]);
    ended_count_ = 0;
}

void Aggregator::count(const Completion& c) noexcept {
    Cell& cell = cell_of(c.operation, c.due);
    const bool succeeded = metrics::succeeded(c.outcome);
    const bool in_time = c.done <= end_;
    // Where it happened. Where answers are read late, that may be an interval that is over: its line of
    // progress lacks them, the time series does not.
    Interval& when_done = series_.at(std::min(c.done, end_ - Nanos{1}));
    StatementResult& statement = statements_[c.operation][c.statement];

    if (c.attempts > 1) [[unlikely]]
        count_retries(cell.counts, c);
    cell.counts.rows += c.rows;
    switch (c.outcome) {
        case Outcome::ok:
            ++cell.counts.ok;
            ++total_.ok;
            ++statement.ok;
            if (in_time) ++when_done.ok;
            break;
        case Outcome::empty:
            ++cell.counts.empty;
            ++total_.empty;
            ++statement.empty;
            if (in_time) ++when_done.empty;
            break;
        case Outcome::failed:
            ++cell.counts.failed;
            ++total_.failed;
            ++statement.failed;
            ++when_done.failed;
            break;
        case Outcome::timed_out:
            ++cell.counts.timed_out;
            ++total_.timed_out;
            ++statement.failed;
            ++when_done.timed_out;
            ++series_.at(c.due).unanswered;
            break;
    }
    if (c.statement > 0 || plan_.operations[c.operation].sends == Sends::some) [[unlikely]]
        count_passed(c);
    if (succeeded && in_time) ++succeeded_in_time_[c.operation];
    if (succeeded && c.done - c.due > plan_.latency_limit) ++cell.counts.late;
    if (live_) live_->record(c, plan_.open_loop);

    if (c.outcome != Outcome::failed) [[likely]] {
        series_.record_response(c.due, c.done - c.due);
        if (plan_.followed) series_.record_ended(c.done - c.due);
    }
    cell.latencies.record_ended(c);
    if (plan_.open_loop) {
        cell.latencies.lag.record(c.sent - c.due);
        cell.latencies.pool_wait.record(c.pool_wait());
        cell.latencies.generator_lag.record(c.generator_lag());
        series_.record_lag(c.due, c.sent - c.due);
        if (plan_.followed) series_.record_ended_lag(c.sent - c.due);
    }
    if (!succeeded) [[unlikely]]
        record_error(c);
}

/// The statements that it passed on its way to the one that ended it.
void Aggregator::count_passed(const Completion& c) noexcept {
    auto& statements = statements_[c.operation];
    const auto sends = plan_.operations[c.operation].sends;
    if (sends == Sends::all) {
        for (std::uint32_t s = 0; s < c.statement; ++s) ++statements[s].ok;
    } else if (sends == Sends::some && metrics::succeeded(c.outcome)) {
        --statements[c.statement].ok;  // told when it was answered, and again as the one that ended it
    }
}

void Aggregator::record_statement(std::uint32_t operation, std::uint32_t statement, Nanos service) noexcept {
    if (plan_.operations[operation].sends == Sends::some) ++statements_[operation][statement].ok;
    if (auto& kept = statements_[operation][statement].service) kept->record(service);
}

void Aggregator::record_carried_over(const Completion& c) noexcept {
    if (!metrics::succeeded(c.outcome) || c.done < plan_.start || c.done > end_) return;
    ++carried_over_;
    ++succeeded_in_time_[c.operation];
    Interval& when_done = series_.at(std::min(c.done, end_ - Nanos{1}));
    ++(c.outcome == Outcome::empty ? when_done.empty : when_done.ok);
}

void Aggregator::record_error(const Completion& c) noexcept {
    if (c.in_doubt) record_in_doubt(c);
    ++error_of(c.sqlstate, c.done).count;
}

void Aggregator::record_retried(base::SqlState state, Mono now) noexcept {
    count_ended();  // the first of a kind comes first
    ++error_of(state, now).retried;
}

ErrorResult& Aggregator::error_of(base::SqlState state, Mono now) noexcept {
    const auto known = std::find_if(errors_.begin(), errors_.end(),
                                    [&](const ErrorResult& e) { return e.sqlstate == state; });
    if (known != errors_.end()) return *known;
    if (errors_.size() < kMaxErrorKinds)
        errors_.push_back({state, 0, 0, base::to_seconds(now - plan_.start), {}});
    return errors_.back();
}

void Aggregator::sample_error(base::SqlState state, std::string_view message) {
    count_ended();
    for (auto& error : errors_) {
        if (error.sqlstate == state && error.sample.empty()) error.sample = message;
    }
}

void Aggregator::record_unanswered(std::uint32_t operation, Mono due, Mono now,
                                   std::uint64_t Counts::*counter) noexcept {
    Cell& cell = cell_of(operation, due);
    ++(cell.counts.*counter);
    ++(total_.*counter);
    cell.latencies.record_unanswered(now - due);
    series_.record_unanswered(due, now - due);
}

void Aggregator::record_missed(std::uint32_t operation, Mono due, Mono now) noexcept {
    record_unanswered(operation, due, now, &Counts::missed);
    if (live_) live_->record_missed(operation);
    ++series_.at(std::min(now, end_ - Nanos{1})).missed;
}

void Aggregator::record_waiting(std::uint32_t operation, Mono due, Mono now) noexcept {
    record_unanswered(operation, due, now, &Counts::waiting);
}

void Aggregator::record_in_doubt(const Completion& unanswered) noexcept {
    ++cell_of(unanswered.operation, unanswered.due).counts.in_doubt;
}

void Aggregator::record_in_flight(const Completion& so_far, Mono now) noexcept {
    record_unanswered(so_far.operation, so_far.due, now, &Counts::in_flight);
    auto& longest = longest_in_flight_[so_far.operation];
    longest = std::max(longest, now - so_far.sent);
    if (so_far.attempts > 1) count_retries(cell_of(so_far.operation, so_far.due).counts, so_far);
    if (live_) live_->record_in_flight(so_far);
}

void Aggregator::check_conserved(const Gauges& gauges) const {
    PGTRAFFIC_CHECK(gauges.planned == gauges.started + gauges.waiting + total_.missed,
                    "planned = started + waiting + missed");
    PGTRAFFIC_CHECK(gauges.started == gauges.in_flight + total_.ended(),
                    "started = in flight + ok + empty + failed + timed out");
}

std::span<const Interval> Aggregator::advance(Mono now, const Gauges& gauges) {
    count_ended();
    check_conserved(gauges);
    return series_.advance(now, gauges);
}

void Aggregator::look(LiveMoment& moment) {
    count_ended();
    PGTRAFFIC_CHECK(live_.has_value(), "the plan says that somebody looks");
    moment.counts = *live_;
    moment.missed = total_.missed;
    moment.errors.clear();
    for (const auto& error : errors_) {
        if (error.count > 0) moment.errors.emplace_back(error.sqlstate, error.count);
    }
}

void Aggregator::fill_populations(RunResult& result) const {
    const std::size_t operations = plan_.operations.size();
    const double end_s = base::to_seconds(end_ - plan_.start);
    result.total = Counts{};
    result.latencies = Latencies{};
    result.phases.clear();
    result.operations.clear();
    for (std::size_t o = 0; o < operations; ++o) {
        result.operations.push_back(
            {plan_.operations[o].name, {}, succeeded_in_time_[o], {}, longest_in_flight_[o], statements_[o]});
    }
    for (std::size_t p = 0; p < plan_.phases.size(); ++p) {
        const auto& shape = plan_.phases[p];
        PhaseResult phase;
        phase.name = shape.name;
        phase.start_s = shape.start_s;
        phase.duration_s = std::max(0.0, std::min(shape.end_s, end_s) - shape.start_s);
        // Of a run that was cut short, what was planned until then.
        if (shape.planned_mean && plan_.planned_between) {
            phase.planned_mean = plan_.planned_between(shape.start_s, shape.start_s + phase.duration_s);
        }
        for (std::size_t o = 0; o < operations; ++o) {
            const Cell& cell = cells_[p * operations + o];
            Counts counts = cell.counts;
            counts.started = counts.in_flight + counts.ended();
            counts.planned = counts.started + counts.waiting + counts.missed;
            phase.counts.add(counts);
            phase.latencies.merge(cell.latencies);
            result.operations[o].counts.add(counts);
            result.operations[o].latencies.merge(cell.latencies);
        }
        result.total.add(phase.counts);
        result.latencies.merge(phase.latencies);
        result.phases.push_back(std::move(phase));
    }
}

void Aggregator::look_half_way(RunResult& result) {
    const double half_s = result.duration_s / 2;
    double nearest_s = half_s / 2;  // further off, growth would be that of the first moments, or the last
    for (const auto& interval : result.intervals) {
        const double end_s = interval.start_s + interval.duration_s;
        if (std::abs(end_s - half_s) > nearest_s) continue;
        nearest_s = std::abs(end_s - half_s);
        result.waiting_at_middle = interval.waiting;
        result.middle_s = end_s;
    }
}

void Aggregator::finish(const Gauges& gauges, RunResult& result) {
    PGTRAFFIC_CHECK(end_ != Mono::max(), "the measured time was closed");
    count_ended();
    fill_populations(result);
    PGTRAFFIC_CHECK(gauges.planned == result.total.planned && gauges.started == result.total.started,
                    "the plan's and the aggregator's counts agree");
    PGTRAFFIC_CHECK(result.total.conserved(), "planned = started + waiting + missed, to the end");
    const auto& l = result.latencies;
    PGTRAFFIC_CHECK(l.response.count() + l.failed.count() == result.total.planned,
                    "every planned arrival is in one response histogram");
    PGTRAFFIC_CHECK(l.service.count() == result.total.succeeded(), "service holds ok and empty");

    result.intervals = series_.finish(end_, gauges);
    result.duration_s = base::to_seconds(end_ - plan_.start);
    look_half_way(result);
    result.errors = errors_;
    std::stable_sort(result.errors.begin(), result.errors.end(),
                     [](const ErrorResult& a, const ErrorResult& b) {
                         return std::pair{a.count, a.retried} > std::pair{b.count, b.retried};
                     });
    result.succeeded_in_time =
        std::accumulate(succeeded_in_time_.begin(), succeeded_in_time_.end(), std::uint64_t{0});
}

}  // namespace pgtraffic::metrics
