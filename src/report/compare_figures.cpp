#include "pgtraffic/report/compare_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/metric.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Histogram;
using metrics::Metric;
using metrics::MetricKind;
using metrics::Population;
using metrics::Statistic;
using metrics::Threshold;

constexpr double kNanosPerMilli = 1e6;
/// The batches that the error of a throughput has at least where its result gives no bounds: versions that
/// did not write them made 15 to 30.
constexpr std::size_t kFewestOldBatches = 15;

/// The histogram of a result, with its exact maximum in it, so that percentiles are those of the run.
Histogram histogram_of(const Json& document, const char* name, const char* latency) {
    Histogram histogram;
    if (!document["histograms"].contains(name) || !document["summary"].contains(latency)) return histogram;
    const auto& stored = document["histograms"][name];
    const auto& summary = document["summary"][latency];
    if (!summary.is_object()) return histogram;
    const auto max_ns =
        static_cast<std::int64_t>(std::llround(summary["max"].get<double>() * kNanosPerMilli));
    const auto overflow = stored["overflow"].get<std::uint64_t>();
    const auto& counts = stored["counts"];
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const base::Nanos lowest{counts[i][0].get<std::int64_t>()};
        auto n = counts[i][1].get<std::uint64_t>();
        if (i + 1 == counts.size() && overflow == 0 && n > 0 && max_ns >= lowest.count() &&
            max_ns <= Histogram::kHighest.count()) {
            histogram.record(base::Nanos{max_ns});
            --n;
        }
        if (n > 0) histogram.record(lowest, n);
    }
    if (overflow > 0)
        histogram.record(std::max(Histogram::kHighest + base::Nanos{1}, base::Nanos{max_ns}), overflow);
    return histogram;
}

metrics::Counts counts_of(const Json& object) {
    metrics::Counts counts;
    for (const auto& [key, count] : kKeptCounts) counts.*count = object.value(key, std::uint64_t{0});
    counts.retries = object.value("retries", std::uint64_t{0});
    return counts;
}

/// Whether what is counted there is enough for the metric: earlier versions told only of what had ended by
/// operation and by phase.
bool tells(const Json& counts, Metric metric) {
    switch (metric) {
        case Metric::success_ratio:
        case Metric::missed_ratio:
        case Metric::missed:
        case Metric::waiting:
        case Metric::target_attainment:
            return counts.contains("missed");
        case Metric::late:
        case Metric::late_ratio:
            return counts.contains("late");
        case Metric::retries:
            return counts.contains("retries");
        default:
            return true;
    }
}

std::uint64_t count_at(const Json& per_s, double duration_s) {
    return static_cast<std::uint64_t>(std::llround(per_s.get<double>() * duration_s));
}

/// A run as far as its result tells, for the arithmetic of thresholds.
metrics::RunResult run_of(const Json& document) {
    metrics::RunResult run;
    const auto& summary = document["summary"];
    run.open_loop = document["config"]["mode"] == "open";
    run.duration_s = summary["duration_s"].get<double>();
    run.total = counts_of(summary["queries"]);
    run.succeeded_in_time = count_at(summary["throughput_per_s"], run.duration_s);
    run.latencies.response = histogram_of(document, "response", "response_ms");
    run.latencies.service = histogram_of(document, "service", "service_ms");
    run.latencies.lag = histogram_of(document, "lag", "lag_ms");
    const auto& client = document["client"];
    if (client["cpu_us_per_query"].is_number())
        run.client.cpu_us_per_query = client["cpu_us_per_query"].get<double>();
    if (client["loop_busy_ratio"].is_number())
        run.client.loop_busy_ratio = client["loop_busy_ratio"].get<double>();
    for (const auto& one : document["operations"]) {
        metrics::OperationResult operation;
        operation.name = one["name"].get<std::string>();
        operation.counts = counts_of(one);
        operation.succeeded_in_time = count_at(one["throughput_per_s"], run.duration_s);
        run.operations.push_back(std::move(operation));
    }
    for (const auto& one : document["phases"]) {
        metrics::PhaseResult phase;
        phase.name = one["name"].get<std::string>();
        phase.duration_s = one["duration_s"].get<double>();
        phase.counts = counts_of(one);
        run.phases.push_back(std::move(phase));
    }
    return run;
}

