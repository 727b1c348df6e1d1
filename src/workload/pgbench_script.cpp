#include "pgtraffic/workload/pgbench_script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/expression.hpp"
#include "pgtraffic/workload/script_values.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

using Json = nlohmann::ordered_json;

/// Why a command of pgbench's is not there, and what does its work.
std::string_view cure_of(std::string_view command) {
    constexpr auto kCures = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"sleep", "a query does not pause: --rate says how many are due a second"},
        {"aset", "\\gset keeps the first row of one statement"},
        {"startpipeline", "leave it out: --pipeline N says how many queries are under way on a connection"},
        {"endpipeline", "leave it out: --pipeline N says how many queries are under way on a connection"},
        {"syncpipeline", "leave it out: --pipeline N says how many queries are under way on a connection"},
        {";", "end each statement by a plain semicolon"},
    });
    const auto found = std::ranges::find(kCures, command, [](const auto& cure) { return cure.first; });
    return found == kCures.end() ? "" : found->second;
}

class ScriptReader {
    static constexpr std::size_t kDeepest = 100;  // \if within one another

 public:
    ScriptReader(std::string_view script, std::string_view file, const ScriptVariables& variables)
        : script_{script}, file_{file}, values_{variables} {}

    Json operation(const std::string& name) {
        std::string_view rest = script_;
        for (;;) {
            rest = without_line_comments(rest);
            SqlScanner scanner{rest};
            const auto word = scanner.peek_in_statement();
            if (word.empty()) break;
            place_ = word;
            try {
                if (word.front() == ';') {
                    rest = word.substr(1);
                } else {
                    // A comment in /* */ stays with its statement: it may be a hint, or a proxy's.
                    rest = word.front() == '\\' ? take_command(word) : take_statement(rest);
                }
            } catch (const Complaint& complaint) {
                fail(complaint.what);
            }
        }
        if (!branches_.empty()) {
            place_ = branches_.back().place;
            fail("\\if is not closed: \\endif is missing");
        }
        if (statements_.empty()) throw base::Error(fmt::format("{}: has no SQL statement", file_));
        if (!sends(statements_)) {
            throw base::Error(
                fmt::format("{}: where no \\if holds nothing is left to send: add \\else, or a "
                            "statement that is sent in any case",
                            file_));
        }
        Json operation{{"name", name}};
        if (!values_.values().empty()) operation["values"] = values_.values();
        operation["statements"] = statements_;
        return operation;
    }

 private:
    [[noreturn]] void fail(const std::string& what) const {
        const auto before = script_.substr(0, static_cast<std::size_t>(place_.data() - script_.data()));
        throw base::Error(fmt::format("{}:{}: {}", file_, 1 + std::ranges::count(before, '\n'), what));
    }

    /// As psql leaves them out in front of a statement, with what is blank.
    static std::string_view without_line_comments(std::string_view rest) {
        for (;;) {
            while (!rest.empty() && base::is_space(rest.front())) rest.remove_prefix(1);
            if (!rest.starts_with("--")) return rest;
            rest.remove_prefix(std::min(rest.find('\n'), rest.size()));
        }
    }

