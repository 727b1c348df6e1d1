// The page of a run: its sections in the order in which a reader asks - can I believe it, how was its rate
// found, what was it, when did it happen, how is it spread, which queries, what failed, what exactly was run.
#include "pgtraffic/report/html.hpp"

#include <fmt/format.h>

#include <cmath>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/html_section.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/pack.hpp"

namespace pgtraffic::report {
namespace {

/// An option's value: a number with its thousands, or the word that it is.
std::string option_html(const Json& config, const char* name, const HtmlFigures& figure) {
    const auto text = plain(config[name]);
    const auto number = base::parse_number(text);
    if (!number) return html_text(text);
    const auto look = *number == std::round(*number) ? Look::count : Look::rate;
    return config[name].is_number() ? figure(fmt::format("/config/{}", name), look)
                                    : figure_text(*number, look);
}

/// "business-hours at a peak of 2,000/s", "business-hours at a peak of 5,210/s (measured)".
std::string pattern_html(const Json& config, const HtmlFigures& figure) {
    std::string html;
    // Results of old versions do not name the pattern that --real-simulation chose.
    if (config.contains("pattern")) html = html_text(plain(config["pattern"]));
    if (html.empty() && config.value("real_simulation", Json(false)) == true) html = "a pattern";
    if (html.empty()) return html;
    if (figure.has("/config/peak_rate_measured_per_s/median")) {
        html += fmt::format(" at a peak of {}/s (measured)",
                            figure("/config/peak_rate_measured_per_s/median", Look::rate));
    } else if (config.contains("peak_rate") && config["peak_rate"] != "auto") {
        html += fmt::format(" at a peak of {}/s", option_html(config, "peak_rate", figure));
    }
    return html;
}

/// What was run, in a line.
std::string load_html(const Json& config, const HtmlFigures& figure) {
    std::string html = config["mode"] == "open" ? "open loop" : "closed loop";
    if (figure.has("/config/rate_found_per_s/lowest")) {
        html +=
            fmt::format(" at {}/s (found: up to {})", figure("/config/rate_found_per_s/lowest", Look::rate),
                        figure("/config/rate_found_per_s/highest", Look::rate));
    } else if (config.contains("rate")) {
        html += config["rate"] == "auto" ? " at a rate that was not found"
                                         : fmt::format(" at {}/s", option_html(config, "rate", figure));
    }
    if (const auto pattern = pattern_html(config, figure); !pattern.empty()) html += " along " + pattern;
    if (config.contains("connections"))
        html += fmt::format(" · {} connection{}", option_html(config, "connections", figure),
                            config["connections"] == 1 ? "" : "s");
    if (figure.has("/config/think_time_s"))
        html += fmt::format(" · think time {}", figure("/config/think_time_s", Look::seconds));
    return html;
}

std::string header(const Json& document, const HtmlFigures& figure) {
    const auto& server = document["environment"]["server"];
    auto html = fmt::format(
        "<header><p class=\"kicker\">pgtraffic report</p><h1>{}</h1>\n<p class=\"sub\">{} · {} · ",
        html_text(text_of(document["config"], "scenario")), load_html(document["config"], figure),
        figure("/summary/duration_s", Look::seconds));
    if (server["version"].is_string())
        html += fmt::format("PostgreSQL {} · ", html_text(plain(server["version"])));
    html += fmt::format("started {}", html_text(text_of(document["run"], "started_at")));
    if (document["run"].contains("labels")) {
        for (const auto& [key, value] : document["run"]["labels"].items())
            html += fmt::format(" · {} {}", html_text(key), html_text(plain(value)));
    }
    return html + "</p>\n";
}

/// Links to the sections of which `main` has the headings.
std::string navigation(const std::string& main) {
    std::string html = "<nav aria-label=\"Sections\">";
    for (const auto& [id, name] : {std::pair{"verdict", "Verdict"},
                                   {"search", "Search"},
                                   {"connections", "Connections"},
                                   {"time", "Over time"},
                                   {"heat", "Heat map"},
                                   {"percentiles", "Percentiles"},
                                   {"operations", "Operations"},
                                   {"errors", "Errors"},
                                   {"network", "Network"},
                                   {"audit", "Audit"},
                                   {"setup", "Set-up"},
                                   {"data", "Raw data"}}) {
        if (main.find(fmt::format("<section id=\"{}\"", id)) != std::string::npos)
            html += fmt::format("<a href=\"#{}\">{}</a> ", id, name);
    }
    return html + "</nav></header>\n";
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
    const auto sections =
        html_verdict(document, figure) + html_search(document, figure) + html_connections(document, figure) +
        html_over_time(document, figure) + html_heat_map(document) + html_percentiles(document, figure) +
        html_operations(document, figure) + html_errors(document, figure) + html_network(document, figure) +
        html_audit(document, figure) + html_set_up(document, figure) + raw_data(json);
    page.body = header(document, figure) + navigation(sections) + "<main>\n" + sections + "</main>\n";
    return html_page(page);
}

}  // namespace pgtraffic::report
