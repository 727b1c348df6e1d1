#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "pgtraffic/report/html_section.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

/// The counts of the whole run, in which no query is left out.
std::string all_queries(const Json& document, const HtmlFigures& figure) {
    std::vector<std::string> row{"queries"};
    std::vector<HtmlColumn> heads{{"", true}};
    for (const auto& [key, name] : {std::pair{"planned", "planned"},
                                    {"started", "started"},
                                    {"waiting", "waiting at the end"},
                                    {"in_flight", "in flight at the end"},
                                    {"missed", "missed"},
                                    {"ok", "ok"},
                                    {"empty", "empty"},
                                    {"failed", "failed"},
                                    {"timed_out", "timed out"},
                                    {"retries", "retries"}}) {
        heads.push_back({name});
        row.push_back(figure(fmt::format("/summary/queries/{}", key), Look::count));
    }
    // Not of earlier versions.
    for (const auto& [key, name] : {std::pair{"late", "late"}, {"in_doubt", "in doubt"}}) {
        const auto path = fmt::format("/summary/queries/{}", key);
        if (!figure.has(path)) continue;
        heads.push_back({name});
        row.push_back(figure(path, Look::count));
    }
    std::string said =
        fmt::format("Connection efficiency, service / {}: {}.",
                    document["config"]["mode"] == "open" ? "(pool wait + service)" : "response",
                    figure("/summary/connection_efficiency_ratio", Look::percent));
    if (figure.has("/summary/sessions_away_ratio")) {
        said += " Sessions were without a connection for " +
                figure("/summary/sessions_away_ratio", Look::percent) +
                " of their time; the server stood still for " +
                figure("/summary/stood_still_s", Look::seconds) + ".";
    }
    if (figure.has("/summary/connections_at_end"))
        said += " Sessions connected at the end: " + figure("/summary/connections_at_end", Look::count) + ".";
    return html_table("All queries", heads, {row}) + hint(said);
}

struct LatencyColumn {
    const char* head;
    const char* key;
};

/// Those that the text report shows, too, and of the two parts of the lag the wait for a session.
std::vector<LatencyColumn> percentile_columns(const Json& document) {
    const LatencyColumn service{"service ms", "service_ms"};
    if (backlog_grew(document)) return {service};
    std::vector<LatencyColumn> columns{{"response ms", "response_ms"}, service};
    if (document["config"]["mode"] == "open")
        columns.insert(columns.end(), {{"lag ms", "lag_ms"}, {"pool wait ms", "pool_wait_ms"}});
    const auto failed = document["summary"].find("failed_ms");
    if (failed != document["summary"].end() && !failed->is_null())
        columns.push_back({"failures ms", "failed_ms"});
    return columns;
}

}  // namespace

std::string html_heat_map(const Json& document) {
    if (!document["histograms"].contains("response_over_time"))
        return section("heat", "Latency heat map",
                       hint("This result was written by a version that kept no heat map."));
    const auto& heat = document["histograms"]["response_over_time"];
    if (heat["limits"].size() < 2 || heat["columns"].empty())
        return section("heat", "Latency heat map", hint("There was no response to show."));
    const bool unanswered = std::ranges::any_of(document["intervals"], [](const Json& interval) {
        return interval.value("unanswered", std::uint64_t{0}) > 0;
    });
    return section(
        "heat", "Latency heat map",
        hint(fmt::format(
            "How many responses took how long, by the time at which they were due: the stronger the "
            "colour, the larger their share of that moment. A second band shows what an average hides.{}",
            unanswered ? " What had no answer is there with the age that it had reached." : "")) +
            html_chart("chart-heat", "Response time", "log axis", true) +
            "<noscript><p class=\"hint\">The heat map needs a browser with scripts; the table above has "
            "percentiles over time.</p></noscript>\n");
}

