// A comparison as text, as JSON and as a page.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/compare.hpp"
#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/html_figure.hpp"
#include "pgtraffic/report/html_page.hpp"
#include "pgtraffic/report/html_section.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/percentile_notes.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using metrics::MetricKind;

constexpr std::string_view kMinus = "−";

/// In one table of the text: 80 columns have no room for more beside the names.
constexpr std::size_t kOthersBesideBase = 2;

struct UnitWords {
    Look look;
    std::string_view head;  // behind a figure's name
    std::string_view json;
};

UnitWords words_of(MetricKind kind) {
    switch (kind) {
        case MetricKind::rate:
            return {Look::rate, "/s", "per_s"};
        case MetricKind::share:
            return {Look::percent, "", "ratio"};
        case MetricKind::duration:
            return {Look::millis, "ms", "ms"};
        case MetricKind::microseconds:
            return {Look::micros, "", "us"};
        case MetricKind::count:
            break;
    }
    return {Look::count, "", "count"};
}

std::string number(std::optional<double> value, Look look) {
    return value ? figure_text(*value, look) : "–";
}

std::string change_text(std::optional<double> change) {
    if (!change) return "–";
    if (!std::isfinite(*change)) return "from 0";
    if (*change == 0) return "0 %";
    const double percent = 100 * *change;
    const auto text = base::with_thousands(std::abs(percent), std::abs(percent) < 9.995 ? 2 : 1);
    return fmt::format("{}{} %", percent < 0 ? kMinus : "+", text);
}

std::string bounds_text(const ComparedValue& value, Look look) {
    if (!value.bounds) return "";
    return fmt::format("{} to {}", figure_text(value.bounds->first, look),
                       figure_text(value.bounds->second, look));
}

/// "95 % sure: A 8.25 to 8.27, B 8.30 to 8.35 ms".
std::string bounds_note(const ComparedFigure& figure, const std::vector<std::string>& labels,
                        const std::vector<std::size_t>& shown) {
    std::string note;
    const auto words = words_of(figure.kind);
    for (const auto i : shown) {
        const auto bounds = bounds_text(figure.values[i], words.look);
        if (!bounds.empty())
            note += fmt::format("{}{} {}", note.empty() ? "95 % sure: " : ", ", labels[i], bounds);
    }
    return note;
}

std::string figure_name(const ComparedFigure& figure) {
    const auto words = words_of(figure.kind);
    return fmt::format("{}{}{}", printable(figure.name, 60), words.head.empty() ? "" : " ", words.head);
}

std::string run_line(const ComparedRun& run) {
    return fmt::format("{}  {}: started {}, {:.1f} s, {}", run.label, printable(run.file, 60),
                       printable(run.document["run"]["started_at"].get<std::string>(), 30),
                       run.document["summary"]["duration_s"].get<double>(),
                       run.document["verdict"]["status"].get<std::string>());
}

std::string condition_line(const FailResult& condition) {
    return fmt::format("{}: {}{} in {}: {}", printable(condition.expression), change_text(condition.change),
                       condition.weak ? "*" : "", condition.run, condition.failed ? "FAILED" : "ok");
}

Json number_or_null(std::optional<double> x) {
    return x && std::isfinite(*x) ? Json(*x) : Json(nullptr);
}

bool has_weak(const Comparison& comparison) {
    return std::ranges::any_of(comparison.conditions, &FailResult::weak) ||
           std::ranges::any_of(comparison.figures, [](const ComparedFigure& figure) {
               return std::ranges::any_of(figure.values, &ComparedValue::weak);
           });
}

// ---- the page

std::string cell(const ComparedValue& value, const UnitWords& words) {
    const auto bounds = bounds_text(value, words.look);
    return fmt::format("{}{}{}", number(value.value, words.look), value.weak ? kWeakMark : "",
                       bounds.empty() ? "" : fmt::format("<small>{}</small>", bounds));
}

std::string change_cell(const ComparedValue& value) {
    auto html = change_text(value.change);
    switch (value.finding) {
        case Finding::better:
        case Finding::worse:
            return fmt::format("<span class=\"{0}\">{1}</span><small>{0}</small>", to_string(value.finding),
                               html);
        case Finding::no_difference:
            return fmt::format("{}<small>no difference shown</small>", html);
        case Finding::none:
            break;
    }
    return html;
}

