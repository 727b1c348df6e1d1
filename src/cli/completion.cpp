// What all three shells are offered, and bash's script. Only words of our own table get into a script, so
// quoting is for our apostrophes, not against strangers.
#include "pgtraffic/cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {
namespace {

std::vector<std::string> names_of_commands() {
    std::vector<std::string> names;
    for (const auto& row : command_table()) names.emplace_back(row.name);
    return names;
}

/// "-c --connections", as far as there is a letter.
std::string spellings(const OptionRow& row, std::string_view between) {
    return row.letter == 0 ? fmt::format("--{}", row.name)
                           : fmt::format("-{}{}--{}", row.letter, between, row.name);
}

/// What bash does for these candidates: a line of its `case`.
std::string bash_action(const Candidates& candidates) {
    std::string action;
    if (!candidates.words.empty()) action += fmt::format("words='{}'; ", fmt::join(candidates.words, " "));
    if (candidates.files) action += "files=yes; ";
    return action;
}

std::string bash_values() {
    std::string text;
    for (const auto& command : command_table()) {
        for (const auto& row : option_table()) {
            if (!row.belongs_to(command.command) || row.is_flag()) continue;
            const auto head = fmt::format("{}:", command.name);
            auto pattern = head + fmt::format("--{}", row.name);
            if (row.letter != 0) pattern = fmt::format("{}-{} | {}", head, row.letter, pattern);
            text += fmt::format("        {}) {};;\n", pattern, bash_action(value_candidates(row)));
        }
    }
    return text;
}

std::string bash_options() {
    std::string text;
    for (const auto& command : command_table()) {
        std::vector<std::string> options;
        for (const auto& row : option_table()) {
            if (row.belongs_to(command.command)) options.push_back(spellings(row, " "));
        }
        text += fmt::format("                {}) words='{}' ;;\n", command.name, fmt::join(options, " "));
    }
    return text;
}

std::string bash_operands() {
    std::string text;
    for (const auto& command : command_table()) {
        const auto candidates = operand_candidates(command);
        if (candidates.none()) continue;
        text += fmt::format("                {}) {};;\n", command.name, bash_action(candidates));
    }
    return text;
}

}  // namespace

Candidates value_candidates(const OptionRow& row) {
    Candidates candidates;
    for (const auto part : value_forms(row)) {
        if (part == "FILE") {
            candidates.files = true;
        } else if (part == "NAME" && row.name == "pattern") {
            for (const auto name : traffic::pattern_names()) candidates.words.emplace_back(name);
        } else if (!stands_for_text(part)) {
            candidates.words.emplace_back(part);
        }
    }
    return candidates;
}

Candidates operand_candidates(const CommandRow& row) {
    Candidates candidates;
    candidates.files = row.operand.starts_with("FILE");
    if (row.command == Command::show) {
        for (const auto name : workload::scenario_names()) candidates.words.emplace_back(name);
        for (const auto name : traffic::pattern_names()) candidates.words.emplace_back(name);
    }
    return candidates;
}

std::string bash_completion() {
    const auto commands = names_of_commands();
    return fmt::format(
        R"(# Completion of pgtraffic for bash, made from its table of options.
_pgtraffic() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command=run words='' files='' kind=word
    # bash makes words of their own of the parts of --option=value
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    if ((COMP_CWORD > 1)); then
        case ${{COMP_WORDS[1]}} in
        {0}) command=${{COMP_WORDS[1]}} ;;
        esac
    fi
    case $command:$prev in
{1}        *) kind=option ;;
    esac
    if [[ $kind == option ]]; then
        if [[ $cur == -* ]]; then
            case $command in
{2}            esac
        elif ((COMP_CWORD == 1)); then
            words='{3}'
        else
            case $command in
{4}                *) ;;
            esac
        fi
    fi
    COMPREPLY=()
    if [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    fi
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        local found
        while IFS= read -r found; do
            COMPREPLY+=("$found")
        done < <(compgen -f -- "$cur")
    fi
}}
complete -F _pgtraffic pgtraffic
)",
        fmt::join(commands, " | "), bash_values(), bash_options(), fmt::join(commands, " "), bash_operands());
}

}  // namespace pgtraffic::cli
