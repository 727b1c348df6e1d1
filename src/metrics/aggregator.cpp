#include "pgtraffic/metrics/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::metrics {

using base::Mono;
using base::Nanos;

namespace {

/// Intervals that are filled at one time while a run keeps up: the current one and its neighbours.
constexpr std::size_t kFilledAtOnce = 3;
/// Distinct SQLSTATEs that are kept apart; the rest share the last entry's place in the table.
constexpr std::size_t kMaxErrorKinds = 100;

}  // namespace

Aggregator::Aggregator(AggregatorPlan plan)
    : plan_{std::move(plan)}, end_{plan_.end}, merge_factor_{plan_.joined} {
    PGTRAFFIC_CHECK(!plan_.operations.empty() && !plan_.phases.empty(), "a run has operations and phases");
    PGTRAFFIC_CHECK(plan_.interval > Nanos{0} && plan_.joined > 0, "an interval has a length");
    for (const auto& phase : plan_.phases)
        phase_ends_.push_back(plan_.start + base::from_seconds(phase.end_s));
    cells_.resize(plan_.phases.size() * plan_.operations.size());
    for (const auto& operation : plan_.operations) {
        auto& statements = statements_.emplace_back();
        for (const auto& name : operation.statements) statements.push_back({name, 0, 0, 0});
    }
    errors_.reserve(kMaxErrorKinds);
    if (plan_.looked_at) {
        live_.emplace();
        for (const auto& operation : plan_.operations) live_->operations.emplace_back().name = operation.name;
    }
    for (std::size_t i = 0; i < kFilledAtOnce; ++i) spare_.push_back(std::make_unique<IntervalHistograms>());
    open_interval(1);
}

void Aggregator::IntervalHistograms::add_to(Interval& interval) const {
    interval.response.merge(SparseCounts{response});
    interval.lag.merge(SparseCounts{lag});
}

Aggregator::Cell& Aggregator::cell_of(std::uint32_t operation, Mono due) noexcept {
    std::size_t phase = 0;
    while (phase + 1 < phase_ends_.size() && due >= phase_ends_[phase]) ++phase;
    return cells_[phase * plan_.operations.size() + operation];
}

std::size_t Aggregator::interval_of(Mono t) const noexcept {
    return t <= plan_.start ? 0 : static_cast<std::size_t>((t - plan_.start) / plan_.interval);
}

Aggregator::OpenInterval& Aggregator::open_interval(std::size_t index) {
    while (first_open_ + open_.size() <= index) {
        auto& opened = open_.emplace_back();
        opened.interval.start_s =
            base::to_seconds(plan_.interval * static_cast<std::int64_t>(first_open_ + open_.size() - 1));
        opened.interval.duration_s = base::to_seconds(plan_.interval);
    }
    return open_[index < first_open_ ? 0 : index - first_open_];
}

Aggregator::IntervalHistograms& Aggregator::histograms_of(OpenInterval& open) {
    if (!open.histograms) {
        if (spare_.empty()) spare_.push_back(std::make_unique<IntervalHistograms>());
        open.histograms = std::move(spare_.back());
        spare_.pop_back();
    }
    return *open.histograms;
}

Aggregator::OpenInterval& Aggregator::interval_at(Mono t) {
    if (t >= at_hand_from_ && t < at_hand_until_) [[likely]]
        return *at_hand_;
    const std::size_t index = interval_of(t);
    OpenInterval& open = open_interval(index);
    if (index >= first_open_ && t >= plan_.start) {
        at_hand_ = &open;
        at_hand_from_ = plan_.start + plan_.interval * static_cast<std::int64_t>(index);
        at_hand_until_ = at_hand_from_ + plan_.interval;
    }
    return open;
}

void Aggregator::record_in_interval(Mono due, Nanos response) noexcept {
    OpenInterval& open = interval_at(due);
    histograms_of(open).response.record(response);
    open.interval.max = std::max(open.interval.max, response);
}

