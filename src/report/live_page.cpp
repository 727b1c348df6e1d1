#include "pgtraffic/report/live_page.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pgtraffic/report/html_page.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

/// A table that the script fills.
std::string live_table(std::string_view id, std::string_view title, const std::vector<HtmlColumn>& columns) {
    return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title,
                       html_table(title, columns, {}));
}

HtmlPage frame() {
    HtmlPage page;
    page.title = "pgtraffic, live";
    page.script = "live";
    page.connect = "'self'";
    return page;
}

std::string event(std::string_view name, const nlohmann::ordered_json& data) {
    return fmt::format("event: {}\ndata: {}\n", name, json_line(data));  // which ends with a newline
}

/// Its cells say themselves of what unit they are.
std::vector<HtmlColumn> columns_with_units() {
    auto columns = time_columns();
    constexpr std::string_view kUnit = " ms";
    for (auto& column : columns) {
        if (column.head.ends_with(kUnit)) column.head.resize(column.head.size() - kUnit.size());
    }
    return columns;
}

}  // namespace

std::string live_page() {
    auto page = frame();
    page.body =
        "<header><p class=\"kicker\">pgtraffic, live</p><h1 id=\"scenario\">A run</h1>\n"
        "<p class=\"sub\"><b id=\"state\" role=\"status\">connecting to the program</b> <span "
        "id=\"run\"></span></p></header>\n<main>\n"
        "<section aria-label=\"Now\"><dl class=\"figures\" id=\"now\"></dl>\n"
        "<noscript><p class=\"hint\">This page moves by scripts. <a href=\"metrics\">The metrics</a> are the "
        "same "
        "numbers as text.</p></noscript>\n"
        "<p id=\"result\" hidden><a class=\"button\" href=\"result.json\" download>Download the JSON</a></p>"
        "<p class=\"hint\"><a href=\"metrics\">The metrics, for Prometheus</a></p></section>\n"
        "<section id=\"time\"><h2>Over time</h2>\n" +
        time_charts(true) + "<p class=\"hint no-charts\" hidden></p></section>\n" +
        live_table("operations", "Operations",
                   {{"operation", true}, {"ok"}, {"empty"}, {"failed"}, {"timed out"}, {"missed"}}) +
        live_table("intervals", "Last intervals", columns_with_units()) + "</main>\n";
    return html_page(page);
}

std::string live_page_policy() {
    return html_policy(frame()) + "; frame-ancestors 'none'";
}

std::string run_event(const PrometheusContext& context) {
    return event("run",
                 {{"id", context.run_id}, {"scenario", context.scenario}, {"pattern", context.pattern}});
}

std::string moment_event(const metrics::LiveMoment& moment) {
    using metrics::Outcome;
    nlohmann::ordered_json data{
        {"stage", to_string(moment.stage)}, {"phase", moment.phase},
        {"elapsed_s", moment.elapsed_s},    {"duration_s", moment.duration_s},
        {"target_per_s", nullptr},          {"planned", moment.planned},
        {"started", moment.started},        {"waiting", moment.waiting},
        {"missed", moment.missed},          {"in_flight", moment.in_flight},
        {"reconnects", moment.reconnects},  {"loop_busy_ratio", moment.loop_busy_ratio}};
    if (moment.open_loop) data["target_per_s"] = moment.target_per_s;
    const auto& connections = moment.connections;
    data["connections"] = {{"wanted", connections.wanted},
                           {"idle", connections.idle},
                           {"busy", connections.busy},
                           {"connecting", connections.connecting},
                           {"closed", connections.closed}};
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    auto operations = nlohmann::ordered_json::array();
    for (const auto& o : moment.counts.operations) {
        succeeded += o.ended(Outcome::ok) + o.ended(Outcome::empty);
        failed += o.ended(Outcome::failed) + o.ended(Outcome::timed_out);
        operations.push_back({{"name", o.name},
                              {"ok", o.ended(Outcome::ok)},
                              {"empty", o.ended(Outcome::empty)},
                              {"failed", o.ended(Outcome::failed)},
                              {"timed_out", o.ended(Outcome::timed_out)},
                              {"missed", o.missed}});
    }
    data["succeeded"] = succeeded;
    data["failed"] = failed;
    data["operations"] = std::move(operations);
    return event("moment", data);
}

std::string interval_event(const metrics::Interval& interval, base::Wall started_at, bool open_loop) {
    return event("interval", interval_json(interval, started_at, open_loop));
}

}  // namespace pgtraffic::report
