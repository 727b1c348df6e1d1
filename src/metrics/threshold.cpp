// What a threshold's words mean in figures. Reading the words is threshold_parser.cpp's work.
#include "pgtraffic/metrics/threshold.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/metric.hpp"

namespace pgtraffic::metrics {
namespace {

/// The queries that a threshold speaks of. Refers to the run.
struct Queries {
    const Counts& counts;
    const Latencies& latencies;
    double succeeded = 0;
    double duration_s = 0;
};

/// Of the one whose name it is; none where there is none.
template <class Part, class Succeeded, class Duration>
std::optional<Queries> queries_of(const std::vector<Part>& parts, const std::string& name,
                                  Succeeded succeeded, Duration duration_s) {
    const auto part = std::ranges::find(parts, name, &Part::name);
    if (part == parts.end()) return std::nullopt;
    return Queries{part->counts, part->latencies, static_cast<double>(succeeded(*part)), duration_s(*part)};
}

std::optional<Queries> queries_of(const Threshold& threshold, const RunResult& run) {
    switch (threshold.population) {
        case Population::run:
            break;
        case Population::operation:
            return queries_of(
                run.operations, threshold.name,
                [](const auto& operation) { return operation.succeeded_in_time; },
                [&](const auto&) { return run.duration_s; });
        case Population::phase: {
            const auto phase = queries_of(
                run.phases, threshold.name, [](const auto& one) { return one.counts.succeeded(); },
                [](const auto& one) { return one.duration_s; });
            return phase && phase->duration_s > 0 ? phase : std::nullopt;  // else it never began
        }
    }
    return Queries{run.total, run.latencies, static_cast<double>(run.succeeded_in_time), run.duration_s};
}

/// What counts alone tell; the same at the end and in a window.
std::optional<double> figure_of(Metric metric, const Counts& counts) {
    const auto& row = row_of(metric);
    if (row.part == nullptr) return std::nullopt;
    if (row.whole != nullptr) return share_of(row.part(counts), row.whole(counts));
    return static_cast<double>(row.part(counts));
}

std::optional<double> statistic_of(const Threshold& threshold, const Histogram& histogram) {
    if (histogram.empty()) return std::nullopt;
    switch (threshold.statistic) {
        case Statistic::min:
            return static_cast<double>(histogram.min().count());
        case Statistic::mean:
            return histogram.mean_ns();
        case Statistic::max:
            return static_cast<double>(histogram.max().count());
        default:
            return static_cast<double>(histogram.quantile(threshold.quantile).count());
    }
}

/// From nanoseconds, shares and plain numbers to the unit of the expression.
double in_unit(double value, Unit unit) {
    switch (unit) {
        case Unit::percent:
            return std::round(value * 1e11) / 1e9;  // 0.29 becomes 29, not 28.999999999999996
        case Unit::microseconds:
            return value / 1e3;
        case Unit::milliseconds:
            return value / 1e6;
        case Unit::seconds:
            return value / 1e9;
        default:
            return value;
    }
}

std::string_view sign_of(Unit unit) {
    constexpr std::string_view kSigns[] = {"", "/s", " %", " ns", " µs", " ms", " s"};
    return kSigns[static_cast<std::size_t>(unit)];
}

std::string text_of(double value, const Threshold& threshold) {
    const bool micros = threshold.metric == Metric::cpu_us_per_query;
    return fmt::format("{}{}", base::with_telling_digits(value),
                       sign_of(micros ? Unit::microseconds : threshold.unit));
}

ThresholdResult result_of(const Threshold& threshold, std::optional<double> figure) {
    ThresholdResult result;
    result.expression = threshold.expression;
    if (!figure) return result;
    const double actual = in_unit(*figure, threshold.unit);
    result.actual = actual;
    result.actual_text = text_of(actual, threshold);
    result.ok = holds(actual, threshold.comparison, threshold.limit);
    return result;
}

/// A percentile of the response that so many queries without an answer make a lower bound, or one that is
/// only this small because they had not waited longer, does not show that it is below a limit. Nor does a
/// maximum beside any such query, nor a mean beside so many that the 99th percentile is a lower bound: of a
/// few, such as wait at the end of any sound run, it is taken that they are no worse than the others.
void hold_for_unanswered(const Threshold& threshold, const Latencies& latencies, ThresholdResult& result) {
    if (!result.actual || !threshold.is_upper()) return;
    if (threshold.statistic == Statistic::mean) {
        if (latencies.response_at_most(0.99)) return;
    } else {
        const double quantile = threshold.statistic == Statistic::max ? 1 : threshold.quantile;
        const auto most = latencies.response_at_most(quantile);
        if (most && (!result.ok || holds(in_unit(static_cast<double>(most->count()), threshold.unit),
                                         threshold.comparison, threshold.limit)))
            return;
    }
    result.ok = false;
    result.at_least = true;
    result.actual_text = fmt::format("at least {}: {} had no answer", result.actual_text,
                                     base::counted(latencies.unanswered.count(), "query", "queries"));
}

/// The same of a lag, whose histogram holds what was sent: what never was has waited longer than anybody
/// knows.
void hold_for_unsent(const Threshold& threshold, const Histogram& sent, const Counts& counts,
                     ThresholdResult& result) {
    const std::uint64_t unsent = counts.waiting + counts.missed;
    if (!result.ok || !threshold.is_upper() || unsent == 0) return;
    const std::uint64_t all = sent.count() + unsent;
    if (threshold.statistic == Statistic::mean) {
        if (static_cast<double>(unsent) <= 0.01 * static_cast<double>(all)) return;
    } else if (threshold.statistic == Statistic::quantile) {
        const std::uint64_t rank = rank_of_quantile(threshold.quantile, all);
        if (rank <= sent.count() &&
            holds(in_unit(static_cast<double>(sent.value_of_rank(rank).count()), threshold.unit),
                  threshold.comparison, threshold.limit))
            return;
    }
    result.ok = false;
    result.at_least = true;
    result.actual_text = fmt::format("at least {}: {} never sent", result.actual_text,
                                     base::counted(unsent, "query was", "queries were"));
}

}  // namespace

bool nearly_equal(double a, double b) noexcept {
    if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
    return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b));
}

