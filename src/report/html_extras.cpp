#include <fmt/format.h>

#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

/// Median and least of round trips.
std::string round_trip(const HtmlFigures& figure, const std::string& place) {
    return fmt::format("{} median, {} at least", figure(place + "/p50", Look::millis, " ms"),
                       figure(place + "/min", Look::millis, " ms"));
}

std::vector<std::string> audit_row(const Json& table, const std::string& at, const HtmlFigures& figure) {
    std::vector<std::string> row{html_text(text_of(table, "table"))};
    for (const auto* key :
         {"rows_before", "acknowledged", "in_doubt", "stored", "not_stored", "unchecked", "rows_after"})
        row.push_back(figure(at + key, Look::count));
    // What must be nought.
    for (const auto* key : {"lost", "twice"}) {
        const auto* tone = figure.value(at + key) > 0 ? "missed" : "met";
        row.push_back(fmt::format("<span class=\"{}\">{}</span>", tone, figure(at + key, Look::count)));
    }
    row.push_back(figure(at + "unexplained", Look::count));
    return row;
}

}  // namespace

std::string html_network(const Json& document, const HtmlFigures& figure) {
    const auto found = document.find("network");
    if (found == document.end() || !found->is_object()) return "";
    std::vector<std::pair<std::string, std::string>> rows;
    if (figure.has("/network/rtt_ms/p50"))
        rows.emplace_back("round trip, idle", round_trip(figure, "/network/rtt_ms"));
    if (figure.has("/network/tcp_rtt_ms/p50")) {
        rows.emplace_back("round trip, kernel&#39;s, under load", round_trip(figure, "/network/tcp_rtt_ms"));
    }
    if (figure.has("/network/database_ms")) {
        rows.emplace_back("database, median service - round trip",
                          figure("/network/database_ms", Look::millis, " ms"));
        rows.emplace_back("network&#39;s share of the median service",
                          figure("/network/network_ratio", Look::percent));
    }
    const auto method = text_of(*found, "method");
    return section(
        "network", "Network",
        pairs_table("Network", rows) + (method.empty() ? "" : hint("Method: " + html_text(method))));
}

std::string html_audit(const Json& document, const HtmlFigures& figure) {
    const auto& tables = list_of(document, "audit");
    if (tables.empty()) return "";
    Rows rows;
    for (std::size_t i = 0; i < tables.size(); ++i)
        rows.push_back(audit_row(tables[i], fmt::format("/audit/{}/", i), figure));
    return section(
        "audit", "Audit",
        hint("Whether every insert that was acknowledged is in the table, and what became of those "
             "whose answer was lost. Warm-up included.") +
            html_table("Audit",
                       {{"table", true},
                        {"rows before"},
                        {"acknowledged"},
                        {"in doubt"},
                        {"of these stored"},
                        {"not stored"},
                        {"unchecked"},
                        {"rows after"},
                        {"lost"},
                        {"twice"},
                        {"unexplained"}},
                       rows));
}

}  // namespace pgtraffic::report