std::string figures_table(const Comparison& comparison, const std::vector<std::string>& labels) {
    std::vector<HtmlColumn> heads{{"", true}};
    for (const auto& label : labels) {
        heads.push_back({label});
        if (&label != &labels.front()) heads.push_back({"change"});
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& figure : comparison.figures) {
        auto& row = rows.emplace_back(std::vector<std::string>{html_text(figure_name(figure))});
        const auto words = words_of(figure.kind);
        for (std::size_t i = 0; i < labels.size(); ++i) {
            row.push_back(cell(figure.values[i], words));
            if (i > 0) row.push_back(change_cell(figure.values[i]));
        }
    }
    return html_table("Figures", heads, rows);
}

/// What the curves need of each run.
std::string curves_json(const std::vector<ComparedRun>& runs) {
    Json all = Json::array();
    for (const auto& run : runs) {
        Json intervals = Json::array();
        // As in the table: under a backlog that grows the response has no figures to compare.
        const bool steady = !backlog_grew(run.document);
        for (const auto& one : run.document["intervals"]) {
            const auto known = [&](const char* figure, const char* key) {
                return steady && !interval_is_lower_bound(one, figure) ? one[key] : Json(nullptr);
            };
            intervals.push_back({{"elapsed_s", one["elapsed_s"]},
                                 {"duration_s", one["duration_s"]},
                                 {"throughput_per_s", one["throughput_per_s"]},
                                 {"p50_ms", known("p50", "p50_ms")},
                                 {"p99_ms", known("p99", "p99_ms")}});
        }
        const auto& summary = run.document["summary"];
        const auto& response = run.document["histograms"]["response"];
        const bool answered = steady && summary["response_ms"].is_object();
        all.push_back({{"label", run.label},
                       {"group", run.group},
                       {"duration_s", summary["duration_s"]},
                       {"max_ms", answered ? summary["response_ms"]["max"] : Json(nullptr)},
                       {"intervals", std::move(intervals)},
                       {"response",
                        {{"overflow", response["overflow"]},
                         {"counts", answered ? response["counts"] : Json::array()}}}});
    }
    return json_line(all);
}

std::string runs_table(const std::vector<ComparedRun>& runs) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& run : runs) {
        const auto& document = run.document;
        rows.push_back({run.label, html_text(run.file),
                        html_text(document["run"]["started_at"].get<std::string>()),
                        figure_text(document["summary"]["duration_s"].get<double>(), Look::seconds),
                        html_text(document["verdict"]["status"].get<std::string>())});
    }
    return html_table("Runs", {{"", true}, {"file", true}, {"started", true}, {"length"}, {"verdict"}}, rows);
}

std::string conditions_table(const Comparison& comparison) {
    if (comparison.conditions.empty()) return "";
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : comparison.conditions) {
        rows.push_back(
            {html_text(one.expression), one.run,
             fmt::format("{}{}", change_text(one.change), one.weak ? kWeakMark : ""),
             one.failed ? "<span class=\"missed\">failed</span>" : "<span class=\"met\">ok</span>"});
    }
    return "<h3>Fails if</h3>\n" +
           html_table("Conditions", {{"condition", true}, {"run"}, {"change"}, {"result"}}, rows);
}

/// "throughput −99.9 %, response.p99 +12 % and 3 more": of what changed much, what no interval tells from
/// chance.
std::string large_unproven_changes(const Comparison& comparison) {
    constexpr double kLarge = 0.10;
    constexpr std::size_t kNamed = 4;
    std::vector<std::string> changes;
    for (const auto& figure : comparison.figures) {
        // It grows with the queries, and of groups of runs it has an interval.
        if (figure.kind == MetricKind::count) continue;
        std::optional<double> largest;
        for (auto value = figure.values.begin() + 1; value != figure.values.end(); ++value) {
            if (value->finding == Finding::none && value->change && std::abs(*value->change) >= kLarge &&
                (!largest || std::abs(*value->change) > std::abs(*largest)))
                largest = value->change;
        }
        if (largest)
            changes.push_back(fmt::format("{} {}", printable(figure.name, 60), change_text(largest)));
    }
    const auto named = std::min(changes.size(), kNamed);
    const auto list = fmt::format(
        "{}", fmt::join(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(named), ", "));
    return named == changes.size() ? list : fmt::format("{} and {} more", list, changes.size() - named);
}

/// Throughput and percentiles have intervals only where the time series is long and steady.
bool lacks_intervals(const Comparison& comparison) {
    return std::ranges::any_of(comparison.figures, [](const ComparedFigure& figure) {
        return (figure.name == "throughput" || figure.name == "response.p50") &&
               std::any_of(figure.values.begin() + 1, figure.values.end(), [](const ComparedValue& value) {
                   return value.change && *value.change != 0 && value.finding == Finding::none;
               });
    });
}

