#include <fmt/format.h>

#include "pgtraffic/metrics/rate_search.hpp"
#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

std::string verdict_html(const std::string& verdict) {
    if (verdict == "carried") return "<span class=\"met\">carried</span>";
    if (verdict == "not_carried") return "<span class=\"missed\">not carried</span>";
    if (verdict == "disturbed") return "connections were lost";
    return verdict == "too_short" ? "too short" : "–";
}

std::vector<std::string> step_row(const Json& step, const std::string& at, const HtmlFigures& figure) {
    const bool open = figure.has(at + "rate_per_s");
    std::vector<std::string> row{open ? figure(at + "rate_per_s", Look::rate) : "closed loop",
                                 figure.value(at + "search") > 0 ? figure(at + "search", Look::count) : "–",
                                 verdict_html(text_of(step, "verdict")),
                                 figure(at + "throughput_per_s", Look::rate)};
    add_step_cells(row, at, figure);
    return row;
}

}  // namespace

void add_step_cells(std::vector<std::string>& row, const std::string& place, const HtmlFigures& figure) {
    row.push_back(figure(place + "duration_s", Look::seconds));
    row.push_back(figure(place + "response_ms/count", Look::count));
    row.push_back(figure(place + "response_ms/mean", Look::millis));
    for (const auto* key : {"p50", "p95", "p99", "max"})
        row.push_back(figure.percentile(place + "response_ms", key));
}

std::string step_table(std::string_view label, std::vector<HtmlColumn> heads, const Rows& rows) {
    for (const auto* head : {"for", "responses", "mean ms", "p50 ms", "p95 ms", "p99 ms", "max ms"})
        heads.push_back({head});
    return html_table(label, heads, rows);
}

std::string html_search(const Json& document, const HtmlFigures& figure) {
    const auto found = document.find("rate_search");
    if (found == document.end() || !found->is_object()) return "";
    const auto& steps = list_of(*found, "steps");
    Rows rows;
    for (std::size_t i = 0; i < steps.size(); ++i)
        rows.push_back(step_row(steps[i], fmt::format("/rate_search/steps/{}/", i), figure));
    const bool looked_longer = !steps.empty() && steps.back()["search"] > metrics::kRateSearches;
    std::string each;
    for (std::size_t i = 0; i < list_of(*found, "found_per_s").size(); ++i) {
        each += (i == 0 ? "" : ", ") + figure(fmt::format("/rate_search/found_per_s/{}", i), Look::rate);
    }
    return section(
        "search", "Search for the rate",
        hint(fmt::format(
            "Looked for: the {}. {} Each step was a load of seconds before the measured one.",
            html_text(text_of(*found, "wanted")),
            each.empty() ? "No search came to its end."
                         : fmt::format("What the searches found, in queries a second: {}.{}", each,
                                       looked_longer ? " The last steps, longer ones, proved it." : ""))) +
            "<p class=\"where no-print\" id=\"rate\">Point at the chart to read a step.</p>\n" +
            html_chart("chart-search", "Response time by rate", "queries a second across; log axis", true) +
            "<details><summary>The steps, as they came</summary>" +
            with_mark_notes(step_table(
                "Steps", {{"rate /s", true}, {"search"}, {"verdict", true}, {"attained /s"}}, rows)) +
            "</details>\n");
}

}  // namespace pgtraffic::report
