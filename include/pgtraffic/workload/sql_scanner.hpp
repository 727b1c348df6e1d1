// Walks over the text of SQL statements: the one place that knows where words, quotes and comments begin and
// end. The rules are PostgreSQL's (documentation, "SQL Syntax", section "Lexical Structure"). Finds its way
// through text that is no SQL, too: what is never closed takes the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::workload {

/// A value. Refers to the text.
class SqlScanner {
 public:
    explicit SqlScanner(std::string_view sql) : rest_{sql} {}

    /// What is left, from the next thing on that is no white space, comment or semicolon; empty at the end.
    [[nodiscard]] std::string_view peek();
    /// What is left, whatever comes first in it.
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    /// As peek(), but that a semicolon is a thing, too.
    [[nodiscard]] std::string_view peek_in_statement();
    /// Takes the word that comes next, in lower case; empty where something else does.
    [[nodiscard]] std::string take_word();
    /// Takes one thing that peek() shows, or peek_in_statement(): a word, a number, a quoted text, a
    /// parameter, or a single character of any other.
    void skip();
    /// Takes the next `length` characters, or all where there are fewer.
    void skip(std::size_t length);

 private:
    [[nodiscard]] bool at_escaped_text() const;
    bool skip_to_continuation();
    void skip_quoted(char quote, bool escapes);
    void skip_comment();
    void skip_dollar();

    std::string_view rest_;
};

/// The words of `sql` in lower case, without what is quoted or commented out.
[[nodiscard]] std::vector<std::string> sql_words(std::string_view sql);

template <class Words>
[[nodiscard]] bool is_one_of(std::string_view word, const Words& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether a word may go on with it.
[[nodiscard]] bool is_word_part(char c);

}  // namespace pgtraffic::workload
