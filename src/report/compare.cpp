// The figures of several results. Counts and whole histograms are in a result, so that a run has any
// percentile; of operations and phases a result keeps some percentiles and no histogram. How sure throughput
// and percentiles are only the run itself could tell, from its time series: its result says so.
#include "pgtraffic/report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Histogram;
using metrics::Metric;
using metrics::Population;
using metrics::Statistic;
using metrics::Threshold;

constexpr double kNanosPerMilli = 1e6;
/// The batches that the error of a throughput has at least where its result gives no bounds: versions that
/// did not write them made 15 to 30.
constexpr std::size_t kFewestOldBatches = 15;

/// The base of the words that a latency object uses for a statistic; empty: it has no such key.
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

/// The object with the latencies of a metric; empty: that is no metric of durations.
std::string_view latency_object(Metric metric) {
    switch (metric) {
        case Metric::response:
            return "response_ms";
        case Metric::service:
            return "service_ms";
        case Metric::lag:
            return "lag_ms";
        case Metric::pool_wait:
            return "pool_wait_ms";
        default:
            return "";
    }
}

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
    const auto read = [&](const char* key) {
        return object.contains(key) ? object[key].get<std::uint64_t>() : 0;
    };
    metrics::Counts counts;
    counts.planned = read("planned");
    counts.started = read("started");
    counts.waiting = read("waiting");
    counts.in_flight = read("in_flight");
    counts.ok = read("ok");
    counts.empty = read("empty");
    counts.failed = read("failed");
    counts.timed_out = read("timed_out");
    counts.missed = read("missed");
    counts.late = read("late");
    counts.retries = read("retries");
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

struct StatementPlace {
    std::string name;
    std::size_t position;  ///< in the base's operation
};

/// What a row compares: a figure in the words of thresholds, and of which statement of its operation, which
/// thresholds have no word for.
struct Asked {
    Threshold figure;
    std::optional<StatementPlace> statement = std::nullopt;
};

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
const Json* part_of(const Json& document, const Asked& asked) {
    const auto& figure = asked.figure;
    if (figure.population == Population::run) return &document["summary"];
    for (const auto& one : document[figure.population == Population::operation ? "operations" : "phases"]) {
        if (one["name"] == figure.name) return asked.statement ? statement_of(one, *asked.statement) : &one;
    }
    return nullptr;
}

const Histogram* histogram_of(const metrics::RunResult& run, Metric metric) {
    switch (metric) {
        case Metric::response:
            return &run.latencies.response;
        case Metric::service:
            return &run.latencies.service;
        case Metric::lag:
            return &run.latencies.lag;
        default:
            return nullptr;
    }
}

