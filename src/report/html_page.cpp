#include "pgtraffic/report/html_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/embedded.hpp"
#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {

/// Made by CMake of src/report/page/ and the chart library.
std::span<const base::EmbeddedFile> embedded_page() noexcept;

namespace {

constexpr std::size_t kLongest = 20'000;  // columns of one text; an SQL statement may be long

const base::EmbeddedFile& part(std::string_view name) {
    for (const auto& file : embedded_page()) {
        if (file.name == name) return file;
    }
    PGTRAFFIC_CHECK(false, "a part of the page that CMake does not embed");
    return embedded_page().front();
}

/// As a content security policy names a script or a style.
std::string source_hash(std::string_view name) {
    return fmt::format("'sha256-{}'", base64(bytes_of_hex(part(name).sha256)));
}

/// The library's file has a name of its own in each version: it is the last one.
std::string_view library_name() {
    return embedded_page().back().name;
}

/// Compressed once, however many pages are made.
const std::string& packed_library() {
    static const std::string packed = base64(gzip(part(library_name()).text));
    return packed;
}

std::string inline_script(std::string_view name) {
    return fmt::format("<script>{}</script>\n", part(name).text);
}

}  // namespace

std::string html_text(std::string_view text) {
    std::string html;
    for (const char c : printable(text, kLongest)) {
        switch (c) {
            case '&':
                html += "&amp;";
                break;
            case '<':
                html += "&lt;";
                break;
            case '>':
                html += "&gt;";
                break;
            case '"':
                html += "&quot;";
                break;
            case '\'':
                html += "&#39;";
                break;
            default:
                html += c;
        }
    }
    return html;
}

std::string html_lines(std::string_view text) {
    std::string html;
    for (;;) {
        const auto end = text.find('\n');
        html += html_text(text.substr(0, end));
        if (end == std::string_view::npos) return html;
        html += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string html_table(std::string_view label, const std::vector<HtmlColumn>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
    const auto kind = [&](std::size_t i) { return columns[i].is_text ? " class=\"text\"" : ""; };
    auto html = fmt::format(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table "
        "aria-label=\"{0}\"><thead><tr>",
        html_text(label));
    for (std::size_t i = 0; i < columns.size(); ++i)
        html += fmt::format("<th scope=\"col\"{}>{}</th>", kind(i), columns[i].head);
    html += "</tr></thead><tbody>\n";
    for (const auto& row : rows) {
        html += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i) {
            html += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", row[i])
                           : fmt::format("<td{}>{}</td>", kind(i), row[i]);
        }
        html += "</tr>\n";
    }
    return html + "</tbody></table></div>\n";
}

std::string html_chart(std::string_view id, std::string_view name, std::string_view unit, bool tall) {
    return fmt::format(
        "<figure class=\"chart\" id=\"{}\"><figcaption><b>{} <span>{}</span></b></figcaption>"
        "<div class=\"plot{}\"></div></figure>\n",
        id, name, unit, tall ? " tall" : "");
}

std::string time_charts(bool open, const std::string& no_failures) {
    std::string html =
        "<p class=\"where no-print\" id=\"when\">Point at a chart, or tab to one and use the arrow keys, to "
        "read all of them at that moment.</p>\n";
    html += html_chart("chart-rate", "Throughput",
                       open ? "queries a second, target and attained" : "queries a second") +
            html_chart("chart-latency", "Response time", "of what was due then, log axis; dotted: at least",
                       true);
    html += no_failures.empty() ? html_chart("chart-failures", "Failures", "in each interval")
                                : fmt::format("<h3>Failures</h3>\n<p class=\"hint\">{}</p>\n", no_failures);
    html +=
        html_chart("chart-queue", "Queue", "queries waiting and in flight, as at each interval&#39;s end");
    if (open) html += html_chart("chart-lag", "Lag", "from due to sent, log axis");
    return html +
           html_chart("chart-client", "The client&#39;s own load", "share of the time its loop was busy");
}

const std::vector<HtmlColumn>& time_columns() {
    static const std::vector<HtmlColumn> columns{
        {"from", true}, {"phase", true}, {"target /s"}, {"attained /s"}, {"failed"}, {"timed out"},
        {"waiting"},    {"in flight"},   {"p50 ms"},    {"p99 ms"},      {"max ms"}};
    return columns;
}

std::string html_policy(const HtmlPage& page) {
    return fmt::format(
        "default-src 'none'; script-src {} {} {}; style-src {}; img-src data:; connect-src {}; base-uri "
        "'none'; form-action 'none'",
        source_hash("charts"), source_hash(page.script), source_hash(library_name()), source_hash("page"),
        page.connect);
}

std::string html_page(const HtmlPage& page) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"pgtraffic "
        "{}\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}\n"
        "<footer><p>Made by pgtraffic {} ({}). Charts by Chart.js.</p>\n<details><summary>Licence of "
        "Chart.js</summary><pre>{}</pre></details></footer>\n"
        "<script type=\"text/plain\" id=\"chart-library\">{}</script>\n{}{}</body>\n</html>\n",
        html_policy(page), base::build_info().version, html_text(page.title), part("page").text, page.body,
        base::build_info().version, html_text(base::build_info().git_sha),
        html_lines(part("chart_licence").text), packed_library(), inline_script("charts"),
        inline_script(page.script));
}

}  // namespace pgtraffic::report
