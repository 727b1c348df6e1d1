// What a shell offers behind the TAB key: scripts for bash, zsh and fish, made of the option table and the
// names of the built-in scenarios and patterns. Made while building; the program itself does not print them.
#pragma once

#include <string>
#include <vector>

#include "pgtraffic/cli/options.hpp"

namespace pgtraffic::cli {

/// What may stand where a value is asked for.
struct Candidates {
    std::vector<std::string> words;
    bool files = false;  ///< names of files as well

    [[nodiscard]] bool none() const noexcept { return words.empty() && !files; }
};

/// Of an option's value: the lower-case words of its row, files for FILE, the built-in patterns for the NAME
/// of a pattern. None for free text.
[[nodiscard]] Candidates value_candidates(const OptionRow& row);

/// Of the word that a command takes beside its options.
[[nodiscard]] Candidates operand_candidates(const CommandRow& row);

[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();

}  // namespace pgtraffic::cli
