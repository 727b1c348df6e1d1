// Text as one word of a shell's command line, for commands that a message proposes to be pasted.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace pgtraffic::base {

/// As it is where it consists of letters, digits and _ - . / alone; else in single quotes.
[[nodiscard]] inline std::string shell_word(std::string_view text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.' || c == '/';
    };
    if (!text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), plain))
        return std::string{text};
    std::string word = "'";
    for (const char c : text) {
        if (c == '\'') word += "'\\'";
        word += c;
    }
    return word + "'";
}

}  // namespace pgtraffic::base
