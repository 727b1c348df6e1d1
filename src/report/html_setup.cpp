#include "pgtraffic/report/html_section.hpp"

#include <fmt/format.h>

namespace pgtraffic::report {
namespace {

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

}  // namespace

std::string html_set_up(const Json& document, const HtmlFigures& figure) {
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

}  // namespace pgtraffic::report
