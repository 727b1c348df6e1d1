// The one table of commands and options. It feeds the parser, the help, the manual page and the shells'
// completions, so they cannot disagree. Knows names and texts, not what the values mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::cli {

enum class Command : std::uint8_t { run, init, cleanup, plan, list, show, report, compare };

struct CommandRow {
    Command command;
    std::string_view name;
    std::string_view operand;   ///< the one word it takes beside options, "NAME"; with "..." any number of
                                ///< them; empty: none
    std::string_view help;      ///< one line
    std::string_view examples;  ///< lines

    [[nodiscard]] constexpr bool takes_many() const noexcept { return operand.ends_with("..."); }
};

/// A name may have several rows, of different commands, where its meaning or default differs.
struct OptionRow {
    std::string_view name;   ///< without the dashes
    char letter;             ///< short form; 0: none
    std::string_view value;  ///< "N"; words joined by '|' are all that is allowed; empty: a flag
    std::string_view group;  ///< heading in the help
    std::string_view help;
    std::string_view fallback;  ///< the value where the option is not given; empty: none
    std::uint8_t commands;      ///< a bit for each Command
    bool only_asks = false;     ///< --help and --version: found by requested(), unknown to the parser
    bool repeatable = false;    ///< every value counts, not the last one
    bool secret = false;        ///< the value is never shown

    [[nodiscard]] constexpr bool is_flag() const noexcept { return value.empty(); }
    [[nodiscard]] constexpr bool belongs_to(Command command) const noexcept {
        return (commands >> static_cast<unsigned>(command) & 1U) != 0;
    }
};

/// What an exit status says, of a run or of compare.
struct ExitStatusRow {
    std::string_view status;  ///< "99", or several: "129, 130, 143"
    std::string_view meaning;
};

[[nodiscard]] std::span<const CommandRow> command_table() noexcept;
[[nodiscard]] std::span<const OptionRow> option_table() noexcept;
/// Of `run` and `compare`; the others have none of their own.
[[nodiscard]] std::span<const ExitStatusRow> exit_status_table(Command command) noexcept;

/// Null where the command has no such option.
[[nodiscard]] const OptionRow* find_option(Command command, std::string_view name) noexcept;
[[nodiscard]] const OptionRow* find_letter(Command command, char letter) noexcept;

/// An option's help with its default.
[[nodiscard]] std::string described(const OptionRow& row);
[[nodiscard]] const CommandRow& row_of(Command command) noexcept;

/// What an option's value may be, as its table row has it: "NAME|FILE" are two.
[[nodiscard]] std::vector<std::string_view> value_forms(const OptionRow& row);

/// A word in capitals is no value itself, but what kind of text one is.
[[nodiscard]] bool stands_for_text(std::string_view form) noexcept;

/// The words that an option allows, from its table row; empty where it takes free text.
[[nodiscard]] std::vector<std::string_view> allowed_words(const OptionRow& row);

}  // namespace pgtraffic::cli