    /// To the end of its line; a backslash there goes on with the next one.
    std::string_view take_command(std::string_view rest) {
        std::string line;
        bool goes_on = true;
        while (goes_on && !rest.empty()) {
            auto part = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(part.size() + 1, rest.size()));
            if (part.ends_with('\r')) part.remove_suffix(1);
            goes_on = part.size() > 1 && part.ends_with('\\');
            if (goes_on) part.remove_suffix(1);
            line += part;
            line += ' ';
        }
        std::string_view left{line};
        left.remove_prefix(1);
        const auto word = left.substr(0, left.find_first_of(" \t"));
        left = base::trimmed(left.substr(word.size()));
        run_command(word, left);
        answer_may_be_kept_ = false;
        return rest;
    }

    void run_command(std::string_view word, std::string_view arguments) {
        const bool sets = word == "set" || word == "gset";
        if (sets && !live()) return;
        if (word == "set") return set(arguments);
        if (word == "gset") return keep_answer(arguments);
        if (word == "if" || word == "elif") {
            if (arguments.empty())
                throw Complaint{fmt::format("\\{} takes a condition, as in \\if :x > 5", word)};
        } else if (word == "else" || word == "endif") {
            if (!arguments.empty()) throw Complaint{fmt::format("\\{} takes nothing", word)};
        } else {
            refuse_command(word);
        }
        if (word != "if" && branches_.empty()) throw Complaint{fmt::format("\\{} without an \\if", word)};
        if (word == "if") {
            if (branches_.size() == kDeepest)
                throw Complaint{fmt::format("\\if stands within {} others at most", kDeepest)};
            branches_.push_back({.place = place_,
                                 .before = std::move(statements_),
                                 .outside = values_.variables(),
                                 .kept = values_.kept(),
                                 .outside_live = live()});
            begin_branch(arguments);
        } else if (word == "endif") {
            end_branches();
        } else {
            if (branches_.back().has_else) throw Complaint{fmt::format("\\{} behind \\else", word)};
            end_branch();
            begin_branch(arguments);
        }
    }

    /// The statement before it returns the values of variables, named after its columns.
    void keep_answer(std::string_view prefix) {
        if (!answer_may_be_kept_) throw Complaint{"\\gset stands behind a statement, whose answer it keeps"};
        if (variable_length("_" + std::string{prefix}) != prefix.size() + 1)
            throw Complaint{"\\gset takes what stands in front of its variables' names, or nothing"};
        statements_.back()["returns"] = fmt::format("{}*", prefix);
        values_.keep(prefix);
    }

    void set(std::string_view arguments) {
        const auto name = arguments.substr(0, arguments.find_first_of(" \t"));
        const auto expression = base::trimmed(arguments.substr(name.size()));
        if (name.empty() || variable_length(name) != name.size() || expression.empty())
            throw Complaint{"\\set takes a name and an expression, as in \\set aid random(1, 100000)"};
        values_.set(name, expression);
    }

    /// Of a branch that is never run nothing is looked at but where it ends.
    [[nodiscard]] bool live() const { return branches_.empty() || branches_.back().live; }

    // ---- conditions --------------------------------------------------------------------------------------

    /// From \if to \endif.
    struct Branches {
        std::string_view place;
        Json before;                      // the statements in front of it
        ScriptValues::Variables outside;  // as each branch finds them
        std::size_t kept = 0;             // so many \gset stood before it
        bool outside_live = true;         // it may be run at all
        std::vector<Json> statements{};   // of each branch that has ended
        std::vector<ScriptValues::End> ends{};
        ScriptValues::Condition condition{};  // of the branch that is being read
        bool live = true;                     // that one may be run
        bool has_else = false;
        bool decided = false;     // what follows is never run, for a condition before it always holds
        bool of_answers = false;  // some condition hangs on what \gset keeps
    };

    /// Without `condition`: what is left.
    void begin_branch(std::string_view condition) {
        auto& branches = branches_.back();
        statements_ = Json::array();
        values_.restore(branches.outside);
        branches.condition = {};
        branches.live = branches.outside_live && !branches.decided;
        branches.has_else = branches.has_else || condition.empty();
        if (condition.empty() || !branches.live) return;
        branches.condition = values_.condition(condition);
        branches.live = branches.condition.constant.value_or(true);
        branches.of_answers = branches.of_answers || branches.condition.of_answers;
        if (!branches.condition.constant && ++conditions_ > kMaxGuards)
            throw Complaint{fmt::format("a script has {} conditions at most", kMaxGuards)};
    }

    void end_branch() {
        auto& branches = branches_.back();
        if (!branches.live) return;
        branches.decided = branches.decided || branches.condition.text.empty();
        branches.statements.push_back(std::move(statements_));
        branches.ends.push_back({branches.condition.text, values_.variables()});
    }

    void end_branches() {
        end_branch();
        auto branches = std::move(branches_.back());
        branches_.pop_back();
        if (!branches.decided) {
            branches.statements.push_back(Json::array());
            branches.ends.push_back({"", branches.outside});
        }
        statements_ = std::move(branches.before);
        for (auto& statement : joined(branches)) statements_.push_back(std::move(statement));
        values_.join(branches.ends, branches.kept, branches.of_answers);
    }

    /// As a scenario has it: {"if": ..., "then": ..., "else": ...}; the last of the branches has no
    /// condition.
    static Json joined(Branches& branches) {
        Json otherwise = std::move(branches.statements.back());
        for (std::size_t i = branches.statements.size() - 1; i-- > 0;) {
            auto& then = branches.statements[i];
            if (then.empty() && otherwise.empty()) continue;
            Json made{{"if", branches.ends[i].condition}, {"then", std::move(then)}};
            if (!otherwise.empty()) made["else"] = std::move(otherwise);
            otherwise = Json::array({std::move(made)});
        }
        return otherwise;
    }

    /// Whether something of these statements is sent, whatever holds.
    static bool sends(const Json& statements) {
        return std::ranges::any_of(statements, [](const Json& one) {
            return !one.contains("if") || (one.contains("else") && sends(one["then"]) && sends(one["else"]));
        });
    }

    // ---- commands and statements -------------------------------------------------------------------------

    [[noreturn]] static void refuse_command(std::string_view word) {
        const auto cure = cure_of(word);
        throw Complaint{fmt::format("\\{} is not there{}{}", word, cure.empty() ? "" : ": ", cure)};
    }

    std::string_view take_statement(std::string_view rest) {
        const std::string_view begin = rest;
        std::string sql;
        Json parameters = Json::array();
        SqlScanner scanner{rest};
        int parentheses = 0;
        for (;;) {
            rest = scanner.rest();
            const auto next = scanner.peek_in_statement();
            sql += rest.substr(0, rest.size() - next.size());  // blanks and comments
            if (next.empty() || (next.front() == ';' && parentheses == 0)) break;
            place_ = next;
            if (next.front() == '\\') {
                const auto command =
                    next.substr(1, std::max(variable_length(next.substr(1)), std::size_t{1}));
                if (command == ";" || command == "aset") refuse_command(command);
                break;  // any other ends the statement
            }
            parentheses += next.front() == '(' ? 1 : next.front() == ')' ? -1 : 0;
            if (const auto name = variable_at(next); !name.empty()) {
                scanner.skip(1 + name.size());
                if (parameters.size() == kMaxParameters) {
                    throw Complaint{fmt::format("a statement takes {} variables at most", kMaxParameters)};
                }
                parameters.push_back({{"value", values_.value_of(name)}});
                // A number of its own each time, as pgbench gives it: the types that it stands for may
                // differ.
                sql += fmt::format("${}", parameters.size());
                continue;
            }
            // Two colons are a cast, and no name follows.
            if (const auto colons = next.find_first_not_of(':'); colons != 0) {
                scanner.skip(colons);
            } else {
                scanner.skip();
            }
            const auto taken = next.substr(0, next.size() - scanner.rest().size());
            check_taken(taken);
            sql += taken;
        }
        place_ = begin;
        if (const auto complaint = complaint_of_statement(sql); !complaint.empty())
            throw Complaint{complaint};
        if (statements_.size() == kMaxStatements)
            throw Complaint{fmt::format("a script has {} statements at most", kMaxStatements)};
        Json statement{{"name", name_of(sql)}, {"sql", std::string{base::trimmed(sql)}}};
        if (!parameters.empty()) statement["parameters"] = parameters;
        statements_.push_back(std::move(statement));
        answer_may_be_kept_ = true;
        return scanner.rest();
    }

    /// "UPDATE pgbench_accounts": its first word, and the table that it tells.
    std::string name_of(std::string_view sql) {
        constexpr std::size_t kLongest = 50;
        const auto words = sql_words(sql);
        std::string name = words.empty() ? "statement" : base::upper_case(words.front());
        const auto before_table = std::ranges::find_if(words, [](const std::string& word) {
            return word == "update" || word == "into" || word == "from" || word == "call";
        });
        if (before_table != words.end() && before_table + 1 != words.end()) name += " " + *(before_table + 1);
        if (name.size() > kLongest) name = fmt::format("statement {}", statements_.size() + 1);
        const auto wanted = name;
        for (int n = 2; !statement_names_.insert(name).second; ++n) name = fmt::format("{} {}", wanted, n);
        return name;
    }

    /// The name behind a single colon; empty where that is none: "a[1:3]", "f(x := 1)".
    std::string_view variable_at(std::string_view sql) const {
        if (!sql.starts_with(':') || !live()) return {};
        const auto name = sql.substr(1, variable_length(sql.substr(1)));
        if (name.empty() || values_.may_be(name)) return name;
        throw Complaint{fmt::format(":{0} is not set before; -D {0}=VALUE sets it", name)};
    }

    /// Where pgbench would put a value and we cannot.
    void check_taken(std::string_view taken) const {
        if (!live()) return;
        if (taken.size() > 1 && taken.front() == '$' && base::is_digit(taken[1]))
            throw Complaint{fmt::format("{} has no value in a script: write :name", taken)};
        if (is_variable_part(taken.front()) && taken.find('\'') == std::string_view::npos) return;
        for (auto at = taken.find(':'); at != std::string_view::npos; at = taken.find(':', at + 1)) {
            const auto name = taken.substr(at + 1, variable_length(taken.substr(at + 1)));
            if (at > 0 && taken[at - 1] == ':') continue;
            if (values_.is(name)) {
                throw Complaint{
                    fmt::format(":{0} stands within quotes, where nothing is put in: write "
                                "'...' || :{0}",
                                name)};
            }
        }
    }

    std::string_view script_;
    std::string_view file_;
    std::string_view place_;  // what is being read, for messages
    ScriptValues values_;
    std::vector<Branches> branches_;  // those that are open, the innermost last
    std::size_t conditions_ = 0;
    bool answer_may_be_kept_ = false;  // the last command was a statement
    std::set<std::string> statement_names_;
    Json statements_ = Json::array();
};