void Aggregator::record(const Completion& c) noexcept {
    Cell& cell = cell_of(c.operation, c.due);
    const bool succeeded = metrics::succeeded(c.outcome);
    const bool in_time = c.done <= end_;
    // Where it happened. Where answers are read late, that may be an interval that is over: its line of
    // progress lacks them, the time series does not.
    Interval& when_done = interval_at(std::min(c.done, end_ - Nanos{1})).interval;
    StatementResult& statement = statements_[c.operation][c.statement];

    cell.counts.retries += c.attempts - 1;
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
            break;
    }
    if (plan_.operations[c.operation].in_order) {
        for (std::uint32_t s = 0; s < c.statement; ++s) ++statements_[c.operation][s].ok;
    }
    if (succeeded && in_time) ++succeeded_in_time_;
    if (live_) live_->record(c, plan_.open_loop);

    if (c.outcome == Outcome::failed) [[unlikely]] {
        cell.latencies.failed.record(c.done - c.due);
    } else {
        record_in_interval(c.due, c.done - c.due);
        // In a closed loop finish() adds the service times, which are the same.
        if (plan_.open_loop || !succeeded) cell.latencies.response.record(c.done - c.due);
    }
    if (succeeded) cell.latencies.service.record(c.done - c.sent);
    if (plan_.open_loop) {
        const Nanos pool_wait = std::max(c.ready - c.due, Nanos{0});
        cell.latencies.lag.record(c.sent - c.due);
        cell.latencies.pool_wait.record(pool_wait);
        cell.latencies.generator_lag.record(c.sent - c.due - pool_wait);
        histograms_of(interval_at(c.due)).lag.record(c.sent - c.due);
    }
    if (!succeeded) [[unlikely]]
        record_error(c);
}

void Aggregator::record_error(const Completion& c) noexcept {
    if (c.in_doubt) record_in_doubt(c);
    const auto known = std::find_if(errors_.begin(), errors_.end(),
                                    [&](const ErrorResult& e) { return e.sqlstate == c.sqlstate; });
    if (known != errors_.end()) {
        ++known->count;
    } else if (errors_.size() < kMaxErrorKinds) {
        errors_.push_back({c.sqlstate, 1, base::to_seconds(c.done - plan_.start), {}});
    } else {
        ++errors_.back().count;
    }
}

void Aggregator::sample_error(base::SqlState state, std::string_view message) {
    for (auto& error : errors_) {
        if (error.sqlstate == state && error.sample.empty()) error.sample = message;
    }
}

void Aggregator::record_unanswered(std::uint32_t operation, Mono due, Mono now,
                                   std::uint64_t Counts::*counter) noexcept {
    Cell& cell = cell_of(operation, due);
    ++(cell.counts.*counter);
    ++(total_.*counter);
    cell.latencies.response.record(now - due);
    record_in_interval(due, now - due);
}

void Aggregator::record_missed(std::uint32_t operation, Mono due, Mono now) noexcept {
    record_unanswered(operation, due, now, &Counts::missed);
    if (live_) live_->record_missed(operation);
    ++interval_at(std::min(now, end_ - Nanos{1})).interval.missed;
}

void Aggregator::record_waiting(std::uint32_t operation, Mono due, Mono now) noexcept {
    record_unanswered(operation, due, now, &Counts::waiting);
}

void Aggregator::record_in_doubt(const Completion& unanswered) noexcept {
    ++cell_of(unanswered.operation, unanswered.due).counts.in_doubt;
}

void Aggregator::record_in_flight(std::uint32_t operation, Mono due, Mono now) noexcept {
    record_unanswered(operation, due, now, &Counts::in_flight);
}

void Aggregator::check_conserved(const Gauges& gauges) const {
    PGTRAFFIC_CHECK(gauges.planned == gauges.started + gauges.waiting + total_.missed,
                    "planned = started + waiting + missed");
    PGTRAFFIC_CHECK(gauges.started == gauges.in_flight + total_.ended(),
                    "started = in flight + ok + empty + failed + timed out");
}

void Aggregator::set_gauges(std::size_t index, const Gauges& gauges) {
    Interval& interval = open_[index].interval;
    interval.waiting = gauges.waiting;
    interval.in_flight = gauges.in_flight;
    interval.loop_busy_ratio = gauges.loop_busy_ratio;
    interval.reconnects = gauges.reconnects - reconnects_seen_;
    reconnects_seen_ = gauges.reconnects;
    open_[index].over = true;
}

