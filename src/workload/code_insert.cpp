#include "pgtraffic/workload/code_insert.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "pgtraffic/workload/statement_kind.hpp"

namespace pgtraffic::workload {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n\f\v";
    const auto first = text.find_first_not_of(kBlank);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// Takes "(a, f(b, c), 'd,e')" off the front of `sql` as its top-level parts; none where it does not close.
std::optional<std::vector<std::string_view>> take_list(std::string_view& sql) {
    sql = from_first_word(sql);
    if (!sql.starts_with('(')) return std::nullopt;
    std::vector<std::string_view> parts;
    int depth = 0;
    char quote = 0;
    std::size_t begin = 1;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        const char c = sql[i];
        if (quote != 0) {
            if (c == quote) quote = 0;  // a doubled one opens again at once
            continue;
        }
        if (c == '\'' || c == '"') quote = c;
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if ((c == ',' && depth == 1) || (c == ')' && depth == 0)) {
            parts.push_back(trimmed(sql.substr(begin, i - begin)));
            begin = i + 1;
        }
        if (c == ')' && depth == 0) {
            sql.remove_prefix(i + 1);
            return parts;
        }
    }
    return std::nullopt;
}

/// "$3" or "$3::text" -> 2.
std::optional<std::size_t> parameter_of(std::string_view value) {
    if (!value.starts_with('$')) return std::nullopt;
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(value.data() + 1, value.data() + value.size(), n);
    const auto rest = trimmed(value.substr(static_cast<std::size_t>(end - value.data())));
    if (error != std::errc{} || n == 0 || !(rest.empty() || rest.starts_with("::"))) return std::nullopt;
    return n - 1;
}

}  // namespace

std::optional<CodeInsert> code_insert(const Statement& statement) {
    std::string_view sql = statement.sql;
    if (take_word(sql) != "insert" || take_word(sql) != "into") return std::nullopt;
    sql = from_first_word(sql);
    const auto table = trimmed(sql.substr(0, sql.find('(')));
    if (table.empty() || table.find_first_of(" \t\r\n;'") != std::string_view::npos) return std::nullopt;
    sql.remove_prefix(std::min(sql.find('('), sql.size()));
    const auto columns = take_list(sql);
    if (!columns || take_word(sql) != "values") return std::nullopt;
    const auto values = take_list(sql);
    if (!values || values->size() != columns->size()) return std::nullopt;
    const auto next = take_word(sql);
    if (next != "returning" && !from_first_word(sql).empty()) return std::nullopt;
    for (std::size_t i = 0; i < values->size(); ++i) {
        const auto parameter = parameter_of((*values)[i]);
        if (!parameter || *parameter >= statement.parameters.size()) continue;
        if (std::holds_alternative<CodeParameter>(statement.parameters[*parameter])) {
            return CodeInsert{std::string{table}, std::string{(*columns)[i]}, *parameter};
        }
    }
    return std::nullopt;
}

}  // namespace pgtraffic::workload
