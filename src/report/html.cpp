// The sections of the report, in the order in which a reader asks: can I believe it, what was it, when did it
// happen, how is it spread, which queries, what failed, what exactly was run.
#include "pgtraffic/report/html.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/html_figure.hpp"
#include "pgtraffic/report/html_page.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/pack.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kTimeRows = 60;  // of the table; the charts and the JSON have every interval

std::string text_of(const Json& object, const char* key) {
    return object.value(key, std::string{});
}

/// A value of the configuration as a user would write it.
std::string plain(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "–";
    if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
    if (!value.is_array()) return value.dump();
    std::string list;
    for (const auto& one : value) list += (list.empty() ? "" : ", ") + plain(one);
    return list;
}

std::string section(std::string_view id, std::string_view title, const std::string& inside) {
    return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title, inside);
}

std::string hint(std::string_view html) {
    return fmt::format("<p class=\"hint\">{}</p>\n", html);
}

// ---- what was run, in a line

std::string load_in_words(const Json& document) {
    const auto& config = document["config"];
    std::string words = config["mode"] == "open" ? "open loop" : "closed loop";
    if (config.contains("rate")) words += fmt::format(" at {}/s", plain(config["rate"]));
    if (config.contains("pattern")) words += fmt::format(" along {}", plain(config["pattern"]));
    if (config.value("real_simulation", Json(false)) == true) words += " along a pattern";
    if (config.contains("connections"))
        words += fmt::format(" · {} connections", plain(config["connections"]));
    return words;
}

std::string header(const Json& document, const HtmlFigures& figure) {
    const auto& server = document["environment"]["server"];
    auto html = fmt::format(
        "<header><p class=\"kicker\">pgtraffic report</p><h1>{}</h1>\n<p class=\"sub\">{} · {} · ",
        html_text(text_of(document["config"], "scenario")), html_text(load_in_words(document)),
        figure("/summary/duration_s", Look::seconds));
    if (server["version"].is_string())
        html += fmt::format("PostgreSQL {} · ", html_text(plain(server["version"])));
    html += fmt::format("started {}</p>\n", html_text(text_of(document["run"], "started_at")));
    html +=
        "<nav aria-label=\"Sections\"><a href=\"#verdict\">Verdict</a> <a href=\"#time\">Over time</a> "
        "<a href=\"#heat\">Heat map</a> <a href=\"#percentiles\">Percentiles</a> <a "
        "href=\"#operations\">Operations</a> "
        "<a href=\"#errors\">Errors</a> <a href=\"#setup\">Set-up</a> <a href=\"#data\">Raw "
        "data</a></nav></header>\n";
    return html;
}

// ---- the verdict

std::string messages(const Json& list) {
    if (list.empty()) return "";
    std::string html = "<ul class=\"reasons\">";
    for (const auto& one : list) html += fmt::format("<li>{}</li>", html_text(text_of(one, "message")));
    return html + "</ul>\n";
}

std::string big_figure(std::string_view name, const std::string& number, const std::string& note) {
    return fmt::format("<div><dt>{}</dt><dd><span class=\"big\">{}</span><small>{}</small></dd></div>", name,
                       number, note);
}

std::string bounds_note(const HtmlFigures& figure, const std::string& percentile) {
    const auto at = "/summary/response_bounds_ms/" + percentile;
    if (!figure.has(at + "/0")) return "";
    return fmt::format("95 % sure: {} to {}", figure(at + "/0", Look::millis),
                       figure(at + "/1", Look::millis));
}