/// A statement is found by its name, for one that was put before it moves it. Of several that have the name
/// it is the one in the same place.
const Json* statement_of(const Json& operation, const StatementPlace& place) {
    const auto& statements = operation["statements"];
    const auto named = [&](const Json& one) { return one["name"] == place.name; };
    if (place.position < statements.size() && named(statements[place.position]))
        return &statements[place.position];
    const auto found = std::find_if(statements.begin(), statements.end(), named);
    return found == statements.end() ? nullptr : &*found;
}

/// The part of the document that a figure speaks of.
const Json* part_of(const Json& document, const AskedFigure& asked) {
    const auto& figure = asked.figure;
    if (figure.population == Population::run) return &document["summary"];
    for (const auto& one : document[figure.population == Population::operation ? "operations" : "phases"]) {
        if (one["name"] == figure.name) return asked.statement ? statement_of(one, *asked.statement) : &one;
    }
    return nullptr;
}

std::pair<double, double> pair_of(const Json& bounds) {
    return {bounds[0].get<double>(), bounds[1].get<double>()};
}

/// The object that counts the queries of a part: the run's has one of its own.
const Json& counted_in(const Json& part) {
    const auto queries = part.find("queries");
    return queries == part.end() ? part : *queries;
}

/// What only counts tell of a share: queries fail and are late in bursts, so that as many of them as there
/// are mean nothing of how sure it is, unless there is none or nothing else.
std::optional<std::pair<double, double>> share_bounds(double share, double n) {
    if (share != 0 && share != 1) return std::nullopt;
    const auto bounds = metrics::independent_share_bounds(share, n);
    return bounds ? std::optional{std::pair{bounds->low, bounds->high}} : std::nullopt;
}

/// What of a share is one query.
double of_one_query(double n) {
    return n > 0 ? 1 / n : 0;
}

/// Of the whole run's throughput.
std::optional<std::pair<double, double>> throughput_bounds(const Json& part, double rate_per_s) {
    if (const auto bounds = part.find("throughput_bounds_per_s"); bounds != part.end())
        return bounds->is_null() ? std::nullopt : std::optional{pair_of(*bounds)};
    const auto error = part.find("throughput_standard_error_per_s");
    if (error == part.end() || error->is_null()) return std::nullopt;
    const double half = metrics::student95(kFewestOldBatches - 1) * error->get<double>();
    return std::pair{std::max(0.0, rate_per_s - half), rate_per_s + half};
}

/// Of what neither a histogram nor a count is told, as in results of earlier versions, nobody knows.
bool supported(double q, const Json& latencies, const Histogram* histogram) {
    if (histogram != nullptr && !histogram->empty()) return histogram->supports(q);
    const auto count = latencies.find("count");
    return count == latencies.end() || metrics::supports_quantile(count->get<double>(), q);
}

std::optional<std::pair<double, double>> bounds_of_share(const Threshold& figure, const Json& part,
                                                         double share) {
    const auto told = [&](const char* key) {
        const auto bounds = part.find(key);
        return bounds != part.end() && !bounds->is_null() ? std::optional{pair_of(*bounds)} : std::nullopt;
    };
    switch (figure.metric) {
        case Metric::failed_ratio:
            if (part.contains("failed_bounds_ratio")) return told("failed_bounds_ratio");
            break;
        case Metric::success_ratio:
            if (part.contains("success_bounds_ratio")) return told("success_bounds_ratio");
            break;
        case Metric::empty_ratio:
        case Metric::late_ratio:
            break;
        default:
            return std::nullopt;
    }
    const auto whole = metrics::row_of(figure.metric).whole(counts_of(counted_in(part)));
    return share_bounds(share, static_cast<double>(whole));
}

}  // namespace

bool has_such(const Json& config, Metric metric) {
    return metrics::row_of(metric).is_known(config["mode"] == "open", config.contains("latency_limit_s"));
}

std::string_view latency_key(const Threshold& figure) {
    switch (figure.statistic) {
        case Statistic::min:
            return "min";
        case Statistic::mean:
            return "mean";
        case Statistic::max:
            return "max";
        default:
            break;
    }
    for (const auto& [key, q] : kKeptPercentiles) {
        if (std::abs(figure.quantile - q) < 1e-12) return key;
    }
    return "";
}