bool holds(double actual, Comparison comparison, double limit) noexcept {
    const bool equal = nearly_equal(actual, limit);
    switch (comparison) {
        case Comparison::less:
            return actual < limit && !equal;
        case Comparison::less_or_equal:
            return actual < limit || equal;
        case Comparison::greater:
            return actual > limit && !equal;
        case Comparison::greater_or_equal:
            return actual > limit || equal;
    }
    return false;
}

ThresholdResult evaluate(const Threshold& threshold, const RunResult& run) {
    if (threshold.metric == Metric::cpu_us_per_query)
        return result_of(threshold, run.client.cpu_us_per_query);
    if (threshold.metric == Metric::loop_busy) return result_of(threshold, run.client.loop_busy_ratio);

    const auto queries = queries_of(threshold, run);
    if (!queries) return result_of(threshold, std::nullopt);
    if (threshold.metric == Metric::throughput) {
        if (queries->duration_s <= 0) return result_of(threshold, std::nullopt);
        return result_of(threshold, queries->succeeded / queries->duration_s);
    }
    const auto member = row_of(threshold.metric).histogram;
    if (member == nullptr) return result_of(threshold, figure_of(threshold.metric, queries->counts));
    const auto& histogram = queries->latencies.*member;
    auto result = result_of(threshold, statistic_of(threshold, histogram));
    if (threshold.metric == Metric::response && threshold.statistic != Statistic::min)
        hold_for_unanswered(threshold, queries->latencies, result);
    if ((threshold.metric == Metric::lag || threshold.metric == Metric::pool_wait) &&
        threshold.statistic != Statistic::min)
        hold_for_unsent(threshold, histogram, queries->counts, result);
    result.weak = result.actual && threshold.statistic == Statistic::quantile &&
                  !histogram.supports(threshold.quantile);
    if (result.weak) result.actual_text += ", with fewer than ten queries above it";
    return result;
}

ThresholdResult evaluate(const Threshold& condition, const Interval& window) {
    switch (condition.metric) {
        case Metric::response: {
            if (window.response.count() == 0) return result_of(condition, std::nullopt);
            const auto value = condition.statistic == Statistic::max
                                   ? window.max
                                   : window.response_quantile(condition.quantile);
            return result_of(condition, static_cast<double>(value.count()));
        }
        case Metric::throughput:
            if (window.duration_s <= 0) return result_of(condition, std::nullopt);
            return result_of(condition, window.throughput_per_s());
        case Metric::loop_busy:
            return result_of(condition, window.loop_busy_ratio);
        default: {
            Counts counts;
            counts.ok = window.ok;
            counts.empty = window.empty;
            counts.failed = window.failed;
            counts.timed_out = window.timed_out;
            counts.missed = window.missed;
            counts.waiting = window.waiting;
            return result_of(condition, figure_of(condition.metric, counts));
        }
    }
}

}  // namespace pgtraffic::metrics
