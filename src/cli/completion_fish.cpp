// fish's script: one `complete` for each option of each command.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/cli/completion.hpp"

namespace pgtraffic::cli {
namespace {

/// In single quotes, in which fish knows backslash and apostrophe only.
std::string in_apostrophes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string when(std::string_view command) {
    return fmt::format("complete -c pgtraffic -n '__pgtraffic_command_is {}'", command);
}

std::string offered(const Candidates& candidates) {
    std::string text;
    if (candidates.files) text += " -F";
    if (!candidates.words.empty()) text += fmt::format(" -a '{}'", fmt::join(candidates.words, " "));
    return text;
}

std::string option_line(const CommandRow& command, const OptionRow& row) {
    auto line = when(command.name);
    if (row.letter != 0) line += fmt::format(" -s '{}'", row.letter);
    line += fmt::format(" -l {}", row.name);
    if (!row.is_flag()) {
        const auto candidates = value_candidates(row);
        line += (candidates.files ? " -r" : " -x") + offered(candidates);  // -x: no files
    }
    return fmt::format("{} -d {}\n", line, in_apostrophes(described(row)));
}

}  // namespace

std::string fish_completion() {
    std::vector<std::string_view> names;
    for (const auto& row : command_table()) names.push_back(row.name);
    auto text = fmt::format(R"(# Completion of pgtraffic for fish, made from its table of options.
function __pgtraffic_command_is
    set -l words (commandline -opc)
    set -l command run
    if set -q words[2]; and contains -- $words[2] {0}
        set command $words[2]
    end
    test $command = $argv[1]
end

function __pgtraffic_first_word
    test (count (commandline -opc)) -eq 1
end

complete -c pgtraffic -f
)",
                            fmt::join(names, " "));
    for (const auto& command : command_table()) {
        text += fmt::format("complete -c pgtraffic -n __pgtraffic_first_word -a {} -d {}\n", command.name,
                            in_apostrophes(command.help));
    }
    for (const auto& command : command_table()) {
        const auto operand = operand_candidates(command);
        if (!operand.none()) text += fmt::format("{}{}\n", when(command.name), offered(operand));
        for (const auto& row : option_table()) {
            if (row.belongs_to(command.command)) text += option_line(command, row);
        }
    }
    return text;
}

}  // namespace pgtraffic::cli