std::string key_figures(const Json& document, const HtmlFigures& figure) {
    std::string html = "<dl class=\"figures\">";
    const std::string error =
        figure.has("/summary/throughput_standard_error_per_s")
            ? "± " + figure("/summary/throughput_standard_error_per_s", Look::rate) + " standard error"
            : "";
    html += big_figure("Throughput", figure("/summary/throughput_per_s", Look::rate, "/s"), error);
    if (document["config"]["mode"] == "open") {
        html += big_figure("Plan attained", figure("/summary/target_attainment_ratio", Look::percent),
                           figure("/summary/queries/planned", Look::count) + " planned");
    }
    for (const auto* p : {"p50", "p95", "p99"}) {
        html += big_figure(fmt::format("Response {}", p),
                           figure(fmt::format("/summary/response_ms/{}", p), Look::millis, " ms"),
                           bounds_note(figure, p));
    }
    html += big_figure(
        "Succeeded", figure("/summary/success_ratio", Look::percent),
        fmt::format("{} ok, {} empty, {} failed, {} timed out", figure("/summary/queries/ok", Look::count),
                    figure("/summary/queries/empty", Look::count),
                    figure("/summary/queries/failed", Look::count),
                    figure("/summary/queries/timed_out", Look::count)));
    return html + "</dl>\n";
}

std::string thresholds(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["thresholds"];
    if (list.empty()) return hint("No thresholds were set (<code>--threshold</code>).");
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        rows.push_back({html_text(text_of(list[i], "expression")),
                        figure(fmt::format("/thresholds/{}/actual", i), Look::threshold),
                        list[i]["ok"] == true ? "<span class=\"met\">met</span>"
                                              : "<span class=\"missed\">missed</span>"});
    }
    return "<h3>Thresholds</h3>\n" +
           html_table("Thresholds", {{"condition", true}, {"the run had"}, {"result"}}, rows);
}

std::string outcome_in_words(const std::string& outcome) {
    if (outcome == "interrupted") return "The run was interrupted";
    if (outcome == "failed") return "The run failed";
    if (outcome == "threshold_failed") return "A threshold was missed, or a condition stopped the run";
    return "The run ended as " + html_text(outcome);
}

std::string verdict(const Json& document, const HtmlFigures& figure) {
    const auto status = text_of(document["verdict"], "status");
    const auto* meaning = status == "valid"     ? "Valid: the figures speak of the database."
                          : status == "suspect" ? "Suspect: the figures may not speak of the database alone."
                                                : "Invalid: the figures do not speak of the database.";
    auto html = fmt::format("<section id=\"verdict\" class=\"verdict {}\"><h2>{}</h2>\n", status, meaning);
    html += messages(document["verdict"]["reasons"]);
    if (const auto outcome = text_of(document["run"], "outcome"); outcome != "completed") {
        html += fmt::format("<p>{} (exit code {}).</p>\n", outcome_in_words(outcome),
                            document["run"]["exit_code"].dump());
    }
    html += key_figures(document, figure);
    html += thresholds(document, figure);
    if (!document["run"]["warnings"].empty())
        html += "<h3>Worth knowing</h3>\n" + messages(document["run"]["warnings"]);
    return html + "</section>\n";
}

// ---- over time

std::string phases(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["phases"];
    if (list.empty()) return "";
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto at = fmt::format("/phases/{}/", i);
        rows.push_back(
            {html_text(text_of(list[i], "name")), figure(at + "start_s", Look::seconds),
             figure(at + "duration_s", Look::seconds), figure(at + "target_per_s_mean", Look::rate),
             figure(at + "throughput_per_s", Look::rate), figure(at + "ok", Look::count),
             figure(at + "failed", Look::count), figure(at + "timed_out", Look::count),
             figure(at + "response_ms/p50", Look::millis), figure(at + "response_ms/p99", Look::millis)});
    }
    return "<h3>Phases</h3>\n" + html_table("Phases",
                                            {{"phase", true},
                                             {"from"},
                                             {"length"},
                                             {"target /s"},
                                             {"attained /s"},
                                             {"ok"},
                                             {"failed"},
                                             {"timed out"},
                                             {"p50 ms"},
                                             {"p99 ms"}},
                                            rows);
}

