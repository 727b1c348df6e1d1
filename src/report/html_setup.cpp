#include <fmt/format.h>

#include "pgtraffic/base/shell_word.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

/// A setting as a person would say it: PostgreSQL counts memory in pages and kilobytes.
std::string setting_text(const std::string& value) {
    const auto space = value.find(' ');
    const auto n = base::parse_count(std::string_view{value}.substr(0, space));
    if (space == std::string::npos || !n) return value;
    const auto unit = std::string_view{value}.substr(space + 1);
    const auto by = [&](double size) {
        return fmt::format("{} ({})", base::format_bytes(static_cast<double>(*n) * size), value);
    };
    return unit == "8kB" ? by(8192) : unit == "kB" ? by(1024) : unit == "MB" ? by(1024 * 1024) : value;
}

std::string value_text(const std::string& key, const Json& value) {
    if (key.ends_with("_bytes") && value.is_number()) return base::format_bytes(value.get<double>());
    return value.is_string() ? setting_text(plain(value)) : plain(value);
}

std::string pairs(std::string_view label, const Json& object, std::string_view without = "") {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [key, value] : object.items()) {
        if (key == without || value.is_object()) continue;
        rows.emplace_back(html_text(key), html_text(value_text(key, value)));
    }
    return pairs_table(label, rows);
}

std::string command_line(const Json& argv) {
    std::string command;
    for (const auto& word : argv) command += (command.empty() ? "" : " ") + base::shell_word(plain(word));
    return fmt::format("<h3>Command line</h3>\n<pre>{}</pre>\n", html_lines(command));
}

/// One below another over the whole width, because SQL in a column of a table is unreadable on a phone.
std::string statements(const Json& document, const HtmlFigures& figure) {
    std::string html;
    const auto& list = document["operations"];
    for (std::size_t o = 0; o < list.size(); ++o) {
        const auto& own = list[o]["statements"];
        for (std::size_t s = 0; s < own.size(); ++s) {
            const auto at = fmt::format("/operations/{}/statements/{}/", o, s);
            const auto name = html_text(text_of(own[s], "name"));
            const auto operation = html_text(text_of(list[o], "name"));
            const auto service = at + "service_ms";
            const auto times = figure.has(service + "/p50") ? fmt::format("; service p50 {} ms, p99 {} ms",
                                                                          figure.percentile(service, "p50"),
                                                                          figure.percentile(service, "p99"))
                                                            : std::string{};
            html += fmt::format(
                "<p class=\"statement\"><b>{}</b>{}: {} ok, {} empty, {} failed or timed out{}</p>\n", name,
                name == operation ? "" : " of " + operation, figure(at + "ok", Look::count),
                figure(at + "empty", Look::count), figure(at + "failed", Look::count), times);
            if (own[s].contains("sql"))
                html += fmt::format("<pre>{}</pre>\n", html_lines(text_of(own[s], "sql")));
        }
    }
    return html.empty() ? html : with_mark_notes("<h3>Statements</h3>\n" + html);
}

std::string client_cost(const HtmlFigures& figure) {
    return "<h3>What the load cost its machine</h3>\n" +
           pairs_table(
               "Client cost",
               {{"CPU a query", figure("/client/cpu_us_per_query", Look::micros)},
                {"CPU time, user", figure("/client/cpu_user_s", Look::seconds)},
                {"CPU time, system", figure("/client/cpu_system_s", Look::seconds)},
                {"loop busy", figure("/client/loop_busy_ratio", Look::percent)},
                {"waiting for a CPU", figure("/client/run_queue_wait_ratio", Look::percent)},
                {"peak memory", figure("/client/max_rss_bytes", Look::bytes)},
                {"context switches", figure("/client/context_switches", Look::count)},
                {"of these involuntary", figure.has("/client/context_switches_involuntary")
                                             ? figure("/client/context_switches_involuntary", Look::count)
                                             : "–"}});
}

}  // namespace

std::string html_set_up(const Json& document, const HtmlFigures& figure) {
    const auto& environment = document["environment"];
    auto html = command_line(document["config"]["argv"]) + statements(document, figure) + client_cost(figure);
    html += "<details open><summary>Configuration, every option as it was resolved</summary>" +
            pairs("Configuration", document["config"], "argv") + "</details>\n";
    html += "<details open><summary>Environment</summary><h3>Client</h3>" +
            pairs("Client", environment["client"]) + "<h3>Server</h3>" +
            pairs("Server", environment["server"]) + pairs("Settings", environment["server"]["settings"]) +
            "<h3>Program</h3>" + pairs("Program", document["tool"]) + "</details>\n";
    return section("setup", "Set-up", html);
}

}  // namespace pgtraffic::report
