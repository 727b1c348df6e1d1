#include "pgtraffic/workload/statement_kind.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 18> kReading{
    "select", "values",  "table", "show",   "explain",  "fetch",   "move",      "close",   "set",
    "reset",  "discard", "lock",  "listen", "unlisten", "declare", "savepoint", "release", "deallocate"};

}  // namespace

std::string_view from_first_word(std::string_view sql) {
    while (!sql.empty()) {
        if (sql.find_first_of(" \t\r\n\f\v;") == 0) {
            sql.remove_prefix(1);
        } else if (sql.starts_with("--")) {
            sql.remove_prefix(std::min(sql.find_first_of("\r\n"), sql.size()));
        } else if (sql.starts_with("/*")) {
            std::size_t depth = 0;  // SQL comments nest
            do {
                const bool opens = sql.starts_with("/*");
                const bool closes = sql.starts_with("*/");
                if (opens) ++depth;
                if (closes) --depth;
                sql.remove_prefix(opens || closes ? 2 : 1);
            } while (depth > 0 && !sql.empty());
        } else {
            break;
        }
    }
    return sql;
}

std::string take_word(std::string_view& sql) {
    sql = from_first_word(sql);
    std::string word;
    for (const char c : sql) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) == 0 && c != '_') break;
        word += static_cast<char>(std::tolower(byte));
    }
    sql.remove_prefix(word.size());
    return word;
}

StatementKind kind_of(std::string_view sql) {
    sql = from_first_word(sql);
    while (sql.starts_with('(')) sql = from_first_word(sql.substr(1));  // (SELECT …) UNION …
    const std::string first = take_word(sql);
    std::string second = take_word(sql);
    if (first == "begin" || first == "start") return StatementKind::begins;
    if (first == "end") return StatementKind::commits;
    if (first == "prepare") {
        return second == "transaction" ? StatementKind::commits : StatementKind::reads;
    }
    if (first == "commit") return second == "prepared" ? StatementKind::writes : StatementKind::commits;
    if (first == "rollback" || first == "abort") {
        if (second == "prepared") return StatementKind::writes;
        if (second == "work" || second == "transaction") second = take_word(sql);
        return second == "to" ? StatementKind::reads : StatementKind::rolls_back;
    }
    const bool reading = std::find(kReading.begin(), kReading.end(), first) != kReading.end();
    // EXPLAIN ANALYZE INSERT … inserts.
    const bool analyzes =
        first == "explain" && (second == "analyze" || sql.starts_with('(') || second.empty());
    return reading && !analyzes ? StatementKind::reads : StatementKind::writes;
}

}  // namespace pgtraffic::workload
