// The one table of commands and options. It feeds the parser, the help, the manual page and the shells'
// completions, so they cannot disagree. Knows names and texts, not what the values mean: turning
// text into numbers is command_line's work.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
[[nodiscard]] std::span<const ExitStatusRow> exit_status_table() noexcept;
/// An option's help with its default.
[[nodiscard]] std::string described(const OptionRow& row);
[[nodiscard]] const CommandRow& row_of(Command command) noexcept;

/// The words that an option allows, from its table row; empty where it takes free text.
[[nodiscard]] std::vector<std::string_view> allowed_words(const OptionRow& row);

/// A command with the arguments behind its name.
struct Invocation {
    Command command = Command::run;
    bool named = false;  ///< the command was written out
    std::vector<std::string> arguments;
};

/// `arguments` without the program's name. Options without a command mean `run`. Throws base::Error for an
/// unknown command, naming the nearest.
[[nodiscard]] Invocation split_command(const std::vector<std::string>& arguments);

enum class Request : std::uint8_t { none, help, version };

/// What the arguments ask for instead of work: --help or -? anywhere, a -h with nothing beside it (otherwise
/// it is psql's host), --version or -V anywhere.
[[nodiscard]] Request requested(const Invocation& invocation);

/// The help of one command; without `named` that of the program, which is run's with the commands. At most 80
/// columns, ends with a newline.
[[nodiscard]] std::string help_text(const Invocation& invocation);

/// The options of one command as text. A value.
class ParsedOptions {
 public:
    /// Throws base::Error for an unknown option or a stray word (naming the nearest), a missing value, a
    /// flag's value that is neither true nor false. Of an option given twice the last one counts, unless it
    /// is repeatable.
    ParsedOptions(Command command, const std::vector<std::string>& arguments);

    [[nodiscard]] const OptionRow& row(std::string_view name) const;  ///< must be one of this command's
    [[nodiscard]] bool given(std::string_view name) const { return given_.contains(name); }
    /// As given, else the default; empty where there is neither.
    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    /// Every value of a repeatable option, as given.
    [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const { return text(name) == "true"; }
    [[nodiscard]] const std::vector<std::string>& operands() const noexcept { return operands_; }

    /// Every option that has a value, in the table's order, flags as "true" or "false", a repeatable option
    /// once for each value. May hold secrets.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> resolved() const;

 private:
    Command command_;
    std::map<std::string, std::vector<std::string>, std::less<>> given_;  // values as they came
    std::vector<std::string> operands_;
};

/// A whole command line as it may be shown: every secret in it masked.
[[nodiscard]] std::vector<std::string> masked_argv(const std::vector<std::string>& argv);

/// `text` in quotes for a message, its password masked, safe for a terminal.
[[nodiscard]] std::string in_quotes(const std::string& text);

/// "; did you mean X?" with the nearest of `known`, or "; known are …" where none is near.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace pgtraffic::cli
