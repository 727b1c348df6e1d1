// Results beside one another: what changed, which changes the runs show, and conditions on them.
#include "pgtraffic/report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/metric.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "pgtraffic/report/compare_figures.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Metric;
using metrics::MetricKind;
using metrics::Population;
using metrics::Statistic;
using metrics::Threshold;

metrics::ThresholdScope scope_of(const Json& document) {
    metrics::ThresholdScope scope;
    for (const auto& one : document["operations"]) {
        const auto& name = scope.operations.emplace_back(one["name"].get<std::string>());
        for (const auto& statement : one["statements"])
            scope.statements.emplace_back(name, statement["name"].get<std::string>());
    }
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

constexpr auto kRunFigures = std::to_array<std::string_view>(
    {"throughput", "target_attainment", "success_ratio", "failed_ratio", "late_ratio", "retries",
     "response.mean", "response.p50", "response.p90", "response.p95", "response.p99", "response.p999",
     "response.max", "service.p50", "service.p99", "lag.p99", "cpu_us_per_query"});
constexpr auto kOperationFigures =
    std::to_array<std::string_view>({"throughput", "response.p50", "response.p99"});
/// Of each statement where an operation has several: it has no response of its own.
constexpr auto kStatementFigures = std::to_array<std::string_view>({"service.p50", "service.p99"});

/// What only one side can have says nothing of the other; retries that only one side had do.
bool worth_a_row(const std::vector<ComparedRun>& runs, Metric metric) {
    if (metric == Metric::retries) {
        return std::ranges::any_of(runs, [](const auto& run) {
            return run.document["summary"]["queries"].value("retries", std::uint64_t{0}) > 0;
        });
    }
    return std::ranges::all_of(runs,
                               [&](const auto& run) { return has_such(run.document["config"], metric); });
}

/// Several runs of the same thing: their mean, which only all of them together have.
class Group {
 public:
    void add(const Json& document) { runs_.emplace_back(document); }

    [[nodiscard]] ComparedValue value(const AskedFigure& asked) const {
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
    std::vector<ResultFigures> runs_;
};

ComparedFigure compare_figure(const std::vector<Group>& groups, const AskedFigure& asked, std::string name) {
    const auto& row = metrics::row_of(asked.figure.metric);
    ComparedFigure compared{std::move(name), row.kind, row.higher_is_better, {}};
    for (const auto& group : groups) {
        compared.values.push_back(group.value(asked));
        if (auto& bounds = compared.values.back().bounds; bounds && row.kind == MetricKind::share)
            bounds->second = std::min(1.0, bounds->second);
        if (compared.values.size() == 1) continue;
        auto& value = compared.values.back();
        value.change = change_of(compared.values.front(), value);
        // A count grows with the queries.
        if (row.kind != MetricKind::count)
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
    for (const auto figure : kOperationFigures) {
        const AskedFigure asked{figure_of_operation(figure, operation)};
        out.push_back(compare_figure(groups, asked, fmt::format("{}.{}", asked.figure.name, figure)));
    }
}

/// Nothing where no run tells the times of a statement, as results of earlier versions.
void compare_statements(const std::vector<Group>& groups, const Json& operation,
                        std::vector<ComparedFigure>& out) {
    const auto& statements = operation["statements"];
    for (std::size_t i = 0; statements.size() > 1 && i < statements.size(); ++i) {
        const StatementPlace place{statements[i]["name"].get<std::string>(), i};
        for (const auto figure : kStatementFigures) {
            const AskedFigure asked{figure_of_operation(figure, operation), place};
            auto compared =
                compare_figure(groups, asked, fmt::format("{}.{}.{}", asked.figure.name, place.name, figure));
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
    const auto fail = [&](std::size_t at, std::string_view what) {
        throw base::Error(
            fmt::format("column {}: {}", base::characters_of(expression.substr(0, at)) + 1, what));
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
    while (begin < expression.size() && base::is_space(expression[begin])) ++begin;
    auto rest = base::trimmed(expression.substr(begin));
    if (!rest.ends_with('%')) fail(begin, "the change is given in per cent: write >+10%, or <-5%");
    rest.remove_suffix(1);
    rest = base::trimmed(rest);
    const bool with_sign = rest.starts_with('+') || rest.starts_with('-');
    if (!with_sign && expression[sign] == '<' && base::parse_number(rest).value_or(0) != 0)
        fail(begin, "a fall is written with its sign: <-5%; without one it is what does not grow as much");
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

    for (const auto figure : kRunFigures) {
        const AskedFigure asked{known_figure(figure)};
        if (worth_a_row(runs, asked.figure.metric))
            comparison.figures.push_back(compare_figure(groups, asked, std::string{figure}));
    }
    const auto& operations = runs.front().document["operations"];
    for (const auto& operation : operations) {
        if (operations.size() > 1) compare_operation(groups, operation, comparison.figures);
        compare_statements(groups, operation, comparison.figures);
    }
    for (const auto& condition : conditions) {
        const auto base = groups.front().value({condition.figure});
        for (std::size_t i = 1; i < groups.size(); ++i) {
            const auto other = groups[i].value({condition.figure});
            const auto change = change_of(base, other);
            comparison.conditions.push_back(
                {condition.expression, labels[i], change,
                 !change || change_holds(*change, condition.comparison, condition.change),
                 base.weak || other.weak});
        }
    }
    return comparison;
}

}  // namespace pgtraffic::report
