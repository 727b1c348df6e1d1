#include "pgtraffic/metrics/time_series.hpp"

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
/// And when it does not: a backlog that is answered or accounted for walks through all its intervals between
/// two ticks. Whoever was given histograms first is done with them.
constexpr std::size_t kMostFilled = 16;

}  // namespace

TimeSeries::TimeSeries(const AggregatorPlan& plan) : plan_{plan}, merge_factor_{plan.joined} {
    filled_.reserve(kMostFilled);
    PGTRAFFIC_CHECK(plan_.interval > Nanos{0} && plan_.joined > 0, "an interval has a length");
    for (std::size_t i = 0; i < kFilledAtOnce; ++i) spare_.push_back(std::make_unique<IntervalHistograms>());
    if (plan_.followed) just_ended_ = std::make_unique<IntervalHistograms>();
    open_until(1);
}

void TimeSeries::IntervalHistograms::add_to(Interval& interval) const {
    interval.response.merge(SparseCounts{response});
    interval.lag.merge(SparseCounts{lag});
}

std::size_t TimeSeries::index_of(Mono t) const noexcept {
    return t <= plan_.start ? 0 : static_cast<std::size_t>((t - plan_.start) / plan_.interval);
}

TimeSeries::OpenInterval& TimeSeries::open_until(std::size_t index) {
    while (first_open_ + open_.size() <= index) {
        const std::size_t next = first_open_ + open_.size();
        auto& opened = open_.emplace_back();
        opened.index = next;
        opened.interval.start_s = base::to_seconds(plan_.interval * static_cast<std::int64_t>(next));
        opened.interval.duration_s = base::to_seconds(plan_.interval);
    }
    return open_[index < first_open_ ? 0 : index - first_open_];
}

void TimeSeries::give_histograms(OpenInterval& open) {
    if (filled_.size() == kMostFilled) {
        fold(*filled_.front());
        filled_.erase(filled_.begin());
    }
    filled_.push_back(&open);
    if (spare_.empty()) spare_.push_back(std::make_unique<IntervalHistograms>());
    open.histograms = std::move(spare_.back());
    spare_.pop_back();
}

TimeSeries::OpenInterval& TimeSeries::take_at_hand(Mono t) {
    const std::size_t index = index_of(t);
    OpenInterval& open = open_until(index);
    if (index >= first_open_ && t >= plan_.start) {
        at_hand_ = &open;
        at_hand_from_ = plan_.start + plan_.interval * static_cast<std::int64_t>(index);
        at_hand_until_ = at_hand_from_ + plan_.interval;
    }
    return open;
}

void TimeSeries::set_gauges(OpenInterval& open, const Gauges& gauges) {
    Interval& interval = open.interval;
    interval.waiting = gauges.waiting;
    interval.in_flight = gauges.in_flight;
    interval.loop_busy_ratio = gauges.loop_busy_ratio;
    interval.reconnects = gauges.reconnects - reconnects_seen_;
    reconnects_seen_ = gauges.reconnects;
}

Interval TimeSeries::snapshot(const OpenInterval& open) const {
    Interval interval = open.interval;
    if (open.histograms) open.histograms->add_to(interval);
    const double end_s = interval.start_s + interval.duration_s;
    interval.phase = plan_.phases[phase_at(plan_.phases, interval.start_s, &PhaseShape::end_s)].name;
    if (plan_.planned_between && interval.duration_s > 0) {
        interval.target_per_s = plan_.planned_between(interval.start_s, end_s) / interval.duration_s;
    }
    return interval;
}

/// One query that hangs keeps every interval behind it open: what they count is kept as sparsely as in closed
/// ones.
void TimeSeries::fold(OpenInterval& open) {
    if (!open.histograms) return;
    open.histograms->add_to(open.interval);
    take_back(std::move(open.histograms));
}

void TimeSeries::take_back(std::unique_ptr<IntervalHistograms> histograms) {
    histograms->response.clear();
    histograms->lag.clear();
    spare_.push_back(std::move(histograms));
}

