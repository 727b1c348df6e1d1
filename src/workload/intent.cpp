#include "pgtraffic/workload/intent.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 13> kBeginsReading{
    "select", "values",    "table",   "show",   "with",     "begin", "start",
    "end",    "savepoint", "release", "commit", "rollback", "abort"};
/// "update" and "share" also lock rows, "into" makes a table, "write" opens a transaction that may.
constexpr std::array<std::string_view, 9> kWriting{"insert", "update", "delete",  "merge", "into",
                                                   "share",  "write",  "nextval", "setval"};

/// Of BEGIN, START TRANSACTION and SET.
constexpr std::array<std::string_view, 2> kReadWrite{"read", "write"};

bool says_read_write(const std::vector<std::string>& words) {
    return std::search(words.begin(), words.end(), kReadWrite.begin(), kReadWrite.end()) != words.end();
}

/// COMMIT PREPARED and ROLLBACK PREPARED end what somebody wrote.
constexpr std::array<std::string_view, 2> kEnding{"commit", "rollback"};

constexpr std::array<std::string_view, 5> kDefining{"create", "alter", "do", "call", "set"};

/// SELECT … INTO, the other statements with that word apart.
bool selects_into_a_table(const std::vector<std::string>& words) {
    return is_one_of("into", words) && !is_one_of("insert", words) && !is_one_of("merge", words);
}

/// Of "WITH x AS (INSERT …) SELECT …" the SELECT: the command whose answer is the statement's.
std::string outermost_command(std::string_view sql) {
    constexpr std::array<std::string_view, 7> kCommands{"select", "insert", "update", "delete",
                                                        "merge",  "values", "table"};
    SqlScanner scanner{sql};
    auto word = scanner.take_word();
    if (word != "with") return word;
    int depth = 0;
    while (!scanner.peek().empty()) {
        const char c = scanner.peek().front();
        if (word = scanner.take_word(); !word.empty()) {
            if (depth == 0 && is_one_of(word, kCommands)) return word;
            continue;
        }
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        scanner.skip();
    }
    return {};
}

template <class Is>
bool any_statement(const Scenario& scenario, const Is& is) {
    return std::ranges::any_of(scenario.operations, [&](const Operation& operation) {
        return std::ranges::any_of(operation.statements,
                                   [&](const Statement& statement) { return is(statement.sql); });
    });
}

}  // namespace

std::uint32_t inserts_in(std::string_view sql) {
    const auto words = sql_words(sql);
    std::uint32_t inserts = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool part_of_merge = i > 0 && words[i - 1] == "then";
        if (words[i] == "merge" || (words[i] == "insert" && !part_of_merge)) ++inserts;
    }
    return inserts;
}

bool may_define(std::string_view sql) {
    const auto words = sql_words(sql);
    if (words.empty()) return false;
    return selects_into_a_table(words) || is_one_of(words.front(), kDefining);
}

bool adds_untold_rows(std::string_view sql) {
    constexpr std::array<std::string_view, 3> kOpaque{"do", "call", "execute"};
    const auto words = sql_words(sql);
    if (words.empty()) return false;
    const bool fills_a_new_table =
        selects_into_a_table(words) || (words.front() == "create" && is_one_of("as", words));
    const auto outermost = outermost_command(sql);
    const std::uint32_t told = outermost == "insert" || outermost == "merge" ? 1 : 0;
    return is_one_of(words.front(), kOpaque) || fills_a_new_table || inserts_in(sql) > told;
}

bool only_reads(std::string_view sql) {
    const auto words = sql_words(sql);
    if (words.size() > 1 && is_one_of(words.front(), kEnding) && words[1] == "prepared") return false;
    return !words.empty() && is_one_of(words.front(), kBeginsReading) &&
           std::none_of(words.begin(), words.end(),
                        [](const std::string& word) { return is_one_of(word, kWriting); });
}

bool only_reads(const Scenario& scenario) {
    return scenario.read_only.value_or(looks_like_reading(scenario));
}

bool looks_like_reading(const Scenario& scenario) {
    return !any_statement(scenario, [](std::string_view sql) { return !only_reads(sql); }) &&
           !may_lift_read_only(scenario);
}

bool surely_writes(std::string_view sql) {
    constexpr std::array<std::string_view, 9> kWriters{"insert", "update", "delete", "merge",  "truncate",
                                                       "create", "alter",  "drop",   "reindex"};
    constexpr std::array<std::string_view, 4> kReaders{"select", "values", "table", "with"};
    constexpr std::array<std::string_view, 5> kWithinReaders{"insert", "delete", "merge", "nextval",
                                                             "setval"};
    const auto words = sql_words(sql);
    if (words.empty()) return false;
    const auto writes_within = [&](const std::string& word) { return is_one_of(word, kWithinReaders); };
    return is_one_of(words.front(), kWriters) ||
           (is_one_of(words.front(), kReaders) &&
            (selects_into_a_table(words) || std::ranges::any_of(words, writes_within)));
}

bool surely_writes(const Scenario& scenario) {
    if (scenario.read_only) return !*scenario.read_only;
    return any_statement(scenario, [](std::string_view sql) { return surely_writes(sql); });
}

bool asks_to_write(const Scenario& scenario) {
    return any_statement(scenario, [](std::string_view sql) {
        const auto words = sql_words(sql);
        const bool by_name = !words.empty() && words.front() == "set" &&
                             std::ranges::any_of(words, [](const std::string& word) {
                                 return word.ends_with("transaction_read_only");
                             });
        return by_name || says_read_write(words);
    });
}

bool may_lift_read_only(const Scenario& scenario) {
    return any_statement(scenario, [](std::string_view sql) {
        const auto words = sql_words(sql);
        if (words.empty()) return false;
        const auto& first = words.front();
        const bool resets = (first == "reset" || first == "discard") && words.size() > 1 && words[1] == "all";
        constexpr std::array<std::string_view, 3> kModes{"begin", "start", "set"};
        const bool by_mode = is_one_of(first, kModes) && says_read_write(words);
        // In quotes, too, and as an argument of set_config().
        const auto lower = base::lower_case(sql);
        const bool sets_on = first == "set" && (words.back() == "on" || words.back() == "true");
        const bool by_name =
            lower.find("transaction_read_only") != std::string::npos && first != "show" && !sets_on;
        return resets || by_mode || by_name;
    });
}

bool calls_set_config(const Scenario& scenario) {
    return any_statement(scenario,
                         [](std::string_view sql) { return is_one_of("set_config", sql_words(sql)); });
}

std::uint32_t inserts_of(const Operation& operation) {
    std::uint32_t all = 0;
    std::uint32_t most = 0;
    for (const auto& statement : operation.statements) {
        const auto n = inserts_in(statement.sql);
        all += n;
        most = std::max(most, n);
    }
    return operation.choose_one ? most : all;
}

}  // namespace pgtraffic::workload
