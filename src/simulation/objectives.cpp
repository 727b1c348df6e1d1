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

std::uint64_t& counter_of(metrics::Counts& counts, metrics::Outcome outcome) noexcept {
    switch (outcome) {
        case metrics::Outcome::ok:
            return counts.ok;
        case metrics::Outcome::empty:
            return counts.empty;
        case metrics::Outcome::failed:
            return counts.failed;
        case metrics::Outcome::timed_out:
            break;
    }
    return counts.timed_out;
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
    ++counter_of(step_.total, completion.outcome);
    step_.latencies.record_ended(completion);
    if (empty()) return;
    auto& operation = step_.operations[completion.operation];
    ++counter_of(operation.counts, completion.outcome);
    operation.latencies.record_ended(completion);
}

void Objectives::record_in_flight(const metrics::Completion& query, base::Nanos so_far) noexcept {
    // Not among those without an answer, of which a run's end makes lower bounds: some are under way at the
    // end of any step, and no maximum would be kept, nor a percentile above which no more than these lie.
    // Whether they are too many is asked by PeakSearch::carried().
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
        latencies.failed.clear();
    };
    clear_part(step_.total, step_.latencies);
    for (auto& operation : step_.operations) clear_part(operation.counts, operation.latencies);
}

}  // namespace pgtraffic::simulation