/// Names of operations stand in --mix and in tables: without what a scenario's may not have.
std::string name_of_file(const std::string& path) {
    constexpr std::size_t kLongest = 50;
    if (path == "-") return "script";
    std::string name = std::filesystem::path{path}.filename().string();
    if (name.ends_with(".sql") && name.size() > 4) name.resize(name.size() - 4);
    std::ranges::replace_if(
        name,
        [](char c) { return c == '=' || c == ',' || static_cast<unsigned char>(c) < ' ' || c == '\x7f'; },
        '_');
    if (name.size() > kLongest) {
        // No character of UTF-8 is cut.
        name.resize(kLongest);
        while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xC0U) == 0x80U) name.pop_back();
        if (!name.empty() && static_cast<unsigned char>(name.back()) >= 0xC0U) name.pop_back();
    }
    name = base::trimmed(name);
    return name.empty() ? "script" : name;
}

}  // namespace

void define(ScriptVariables& variables, std::string_view definition) {
    const auto equals = definition.find('=');
    const auto name = definition.substr(0, equals);
    if (equals == std::string_view::npos || name.empty() || variable_length(name) != name.size()) {
        throw base::Error(
            fmt::format("\"{}\" must be NAME=VALUE, the name of letters, digits and _", definition));
    }
    variables[std::string{name}] = definition.substr(equals + 1);
}