/// Neighbours [begin, end) of the intervals in one row.
std::vector<std::string> time_row(const Json& intervals, std::size_t begin, std::size_t end) {
    double length = 0;
    double planned = 0;
    double done = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    double p50 = 0;
    double p99 = 0;
    double max = 0;
    bool answered = false;
    bool has_target = false;
    for (auto i = begin; i < end; ++i) {
        const auto& one = intervals[i];
        const double duration = one["duration_s"].get<double>();
        length += duration;
        done += one["throughput_per_s"].get<double>() * duration;
        if (one["target_per_s"].is_number()) {
            has_target = true;
            planned += one["target_per_s"].get<double>() * duration;
        }
        failed += one["failed"].get<std::uint64_t>();
        timed_out += one["timed_out"].get<std::uint64_t>();
        if (!one["p99_ms"].is_number() || !one["p50_ms"].is_number() || !one["max_ms"].is_number()) continue;
        answered = true;
        p50 = std::max(p50, one["p50_ms"].get<double>());
        p99 = std::max(p99, one["p99_ms"].get<double>());
        max = std::max(max, one["max_ms"].get<double>());
    }
    const auto rate = [&](double n) { return length > 0 ? figure_text(n / length, Look::rate) : "–"; };
    const auto latency = [&](double ms) { return answered ? figure_text(ms, Look::millis) : "–"; };
    const auto count = [](std::uint64_t n) { return figure_text(static_cast<double>(n), Look::count); };
    const auto& last = intervals[end - 1];
    return {figure_text(intervals[begin]["elapsed_s"].get<double>(), Look::seconds),
            html_text(text_of(intervals[begin], "phase")),
            has_target ? rate(planned) : "–",
            rate(done),
            count(failed),
            count(timed_out),
            count(last["waiting"].get<std::uint64_t>()),
            count(last["in_flight"].get<std::uint64_t>()),
            latency(p50),
            latency(p99),
            latency(max)};
}

std::string time_table(const Json& intervals) {
    if (intervals.empty()) return hint("The run was over before its first interval was.");
    const std::size_t joined = (intervals.size() + kTimeRows - 1) / kTimeRows;
    Rows rows;
    for (std::size_t i = 0; i < intervals.size(); i += joined)
        rows.push_back(time_row(intervals, i, std::min(i + joined, intervals.size())));
    const auto* what = joined > 1
                           ? "Rates are means of a row's intervals, percentiles those of its worst interval, "
                             "waiting and in flight as at its end."
                           : "Waiting and in flight are as at an interval's end.";
    return fmt::format("<details><summary>The same as a table</summary>{}{}</details>\n", hint(what),
                       html_table("Over time",
                                  {{"from", true},
                                   {"phase", true},
                                   {"target /s"},
                                   {"attained /s"},
                                   {"failed"},
                                   {"timed out"},
                                   {"waiting"},
                                   {"in flight"},
                                   {"p50 ms"},
                                   {"p99 ms"},
                                   {"max ms"}},
                                  rows));
}

/// "57P01: 12 queries, 3 connects", without what was none.
std::string outage_errors(const Json& outage) {
    if (!outage.contains("errors") || !outage["errors"].is_array()) return "–";
    std::string list;
    for (const auto& one : outage["errors"]) {
        if (!one.is_object()) continue;
        std::string amounts;
        for (const auto* key : {"queries", "connects"}) {
            if (!one.contains(key) || one[key] == 0) continue;
            amounts += fmt::format("{}{} {}", amounts.empty() ? ": " : ", ", plain(one[key]), key);
        }
        list += fmt::format("{}{}{}", list.empty() ? "" : "; ",
                            one.contains("sqlstate") ? plain(one["sqlstate"]) : "?", amounts);
    }
    return html_text(list);
}

