// The parser of the options and their help. cxxopts splits the words and pairs them with their values; it
// sees long names and text only, because its own conversions and messages do not say what a user needs to
// know.
#include "pgtraffic/cli/options.hpp"

// The hand-written matcher of cxxopts: the one of <regex> stops at a newline in a value and overflows the
// stack on a long one.
#define CXXOPTS_NO_REGEX
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cxxopts.hpp>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::cli {
namespace {

constexpr std::size_t kHelpWidth = 80;
constexpr std::size_t kHelpIndent = 29;

/// Rewrites "-c10" and "-c" as "--connections=10" and "--connections". All letters take a value, so there are
/// no groups of letters to take apart; "-1" stays what it is, a value.
std::vector<std::string> with_long_names(Command command, const std::vector<std::string>& arguments) {
    std::vector<std::string> result{"pgtraffic"};
    bool literal = false;
    for (const auto& argument : arguments) {
        literal = literal || argument == "--";
        if (literal || argument.size() < 2 || argument[0] != '-' || argument[1] == '-') {
            result.push_back(argument);
            continue;
        }
        const auto word = std::string_view{argument}.substr(1, argument.find('=') - 1);
        if (word.size() > 1 && find_option(command, word) != nullptr) {
            throw base::Error(fmt::format("unknown option \"-{}\"; did you mean \"--{}\"?", word, word));
        }
        const auto* row = find_letter(command, argument[1]);
        if (row == nullptr) {
            result.push_back(argument);
        } else if (argument.size() == 2) {
            result.push_back(fmt::format("--{}", row->name));
        } else {
            result.push_back(fmt::format("--{}={}", row->name, std::string_view{argument}.substr(2)));
        }
    }
    return result;
}

/// Options of pgbench, sysbench and psql under which a run has something else, or nothing because it needs
/// none.
std::string_view cure_of_habit(Command command, std::string_view name) {
    struct Habit {
        std::string_view letter;
        std::string_view name;
        std::string_view cure;
    };
    static constexpr auto kHabits = std::to_array<Habit>({
        {"b", "builtin", "a built-in workload is --query-type NAME; `pgtraffic list` names them"},
        {"S", "select-only", "that is --query-type select, which is the default"},
        {"j", "jobs", "one thread serves all connections"},
        {"i", "initialize", "the tables are created and filled by `pgtraffic init`"},
        {"n", "no-vacuum", "nothing is vacuumed before a run"},
        {"l", "log", "single queries are written by --query-log FILE, intervals by --stream FILE"},
        {"C", "connect", "connections are made once, and again only where they are lost"},
        {"r", "report-per-command", "the report always has each statement's own service time"},
        {"", "time", "the length of the measured load is -T, --duration"},
        {"", "transactions", "the number of queries of the whole run is -t, --total-queries"},
        {"", "client", "the number of connections is -c, --connections"},
        {"", "threads", "one thread serves all connections, whose number is -c, --connections"},
        {"", "max-tries", "what is tried again, and how often, is \"retry\" in a scenario"},
        {"s", "scale", "how large the tables are is for `pgtraffic init --scale`, or --ephemeral --scale"},
        {"", "table-size", "how large the tables are is for `pgtraffic init --scale`"},
        {"N", "skip-some-updates", "a built-in workload is --query-type NAME; `pgtraffic list` names them"},
        {"v", "vacuum-all", "nothing is vacuumed before a run"},
        {"", "vus", "the number of connections is -c, --connections"},
        {"", "iterations", "the number of queries of the whole run is -t, --total-queries"},
        {"W", "password", "give the password in PGPASSWORD, ~/.pgpass or by --password-command"},
    });
    if (command != Command::run) return "";
    const auto habit = std::ranges::find_if(
        kHabits, [&](const auto& one) { return !name.empty() && (one.letter == name || one.name == name); });
    return habit == kHabits.end() ? "" : habit->cure;
}

[[noreturn]] void refuse_word(Command command, const std::string& word) {
    if (word.size() < 2 || word[0] != '-') {
        const auto& row = row_of(command);
        for (const auto& other : command_table()) {
            if (other.name != word) continue;
            throw base::Error(
                fmt::format("unexpected word \"{0}\": it is a command, which comes first: pgtraffic {0} {1}",
                            word, other.operand.empty() ? "[options]" : other.operand));
        }
        const bool has_database = find_option(command, "database-url") != nullptr;
        throw base::Error(fmt::format("unexpected word {}; `pgtraffic {}{}{}` takes only options beside it{}",
                                      in_quotes(word), row.name, row.operand.empty() ? "" : " ", row.operand,
                                      has_database ? ": a database is named with -d" : ""));
    }
    // The value may be a secret, also where the "=" or the blank before it was forgotten.
    const auto option = postgres::mask_argument(word.substr(0, word.find('=')));
    const auto name = option.substr(option.find_first_not_of('-') == 2 ? 2 : 1);
    const auto same = [&](const OptionRow& row) {
        return row.name == name || (name.size() == 1 && name[0] == row.letter);
    };
    // It may be one of its own, behind "--", where there are none.
    const bool has_it = std::ranges::any_of(
        option_table(), [&](const OptionRow& row) { return row.belongs_to(command) && same(row); });
    std::vector<std::string_view> own;
    for (const auto& row : option_table()) {
        if (!has_it && same(row) && !row.belongs_to(command)) {
            for (const auto& other : command_table()) {
                if (!row.belongs_to(other.command)) continue;
                throw base::Error(fmt::format("{}: `pgtraffic {}` has no such option, `pgtraffic {}` has",
                                              option, row_of(command).name, other.name));
            }
        }
        if (row.belongs_to(command)) own.push_back(row.name);
    }
    if (const auto cure = cure_of_habit(command, name); !cure.empty())
        throw base::Error(fmt::format("unknown option \"{}\": {}", option, cure));
    const auto near = base::nearest_word(name, own);
    if (!near.empty())
        throw base::Error(fmt::format("unknown option \"{}\"; did you mean \"--{}\"?", option, near));
    throw base::Error(fmt::format("unknown option \"{}\"; `pgtraffic {} --help` lists what there is", option,
                                  row_of(command).name));
}

/// Whether a value is really the next option: "--json --rate 5" forgot the file.
bool looks_like_option(Command command, std::string_view value) {
    if (!value.starts_with("--")) return false;
    return find_option(command, value.substr(2, value.find('=') - 2)) != nullptr;
}

std::string option_help(const OptionRow& row) {
    const auto letter = row.letter == 0 ? std::string{"    "} : fmt::format("-{}, ", row.letter);
    auto head = fmt::format("  {}--{}{}{}", letter, row.name, row.is_flag() ? "" : " ", row.value);
    const auto help = described(row);
    const auto margin = std::string(kHelpIndent, ' ');
    if (head.size() + 2 > kHelpIndent) {
        head += "\n" + margin;
    } else {
        head.resize(kHelpIndent, ' ');
    }
    return fmt::format("{}{}\n", head,
                       fmt::join(report::wrap(help, kHelpWidth - kHelpIndent), "\n" + margin));
}

std::string options_help(Command command) {
    std::string text;
    std::string_view group;
    for (const auto& row : option_table()) {
        if (!row.belongs_to(command)) continue;
        if (row.group != group) text += fmt::format("\n{}:\n", row.group);
        group = row.group;
        text += option_help(row);
    }
    return text;
}

std::string exit_status_help(std::span<const ExitStatusRow> rows) {
    std::string all = "Exit status: ";
    for (const auto& row : rows) {
        all += fmt::format("{} {}{}", row.status, row.meaning, &row == &rows.back() ? "." : "; ");
    }
    return fmt::format("{}\n", fmt::join(report::wrap(all, kHelpWidth), "\n"));
}

std::string indented(std::string_view lines) {
    std::string text = "  ";
    for (const char c : lines) {
        text += c;
        if (c == '\n') text += "  ";
    }
    return text + "\n";
}

/// `pgtraffic help plan` as other programs have it: the same as `pgtraffic plan --help`.
std::vector<std::string> without_words_that_ask(const std::vector<std::string>& arguments) {
    if (arguments.empty() || (arguments.front() != "help" && arguments.front() != "version"))
        return arguments;
    std::vector<std::string> same{arguments.begin() + 1, arguments.end()};
    same.push_back("--" + arguments.front());
    return same;
}

}  // namespace

std::vector<std::string> masked_argv(const std::vector<std::string>& argv) {
    std::vector<std::string> shown;
    bool secret = false;
    for (const auto& argument : argv) {
        if (std::exchange(secret, false)) {
            shown.emplace_back(postgres::kMask);
            continue;
        }
        const auto equals = argument.find('=');
        const auto name = argument.substr(0, equals);
        const bool names_secret = std::ranges::any_of(option_table(), [&](const OptionRow& row) {
            return row.secret && name.starts_with("--") && name.substr(2) == row.name;
        });
        secret = names_secret && equals == std::string::npos;
        shown.push_back(names_secret && !secret ? fmt::format("{}={}", name, postgres::kMask)
                                                : postgres::mask_argument(argument));
    }
    return shown;
}

std::string in_quotes(const std::string& text) {
    return fmt::format("\"{}\"", report::printable(postgres::mask_argument(text)));
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
    const auto near = base::nearest_word(word, known);
    if (!near.empty()) return fmt::format("; did you mean \"{}\"?", near);
    return fmt::format("; known are {}", fmt::join(known, ", "));
}

Invocation split_command(const std::vector<std::string>& words) {
    const auto arguments = without_words_that_ask(words);
    if (arguments.empty() || arguments.front().starts_with('-')) return {Command::run, false, arguments};
    std::vector<std::string_view> names;
    for (const auto& row : command_table()) {
        if (row.name == arguments.front())
            return {row.command, true, {arguments.begin() + 1, arguments.end()}};
        names.push_back(row.name);
    }
    const auto& word = arguments.front();
    constexpr std::string_view kDatabase = "a database is named with -d";
    if (word.find_first_of("/@") != std::string::npos)
        throw base::Error(fmt::format("unknown command {}; {}", in_quotes(word), kDatabase));
    throw base::Error(
        fmt::format("unknown command {}{} ({})", in_quotes(word), suggestion(word, names), kDatabase));
}

Request requested(const Invocation& invocation) {
    const auto& arguments = invocation.arguments;
    const auto has = [&](std::string_view word) {
        return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
    };
    if (has("--help") || has("-?") || (arguments.size() == 1 && arguments.front() == "-h"))
        return Request::help;
    return has("--version") || has("-V") ? Request::version : Request::none;
}

std::string help_text(const Invocation& invocation) {
    const auto& row = row_of(invocation.command);
    std::string text;
    if (invocation.named) {
        text = fmt::format("pgtraffic {} - {}\n\nUsage: pgtraffic {}{}{} [options]\n\nExamples:\n{}",
                           row.name, row.help, row.name, row.operand.empty() ? "" : " ", row.operand,
                           indented(row.examples));
    } else {
        text = fmt::format(
            "pgtraffic - PostgreSQL traffic simulator\n\nUsage: pgtraffic [COMMAND] [options]\n\n"
            "Examples:\n{}\nCommands:\n",
            indented(row.examples));
        for (const auto& command : command_table()) {
            text += fmt::format("  {:<17}{}\n", fmt::format("{} {}", command.name, command.operand),
                                command.help);
        }
    }
    text += options_help(invocation.command);
    const auto statuses = exit_status_table(invocation.command);
    if (!statuses.empty()) text += "\n" + exit_status_help(statuses);
    return text;
}

ParsedOptions::ParsedOptions(Command command, const std::vector<std::string>& arguments) : command_{command} {
    cxxopts::Options parser{"pgtraffic"};
    parser.allow_unrecognised_options();  // they come back as words, so that we choose the message
    for (const auto& row : option_table()) {
        if (!row.belongs_to(command) || row.only_asks) continue;
        auto value = cxxopts::value<std::string>();
        if (row.is_flag()) value->implicit_value("true");
        parser.add_options()(std::string{row.name}, "", value);
    }
    const auto words = with_long_names(command, arguments);
    std::vector<const char*> pointers;
    pointers.reserve(words.size());
    for (const auto& word : words) pointers.push_back(word.c_str());

    cxxopts::ParseResult parsed;
    try {
        parsed = parser.parse(static_cast<int>(pointers.size()), pointers.data());
    } catch (const std::exception&) {
        // All values are text and unknown words are kept, so only the last option can lack its value.
        throw base::Error(fmt::format("{}: its value is missing", words.back()));
    }
    for (const auto& option : parsed.arguments()) {
        const auto& known = row(option.key());
        if (known.is_flag() && option.value() != "true" && option.value() != "false") {
            throw base::Error(
                fmt::format("--{}: {} is neither true nor false; the option takes no other value",
                            option.key(), in_quotes(option.value())));
        }
        if (looks_like_option(command, option.value())) {
            throw base::Error(fmt::format("--{}: its value is missing (the next word is the option {})",
                                          option.key(), option.value().substr(0, option.value().find('='))));
        }
        given_[option.key()].push_back(option.value());
    }
    for (const auto& word : parsed.unmatched()) {
        for (const auto& [name, values] : given_) {
            // A secret of several words without quotes: its second one is not to be repeated.
            if (!row(name).secret || word.starts_with('-')) continue;
            throw base::Error(
                fmt::format("--{}: there is a stray word on the command line; quote the whole value as one "
                            "word",
                            name));
        }
        const auto& own = row_of(command);
        const bool operand = (word == "-" || !word.starts_with('-')) && !own.operand.empty() &&
                             (operands_.empty() || own.takes_many());
        if (!operand) refuse_word(command, word);
        operands_.push_back(word);
    }
}

const OptionRow& ParsedOptions::row(std::string_view name) const {
    const auto* found = find_option(command_, name);
    PGTRAFFIC_CHECK(found != nullptr, "an option that the command's table does not have");
    return *found;
}

std::optional<std::string> ParsedOptions::text(std::string_view name) const {
    const auto& known = row(name);
    if (const auto found = given_.find(name); found != given_.end()) return found->second.back();
    if (known.fallback.empty()) return std::nullopt;
    return std::string{known.fallback};
}

std::vector<std::string> ParsedOptions::texts(std::string_view name) const {
    PGTRAFFIC_CHECK(row(name).repeatable, "every value of an option of which the last counts");
    const auto found = given_.find(name);
    return found == given_.end() ? std::vector<std::string>{} : found->second;
}

std::vector<std::pair<std::string, std::string>> ParsedOptions::resolved() const {
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& known : option_table()) {
        if (!known.belongs_to(command_) || known.only_asks) continue;
        if (known.repeatable) {
            for (auto& value : texts(known.name)) result.emplace_back(known.name, std::move(value));
        } else if (auto value = text(known.name)) {
            result.emplace_back(known.name, std::move(*value));
        } else if (known.is_flag()) {
            result.emplace_back(known.name, "false");
        }
    }
    return result;
}

}  // namespace pgtraffic::cli