std::string in_a_line(const Comparison& comparison, const std::vector<ComparedRun>& runs) {
    const auto base = group_labels(runs).front();
    std::size_t better = 0;
    std::size_t worse = 0;
    std::size_t overlapping = 0;
    for (const auto& figure : comparison.figures) {
        for (const auto& value : figure.values) {
            better += value.finding == Finding::better ? 1 : 0;
            worse += value.finding == Finding::worse ? 1 : 0;
            overlapping += value.finding == Finding::no_difference ? 1 : 0;
        }
    }
    const auto unproven = large_unproven_changes(comparison);
    std::string limit;
    if (!unproven.empty()) {
        limit += fmt::format(
            " Changed by 10 % or more, with no confidence interval to tell that from chance: {}.", unproven);
    }
    if (lacks_intervals(comparison)) {
        limit +=
            " Throughput and percentiles have intervals in runs of eight or more steps of the time series "
            "at a steady rate, or in groups of runs.";
    }
    if (better + worse > 0) {
        return fmt::format("Against {}, {} better and {} worse than chance {} the runs explains.{}", base,
                           base::counted(better, "figure is", "figures are"), worse,
                           has_groups(runs) ? "between" : "within", limit);
    }
    if (!unproven.empty()) return fmt::format("Nothing is proven against {}.{}", base, limit);
    if (!limit.empty()) return fmt::format("No difference from {} can be shown.{}", base, limit);
    return overlapping > 0
               ? fmt::format("No difference from {} is shown: the confidence intervals overlap.", base)
               : fmt::format("No difference from {} can be shown: no figure has a confidence interval.",
                             base);
}

/// The base and some of the others.
void put_figures(Page& out, const Comparison& comparison, const std::vector<std::string>& labels,
                 const std::vector<std::size_t>& shown, bool weak) {
    std::vector<std::string> heads;
    for (const auto i : shown) {
        heads.push_back(labels[i]);
        if (i > 0) heads.push_back(fmt::format("{} to {}", labels.front(), labels[i]));
    }
    std::vector<TableRow> rows;
    for (const auto& figure : comparison.figures) {
        auto& row = rows.emplace_back();
        row.name = figure_name(figure);
        const auto look = words_of(figure.kind).look;
        auto note = bounds_note(figure, labels, shown);
        for (const auto i : shown) {
            const auto& value = figure.values[i];
            row.cells.push_back(number(value.value, look) + (value.weak ? "*" : weak ? " " : ""));
            if (i == 0) continue;
            row.cells.push_back(change_text(value.change));
            if (value.finding != Finding::none)
                note +=
                    fmt::format("; {}{}", labels.size() > 2 ? labels[i] + " " : "", to_string(value.finding));
            if (value.finding == Finding::worse) row.tone = Tone::bad;
            if (value.finding == Finding::better && row.tone == Tone::plain) row.tone = Tone::good;
        }
        if (!note.empty()) row.notes.push_back(std::move(note));
    }
    out.table("Figures", heads, rows);
}

/// What the intervals are of.
std::string intervals_note(const std::vector<ComparedRun>& runs) {
    return has_groups(runs)
               ? "Figures are the means of a group's runs, and the intervals see how those differ."
               : "The intervals see only what varied within a run; two runs of the same thing "
                 "often differ by more. Several runs on each side (A1 A2 A3 vs B1 B2 B3) show it.";
}

}  // namespace

std::string compare_text(const Comparison& comparison, const std::vector<ComparedRun>& runs,
                         const TextStyle& style) {
    Page out{style};
    out.rule();
    out.line(fmt::format("pgtraffic compare: {}",
                         printable(runs.front().document["config"]["scenario"].get<std::string>(), 60)),
             Tone::bold);
    for (const auto& run : runs) out.line(run_line(run) + (run.group == 0 ? " (base)" : ""));
    const auto labels = group_labels(runs);
    const bool weak = has_weak(comparison);
    for (std::size_t first = 1; first < labels.size(); first += kOthersBesideBase) {
        std::vector<std::size_t> shown{0};
        for (auto i = first; i < std::min(first + kOthersBesideBase, labels.size()); ++i) shown.push_back(i);
        put_figures(out, comparison, labels, shown, weak);
    }
    if (weak) out.note(kWeakNote);
    if (!comparison.differences.empty()) {
        out.title("Not the same in all runs");
        for (const auto& difference : comparison.differences) out.bullet(difference);
    }
    if (!comparison.conditions.empty()) {
        out.title("Fails if");
        for (const auto& condition : comparison.conditions)
            out.bullet(condition_line(condition), condition.failed ? Tone::bad : Tone::good);
    }
    out.blank();
    out.line(in_a_line(comparison, runs));
    if (has_groups(runs)) out.line(intervals_note(runs));
    out.rule();
    return out.take();
}