std::string outages(const Json& document, const HtmlFigures& figure) {
    if (!document.contains("outages") || document["outages"].empty()) return "";
    const auto& list = document["outages"];
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto at = fmt::format("/outages/{}/", i);
        rows.push_back({figure(at + "from_s", Look::seconds),
                        figure.has(at + "to_s") ? figure(at + "to_s", Look::seconds) : "not over",
                        figure(at + "duration_s", Look::seconds),
                        list[i].contains("scope") ? html_text(plain(list[i]["scope"])) : "–",
                        figure(at + "episodes", Look::count), figure(at + "arrivals_hit", Look::count),
                        figure(at + "sessions_lost", Look::count),
                        figure(at + "failed_connects", Look::count), figure(at + "silence_s", Look::seconds),
                        figure(at + "first_success_s", Look::seconds), outage_errors(list[i])});
    }
    return "<h3>Outages</h3>\n" + hint("Red in the charts above.") +
           html_table("Outages",
                      {{"from", true},
                       {"to"},
                       {"length"},
                       {"scope", true},
                       {"episodes"},
                       {"arrivals hit"},
                       {"sessions lost"},
                       {"failed connects"},
                       {"silence"},
                       {"first success"},
                       {"errors", true}},
                      rows);
}

/// Objects of numbers and texts as they are, for parts of a result that have no table of their own here.
std::string plain_table(std::string_view title, const Json& list) {
    std::vector<HtmlColumn> heads;
    std::vector<std::string> keys;
    Rows rows;
    for (const auto& one : list) {
        if (!one.is_object() || one.empty()) continue;
        if (heads.empty()) {
            for (const auto& [key, value] : one.items()) {
                heads.push_back({html_text(key), !value.is_number()});
                keys.push_back(key);
            }
        }
        auto& row = rows.emplace_back();
        for (const auto& key : keys) row.push_back(one.contains(key) ? html_text(plain(one[key])) : "–");
    }
    return rows.empty() ? "" : fmt::format("<h3>{}</h3>\n", title) + html_table(title, heads, rows);
}

bool any_failure(const Json& intervals) {
    return std::any_of(intervals.begin(), intervals.end(),
                       [](const Json& one) { return one["failed"] != 0 || one["timed_out"] != 0; });
}

std::string over_time(const Json& document, const HtmlFigures& figure) {
    const auto& intervals = document["intervals"];
    const bool open = document["config"]["mode"] == "open";
    std::string html;
    if (!intervals.empty()) {
        html +=
            "<p class=\"where no-print\" id=\"when\">Point at a chart, or tab to one and use the arrow keys, "
            "to read "
            "all of them at that moment.</p>\n";
        html += time_charts(open, any_failure(intervals));
    }
    html +=
        "<p class=\"hint no-charts\" hidden></p>\n<noscript><p class=\"hint\">Charts need a browser with "
        "scripts; the "
        "tables hold the numbers.</p></noscript>\n";
    html += phases(document, figure) + outages(document, figure) + time_table(intervals);
    return section("time", "Over time", html);
}

// ---- distributions

std::string heat_map(const Json& document) {
    if (!document["histograms"].contains("response_over_time"))
        return section("heat", "Latency heat map",
                       hint("This result was written by a version that kept no heat map."));
    const auto& heat = document["histograms"]["response_over_time"];
    if (heat["limits"].size() < 2 || heat["columns"].empty())
        return section("heat", "Latency heat map", hint("There was no response to show."));
    return section(
        "heat", "Latency heat map",
        hint("How many responses took how long, by the time at which they were due: the stronger the "
             "colour, the larger their share of that moment. A second band shows what an average hides.") +
            html_chart("chart-heat", "Response time", "log axis", true) +
            "<noscript><p class=\"hint\">The heat map needs a browser with scripts; the table above has "
            "percentiles over time.</p></noscript>\n");
}

