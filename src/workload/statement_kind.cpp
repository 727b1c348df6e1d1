#include "pgtraffic/workload/statement_kind.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "pgtraffic/workload/intent.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 18> kReadingStatements{
    "select", "values",  "table", "show",   "explain",  "fetch",   "move",      "close",   "set",
    "reset",  "discard", "lock",  "listen", "unlisten", "declare", "savepoint", "release", "deallocate"};

}  // namespace

StatementKind kind_of(std::string_view text) {
    SqlScanner sql{text};
    while (sql.peek().starts_with('(')) sql.skip();  // (SELECT …) UNION …
    const std::string first = sql.take_word();
    std::string second = sql.take_word();
    if (first == "begin" || first == "start") return StatementKind::begins;
    if (first == "end") return StatementKind::commits;
    if (first == "prepare") {
        return second == "transaction" ? StatementKind::commits : StatementKind::reads;
    }
    if (first == "commit") return second == "prepared" ? StatementKind::writes : StatementKind::commits;
    if (first == "rollback" || first == "abort") {
        if (second == "prepared") return StatementKind::writes;
        if (second == "work" || second == "transaction") second = sql.take_word();
        return second == "to" ? StatementKind::reads : StatementKind::rolls_back;
    }
    // EXPLAIN ANALYZE INSERT … inserts, and EXPLAIN (…) may say ANALYZE, too.
    const bool analyzes =
        first == "explain" && (second == "analyze" || second == "analyse" || second.empty());
    const bool makes_a_table = first == "select" && is_one_of("into", sql_words(text));
    const bool leaves_nothing = is_one_of(first, kReadingStatements) && !analyzes && !makes_a_table;
    return leaves_nothing || only_reads(text) ? StatementKind::reads : StatementKind::writes;
}

bool rolls_back_to_savepoint(std::string_view text) {
    SqlScanner sql{text};
    const std::string first = sql.take_word();
    return (first == "rollback" || first == "abort") && kind_of(text) == StatementKind::reads;
}

bool chains(std::string_view text) {
    const auto words = sql_words(text);
    const auto chain = std::find(words.begin(), words.end(), "chain");
    return chain != words.end() && chain != words.begin() && *std::prev(chain) == "and";
}

}  // namespace pgtraffic::workload
