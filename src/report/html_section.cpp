#include "pgtraffic/report/html_section.hpp"

#include <fmt/format.h>

#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/percentile_notes.hpp"

namespace pgtraffic::report {

std::string text_of(const Json& object, const char* key) {
    return object.value(key, std::string{});
}

std::string plain(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "–";
    if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
    if (!value.is_array()) return value.dump();
    std::string list;
    for (const auto& one : value) list += (list.empty() ? "" : ", ") + plain(one);
    return list;
}

std::string section(std::string_view id, std::string_view title, const std::string& inside) {
    return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title, inside);
}

std::string hint(std::string_view html) {
    return fmt::format("<p class=\"hint\">{}</p>\n", html);
}

const Json& list_of(const Json& document, const char* name) {
    static const Json none = Json::array();
    const auto found = document.find(name);
    return found != document.end() && found->is_array() ? *found : none;
}

std::string pairs_table(std::string_view label,
                        const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string html = fmt::format("<table class=\"pairs\" aria-label=\"{}\"><tbody>\n", label);
    for (const auto& [name, value] : pairs)
        html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", name, value);
    return html + "</tbody></table>\n";
}

std::string with_mark_notes(std::string html) {
    const bool weak = html.find(kWeakMark) != std::string::npos;
    const bool at_least = html.find(kAtLeastMark) != std::string::npos;
    if (weak) html += hint(kWeakNote);
    if (at_least) html += hint(kAtLeastNote);
    return html;
}

std::string figure_table(std::string_view label, const Json& document, const char* list,
                         std::string_view name_head, std::vector<FigureColumn> columns,
                         const HtmlFigures& figure) {
    if (backlog_grew(document)) {
        std::erase_if(columns, [](const FigureColumn& column) {
            return std::string_view{column.key}.starts_with("response_ms/");
        });
    }
    std::vector<HtmlColumn> heads{{std::string{name_head}, true}};
    for (const auto& column : columns) heads.push_back({column.head});
    Rows rows;
    for (std::size_t i = 0; i < document[list].size(); ++i) {
        auto& row =
            rows.emplace_back(std::vector<std::string>{html_text(text_of(document[list][i], "name"))});
        for (const auto& column : columns) {
            const auto at = fmt::format("/{}/{}/{}", list, i, column.key);
            const auto slash = at.rfind('/');
            row.push_back(column.look == Look::millis
                              ? figure.percentile(at.substr(0, slash), at.substr(slash + 1))
                              : figure(at, column.look));
        }
    }
    return with_mark_notes(html_table(label, heads, rows));
}

}  // namespace pgtraffic::report