std::string percentiles(const Json& document, const HtmlFigures& figure) {
    const bool open = document["config"]["mode"] == "open";
    Rows rows;
    const auto columns = open
                             ? std::vector<std::string>{"response_ms", "service_ms", "lag_ms", "pool_wait_ms"}
                             : std::vector<std::string>{"response_ms", "service_ms"};
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
            row.push_back(figure(fmt::format("/summary/{}/{}", column, key), Look::millis));
        const auto at = fmt::format("/summary/response_bounds_ms/{}", key);
        row.push_back(figure.has(at + "/0")
                          ? figure(at + "/0", Look::millis) + " to " + figure(at + "/1", Look::millis)
                          : "–");
    }
    std::vector<HtmlColumn> heads{{"", true}, {"response ms"}, {"service ms"}};
    if (open) heads.insert(heads.end(), {{"lag ms"}, {"pool wait ms"}});
    heads.push_back({"response, 95 % sure"});
    const bool any =
        figure.has("/summary/response_ms/max") && !document["histograms"]["response"]["counts"].empty();
    const auto curve = any ? "<p class=\"where no-print\" id=\"nines\">Point at the curve to read it.</p>\n" +
                                 html_chart("chart-nines", "By nines", "log axes", true)
                           : std::string{};
    return section(
        "percentiles", "Percentiles",
        hint("<b>Response</b> counts from the moment a query was due, <b>service</b> from the moment it was "
             "sent. Where they part, queries waited for their turn.") +
            curve + html_table("Percentiles", heads, rows));
}

// ---- queries

/// The counts of the whole run, in which no query is left out.
std::string all_queries(const HtmlFigures& figure) {
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
    if (figure.has("/summary/queries/in_doubt")) {
        heads.push_back({"in doubt"});
        row.push_back(figure("/summary/queries/in_doubt", Look::count));
    }
    return html_table("All queries", heads, {row}) +
           hint("Connection efficiency, service / (pool wait + service): " +
                figure("/summary/connection_efficiency_ratio", Look::percent) + ".");
}

std::string operations(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["operations"];
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto at = fmt::format("/operations/{}/", i);
        rows.push_back(
            {html_text(text_of(list[i], "name")), figure(at + "ok", Look::count),
             figure(at + "empty", Look::count), figure(at + "failed", Look::count),
             figure(at + "timed_out", Look::count), figure(at + "retries", Look::count),
             figure(at + "rows", Look::count), figure(at + "throughput_per_s", Look::rate),
             figure(at + "response_ms/p50", Look::millis), figure(at + "response_ms/p99", Look::millis),
             figure(at + "response_ms/max", Look::millis), figure(at + "service_ms/p99", Look::millis)});
    }
    return section("operations", "Operations",
                   all_queries(figure) + (list.empty() ? hint("No operation was run.")
                                                       : html_table("Operations",
                                                                    {{"operation", true},
                                                                     {"ok"},
                                                                     {"empty"},
                                                                     {"failed"},
                                                                     {"timed out"},
                                                                     {"retries"},
                                                                     {"rows"},
                                                                     {"per s"},
                                                                     {"p50 ms"},
                                                                     {"p99 ms"},
                                                                     {"max ms"},
                                                                     {"service p99 ms"}},
                                                                    rows)));
}

std::string audit(const Json& document) {
    const bool any = document.contains("audit") && document["audit"].is_array();
    return any ? plain_table("Audit of what was stored", document["audit"]) : "";
}

std::string errors(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["errors"];
    if (list.empty()) return section("errors", "Errors", hint("None.") + audit(document));
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto at = fmt::format("/errors/{}/", i);
        rows.push_back(
            {fmt::format("<code>{}</code>", html_text(text_of(list[i], "sqlstate"))),
             figure(at + "count", Look::count), figure(at + "first_at_s", Look::seconds),
             fmt::format("<span class=\"sample\">{}</span>", html_text(text_of(list[i], "sample")))});
    }
    return section(
        "errors", "Errors by SQLSTATE",
        html_table("Errors", {{"SQLSTATE", true}, {"count"}, {"first at"}, {"first message", true}}, rows));
}

// ---- the set-up

std::string pairs(std::string_view label, const Json& object, std::string_view without = "") {
    std::string html = fmt::format("<table class=\"pairs\" aria-label=\"{}\"><tbody>\n", label);
    for (const auto& [key, value] : object.items()) {
        if (key == without || value.is_object()) continue;
        html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", html_text(key),
                            html_text(plain(value)));
    }
    return html + "</tbody></table>\n";
}

