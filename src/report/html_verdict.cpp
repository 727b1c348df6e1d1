#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/report/html_section.hpp"
#include "pgtraffic/report/json.hpp"

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

/// In the place of the percentiles, which say nothing while queries wait longer and longer.
std::string backlog_figures(const HtmlFigures& figure) {
    return big_figure("Backlog at the end", figure("/summary/backlog/at_end", Look::count),
                      fmt::format("{} at {}", figure("/summary/backlog/half_way", Look::count),
                                  figure("/summary/backlog/half_way_s", Look::seconds))) +
           big_figure("Backlog growth", figure("/summary/backlog/growth_per_s", Look::rate, "/s"),
                      std::string{kNoSteadyState});
}

std::string response_figures(const HtmlFigures& figure) {
    std::string html;
    for (const auto* p : {"p50", "p95", "p99"}) {
        const auto bounds = figure.bounds("response", p);
        html += big_figure(fmt::format("Response {}", p), figure.percentile("/summary/response_ms", p, " ms"),
                           figure.is_lower_bound(p) ? "at least: too many queries had no answer"
                           : bounds.empty()         ? ""
                                                    : "95 % sure: " + bounds);
    }
    return html;
}

/// How sure the throughput is. Results of old versions have the standard error alone.
std::string throughput_note(const HtmlFigures& figure) {
    if (!figure.has("/summary/throughput_standard_error_per_s")) return "";
    const auto error =
        "± " + figure("/summary/throughput_standard_error_per_s", Look::rate) + " standard error";
    if (!figure.has("/summary/throughput_bounds_per_s/0")) return error;
    return "95 % sure: " + figure.pair("/summary/throughput_bounds_per_s", Look::rate) + "; " + error;
}

/// What became of the queries; of those that never were sent or answered only where there are any.
std::string succeeded(const HtmlFigures& figure) {
    const auto count = [&](const char* key, const char* words) {
        return fmt::format("{} {}", figure(fmt::format("/summary/queries/{}", key), Look::count), words);
    };
    auto note = fmt::format("{}, {}, {}, {}", count("ok", "ok"), count("empty", "empty"),
                            count("failed", "failed"), count("timed_out", "timed out"));
    for (const auto& [key, words] : {std::pair{"missed", "missed (older than the latency limit)"},
                                     {"late", "late (response above the latency limit)"},
                                     {"waiting", "waiting at the end"},
                                     {"in_flight", "unanswered at the end"}}) {
        if (figure.value(fmt::format("/summary/queries/{}", key)) > 0) note += ", " + count(key, words);
    }
    std::string_view sure = "; 95 % sure: ";
    for (const auto& [place, words] : {std::pair{"/summary/success_bounds_ratio", "succeeded"},
                                       {"/summary/failed_bounds_ratio", "failed"}}) {
        if (!figure.has(fmt::format("{}/0", place))) continue;
        note += fmt::format("{}{} {}", sure, words, figure.pair(place, Look::percent));
        sure = "; ";
    }
    return big_figure("Succeeded", figure("/summary/success_ratio", Look::percent), note);
}

std::string key_figures(const Json& document, const HtmlFigures& figure) {
    std::string html = "<dl class=\"figures\">";
    html += big_figure("Throughput", figure("/summary/throughput_per_s", Look::rate, "/s"),
                       throughput_note(figure));
    if (document["config"]["mode"] == "open") {
        html += big_figure("Plan attained", figure("/summary/target_attainment_ratio", Look::percent),
                           figure("/summary/queries/planned", Look::count) + " planned");
    }
    html += backlog_grew(document) ? backlog_figures(figure) : response_figures(figure);
    return with_mark_notes(html + succeeded(figure) + "</dl>\n");
}

std::string_view without_leading(std::string_view text, std::string_view characters) {
    return text.substr(std::min(text.find_first_not_of(characters), text.size()));
}

/// The unit that stands behind the number of an expression, which is that of the figure, too.
std::string unit_of(std::string_view expression) {
    if (expression.starts_with("cpu_us_per_query")) return " µs";
    const auto sign = expression.find_last_of("<>=");
    if (sign == std::string_view::npos) return "";
    auto word = without_leading(expression.substr(sign), "<>= \t+");
    double limit = 0;
    word.remove_prefix(static_cast<std::size_t>(
        std::from_chars(word.data(), word.data() + word.size(), limit).ptr - word.data()));
    word = without_leading(word, " \t");
    if (word.empty()) {
        const auto before = expression.substr(0, expression.find_last_not_of("<>= \t", sign) + 1);
        return before.ends_with("throughput") ? "/s" : "";
    }
    return word.starts_with('/') ? std::string{word} : fmt::format(" {}", word == "us" ? "µs" : word);
}

std::string thresholds(const Json& document, const HtmlFigures& figure) {
    const auto& list = document["thresholds"];
    if (list.empty()) return hint("No thresholds were set (<code>--threshold</code>).");
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto expression = text_of(list[i], "expression");
        auto unit = html_text(unit_of(expression));
        if (list[i].value("weak", Json(false)) == true) unit += kWeakMark;
        const bool at_least = list[i].value("at_least", Json(false)) == true;
        rows.push_back({html_text(expression),
                        (at_least ? "at least " : "") +
                            figure(fmt::format("/thresholds/{}/actual", i), Look::threshold, unit.c_str()),
                        list[i]["ok"] == true ? "<span class=\"met\">met</span>"
                                              : "<span class=\"missed\">missed</span>"});
    }
    return "<h3>Thresholds</h3>\n" +
           with_mark_notes(
               html_table("Thresholds", {{"condition", true}, {"the run had"}, {"result"}}, rows));
}

/// Which of the conditions it was that the run did not meet, as HTML.
std::string missed_conditions(const Json& document) {
    std::string list;
    const auto add = [&list](const std::string& html) { list += (list.empty() ? ": " : "; ") + html; };
    for (const auto& warning : document["run"]["warnings"]) {
        if (warning["code"] == metrics::kAbortedWarning || warning["code"] == metrics::kAuditFailedWarning)
            add(html_text(text_of(warning, "message")));
    }
    for (const auto& threshold : document["thresholds"]) {
        if (threshold["ok"] == true) continue;
        add(fmt::format("the threshold <code>{}</code> was missed",
                        html_text(text_of(threshold, "expression"))));
    }
    for (const auto& table : list_of(document, "audit")) {
        if (table.value("lost", Json(0)) == 0 && table.value("twice", Json(0)) == 0) continue;
        add(fmt::format("the audit of {} found rows missing or stored twice",
                        html_text(text_of(table, "table"))));
    }
    return list;
}

std::string outcome_in_words(const Json& document, const std::string& outcome) {
    if (outcome == "interrupted") return "The run was interrupted";
    if (outcome == "failed") return "The run failed";
    if (outcome == "threshold_failed") return "The run failed a condition" + missed_conditions(document);
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
        html += fmt::format("<p>{} (exit code {}).</p>\n", outcome_in_words(document, outcome),
                            document["run"]["exit_code"].dump());
    }
    html += key_figures(document, figure);
    html += thresholds(document, figure);
    if (!document["run"]["warnings"].empty())
        html += "<h3>Worth knowing</h3>\n" + messages(document["run"]["warnings"]);
    return html + "</section>\n";
}

}  // namespace pgtraffic::report
