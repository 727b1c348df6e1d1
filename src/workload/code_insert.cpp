#include "pgtraffic/workload/code_insert.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

/// Takes "(a, f(b, c), 'd,e')" off the front of `sql` as its top-level parts; none where it does not close.
std::optional<std::vector<std::string_view>> take_list(SqlScanner& sql) {
    if (!sql.peek().starts_with('(')) return std::nullopt;
    sql.skip();
    std::vector<std::string_view> parts;
    int depth = 1;
    const char* part = sql.peek().data();
    while (!sql.peek().empty()) {
        const char* here = sql.peek().data();
        depth += *here == '(' ? 1 : *here == ')' ? -1 : 0;
        const bool ends = (*here == ',' && depth == 1) || depth == 0;
        if (ends) parts.push_back(base::trimmed({part, static_cast<std::size_t>(here - part)}));
        sql.skip();
        if (depth == 0) return parts;
        if (ends) part = sql.peek().data();
    }
    return std::nullopt;
}

/// "" or "::text", "::numeric(9, 0)[]": whatever else stands there changes the value.
bool casts_at_most(std::string_view rest) {
    if (rest.empty()) return true;
    if (!rest.starts_with("::")) return false;
    return std::all_of(rest.begin() + 2, rest.end(), [](char c) {
        return base::is_letter(c) || base::is_digit(c) ||
               std::string_view{"_.,()[] :"}.find(c) != std::string_view::npos;
    });
}

/// "$3" or "$3::text" -> 2.
std::optional<std::size_t> parameter_of(std::string_view value) {
    if (!value.starts_with('$')) return std::nullopt;
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(value.data() + 1, value.data() + value.size(), n);
    const auto rest = base::trimmed(value.substr(static_cast<std::size_t>(end - value.data())));
    if (error != std::errc{} || n == 0 || !casts_at_most(rest)) return std::nullopt;
    return n - 1;
}

}  // namespace

std::optional<CodeInsert> code_insert(const Statement& statement) {
    SqlScanner sql{statement.sql};
    if (sql.take_word() != "insert" || sql.take_word() != "into") return std::nullopt;
    const auto table = base::trimmed(sql.peek().substr(0, sql.peek().find('(')));
    if (table.empty() || table.find_first_of(" \t\r\n;'") != std::string_view::npos) return std::nullopt;
    sql.skip(table.size());
    const auto columns = take_list(sql);
    if (!columns || sql.take_word() != "values") return std::nullopt;
    const auto values = take_list(sql);
    if (!values || values->size() != columns->size()) return std::nullopt;
    if (sql.take_word() != "returning" && !sql.peek().empty()) return std::nullopt;
    for (std::size_t i = 0; i < values->size(); ++i) {
        const auto parameter = parameter_of((*values)[i]);
        if (!parameter || *parameter >= statement.arguments.size()) continue;
        if (std::holds_alternative<CodeParameter>(statement.arguments[*parameter].parameter)) {
            return CodeInsert{std::string{table}, std::string{(*columns)[i]}, *parameter};
        }
    }
    return std::nullopt;
}

}  // namespace pgtraffic::workload