std::span<const Interval> TimeSeries::advance(Mono now, const Gauges& gauges) {
    just_closed_.clear();
    just_joined_.clear();
    const std::size_t current = index_of(now);
    open_until(current + 1);  // ahead of its time, so that record() finds it open
    // Only what is new, however many are open.
    for (; over_ < open_.size() && first_open_ + over_ < current; ++over_) {
        set_gauges(open_[over_], gauges);
        const Interval ended = snapshot(open_[over_]);
        if (recent_.duration_s > 0) {
            recent_.merge(ended);
            recent_.phase = ended.phase;
        } else {
            recent_ = ended;
        }
    }
    while (over_ > kMaxOpen ||
           (over_ > 0 && gauges.oldest_pending >=
                             plan_.start + plan_.interval * static_cast<std::int64_t>(first_open_ + 1))) {
        close_first();
    }
    std::erase_if(filled_, [&](OpenInterval* open) {
        const bool old = open->index + kFilledAtOnce <= current + 1;
        if (old) fold(*open);
        return old;
    });
    return just_closed_;
}

Interval TimeSeries::take_recent() {
    Interval recent = std::exchange(recent_, Interval{});
    PGTRAFFIC_CHECK(just_ended_ != nullptr, "the plan says that somebody follows");
    recent.response = SparseCounts{just_ended_->response};
    recent.lag = SparseCounts{just_ended_->lag};
    recent.max = std::exchange(longest_ended_, base::Nanos{0});
    recent.lag_max = std::exchange(longest_ended_lag_, base::Nanos{0});
    just_ended_->response.clear();
    just_ended_->lag.clear();
    return recent;
}

void TimeSeries::add_waiting(Interval& interval, Mono now, const Unanswered& unanswered,
                             CoarseHistogram& ages) const {
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
    ages.record(age, static_cast<std::uint32_t>(waiting));
    interval.response.merge(SparseCounts{ages});
    interval.unanswered += static_cast<std::uint64_t>(waiting);
    ages.clear();
    interval.max = std::max(interval.max, age);
}

std::vector<Interval> TimeSeries::ended(std::size_t count, Mono now, const Unanswered& unanswered) const {
    const std::size_t first = over_ - std::min(over_, count);
    std::vector<Interval> intervals;
    CoarseHistogram of_one;
    for (std::size_t i = first; i < over_; ++i) {
        intervals.push_back(snapshot(open_[i]));
        add_waiting(intervals.back(), now, unanswered, of_one);
    }
    std::vector<std::pair<std::size_t, Nanos>> ages;  // of what is in flight, by interval
    for (const Mono due : unanswered.in_flight) {
        const std::size_t index = std::max(index_of(due), first_open_ + first) - first_open_ - first;
        if (index < intervals.size()) ages.emplace_back(index, now - due);
    }
    std::sort(ages.begin(), ages.end());
    for (auto age = ages.begin(); age != ages.end();) {
        Interval& interval = intervals[age->first];
        for (const std::size_t index = age->first; age != ages.end() && age->first == index; ++age) {
            of_one.record(age->second);
            ++interval.unanswered;
            interval.max = std::max(interval.max, age->second);
        }
        interval.response.merge(SparseCounts{of_one});
        of_one.clear();
    }
    return intervals;
}

void TimeSeries::close_first() {
    at_hand_until_ = Mono::min();
    just_closed_.push_back(snapshot(open_.front()));
    keep(just_closed_.back());
    join(just_closed_.back());
    if (open_.front().histograms) take_back(std::move(open_.front().histograms));
    std::erase(filled_, &open_.front());
    open_.pop_front();
    ++first_open_;
    --over_;
}

void TimeSeries::keep(const Interval& closed) {
    if (merged_into_last_ > 0 && merged_into_last_ < merge_factor_) {
        kept_.back().merge(closed);
        ++merged_into_last_;
        return;
    }
    if (kept_.size() >= kMaxIntervals) merge_kept();
    kept_.push_back(closed);
    merged_into_last_ = 1;
}

void TimeSeries::join(const Interval& closed) {
    if (steps_joining_ == 0) {
        joining_ = closed;
    } else {
        joining_.merge(closed);
    }
    if (++steps_joining_ < plan_.joined) return;
    just_joined_.push_back(std::move(joining_));
    steps_joining_ = 0;
}

void TimeSeries::merge_kept() {
    for (std::size_t i = 0; i + 1 < kept_.size(); i += 2) {
        kept_[i].merge(kept_[i + 1]);
        if (i > 0) kept_[i / 2] = std::move(kept_[i]);
    }
    kept_.resize(kept_.size() / 2);
    merge_factor_ *= 2;
}

std::vector<Interval> TimeSeries::finish(Mono end, const Gauges& gauges) {
    for (; over_ < open_.size(); ++over_) set_gauges(open_[over_], gauges);
    const double end_s = base::to_seconds(end - plan_.start);
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
    return std::move(kept_);
}

}  // namespace pgtraffic::metrics
