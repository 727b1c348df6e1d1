#include <fmt/format.h>

#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

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
