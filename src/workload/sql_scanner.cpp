#include "pgtraffic/workload/sql_scanner.hpp"

#include <algorithm>

#include "pgtraffic/base/text.hpp"

namespace pgtraffic::workload {
namespace {

/// PostgreSQL takes every byte of other alphabets for a letter.
bool begins_word(char c) {
    return base::is_letter(c) || static_cast<unsigned char>(c) > 127;
}

std::size_t word_length(std::string_view sql) {
    const auto end = std::find_if_not(sql.begin(), sql.end(), is_word_part);
    return static_cast<std::size_t>(end - sql.begin());
}

}  // namespace

bool is_word_part(char c) {
    return begins_word(c) || base::is_digit(c) || c == '$';
}

std::string_view SqlScanner::peek() {
    while (peek_in_statement().starts_with(';')) skip(1);
    return rest_;
}

std::string_view SqlScanner::peek_in_statement() {
    while (!rest_.empty()) {
        if (base::is_space(rest_.front())) {
            skip(1);
        } else if (rest_.starts_with("--")) {
            skip(rest_.find_first_of("\r\n"));
        } else if (rest_.starts_with("/*")) {
            skip_comment();
        } else {
            break;
        }
    }
    return rest_;
}

std::string SqlScanner::take_word() {
    if (peek().empty() || !begins_word(rest_.front()) || at_escaped_text()) return {};
    auto word = base::lower_case(rest_.substr(0, word_length(rest_)));
    rest_.remove_prefix(word.size());
    return word;
}

void SqlScanner::skip() {
    if (peek().empty()) return;
    const char c = rest_.front();
    if (c == '\'' || c == '"') return skip_quoted(c, false);
    if (c == '$') return skip_dollar();
    if (at_escaped_text()) {
        skip(1);
        do {
            skip_quoted('\'', true);
        } while (skip_to_continuation());
        return;
    }
    // A number takes its letters along: 1e5 holds no word.
    skip(begins_word(c) || base::is_digit(c) ? word_length(rest_) : 1);
}

void SqlScanner::skip(std::size_t length) {
    rest_.remove_prefix(std::min(length, rest_.size()));
}

/// E'…', the one quote in which a backslash escapes.
bool SqlScanner::at_escaped_text() const {
    return rest_.starts_with("E'") || rest_.starts_with("e'");
}

/// A text goes on behind white space with a line's end in it, and a backslash escapes there as before. A "--"
/// comment is white space, too; the other kind is not.
bool SqlScanner::skip_to_continuation() {
    std::size_t next = 0;
    bool line_ended = false;
    while (next < rest_.size() && rest_[next] != '\'') {
        if (rest_.substr(next).starts_with("--")) {
            next = std::min(rest_.find_first_of("\r\n", next), rest_.size());
            continue;
        }
        if (!base::is_space(rest_[next])) return false;
        line_ended = line_ended || rest_[next] == '\r' || rest_[next] == '\n';
        ++next;
    }
    if (next == rest_.size() || !line_ended) return false;
    skip(next);
    return true;
}

/// A doubled quote ends one text and begins the next, which comes to the same.
void SqlScanner::skip_quoted(char quote, bool escapes) {
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != quote) at += escapes && rest_[at] == '\\' ? std::size_t{2} : 1;
    skip(at + 1);
}

/// Comments nest.
void SqlScanner::skip_comment() {
    int depth = 0;
    do {
        const bool opens = rest_.starts_with("/*");
        const bool closes = rest_.starts_with("*/");
        depth += opens ? 1 : closes ? -1 : 0;
        skip(opens || closes ? 2 : 1);
    } while (depth > 0 && !rest_.empty());
}

/// $tag$ … $tag$, or only the $1 of a parameter.
void SqlScanner::skip_dollar() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '$' && is_word_part(rest_[end])) ++end;
    const bool opens = end < rest_.size() && rest_[end] == '$' && (end == 1 || begins_word(rest_[1]));
    if (!opens) return skip(end);
    const auto tag = rest_.substr(0, end + 1);
    const auto close = rest_.find(tag, tag.size());
    skip(close == std::string_view::npos ? close : close + tag.size());
}

std::vector<std::string> sql_words(std::string_view sql) {
    std::vector<std::string> words;
    SqlScanner scanner{sql};
    while (!scanner.peek().empty()) {
        if (auto word = scanner.take_word(); !word.empty()) {
            words.push_back(std::move(word));
        } else {
            scanner.skip();
        }
    }
    return words;
}

}  // namespace pgtraffic::workload
