// Parses a command line by the table of commands and options, and makes the help of it. Turning text into
// numbers is command_line's work.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/cli/option_table.hpp"

namespace pgtraffic::cli {

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
