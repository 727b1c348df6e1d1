// The manual page and the completions hold what the option table holds: every option of every command, its
// letter and its words.
#include "pgtraffic/cli/completion.hpp"

#include <sstream>
#include <string>
#include <vector>

#include "pgtraffic/cli/manual.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using cli::Command;
using test::line_with;

namespace {

/// What lies between two marks, the second looked for behind the first; to the end where there is none.
std::string part_between(const std::string& text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos) return "";
    const auto begin = at + from.size();
    const auto end = text.find(to, begin);
    return text.substr(begin, end == std::string::npos ? end : end - begin);
}

const cli::OptionRow& row(Command command, std::string_view name) {
    for (const auto& row : cli::option_table()) {
        if (row.name == name && row.belongs_to(command)) return row;
    }
    FAIL("no such option");
    return cli::option_table().front();
}

/// "\-\-peak\-rate", as troff has it.
std::string in_troff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-') out += '\\';
        out += c;
    }
    return out;
}

template <class Check>
void each_option(Check&& check) {
    for (const auto& command : cli::command_table()) {
        for (const auto& option : cli::option_table()) {
            if (option.belongs_to(command.command)) check(command, option);
        }
    }
}

}  // namespace

TEST_CASE("what may stand for a value follows from the table's row") {
    using cli::value_candidates;
    const auto words = [](Command command, std::string_view name) {
        return value_candidates(row(command, name)).words;
    };
    CHECK(words(Command::run, "session-order") == std::vector<std::string>{"fifo", "lifo"});
    CHECK(words(Command::run, "peak-rate") == std::vector<std::string>{"auto"});
    CHECK(words(Command::run, "stream") == std::vector<std::string>{"-"});
    CHECK(value_candidates(row(Command::run, "stream")).files);
    CHECK(value_candidates(row(Command::run, "json")).files);
    CHECK(words(Command::run, "connections") == std::vector<std::string>{"auto"});
    CHECK(value_candidates(row(Command::run, "pipeline")).none());
    CHECK(value_candidates(row(Command::run, "username")).none());
    CHECK(value_candidates(row(Command::run, "mix")).none());

    const auto pattern = value_candidates(row(Command::plan, "pattern"));
    CHECK(pattern.files);
    CHECK(pattern.words.size() == traffic::pattern_names().size());
    // The table spells the scenarios out; a new one must be there, too.
    std::vector<std::string> scenarios;
    for (const auto name : workload::scenario_names()) scenarios.emplace_back(name);
    CHECK_THAT(words(Command::run, "query-type"), Catch::Matchers::UnorderedEquals(scenarios));
    CHECK(cli::operand_candidates(cli::row_of(Command::show)).words.size() ==
          scenarios.size() + pattern.words.size());
    CHECK(cli::operand_candidates(cli::row_of(Command::run)).none());
}

TEST_CASE("the manual page has every option of every command, every command and every exit status") {
    const auto page = cli::manual_page();
    each_option([&](const cli::CommandRow& command, const cli::OptionRow& option) {
        const bool run = command.command == Command::run;
        const auto heading =
            run ? std::string{".SH OPTIONS\n"} : ".SH \"OPTIONS OF " + std::string{command.name} + "\"\n";
        const auto section = part_between(page, heading, ".SH ");
        INFO(command.name << " --" << option.name << '\n' << section);
        auto head = "\\fB\\-\\-" + in_troff(option.name) + "\\fR";
        if (option.letter != 0) head = "\\fB\\-" + std::string{option.letter} + "\\fR, " + head;
        if (!option.is_flag()) head += " \\fI" + in_troff(option.value) + "\\fR";
        CHECK_THAT(section, Contains(".TP\n" + head + "\n"));
    });
    for (const auto& command : cli::command_table()) {
        CHECK_THAT(part_between(page, ".SH COMMANDS\n", ".SH "),
                   Contains("\\fB" + std::string{command.name} + "\\fR"));
    }
    for (const auto& status : cli::exit_status_table(cli::Command::run)) {
        CHECK_THAT(part_between(page, ".SH \"EXIT STATUS\"\n", ".SH "),
                   Contains("\\fB" + std::string{status.status} + "\\fR\n" + in_troff(status.meaning)));
    }
    // Nothing of ours is taken for a request, and no backtick is left.
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK((line.empty() || line[0] != '\''));
        CHECK(line.find('`') == std::string::npos);
    }
}

TEST_CASE("the script for bash has every option of every command") {
    const auto script = cli::bash_completion();
    each_option([&](const cli::CommandRow& command, const cli::OptionRow& option) {
        INFO(command.name << " --" << option.name);
        const auto options = line_with(script, "                " + std::string{command.name} + ") words='-");
        CHECK((options + " ").find("--" + std::string{option.name}) != std::string::npos);
        if (option.letter != 0) CHECK_THAT(options, Contains("-" + std::string{option.letter} + " --"));
        if (option.is_flag()) return;
        const auto value =
            line_with(script, std::string{command.name} + ":--" + std::string{option.name} + ")");
        for (const auto& word : cli::value_candidates(option).words) CHECK_THAT(value, Contains(word));
        CHECK((value.find("files=yes") != std::string::npos) == cli::value_candidates(option).files);
    });
}

TEST_CASE("the script for zsh has every option of every command") {
    const auto script = cli::zsh_completion();
    each_option([&](const cli::CommandRow& command, const cli::OptionRow& option) {
        INFO(command.name << " --" << option.name);
        const auto part = part_between(script, "\n    " + std::string{command.name} + ")\n", "\n      ;;\n");
        const auto line = line_with(part, "--" + std::string{option.name} +
                                              (option.letter != 0 ? (option.is_flag() ? "'}" : "='}")
                                                                  : (option.is_flag() ? "[" : "=[")));
        if (option.letter != 0) CHECK_THAT(line, Contains("'-" + std::string{option.letter}));
        for (const auto& word : cli::value_candidates(option).words) CHECK_THAT(line, Contains(word));
    });
}

TEST_CASE("the script for fish has every option of every command") {
    const auto script = cli::fish_completion();
    each_option([&](const cli::CommandRow& command, const cli::OptionRow& option) {
        INFO(command.name << " --" << option.name);
        auto head = "'__pgtraffic_command_is " + std::string{command.name} + "'";
        if (option.letter != 0) head += " -s '" + std::string{option.letter} + "'";
        const auto line = line_with(script, head + " -l " + std::string{option.name} + " ");
        const auto candidates = cli::value_candidates(option);
        CHECK((line.find(" -r -F ") != std::string::npos) == candidates.files);
        CHECK((line.find(" -x ") != std::string::npos) == (!option.is_flag() && !candidates.files));
        for (const auto& word : cli::value_candidates(option).words) CHECK_THAT(line, Contains(word));
    });
}
