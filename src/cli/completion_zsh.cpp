// zsh's script: one call of its _arguments for each command, which also shows every option's help.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/cli/completion.hpp"

namespace pgtraffic::cli {
namespace {

/// Inside the single quotes of a specification, where brackets and colons part its fields.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
            continue;
        }
        if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

/// ":N:(words)" behind an option that takes a value.
std::string value_part(std::string_view what, const Candidates& candidates) {
    auto part = fmt::format(":{}:", escaped(what));
    if (candidates.files && !candidates.words.empty()) {
        part += fmt::format("{{compadd -- {}; _files}}", fmt::join(candidates.words, " "));
    } else if (candidates.files) {
        part += "_files";
    } else if (!candidates.words.empty()) {
        part += fmt::format("({})", fmt::join(candidates.words, " "));
    } else {
        part += " ";
    }
    return part;
}

std::string option_line(const OptionRow& row) {
    const auto help = fmt::format("[{}]", escaped(described(row)));
    const auto value = row.is_flag() ? std::string{} : value_part(row.value, value_candidates(row));
    const auto equals = row.is_flag() ? "" : "=";
    const auto plus = row.is_flag() ? "" : "+";
    if (row.letter == 0) {
        return fmt::format("'{}--{}{}{}{}'", row.repeatable ? "*" : "", row.name, equals, help, value);
    }
    const auto both =
        row.repeatable ? std::string{"'*'"} : fmt::format("'(-{0} --{1})'", row.letter, row.name);
    return fmt::format("{}{{'-{}{}','--{}{}'}}'{}{}'", both, row.letter, plus, row.name, equals, help, value);
}

std::string command_case(const CommandRow& command) {
    std::string text = fmt::format("    {})\n      _arguments -s -S", command.name);
    for (const auto& row : option_table()) {
        if (row.belongs_to(command.command)) text += fmt::format(" \\\n        {}", option_line(row));
    }
    if (!command.operand.empty()) {
        const bool many = command.operand.ends_with("...");
        text += fmt::format(" \\\n        '{}{}'", many ? "*" : "1",
                            value_part(command.operand, operand_candidates(command)));
    } else if (command.command == Command::run) {
        text += " \\\n        $first";
    }
    return text + "\n      ;;\n";
}

}  // namespace

std::string zsh_completion() {
    std::vector<std::string_view> names;
    std::string described_commands;
    std::string cases;
    for (const auto& row : command_table()) {
        names.push_back(row.name);
        described_commands += fmt::format("    '{}:{}'\n", row.name, escaped(row.help));
        cases += command_case(row);
    }
    return fmt::format(R"(#compdef pgtraffic
# Completion of pgtraffic for zsh, made from its table of options.
_pgtraffic_commands() {{
  local -a commands
  commands=(
{0}  )
  _describe -t commands command commands
}}

_pgtraffic() {{
  local command=run
  local -a first
  # Without a command the first word may become one.
  first=('1:command:_pgtraffic_commands')
  if (( CURRENT > 2 )); then
    first=()
    case $words[2] in
      {1})
        command=$words[2]
        shift words
        (( CURRENT-- ))
        ;;
    esac
  fi
  case $command in
{2}  esac
}}

if [[ ${{funcstack[1]}} == _pgtraffic ]]; then
  _pgtraffic "$@"
else
  compdef _pgtraffic pgtraffic
fi
)",
                       described_commands, fmt::join(names, "|"), cases);
}

}  // namespace pgtraffic::cli
