#include "pgtraffic/report/html_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::size_t kTimeRows = 60;  // of the table; the charts and the JSON have every interval

std::string phases(const Json& document, const HtmlFigures& figure) {
    if (document["phases"].empty()) return "";
    return "<h3>Phases</h3>\n" + figure_table("Phases", document, "phases", "phase",
                                              {{"from", "start_s", Look::seconds},
                                               {"length", "duration_s", Look::seconds},
                                               {"target /s", "target_per_s_mean", Look::rate},
                                               {"ok of those due /s", "throughput_per_s", Look::rate},
                                               {"ok", "ok", Look::count},
                                               {"failed", "failed", Look::count},
                                               {"timed out", "timed_out", Look::count},
                                               {"p50 ms", "response_ms/p50", Look::millis},
                                               {"p99 ms", "response_ms/p99", Look::millis}},
                                              figure);
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
    const auto latency = [&](double ms, std::string_view name) {
        if (!answered) return std::string{"–"};
        const bool at_least =
            std::any_of(intervals.begin() + static_cast<std::ptrdiff_t>(begin),
                        intervals.begin() + static_cast<std::ptrdiff_t>(end),
                        [&](const Json& one) { return interval_is_lower_bound(one, name); });
        return (at_least ? std::string{kAtLeastMark} : "") + figure_text(ms, Look::millis);
    };
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
            latency(p50, "p50"),
            latency(p99, "p99"),
            latency(max, "max")};
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
                       with_mark_notes(html_table("Over time", time_columns(), rows)));
}

/// "57P01: 12 queries, 3 connects", without what was none.
std::string outage_errors(const Json& outage) {
    if (!outage.contains("errors") || !outage["errors"].is_array()) return "–";
    std::string list;
    for (const auto& one : outage["errors"]) {
        if (!one.is_object()) continue;
        std::string amounts;
        struct Amount {
            const char* key;
            const char* of_one;
            const char* of_several;
        };
        for (const auto& [key, of_one, of_several] : {Amount{"queries", "query", "queries"},
                                                      {"connects", "connect", "connects"},
                                                      {"sessions", "idle session", "idle sessions"}}) {
            if (!one.contains(key) || one[key] == 0) continue;
            amounts += fmt::format("{}{} {}", amounts.empty() ? ": " : ", ", plain(one[key]),
                                   one[key] == 1 ? of_one : of_several);
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
                       {"end of the silence"},
                       {"errors", true}},
                      rows);
}

/// What stands in the place of a chart of failures that would be empty; empty itself where it would not.
std::string no_failures(const Json& document, const HtmlFigures& figure) {
    const auto& intervals = document["intervals"];
    const bool any = std::any_of(intervals.begin(), intervals.end(),
                                 [](const Json& one) { return one["failed"] != 0 || one["timed_out"] != 0; });
    if (any) return "";
    std::string words = "No query failed or timed out";
    if (figure.value("/summary/queries/missed") > 0)
        words += "; missed: " + figure("/summary/queries/missed", Look::count);
    return words + ".";
}

}  // namespace

std::string html_over_time(const Json& document, const HtmlFigures& figure) {
    const auto& intervals = document["intervals"];
    const bool open = document["config"]["mode"] == "open";
    std::string html;
    if (!intervals.empty()) html += time_charts(open, no_failures(document, figure));
    html +=
        "<p class=\"hint no-charts\" hidden></p>\n<noscript><p class=\"hint\">Charts need a browser with "
        "scripts; the "
        "tables hold the numbers.</p></noscript>\n";
    html += phases(document, figure) + outages(document, figure) + time_table(intervals);
    return section("time", "Over time", html);
}

}  // namespace pgtraffic::report