/// Whether this figure of the response is only known to be at least what the result has, because queries
/// without an answer have the age that they had reached. Of mean and maximum it is taken that a few make no
/// difference.
bool response_is_at_least(const Threshold& figure, const Json& part) {
    const auto key = latency_key(figure);
    if (!key.empty()) return is_lower_bound(part, "response_ms", key);
    // Of one that the result does not keep: where those that got no answer reach down to its rank.
    const auto counts = counts_of(counted_in(part));
    const auto unanswered = counts.timed_out + counts.missed + counts.waiting + counts.in_flight;
    const auto all = counts.ended() - counts.failed + counts.missed + counts.waiting + counts.in_flight;
    return static_cast<double>(unanswered) > (1 - figure.quantile) * static_cast<double>(all);
}

/// The same of the lag and of the wait for a session, because of queries that were never sent.
bool lag_is_at_least(const Threshold& figure, const Json& part) {
    const bool whole = figure.statistic != Statistic::quantile;  // mean and maximum
    return metrics::lag_is_lower_bound(counts_of(counted_in(part)), whole ? 0.99 : figure.quantile);
}

bool is_at_least(const Threshold& figure, const Json& part) {
    if (figure.statistic == Statistic::min) return false;
    if (figure.metric == Metric::response) return response_is_at_least(figure, part);
    return (figure.metric == Metric::lag || figure.metric == Metric::pool_wait) &&
           lag_is_at_least(figure, part);
}

ResultFigures::ResultFigures(const Json& document) : document_{document}, run_{run_of(document)} {}

ComparedValue ResultFigures::value(const AskedFigure& asked) const {
    ComparedValue found;
    const auto& figure = asked.figure;
    const auto* part = part_of(document_, asked);
    if (part == nullptr) return found;
    if (metrics::row_of(figure.metric).kind == MetricKind::duration) return latency(figure, *part);
    if (figure.metric == Metric::throughput) {
        const auto& rate = (*part)["throughput_per_s"];
        if (!rate.is_number()) return found;  // a phase that the run did not reach
        found.value = rate.get<double>();
        if (figure.population == Population::run) {
            found.bounds = throughput_bounds(*part, *found.value);
            // Another search would have found another rate.
            if (const auto searched = document_["config"].find("rate_found_per_s");
                found.bounds && searched != document_["config"].end()) {
                found.bounds->first = std::min(found.bounds->first, (*searched)["lowest"].get<double>());
                found.bounds->second = std::max(found.bounds->second, (*searched)["highest"].get<double>());
            }
        }
        return found;
    }
    if (!tells(counted_in(*part), figure.metric) || !has_such(document_["config"], figure.metric))
        return found;
    if (figure.metric == Metric::cpu_us_per_query && !document_["client"]["cpu_us_per_query"].is_number())
        return found;
    found.value = metrics::evaluate(figure, run_).actual;
    if (found.value) found.bounds = bounds_of_share(figure, *part, *found.value);
    return found;
}

double ResultFigures::of_one(const AskedFigure& asked) const {
    const auto& figure = asked.figure;
    const auto* part = part_of(document_, asked);
    if (part == nullptr) return 0;
    if (figure.metric == Metric::throughput) return of_one_query(run_.duration_s);
    const auto& row = metrics::row_of(figure.metric);
    if (row.kind == MetricKind::count) return 1;
    return row.whole == nullptr ? 0
                                : of_one_query(static_cast<double>(row.whole(counts_of(counted_in(*part)))));
}

ComparedValue ResultFigures::latency(const Threshold& figure, const Json& part) const {
    ComparedValue found;
    const auto& row = metrics::row_of(figure.metric);
    const auto latencies = part.find(fmt::format("{}_ms", row.name));
    if (latencies == part.end() || !latencies->is_object()) return found;
    // Under a growing backlog all but the service tells of the length of the run.
    if (figure.metric != Metric::service && backlog_grew(document_)) return found;
    const auto* histogram = figure.population == Population::run ? &(run_.latencies.*row.histogram) : nullptr;
    const auto key = latency_key(figure);
    if (is_at_least(figure, part)) return found;
    if (!key.empty()) {
        found.value = (*latencies)[std::string{key}].get<double>();
    } else if (histogram != nullptr && !histogram->empty()) {
        found.value = base::to_millis(histogram->quantile(figure.quantile));
    }
    if (found.value && figure.statistic == Statistic::quantile)
        found.weak = !supported(figure.quantile, *latencies, histogram);
    if (const auto* bounds = bounds_of(part, row.name, key)) found.bounds = pair_of(*bounds);
    return found;
}

}  // namespace pgtraffic::report
