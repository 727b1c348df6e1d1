// The page of a run: its sections in the order in which a reader asks - can I believe it, what was it, when
// did it happen, how is it spread, which queries, what failed, what exactly was run.
#include "pgtraffic/report/html.hpp"

#include <fmt/format.h>

#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/html_section.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/pack.hpp"

namespace pgtraffic::report {
namespace {

/// What was run, in a line.
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
    page.body = header(document, figure) + "<main>\n" + html_verdict(document, figure) +
                html_over_time(document, figure) + html_heat_map(document) +
                html_percentiles(document, figure) + html_operations(document, figure) +
                html_errors(document, figure) + html_set_up(document, figure) + raw_data(json) + "</main>\n";
    return html_page(page);
}

}  // namespace pgtraffic::report
