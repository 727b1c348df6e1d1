#include "pgtraffic/workload/intent.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 10> kReading{"select", "values", "table",  "show",     "with",
                                                    "begin",  "start",  "commit", "rollback", "end"};
/// "update" and "share" also lock rows, "into" makes a table, "write" opens a transaction that may.
constexpr std::array<std::string_view, 9> kWriting{"insert", "update", "delete",  "merge", "into",
                                                   "share",  "write",  "nextval", "setval"};

constexpr std::array<std::string_view, 5> kDefining{"create", "alter", "do", "call", "set"};

template <class Words>
bool is_one_of(std::string_view word, const Words& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::uint32_t inserts_in(std::string_view sql) {
    const auto words = sql_words(sql);
    return static_cast<std::uint32_t>(std::count_if(words.begin(), words.end(), [](const std::string& word) {
        return word == "insert" || word == "merge";
    }));
}

bool may_define(std::string_view sql) {
    const auto words = sql_words(sql);
    if (words.empty()) return false;
    const bool makes_a_table = is_one_of("into", words) && !is_one_of("insert", words);
    return makes_a_table || is_one_of(words.front(), kDefining);
}

bool only_reads(std::string_view sql) {
    const auto words = sql_words(sql);
    return !words.empty() && is_one_of(words.front(), kReading) &&
           std::none_of(words.begin(), words.end(),
                        [](const std::string& word) { return is_one_of(word, kWriting); });
}

bool only_reads(const Scenario& scenario) {
    if (scenario.read_only) return *scenario.read_only;
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            if (!only_reads(statement.sql)) return false;
        }
    }
    return true;
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