std::string html_percentiles(const Json& document, const HtmlFigures& figure) {
    const auto columns = percentile_columns(document);
    const bool steady = !backlog_grew(document);
    std::vector<const char*> sure;  // latencies whose percentiles have confidence intervals
    if (steady) sure = {"response"};
    if (steady && document["config"]["mode"] == "open") sure.push_back("lag");
    Rows rows;
    auto& counts = rows.emplace_back(std::vector<std::string>{"queries"});
    for (const auto& column : columns)
        counts.push_back(figure(fmt::format("/summary/{}/count", column.key), Look::count));
    counts.resize(1 + columns.size() + sure.size(), "–");
    for (const auto& [key, name] : {std::pair{"min", "min"},
                                    {"mean", "mean"},
                                    {"p50", "p50"},
                                    {"p90", "p90"},
                                    {"p95", "p95"},
                                    {"p99", "p99"},
                                    {"p999", "p99.9"},
                                    {"p9999", "p99.99"},
                                    {"max", "max"},
                                    {"stddev", "standard deviation"}}) {
        auto& row = rows.emplace_back(std::vector<std::string>{name});
        for (const auto& column : columns)
            row.push_back(figure.percentile(fmt::format("/summary/{}", column.key), key));
        for (const auto* latency : sure) {
            const auto bounds = figure.bounds(latency, key);
            row.push_back(bounds.empty() ? "–" : bounds);
        }
    }
    std::vector<HtmlColumn> heads{{"", true}};
    for (const auto& column : columns) heads.push_back({column.head});
    for (const auto* latency : sure) heads.push_back({fmt::format("{}, 95 % sure", latency)});
    const auto table = with_mark_notes(html_table("Percentiles", heads, rows));
    if (!steady) return section("percentiles", "Percentiles", hint(kNoSteadyState) + table);
    const bool any =
        figure.has("/summary/response_ms/max") && !document["histograms"]["response"]["counts"].empty();
    const auto curve = any ? "<p class=\"where no-print\" id=\"nines\">Point at the curve to read it.</p>\n" +
                                 html_chart("chart-nines", "By nines", "log axes", true)
                           : std::string{};
    return section(
        "percentiles", "Percentiles",
        hint("<b>Response</b> counts from the moment a query was due, <b>service</b> from the moment it was "
             "sent. Where they part, queries waited for their turn.") +
            curve + table);
}

std::string html_operations(const Json& document, const HtmlFigures& figure) {
    if (document["operations"].empty())
        return section("operations", "Operations",
                       all_queries(document, figure) + hint("No operation was run."));
    return section(
        "operations", "Operations",
        all_queries(document, figure) + figure_table("Operations", document, "operations", "operation",
                                                     {{"ok", "ok", Look::count},
                                                      {"empty", "empty", Look::count},
                                                      {"failed", "failed", Look::count},
                                                      {"timed out", "timed_out", Look::count},
                                                      {"retries", "retries", Look::count},
                                                      {"rows", "rows", Look::count},
                                                      {"per s", "throughput_per_s", Look::rate},
                                                      {"p50 ms", "response_ms/p50", Look::millis},
                                                      {"p99 ms", "response_ms/p99", Look::millis},
                                                      {"max ms", "response_ms/max", Look::millis},
                                                      {"service p99 ms", "service_ms/p99", Look::millis}},
                                                     figure));
}

std::string html_errors(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["errors"];
    if (list.empty()) return section("errors", "Errors", hint("None."));
    std::vector<HtmlColumn> heads{{"SQLSTATE", true}, {"count"}};
    const bool retries = figure.value("/summary/queries/retries") > 0;
    if (retries) heads.push_back({"retried"});
    heads.insert(heads.end(), {{"first at"}, {"first message", true}});
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto at = fmt::format("/errors/{}/", i);
        std::vector<std::string> row{fmt::format("<code>{}</code>", html_text(text_of(list[i], "sqlstate"))),
                                     figure(at + "count", Look::count)};
        if (retries) row.push_back(figure(at + "retried", Look::count));
        row.push_back(figure(at + "first_at_s", Look::seconds));
        row.push_back(fmt::format("<span class=\"sample\">{}</span>", html_text(text_of(list[i], "sample"))));
        rows.push_back(std::move(row));
    }
    return section("errors", "Errors by SQLSTATE", html_table("Errors", heads, rows));
}

}  // namespace pgtraffic::report
