#include "support/virtual_pipeline.hpp"

#include <algorithm>
#include <queue>
#include <vector>

namespace pgtraffic::test {

using base::Mono;
using base::Nanos;

namespace {

struct Pending {
    Mono done;
    std::uint32_t session;
    metrics::Completion completion;
    bool operator>(const Pending& other) const { return done > other.done; }
};

metrics::AggregatorPlan aggregator_plan(const VirtualPlan& plan, Mono start) {
    metrics::AggregatorPlan shapes;
    shapes.operations = {{"query", {"query"}}};
    shapes.start = start;
    shapes.interval = plan.interval;
    shapes.open_loop = plan.schedule.has_value();
    if (!plan.schedule) {
        shapes.phases = {{"steady", 0, base::to_seconds(plan.duration), std::nullopt}};
        return shapes;
    }
    for (const auto& phase : plan.schedule->phases()) {
        shapes.phases.push_back({phase.name, phase.start_s, phase.end_s, phase.planned});
    }
    shapes.planned_between = [&plan](double from, double to) {
        return plan.schedule->arrivals_until(to) - plan.schedule->arrivals_until(from);
    };
    return shapes;
}

class VirtualRun {
 public:
    explicit VirtualRun(const VirtualPlan& plan)
        : plan_{plan},
          dispatcher_{plan.sessions},
          aggregator_{aggregator_plan(plan, start_)},
          random_{plan.seed, base::Stream::data} {
        auto bucket = plan.schedule
                          ? traffic::TokenBucket::scheduled(*plan.schedule, plan.arrivals, start_, plan.seed)
                          : traffic::TokenBucket::unlimited(start_, plan.duration);
        if (plan.limit) bucket.limit_to(*plan.limit);
        if (plan.think_time) dispatcher_.think(*plan.think_time, plan.seed);
        dispatcher_.begin(bucket, plan.latency_limit);
        for (std::uint32_t i = 0; i < plan.sessions; ++i) dispatcher_.session_free(i, start_);
    }

    metrics::RunResult run() {
        const Mono end = start_ + plan_.duration;
        Mono tick = start_ + plan_.interval;
        Mono now = start_;
        while (now < end) {
            dispatch(now);
            Mono next = std::min({dispatcher_.wake_at(), tick, end});
            if (!pending_.empty()) next = std::min(next, pending_.top().done);
            now = std::max(next, now);
            complete(now);
            if (now >= tick) {
                for (const auto& closed : aggregator_.advance(now, gauges(now))) {
                    if (plan_.interval_closed) plan_.interval_closed(closed);
                }
                tick += plan_.interval;
            }
        }
        dispatch(end);
        return finish(end);
    }

 private:
    void dispatch(Mono now) {
        for (;;) {
            const auto decision = dispatcher_.next(now);
            if (decision.kind == simulation::Decision::Kind::none) return;
            if (decision.kind == simulation::Decision::Kind::miss) {
                aggregator_.record_missed(0, decision.token.due, now);
                continue;
            }
            const auto answer = plan_.server(now - start_, random_);
            metrics::Completion completion;
            completion.due = decision.token.due;
            completion.ready = decision.ready;
            completion.sent = now;
            completion.done = now + answer.service;
            completion.outcome = answer.outcome;
            pending_.push({completion.done, decision.session, completion});
        }
    }

    void complete(Mono now) {
        while (!pending_.empty() && pending_.top().done <= now) {
            const Pending ended = pending_.top();
            pending_.pop();
            dispatcher_.query_ended();
            aggregator_.record(ended.completion);
            if (plan_.observe) plan_.observe(ended.completion);
            dispatcher_.session_free(ended.session, ended.done, ended.completion.generator_lag());
        }
    }

    metrics::Gauges gauges(Mono now) {
        metrics::Gauges gauges;
        gauges.planned = dispatcher_.planned(now);
        gauges.started = dispatcher_.started();
        gauges.waiting = dispatcher_.waiting(now);
        gauges.in_flight = dispatcher_.in_flight();
        if (plan_.schedule) gauges.oldest_pending = dispatcher_.next_due();
        auto copy = pending_;
        for (; !copy.empty(); copy.pop())
            gauges.oldest_pending = std::min(gauges.oldest_pending, copy.top().completion.due);
        return gauges;
    }

    metrics::RunResult finish(Mono end) {
        dispatcher_.close(end);
        aggregator_.close(end);
        const auto last = gauges(end);
        for (; !pending_.empty(); pending_.pop())
            aggregator_.record_in_flight(pending_.top().completion, end);
        while (const auto token = dispatcher_.next_abandoned())
            aggregator_.record_waiting(0, token->due, end);
        metrics::RunResult result;
        aggregator_.finish(last, result);
        result.open_loop = plan_.schedule.has_value();
        result.connections = plan_.sessions;
        result.connections_at_end = plan_.sessions;
        result.planned_duration_s = base::to_seconds(plan_.duration);
        return result;
    }

    const VirtualPlan& plan_;
    const Mono start_ = VirtualPlan::kStart;
    simulation::Dispatcher dispatcher_;
    metrics::Aggregator aggregator_;
    base::Random random_;
    std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending_;
};

}  // namespace

metrics::RunResult run_virtually(const VirtualPlan& plan) {
    return VirtualRun{plan}.run();
}

std::function<ModelledAnswer(Nanos, base::Random&)> stalling_server(Nanos service, Nanos from, Nanos length) {
    return [=](Nanos sent, base::Random&) {
        const Nanos stopped_until = from + length;
        if (sent >= stopped_until || sent + service <= from) return ModelledAnswer{service};
        // What was done before the stop counts; the rest is done after it.
        const Nanos done_before = std::max(from - sent, Nanos{0});
        return ModelledAnswer{stopped_until - sent + service - done_before};
    };
}

}  // namespace pgtraffic::test
