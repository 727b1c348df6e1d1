#include <fmt/format.h>

#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

std::vector<std::string> step_row(const Json& step, const std::string& at, const HtmlFigures& figure) {
    std::vector<std::string> row{
        figure(at + "connections", Look::count),
        step["disturbed"] == true ? "connections were lost" : figure(at + "throughput_per_s", Look::rate),
        figure(at + "failed", Look::count)};
    add_step_cells(row, at, figure);
    return row;
}

/// What the search came to, with its figures.
std::string end_of(const HtmlFigures& figure, bool grew) {
    constexpr const char* kPlace = "/connection_search/";
    const auto at = [&](const std::string& key, Look look) { return figure(kPlace + key, look); };
    const auto readings = [&](const std::string& reach) {
        return fmt::format("{} to {}", at(reach + "/lowest_per_s", Look::rate),
                           at(reach + "/highest_per_s", Look::rate));
    };
    if (!figure.has("/connection_search/found/connections")) return "It found no number of connections.";
    const auto found = fmt::format("Found: {}, with {} queries a second",
                                   at("found/connections", Look::count), readings("found"));
    if (grew) return found + ", the most that could be tried: more may do more.";
    if (figure.value("/connection_search/best/connections") ==
        figure.value("/connection_search/found/connections"))
        return found + ", the highest.";
    return fmt::format("{}; the highest was {}, with {}.", found, readings("best"),
                       at("best/connections", Look::count));
}

}  // namespace

std::string html_connections(const Json& document, const HtmlFigures& figure) {
    const auto search = document.find("connection_search");
    if (search == document.end() || !search->is_object()) return "";
    const auto& steps = list_of(*search, "steps");
    Rows rows;
    for (std::size_t i = 0; i < steps.size(); ++i)
        rows.push_back(step_row(steps[i], fmt::format("/connection_search/steps/{}/", i), figure));
    return section(
        "connections", "Search for the connections",
        hint(fmt::format(
            "Looked for: the fewest connections that reach 95 % of the highest throughput. {} Each "
            "step was a closed loop of seconds before the measured one; the best were measured "
            "twice.",
            end_of(figure, (*search)["grew_to_the_end"] == true))) +
            "<p class=\"where no-print\" id=\"connected\">Point at a chart to read a step.</p>\n" +
            html_chart("chart-scaling", "Throughput by connections",
                       "queries a second; connections across, log axis") +
            html_chart("chart-scaling-latency", "Response time by connections", "log axes", true) +
            "<details><summary>The steps, as they came</summary>" +
            with_mark_notes(step_table("Steps of the search for the connections",
                                       {{"connections", true}, {"queries /s"}, {"failed"}}, rows)) +
            "</details>\n");
}

}  // namespace pgtraffic::report