Json compare_json(const Comparison& comparison, const std::vector<ComparedRun>& runs) {
    Json list = Json::array();
    for (const auto& run : runs) {
        list.push_back({{"label", run.label},
                        {"group", group_labels(runs)[run.group]},
                        {"file", run.file},
                        {"id", run.document["run"]["id"]},
                        {"started_at", run.document["run"]["started_at"]},
                        {"verdict", run.document["verdict"]["status"]}});
    }
    Json figures = Json::array();
    for (const auto& figure : comparison.figures) {
        Json values = Json::array();
        for (const auto& value : figure.values) {
            values.push_back(
                {{"value", number_or_null(value.value)},
                 {"bounds", value.bounds ? Json{value.bounds->first, value.bounds->second} : Json(nullptr)},
                 {"change_ratio", number_or_null(value.change)},
                 {"finding", value.finding == Finding::none ? Json(nullptr) : Json(to_string(value.finding))},
                 {"weak", value.weak}});
        }
        figures.push_back({{"name", figure.name},
                           {"unit", words_of(figure.kind).json},
                           {"higher_is_better", figure.higher_is_better},
                           {"values", std::move(values)}});
    }
    Json conditions = Json::array();
    for (const auto& one : comparison.conditions) {
        conditions.push_back({{"expression", one.expression},
                              {"run", one.run},
                              {"change_ratio", number_or_null(one.change)},
                              {"failed", one.failed},
                              {"weak", one.weak}});
    }
    return {{"groups", group_labels(runs)},
            {"runs", std::move(list)},
            {"differences", comparison.differences},
            {"figures", std::move(figures)},
            {"fail_if", std::move(conditions)}};
}

std::string compare_html(const Comparison& comparison, const std::vector<ComparedRun>& runs) {
    const auto scenario = runs.front().document["config"]["scenario"].get<std::string>();
    HtmlPage page;
    page.title = fmt::format("{}: pgtraffic comparison", scenario);
    page.script = "compare";
    auto& body = page.body;
    body = fmt::format(
        "<header><p class=\"kicker\">pgtraffic comparison</p><h1>{}</h1>\n<p class=\"sub\">{}</p></header>\n"
        "<main>\n",
        html_text(scenario), html_text(in_a_line(comparison, runs)));
    body += "<section id=\"runs-list\"><h2>Runs</h2>\n" + runs_table(runs);
    body += conditions_table(comparison);
    if (!comparison.differences.empty()) {
        body += "<h3>Not the same in all runs</h3>\n<ul class=\"reasons\">";
        for (const auto& one : comparison.differences) body += fmt::format("<li>{}</li>", html_text(one));
        body += "</ul>\n";
    }
    body +=
        "</section>\n<section id=\"figures\"><h2>Figures</h2>\n<p class=\"hint\">Below a figure its 95 % "
        "confidence "
        "interval, where there is one. Where two of them overlap, they show no difference. " +
        html_text(intervals_note(runs)) + "</p>\n" +
        with_mark_notes(figures_table(comparison, group_labels(runs))) + "</section>\n";
    body +=
        "<section id=\"time\"><h2>Over time</h2>\n<p class=\"where no-print\" id=\"when\">Point at a chart, "
        "or tab to "
        "one and use the arrow keys, to read all of them at that moment.</p>\n" +
        html_chart("chart-rate", "Throughput", "queries a second") +
        html_chart("chart-p50", "Median response time", "log axis") +
        html_chart("chart-p99", "99th percentile of the response time", "log axis", true) +
        "<p class=\"hint no-charts\" hidden></p>\n<noscript><p class=\"hint\">Charts need a browser with "
        "scripts; the "
        "table above holds the figures.</p></noscript>\n</section>\n";
    body +=
        "<section id=\"percentiles\"><h2>Percentiles of the response time</h2>\n<p class=\"where no-print\" "
        "id=\"nines\">Point at the curve to read it.</p>\n" +
        html_chart("chart-nines", "By nines", "log axes", true) + "</section>\n";
    body += fmt::format("<script type=\"text/plain\" id=\"runs\">{}</script>\n</main>\n",
                        base64(gzip(curves_json(runs))));
    return html_page(page);
}

}  // namespace pgtraffic::report
