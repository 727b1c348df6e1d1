// Text as one word of a shell's command line, for commands that are shown to be pasted.
#pragma once

#include <string>
#include <string_view>

namespace pgtraffic::base {

/// As it is where no character of it means anything to a shell; else in single quotes.
[[nodiscard]] inline std::string shell_word(std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string{text};
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return word + "'";
}

}  // namespace pgtraffic::base
