#include "pgtraffic/report/html_section.hpp"

#include <fmt/format.h>

namespace pgtraffic::report {
namespace {

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

}  // namespace

std::string html_verdict(const Json& document, const HtmlFigures& figure) {
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

}  // namespace pgtraffic::report