Interval Aggregator::snapshot(const OpenInterval& open) const {
    Interval interval = open.interval;
    if (open.histograms) open.histograms->add_to(interval);
    const double end_s = interval.start_s + interval.duration_s;
    std::size_t phase = 0;
    while (phase + 1 < plan_.phases.size() && interval.start_s >= plan_.phases[phase].end_s) ++phase;
    interval.phase = plan_.phases[phase].name;
    if (plan_.planned_between && interval.duration_s > 0) {
        interval.target_per_s = plan_.planned_between(interval.start_s, end_s) / interval.duration_s;
    }
    return interval;
}

void Aggregator::look(LiveMoment& moment) const {
    PGTRAFFIC_CHECK(live_.has_value(), "the plan says that somebody looks");
    moment.counts = *live_;
    moment.missed = total_.missed;
    moment.errors.clear();
    for (const auto& error : errors_) moment.errors.emplace_back(error.sqlstate, error.count);
}

/// One query that hangs keeps every interval behind it open: what they count is kept as sparsely as in closed
/// ones.
void Aggregator::fold(OpenInterval& open) {
    if (!open.histograms) return;
    open.histograms->add_to(open.interval);
    take_back(std::move(open.histograms));
}

void Aggregator::take_back(std::unique_ptr<IntervalHistograms> histograms) {
    histograms->response.clear();
    histograms->lag.clear();
    spare_.push_back(std::move(histograms));
}

std::span<const Interval> Aggregator::advance(Mono now, const Gauges& gauges) {
    check_conserved(gauges);
    just_closed_.clear();
    just_joined_.clear();
    const std::size_t current = interval_of(now);
    open_interval(current + 1);  // ahead of its time, so that record() finds it open
    for (std::size_t i = 0; i < open_.size() && first_open_ + i < current; ++i) {
        if (open_[i].over) continue;
        set_gauges(i, gauges);
        const Interval ended = snapshot(open_[i]);
        if (recent_.duration_s > 0) {
            recent_.merge(ended);
            recent_.phase = ended.phase;
        } else {
            recent_ = ended;
        }
    }
    while (!open_.empty() && open_.front().over &&
           gauges.oldest_pending >=
               plan_.start + plan_.interval * static_cast<std::int64_t>(first_open_ + 1)) {
        close_first();
    }
    for (std::size_t i = 0; i < open_.size() && first_open_ + i + kFilledAtOnce <= current + 1; ++i)
        fold(open_[i]);
    return just_closed_;
}

Interval Aggregator::take_recent() {
    return std::exchange(recent_, Interval{});
}

void Aggregator::add_waiting(Interval& interval, Mono now, const Unanswered& unanswered) const {
    if (unanswered.waiting == 0 || !plan_.planned_between) return;
    const double since_s = base::to_seconds(unanswered.waiting_since - plan_.start);
    const auto waiting_until = [&](double s) {
        const double planned = s > since_s ? plan_.planned_between(since_s, s) : 0;
        return std::llround(std::min(planned, static_cast<double>(unanswered.waiting)));
    };
    const double end_s = interval.start_s + interval.duration_s;
    const auto waiting = waiting_until(end_s) - waiting_until(interval.start_s);
    if (waiting <= 0) return;
    const Nanos age = now - (plan_.start + base::from_seconds(end_s));
    CoarseHistogram ages;
    ages.record(age, static_cast<std::uint32_t>(waiting));
    interval.response.merge(SparseCounts{ages});
    interval.max = std::max(interval.max, age);
}

std::vector<Interval> Aggregator::ended(std::size_t count, Mono now, const Unanswered& unanswered) const {
    std::size_t over = 0;
    while (over < open_.size() && open_[over].over) ++over;
    const std::size_t first = over - std::min(over, count);
    std::vector<Interval> intervals;
    std::vector<CoarseHistogram> ages(over - first);
    for (std::size_t i = first; i < over; ++i) {
        intervals.push_back(snapshot(open_[i]));
        add_waiting(intervals.back(), now, unanswered);
    }
    for (const Mono due : unanswered.in_flight) {
        const std::size_t index = std::max(interval_of(due), first_open_ + first) - first_open_ - first;
        if (index >= intervals.size()) continue;
        ages[index].record(now - due);
        intervals[index].max = std::max(intervals[index].max, now - due);
    }
    for (std::size_t i = 0; i < ages.size(); ++i) intervals[i].response.merge(SparseCounts{ages[i]});
    return intervals;
}

