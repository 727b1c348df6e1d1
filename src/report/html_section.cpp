#include "pgtraffic/report/html_section.hpp"

#include <fmt/format.h>

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

std::string plain_table(std::string_view title, const Json& list) {
    std::vector<HtmlColumn> heads;
    std::vector<std::string> keys;
    Rows rows;
    for (const auto& one : list) {
        if (!one.is_object() || one.empty()) continue;
        if (heads.empty()) {
            for (const auto& [key, value] : one.items()) {
                heads.push_back({html_text(key), !value.is_number()});
                keys.push_back(key);
            }
        }
        auto& row = rows.emplace_back();
        for (const auto& key : keys) row.push_back(one.contains(key) ? html_text(plain(one[key])) : "–");
    }
    return rows.empty() ? "" : fmt::format("<h3>{}</h3>\n", title) + html_table(title, heads, rows);
}

std::string figure_table(std::string_view label, const Json& list, const std::string& place,
                         std::string_view name_head, std::initializer_list<FigureColumn> columns,
                         const HtmlFigures& figure) {
    std::vector<HtmlColumn> heads{{std::string{name_head}, true}};
    for (const auto& column : columns) heads.push_back({column.head});
    Rows rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto& row = rows.emplace_back(std::vector<std::string>{html_text(text_of(list[i], "name"))});
        for (const auto& column : columns)
            row.push_back(figure(fmt::format("{}/{}/{}", place, i, column.key), column.look));
    }
    return html_table(label, heads, rows);
}

}  // namespace pgtraffic::report