std::string statements(const Json& document, const HtmlFigures& figure) {
    Rows rows;
    const auto& list = document["operations"];
    for (std::size_t o = 0; o < list.size(); ++o) {
        const auto& own = list[o]["statements"];
        for (std::size_t s = 0; s < own.size(); ++s) {
            const auto at = fmt::format("/operations/{}/statements/{}/", o, s);
            auto name = html_text(text_of(own[s], "name"));
            if (own[s].contains("sql"))
                name += fmt::format("<pre>{}</pre>", html_lines(text_of(own[s], "sql")));
            rows.push_back({name, html_text(text_of(list[o], "name")), figure(at + "ok", Look::count),
                            figure(at + "empty", Look::count), figure(at + "failed", Look::count)});
        }
    }
    if (rows.empty()) return "";
    return "<h3>Statements</h3>\n" +
           html_table("Statements", {{"statement", true}, {"operation", true}, {"ok"}, {"empty"}, {"failed"}},
                      rows);
}

std::string client_cost(const HtmlFigures& figure) {
    const auto row = [&](std::string_view name, const std::string& number) {
        return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", name, number);
    };
    return "<h3>What the load cost its machine</h3>\n<table class=\"pairs\" aria-label=\"Client "
           "cost\"><tbody>\n" +
           row("CPU a query", figure("/client/cpu_us_per_query", Look::micros)) +
           row("CPU time, user", figure("/client/cpu_user_s", Look::seconds)) +
           row("CPU time, system", figure("/client/cpu_system_s", Look::seconds)) +
           row("loop busy", figure("/client/loop_busy_ratio", Look::percent)) +
           row("waiting for a CPU", figure("/client/run_queue_wait_ratio", Look::percent)) +
           row("peak memory", figure("/client/max_rss_bytes", Look::bytes)) +
           row("context switches", figure("/client/context_switches", Look::count)) + "</tbody></table>\n";
}

std::string set_up(const Json& document, const HtmlFigures& figure) {
    std::string command;
    for (const auto& word : document["config"]["argv"]) command += (command.empty() ? "" : " ") + plain(word);
    const auto& environment = document["environment"];
    auto html = fmt::format("<h3>Command line</h3>\n<pre>{}</pre>\n", html_text(command));
    html += statements(document, figure) + client_cost(figure);
    html += "<details open><summary>Configuration, every option as it was resolved</summary>" +
            pairs("Configuration", document["config"], "argv") + "</details>\n";
    html += "<details open><summary>Environment</summary><h3>Client</h3>" +
            pairs("Client", environment["client"]) + "<h3>Server</h3>" +
            pairs("Server", environment["server"]) + pairs("Settings", environment["server"]["settings"]) +
            "<h3>Program</h3>" + pairs("Program", document["tool"]) + "</details>\n";
    return section("setup", "Set-up", html);
}

std::string raw_data(const std::string& json) {
    return section(
        "data", "Raw data",
        fmt::format(
            "<p class=\"hint\">Every number of this page, every interval and the whole histograms, as "
            "<code>--json</code> writes them ({}).</p>\n<p class=\"download\"><a class=\"button\" "
            "id=\"json\" href=\"#data\">Download the JSON</a></p>\n<noscript><p class=\"hint\">Unpacking "
            "it needs a browser with scripts.</p></noscript>\n<script type=\"text/plain\" "
            "id=\"result\">{}</script>\n",
            figure_text(static_cast<double>(json.size()), Look::bytes),
            base64(gzip(pack_lines(json).dump()))));
}

}  // namespace

std::string html_report(const Json& input) {
    const auto json = json_text(input);
    const auto document = Json::parse(json);  // what a server said is UTF-8 now
    const HtmlFigures figure{document};
    HtmlPage page;
    page.title = fmt::format("{}: pgtraffic report", text_of(document["config"], "scenario"));
    page.script = "report";
    page.body = header(document, figure) + "<main>\n" + verdict(document, figure) +
                over_time(document, figure) + heat_map(document) + percentiles(document, figure) +
                operations(document, figure) + errors(document, figure) + set_up(document, figure) +
                raw_data(json) + "</main>\n";
    return html_page(page);
}

}  // namespace pgtraffic::report