void Aggregator::close_first() {
    at_hand_until_ = Mono::min();
    just_closed_.push_back(snapshot(open_.front()));
    keep(just_closed_.back());
    join(just_closed_.back());
    if (open_.front().histograms) take_back(std::move(open_.front().histograms));
    open_.pop_front();
    ++first_open_;
}

void Aggregator::keep(const Interval& closed) {
    if (merged_into_last_ > 0 && merged_into_last_ < merge_factor_) {
        kept_.back().merge(closed);
        ++merged_into_last_;
        return;
    }
    if (kept_.size() >= kMaxIntervals) merge_kept();
    kept_.push_back(closed);
    merged_into_last_ = 1;
}

void Aggregator::join(const Interval& closed) {
    if (steps_joining_ == 0) {
        joining_ = closed;
    } else {
        joining_.merge(closed);
    }
    if (++steps_joining_ < plan_.joined) return;
    just_joined_.push_back(std::move(joining_));
    steps_joining_ = 0;
}

void Aggregator::merge_kept() {
    for (std::size_t i = 0; i + 1 < kept_.size(); i += 2) {
        kept_[i].merge(kept_[i + 1]);
        if (i > 0) kept_[i / 2] = std::move(kept_[i]);
    }
    kept_.resize(kept_.size() / 2);
    merge_factor_ *= 2;
}

void Aggregator::fill_populations(RunResult& result) const {
    const std::size_t operations = plan_.operations.size();
    const double end_s = base::to_seconds(end_ - plan_.start);
    result.total = Counts{};
    result.latencies = Latencies{};
    result.phases.clear();
    result.operations.clear();
    for (std::size_t o = 0; o < operations; ++o) {
        result.operations.push_back({plan_.operations[o].name, {}, {}, statements_[o]});
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
        phase.planned = phase.counts.planned;
        result.total.add(phase.counts);
        result.latencies.merge(phase.latencies);
        result.phases.push_back(std::move(phase));
    }
}

void Aggregator::finish(const Gauges& gauges, RunResult& result) {
    PGTRAFFIC_CHECK(end_ != Mono::max(), "the measured time was closed");
    if (!plan_.open_loop) {
        for (Cell& cell : cells_) cell.latencies.response.merge(cell.latencies.service);
    }
    fill_populations(result);
    PGTRAFFIC_CHECK(gauges.planned == result.total.planned && gauges.started == result.total.started,
                    "the plan's and the aggregator's counts agree");
    PGTRAFFIC_CHECK(result.total.conserved(), "planned = started + waiting + missed, to the end");
    const auto& l = result.latencies;
    PGTRAFFIC_CHECK(l.response.count() + l.failed.count() == result.total.planned,
                    "every planned arrival is in one response histogram");
    PGTRAFFIC_CHECK(l.service.count() == result.total.succeeded(), "service holds ok and empty");

    for (std::size_t i = 0; i < open_.size(); ++i) {
        if (!open_[i].over) set_gauges(i, gauges);
    }
    const double end_s = base::to_seconds(end_ - plan_.start);
    just_closed_.clear();
    just_joined_.clear();
    while (!open_.empty()) {
        Interval& first = open_.front().interval;
        if (first.start_s >= end_s - 1e-9) break;
        const double rest_s = std::round((end_s - first.start_s) * 1e9) / 1e9;  // no 0.19999999999999996
        first.duration_s = std::min(first.duration_s, rest_s);
        close_first();
    }
    if (std::exchange(steps_joining_, 0) > 0) just_joined_.push_back(std::move(joining_));
    result.intervals = std::move(kept_);
    const std::size_t half = result.intervals.size() / 2;
    result.waiting_at_middle = half > 0 ? result.intervals[half - 1].waiting : 0;
    result.errors = errors_;
    std::stable_sort(result.errors.begin(), result.errors.end(),
                     [](const ErrorResult& a, const ErrorResult& b) { return a.count > b.count; });
    result.succeeded_in_time = succeeded_in_time_;
    result.duration_s = end_s;
    result.open_loop = static_cast<bool>(plan_.planned_between);
}

}  // namespace pgtraffic::metrics