std::pair<double, double> pair_of(const Json& bounds) {
    return {bounds[0].get<double>(), bounds[1].get<double>()};
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

/// One result, read once.
class Figures {
 public:
    explicit Figures(const Json& document) : document_{document}, run_{run_of(document)} {}

    /// In ms, per second, a share or a count.
    [[nodiscard]] ComparedValue value(const Asked& asked) const {
        ComparedValue found;
        const auto& figure = asked.figure;
        const auto* part = part_of(document_, asked);
        if (part == nullptr) return found;
        const auto object = latency_object(figure.metric);
        if (!object.empty()) return latency(figure, *part, object);
        if (figure.metric == Metric::throughput) {
            const auto& rate = (*part)["throughput_per_s"];
            if (!rate.is_number()) return found;  // a phase that the run did not reach
            found.value = rate.get<double>();
            if (figure.population == Population::run) found.bounds = throughput_bounds(*part, *found.value);
            return found;
        }
        if (!tells(part->contains("queries") ? (*part)["queries"] : *part, figure.metric)) return found;
        if (figure.metric == Metric::cpu_us_per_query && !document_["client"]["cpu_us_per_query"].is_number())
            return found;
        found.value = metrics::evaluate(figure, run_).actual;
        if (found.value) found.bounds = bounds_of_share(figure, *part, *found.value);
        return found;
    }

    /// What one query more or less changes of a throughput, a share or a count.
    [[nodiscard]] double of_one(const Asked& asked) const {
        const auto& figure = asked.figure;
        const auto* part = part_of(document_, asked);
        if (part == nullptr) return 0;
        const auto counts = counts_of(part->contains("queries") ? (*part)["queries"] : *part);
        switch (figure.metric) {
            case Metric::throughput:
                return of_one_query(run_.duration_s);
            case Metric::failed_ratio:
                return of_one_query(static_cast<double>(counts.ended()));
            case Metric::success_ratio:
                return of_one_query(static_cast<double>(counts.ended() + counts.missed));
            case Metric::empty_ratio:
            case Metric::late_ratio:
                return of_one_query(static_cast<double>(counts.succeeded()));
            case Metric::missed_ratio:
            case Metric::target_attainment:
                return of_one_query(static_cast<double>(counts.planned));
            case Metric::failed:
            case Metric::timed_out:
            case Metric::missed:
            case Metric::late:
            case Metric::retries:
            case Metric::waiting:
                return 1;
            default:
                return 0;
        }
    }

 private:
    [[nodiscard]] ComparedValue latency(const Threshold& figure, const Json& part,
                                        std::string_view object) const {
        ComparedValue found;
        const auto latencies = part.find(object);
        if (latencies == part.end() || !latencies->is_object()) return found;
        // Under a growing backlog all but the service tells of the length of the run.
        if (figure.metric != Metric::service && backlog_grew(document_)) return found;
        const auto* histogram =
            figure.population == Population::run ? histogram_of(run_, figure.metric) : nullptr;
        const auto key = latency_key(figure);
        if (figure.metric == Metric::response && is_lower_bound(part, key)) return found;
        if (!key.empty()) {
            found.value = (*latencies)[std::string{key}].get<double>();
        } else if (histogram != nullptr && !histogram->empty()) {
            found.value = base::to_millis(histogram->quantile(figure.quantile));
        }
        if (found.value && figure.statistic == Statistic::quantile)
            found.weak = !supported(figure.quantile, *latencies, histogram);
        const auto name = object.substr(0, object.rfind('_'));
        if (const auto* bounds = bounds_of(part, name, key)) found.bounds = pair_of(*bounds);
        return found;
    }

    /// Of what neither a histogram nor a count is told, as in results of earlier versions, nobody knows.
    [[nodiscard]] static bool supported(double q, const Json& latencies, const Histogram* histogram) {
        if (histogram != nullptr && !histogram->empty()) return histogram->supports(q);
        const auto count = latencies.find("count");
        return count == latencies.end() || metrics::supports_quantile(count->get<double>(), q);
    }

    [[nodiscard]] static std::optional<std::pair<double, double>> bounds_of_share(const Threshold& figure,
                                                                                  const Json& part,
                                                                                  double share) {
        const auto counts = counts_of(part.contains("queries") ? part["queries"] : part);
        const auto told = [&](const char* key) {
            const auto bounds = part.find(key);
            return bounds != part.end() && !bounds->is_null() ? std::optional{pair_of(*bounds)}
                                                              : std::nullopt;
        };
        switch (figure.metric) {
            case Metric::failed_ratio:
                if (part.contains("failed_bounds_ratio")) return told("failed_bounds_ratio");
                return share_bounds(share, static_cast<double>(counts.ended()));
            case Metric::success_ratio:
                if (part.contains("success_bounds_ratio")) return told("success_bounds_ratio");
                return share_bounds(share, static_cast<double>(counts.ended() + counts.missed));
            case Metric::empty_ratio:
            case Metric::late_ratio:
                return share_bounds(share, static_cast<double>(counts.succeeded()));
            default:
                return std::nullopt;
        }
    }

    const Json& document_;
    metrics::RunResult run_;
};

metrics::ThresholdScope scope_of(const Json& document) {
    metrics::ThresholdScope scope;
    for (const auto& one : document["operations"]) scope.operations.push_back(one["name"].get<std::string>());
    for (const auto& one : document["phases"]) scope.phases.push_back(one["name"].get<std::string>());
    scope.open_loop = document["config"]["mode"] == "open";
    scope.latency_limit = document["config"].contains("latency_limit_s");
    return scope;
}

std::optional<double> change_of(const ComparedValue& base, const ComparedValue& other) {
    if (!base.value || !other.value) return std::nullopt;
    if (metrics::nearly_equal(*base.value, *other.value)) return 0.0;
    if (*base.value == 0) return std::copysign(std::numeric_limits<double>::infinity(), *other.value);
    return (*other.value - *base.value) / std::abs(*base.value);
}

Finding finding_of(const ComparedValue& base, const ComparedValue& other, bool higher_is_better) {
    if (!base.bounds || !other.bounds || !base.value || !other.value) return Finding::none;
    if (base.bounds->first <= other.bounds->second && other.bounds->first <= base.bounds->second)
        return Finding::no_difference;
    return (*other.value > *base.value) == higher_is_better ? Finding::better : Finding::worse;
}

/// What runs must have for a figure to say anything of them.
enum class Needs : std::uint8_t { nothing, open_loop, latency_limit, retries };

struct FigureRow {
    std::string_view figure;
    FigureUnit unit;
    bool higher_is_better;
    Needs needs = Needs::nothing;
};

constexpr auto kRunFigures = std::to_array<FigureRow>({
    {"throughput", FigureUnit::per_second, true},
    {"target_attainment", FigureUnit::share, true, Needs::open_loop},
    {"success_ratio", FigureUnit::share, true},
    {"failed_ratio", FigureUnit::share, false},
    {"late_ratio", FigureUnit::share, false, Needs::latency_limit},
    {"retries", FigureUnit::count, false, Needs::retries},
    {"response.mean", FigureUnit::millis, false},
    {"response.p50", FigureUnit::millis, false},
    {"response.p90", FigureUnit::millis, false},
    {"response.p95", FigureUnit::millis, false},
    {"response.p99", FigureUnit::millis, false},
    {"response.p999", FigureUnit::millis, false},
    {"response.max", FigureUnit::millis, false},
    {"service.p50", FigureUnit::millis, false},
    {"service.p99", FigureUnit::millis, false},
    {"lag.p99", FigureUnit::millis, false, Needs::open_loop},
    {"cpu_us_per_query", FigureUnit::micros, false},
});
constexpr auto kOperationFigures = std::to_array<FigureRow>({
    {"throughput", FigureUnit::per_second, true},
    {"response.p50", FigureUnit::millis, false},
    {"response.p99", FigureUnit::millis, false},
});
/// Of each statement where an operation has several: it has no response of its own.
constexpr auto kStatementFigures = std::to_array<FigureRow>({
    {"service.p50", FigureUnit::millis, false},
    {"service.p99", FigureUnit::millis, false},
});

/// A limit or an open loop only one side has says nothing of the other; retries that only one side had do.
bool have(const std::vector<ComparedRun>& runs, Needs needs) {
    switch (needs) {
        case Needs::nothing:
            return true;
        case Needs::open_loop:
            return std::ranges::all_of(
                runs, [](const auto& run) { return run.document["config"]["mode"] == "open"; });
        case Needs::latency_limit:
            return std::ranges::all_of(
                runs, [](const auto& run) { return run.document["config"].contains("latency_limit_s"); });
        case Needs::retries:
            return std::ranges::any_of(runs, [](const auto& run) {
                return counts_of(run.document["summary"]["queries"]).retries > 0;
            });
    }
    return false;
}

/// Several runs of the same thing: their mean, which only all of them together have.
class Group {
 public:
    void add(const Json& document) { runs_.emplace_back(document); }

    [[nodiscard]] ComparedValue value(const Asked& asked) const {
        if (runs_.size() == 1) return runs_.front().value(asked);
        std::vector<double> values;
        bool weak = false;
        for (const auto& run : runs_) {
            const auto one = run.value(asked);
            if (!one.value) return {};
            values.push_back(*one.value);
            weak = weak || one.weak;
        }
        const auto mean = metrics::mean_of_runs(values);
        // Runs in one bucket of the histogram, or with the same few counts, do not differ by nothing: nobody
        // saw by how much they do.
        double least = asked.figure.statistic == metrics::Statistic::quantile
                           ? mean.value * metrics::Histogram::kRelativeWidth
                           : 0;
        for (const auto& run : runs_) least = std::max(least, run.of_one(asked));
        const double half = std::max(mean.half_width, least);
        return {mean.value, std::pair{std::max(0.0, mean.value - half), mean.value + half}, {}, {}, weak};
    }

 private:
    std::vector<Figures> runs_;
};

ComparedFigure compare_figure(const std::vector<Group>& groups, const Asked& asked, const FigureRow& row,
                              std::string name) {
    ComparedFigure compared{std::move(name), row.unit, row.higher_is_better, {}};
    for (const auto& group : groups) {
        compared.values.push_back(group.value(asked));
        if (auto& bounds = compared.values.back().bounds; bounds && row.unit == FigureUnit::share)
            bounds->second = std::min(1.0, bounds->second);
        if (compared.values.size() == 1) continue;
        auto& value = compared.values.back();
        value.change = change_of(compared.values.front(), value);
        value.finding = finding_of(compared.values.front(), value, row.higher_is_better);
    }
    return compared;
}

/// Of a table's row, which may speak of what not every run has.
Threshold known_figure(std::string_view figure) {
    metrics::ThresholdScope scope;
    scope.open_loop = scope.latency_limit = true;
    return metrics::parse_figure(figure, scope);
}

Threshold figure_of_operation(std::string_view figure, const Json& operation) {
    auto threshold = known_figure(figure);
    threshold.population = Population::operation;
    threshold.name = operation["name"].get<std::string>();
    return threshold;
}

void compare_operation(const std::vector<Group>& groups, const Json& operation,
                       std::vector<ComparedFigure>& out) {
    for (const auto& row : kOperationFigures) {
        const Asked asked{figure_of_operation(row.figure, operation)};
        out.push_back(
            compare_figure(groups, asked, row, fmt::format("{}.{}", asked.figure.name, row.figure)));
    }
}

/// Nothing where no run tells the times of a statement, as results of earlier versions.
void compare_statements(const std::vector<Group>& groups, const Json& operation,
                        std::vector<ComparedFigure>& out) {
    const auto& statements = operation["statements"];
    for (std::size_t i = 0; statements.size() > 1 && i < statements.size(); ++i) {
        const StatementPlace place{statements[i]["name"].get<std::string>(), i};
        for (const auto& row : kStatementFigures) {
            const Asked asked{figure_of_operation(row.figure, operation), place};
            auto compared = compare_figure(
                groups, asked, row, fmt::format("{}.{}.{}", asked.figure.name, place.name, row.figure));
            if (std::ranges::any_of(compared.values, [](const auto& one) { return one.value.has_value(); }))
                out.push_back(std::move(compared));
        }
    }
}

/// From 1.1 to 1.21 is a change of 10 %, whatever the last bits of the quotient say: they are bits of a
/// number near 1, and lost once it is taken away.
bool change_holds(double change, metrics::Comparison comparison, double limit) {
    return metrics::holds(1 + change, comparison, 1 + limit);
}

}  // namespace