ScriptFile parse_script_file(const std::string& argument) {
    const auto at = argument.rfind('@');
    if (at == std::string::npos || at == 0) return {argument, 1};
    const auto weight = base::parse_count(std::string_view{argument}.substr(at + 1));
    if (!weight) return {argument, 1};
    return {argument.substr(0, at), static_cast<double>(*weight)};
}

Json operation_of_script(std::string_view script, std::string_view file, const std::string& name,
                         const ScriptVariables& variables) {
    return ScriptReader{script, file, variables}.operation(name);
}

Scenario scenario_of_scripts(const std::vector<ScriptFile>& files, ScriptVariables variables) {
    variables.emplace("scale", "1");  // as pgbench has it beside scripts of one's own
    variables.emplace("default_seed", "0");
    Json operations = Json::array();
    std::vector<std::string> names;
    for (const auto& file : files) {
        const auto wanted = name_of_file(file.path);
        auto name = wanted;
        for (int n = 2; std::ranges::find(names, name) != names.end(); ++n)
            name = fmt::format("{} {}", wanted, n);
        const auto shown = base::input_name(file.path);
        auto operation = operation_of_script(base::read_text_file(file.path), shown, name, variables);
        operation["weight"] = file.weight;
        operations.push_back(std::move(operation));
        names.push_back(std::move(name));
    }
    const auto name = names.size() == 1 ? names.front() : "multiple scripts";  // as pgbench calls them
    const Json scenario{{"name", name}, {"operations", operations}};
    return parse_scenario({scenario, files.size() == 1 ? base::input_name(files.front().path) : "--file"});
}

}  // namespace pgtraffic::workload
