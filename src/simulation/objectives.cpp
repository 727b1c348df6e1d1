#include "pgtraffic/simulation/objectives.hpp"

#include <algorithm>

namespace pgtraffic::simulation {

using metrics::Metric;
using metrics::Population;
using metrics::Statistic;
using metrics::Threshold;

namespace {

bool broken_by_load(const Threshold& threshold) noexcept {
    switch (threshold.metric) {
        case Metric::response:
        case Metric::service:
            return threshold.is_upper() && threshold.statistic != Statistic::min;
        case Metric::failed_ratio:
            return threshold.is_upper();
        case Metric::success_ratio:
            return !threshold.is_upper();
        default:
            return false;
    }
}

/// By the rules of Latencies: failures stand apart, and a time-out is a lower bound.
void record_in(metrics::Counts& counts, metrics::Latencies& latencies,
               const metrics::Completion& completion) noexcept {
    switch (completion.outcome) {
        case metrics::Outcome::ok:
            ++counts.ok;
            break;
        case metrics::Outcome::empty:
            ++counts.empty;
            break;
        case metrics::Outcome::failed:
            ++counts.failed;
            return;
        case metrics::Outcome::timed_out:
            ++counts.timed_out;
            latencies.response.record(completion.done - completion.due);
            latencies.unanswered.record(completion.done - completion.due);
            return;
    }
    latencies.response.record(completion.done - completion.due);
    latencies.service.record(completion.done - completion.sent);
}

}  // namespace

Objectives::Objectives(std::span<const Threshold> thresholds,
                       std::span<const workload::Operation> operations) {
    for (const auto& threshold : thresholds) {
        if (broken_by_load(threshold)) {
            thresholds_.push_back(threshold);
        } else {
            others_ += (others_.empty() ? "" : " and ") + threshold.expression;
        }
    }
    double weights = 0;
    for (const auto& operation : operations) {
        weights += operation.weight;
        step_.operations.emplace_back().name = operation.name;
    }
    for (auto& threshold : thresholds_) {
        // A step has one phase, which is all of it.
        if (threshold.population == Population::phase) threshold.population = Population::run;
        double share = 1;
        for (const auto& operation : operations) {
            if (threshold.population == Population::operation && threshold.name == operation.name)
                share = operation.weight / weights;
        }
        const double above = threshold.statistic == Statistic::quantile ? 1 - threshold.quantile : 1;
        arrivals_ = std::max(arrivals_, metrics::kQueriesAboveQuantile / above / share);
    }
}

bool Objectives::limit_response() const noexcept {
    return std::ranges::any_of(thresholds_,
                               [](const Threshold& one) { return one.metric == Metric::response; });
}

std::string Objectives::text() const {
    std::string text;
    for (const auto& threshold : thresholds_) text += (text.empty() ? "" : " and ") + threshold.expression;
    return text;
}

void Objectives::record(const metrics::Completion& completion) noexcept {
    record_in(step_.total, step_.latencies, completion);
    if (empty()) return;
    auto& operation = step_.operations[completion.operation];
    record_in(operation.counts, operation.latencies, completion);
}

void Objectives::record_in_flight(const metrics::Completion& query, base::Nanos so_far) noexcept {
    step_.latencies.response.record(so_far);
    if (empty()) return;
    step_.operations[query.operation].latencies.response.record(so_far);
}

bool Objectives::met() const {
    return std::ranges::all_of(
        thresholds_, [&](const Threshold& threshold) { return metrics::evaluate(threshold, step_).ok; });
}

void Objectives::clear() noexcept {
    const auto clear_part = [](metrics::Counts& counts, metrics::Latencies& latencies) {
        counts = {};
        latencies.response.clear();
        latencies.unanswered.clear();
        latencies.service.clear();
    };
    clear_part(step_.total, step_.latencies);
    for (auto& operation : step_.operations) clear_part(operation.counts, operation.latencies);
}

}  // namespace pgtraffic::simulation