std::string_view to_string(Finding finding) noexcept {
    constexpr std::string_view kWords[] = {"", "no difference shown", "better", "worse"};
    return kWords[static_cast<std::size_t>(finding)];
}

bool Comparison::failed() const noexcept {
    return std::any_of(conditions.begin(), conditions.end(), [](const auto& one) { return one.failed; });
}

FailCondition parse_fail_condition(std::string_view expression, const ComparedRun& base) {
    const auto fail = [](std::size_t at, std::string_view what) {
        throw base::Error(fmt::format("column {}: {}", at + 1, what));
    };
    constexpr std::string_view kForm = "write a figure, a comparison and a change, such as response.p99>+10%";
    const auto quote = expression.rfind('"');
    const auto sign = expression.find_first_of("<>", quote == std::string_view::npos ? 0 : quote);
    if (sign == std::string_view::npos) fail(expression.size(), kForm);
    FailCondition condition;
    condition.expression = expression;
    condition.figure = metrics::parse_figure(expression.substr(0, sign), scope_of(base.document));
    const bool or_equal = expression.substr(sign + 1).starts_with('=');
    using metrics::Comparison;
    condition.comparison = expression[sign] == '>'
                               ? (or_equal ? Comparison::greater_or_equal : Comparison::greater)
                               : (or_equal ? Comparison::less_or_equal : Comparison::less);
    auto begin = sign + (or_equal ? 2 : 1);
    while (begin < expression.size() && expression[begin] == ' ') ++begin;
    auto rest = expression.substr(begin);
    while (rest.ends_with(' ')) rest.remove_suffix(1);
    if (!rest.ends_with('%')) fail(begin, "the change is given in per cent: write >+10%, or <-5%");
    rest.remove_suffix(1);
    while (rest.ends_with(' ')) rest.remove_suffix(1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    const auto number = base::parse_number(rest);
    if (!number) fail(begin, "here must stand a number and %: >+10%, or <-5%");
    condition.change = *number / 100;
    if (condition.change < -1) fail(begin, "no figure falls by more than 100 %");

    const auto& figure = condition.figure;
    if (figure.metric == Metric::generator_lag) fail(0, "a result does not keep generator_lag; lag it has");
    const bool odd = figure.statistic == Statistic::quantile && latency_key(figure).empty();
    if (odd && (figure.population != Population::run || figure.metric == Metric::pool_wait))
        fail(0, "of this a result keeps p50, p90, p95, p99, p999 and p9999, and no other percentile");
    const bool kept = figure.population != Population::phase ||
                      (figure.metric != Metric::service && figure.metric != Metric::lag &&
                       figure.metric != Metric::pool_wait);
    const bool kept_of_operation = figure.population != Population::operation ||
                                   (figure.metric != Metric::lag && figure.metric != Metric::pool_wait);
    if (!kept || !kept_of_operation) fail(0, "a result keeps that of the whole run only; leave the name out");
    return condition;
}

Comparison compare(const std::vector<ComparedRun>& runs, const std::vector<FailCondition>& conditions) {
    Comparison comparison;
    const auto labels = group_labels(runs);
    std::vector<Group> groups(labels.size());
    for (const auto& run : runs) groups[run.group].add(run.document);
    for (std::size_t i = 1; i < runs.size(); ++i) {
        const auto differences = load_differences(runs.front(), runs[i]);
        comparison.differences.insert(comparison.differences.end(), differences.begin(), differences.end());
    }
    const auto others = other_differences(runs);
    comparison.differences.insert(comparison.differences.end(), others.begin(), others.end());

    for (const auto& row : kRunFigures) {
        if (!have(runs, row.needs)) continue;
        comparison.figures.push_back(
            compare_figure(groups, {known_figure(row.figure)}, row, std::string{row.figure}));
    }
    const auto& operations = runs.front().document["operations"];
    for (const auto& operation : operations) {
        if (operations.size() > 1) compare_operation(groups, operation, comparison.figures);
        compare_statements(groups, operation, comparison.figures);
    }
    for (const auto& condition : conditions) {
        const auto base = groups.front().value({condition.figure});
        for (std::size_t i = 1; i < groups.size(); ++i) {
            const auto change = change_of(base, groups[i].value({condition.figure}));
            comparison.conditions.push_back(
                {condition.expression, labels[i], change,
                 !change || change_holds(*change, condition.comparison, condition.change)});
        }
    }
    return comparison;
}

}  // namespace pgtraffic::report
