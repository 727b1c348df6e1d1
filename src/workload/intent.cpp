// The lexical rules are those of PostgreSQL: documentation, "SQL Syntax", section "Lexical Structure".
#include "pgtraffic/workload/intent.hpp"

#include <algorithm>
#include <array>

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 10> kReading{"select", "values", "table",  "show",     "with",
                                                    "begin",  "start",  "commit", "rollback", "end"};
/// "update" and "share" also lock rows, "into" makes a table, "write" opens a transaction that may.
constexpr std::array<std::string_view, 9> kWriting{"insert", "update", "delete",  "merge", "into",
                                                   "share",  "write",  "nextval", "setval"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) > 127;
}
bool is_word_part(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

/// Walks over SQL; every step takes at least one byte.
class Scanner {
 public:
    explicit Scanner(std::string_view sql) : rest_{sql} {}

    /// The next word; empty at the end.
    std::string next() {
        while (!rest_.empty()) {
            if (is_letter(rest_.front())) {
                auto word = take_word();
                // E'…' is the one quote in which a backslash escapes.
                if (word == "e" && rest_.starts_with("'")) {
                    skip_quoted('\'', true);
                    continue;
                }
                return word;
            }
            skip_other();
        }
        return {};
    }

 private:
    std::string take_word() {
        std::size_t length = 1;
        while (length < rest_.size() && is_word_part(rest_[length])) ++length;
        std::string word{rest_.substr(0, length)};
        for (char& c : word) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        }
        rest_.remove_prefix(length);
        return word;
    }

    void skip_other() {
        const char c = rest_.front();
        if (c == '\'' || c == '"') return skip_quoted(c, false);
        if (rest_.starts_with("--")) return skip(std::min(rest_.find_first_of("\r\n"), rest_.size()));
        if (rest_.starts_with("/*")) return skip_comment();
        if (c == '$') return skip_dollar();
        std::size_t length = 1;  // a number takes its letters along: 1e5 holds no word
        if (c >= '0' && c <= '9') {
            while (length < rest_.size() && is_word_part(rest_[length])) ++length;
        }
        skip(length);
    }

    /// A doubled quote ends one text and begins the next, which comes to the same.
    void skip_quoted(char quote, bool escapes) {
        std::size_t at = 1;
        while (at < rest_.size() && rest_[at] != quote)
            at += escapes && rest_[at] == '\\' ? std::size_t{2} : 1;
        skip(at + 1);
    }

    void skip_comment() {
        int depth = 0;
        do {
            const bool opens = rest_.starts_with("/*");
            const bool closes = rest_.starts_with("*/");
            depth += opens ? 1 : closes ? -1 : 0;
            skip(opens || closes ? 2 : 1);
        } while (depth > 0 && !rest_.empty());
    }

    /// $tag$ … $tag$, or only the $1 of a parameter.
    void skip_dollar() {
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != '$' && is_word_part(rest_[end])) ++end;
        const bool opens = end < rest_.size() && rest_[end] == '$' && (end == 1 || is_letter(rest_[1]));
        if (!opens) return skip(end);
        const auto tag = rest_.substr(0, end + 1);
        const auto close = rest_.find(tag, tag.size());
        skip(close == std::string_view::npos ? rest_.size() : close + tag.size());
    }

    void skip(std::size_t length) { rest_.remove_prefix(std::min(length, rest_.size())); }

    std::string_view rest_;
};

std::uint32_t inserts_in(std::string_view sql) {
    const auto words = sql_words(sql);
    return static_cast<std::uint32_t>(std::count_if(words.begin(), words.end(), [](const std::string& word) {
        return word == "insert" || word == "merge";
    }));
}

}  // namespace

std::vector<std::string> sql_words(std::string_view sql) {
    std::vector<std::string> words;
    Scanner scanner{sql};
    for (auto word = scanner.next(); !word.empty(); word = scanner.next()) words.push_back(std::move(word));
    return words;
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
