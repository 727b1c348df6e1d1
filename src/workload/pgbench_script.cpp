#include "pgtraffic/workload/pgbench_script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/expression.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

using Json = nlohmann::ordered_json;

/// An expression whose value each transaction has anew, of the operation's values.
struct Made {
    std::string text;
};

/// Nothing that one could know: why.
struct Unclear {
    std::string why;
};

/// What a variable holds. A text may be that of a number: -D gave it.
using Value = std::variant<std::int64_t, double, std::string, Drawn, Made, Unclear>;

struct Variable {
    Value value;
    std::uint64_t version = 0;  // another one with each \set; what is drawn is drawn once for each
    std::size_t behind = 0;     // so many \gset stood before it
};
using Variables = std::map<std::string, Variable, std::less<>>;

bool is_constant(const Value& value) {
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value) ||
           std::holds_alternative<std::string>(value);
}

Json json_of(const Value& value) {
    if (const auto* drawn = std::get_if<Drawn>(&value)) {
        Json parameter{{"integer", {drawn->low, drawn->high}}};
        if (drawn->skew != Skew::uniform)
            parameter["distribution"][std::string{to_string(drawn->skew)}] = drawn->by;
        return parameter;
    }
    if (const auto* made = std::get_if<Made>(&value)) return {{"compute", made->text}};
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return {{"constant", *whole}};
    if (const auto* real = std::get_if<double>(&value))
        return {{"constant", fmt::format("{:.15g}", *real)}};  // as pgbench
    return {{"constant", std::get<std::string>(value)}};
}

/// What one computes with.
Scalar scalar_of(std::string_view name, const Value& constant) {
    if (const auto* whole = std::get_if<std::int64_t>(&constant)) return *whole;
    if (const auto* real = std::get_if<double>(&constant)) return *real;
    const auto& text = std::get<std::string>(constant);
    const auto scalar = scalar_of_text(text);
    const bool digits = text.find_first_not_of("-0123456789") == std::string::npos;
    if (std::holds_alternative<double>(scalar) && digits) throw Complaint{"a number beyond 64 bits"};
    if (scalar.index() == 0 && base::lower_case(text) != "null")
        throw Complaint{fmt::format(":{} is no number", name)};
    return scalar;
}

/// As an expression has it.
std::string literal_of(const Scalar& value) {
    if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&value))
        return *whole < 0 ? fmt::format("({})", *whole) : fmt::format("{}", *whole);
    if (const auto* real = std::get_if<double>(&value)) {
        auto text = fmt::format("{:.17g}", *real);
        if (text.find_first_of(".e") == std::string::npos) text += ".0";
        return *real < 0 ? fmt::format("({})", text) : text;
    }
    return "null";
}

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
        : script_{script}, file_{file} {
        for (const auto& [name, text] : variables) variables_[name] = {text, ++versions_, 0};
    }

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
        if (!values_.empty()) operation["values"] = values_;
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
            branches_.push_back({place_,
                                 std::move(statements_),
                                 variables_,
                                 {},
                                 "",
                                 live(),
                                 true,
                                 false,
                                 false,
                                 false,
                                 prefixes_.size()});
            begin_branch(arguments);
        } else if (word == "endif") {
            end_branches();
        } else {
            if (branches_.back().has_else) throw Complaint{fmt::format("\\{} behind \\else", word)};
            end_branch();
            begin_branch(arguments);
        }
    }

    // ---- variables ---------------------------------------------------------------------------------------

    /// The statement before it returns the values of variables, named after its columns.
    void keep_answer(std::string_view prefix) {
        if (!answer_may_be_kept_) throw Complaint{"\\gset stands behind a statement, whose answer it keeps"};
        if (variable_length("_" + std::string{prefix}) != prefix.size() + 1)
            throw Complaint{"\\gset takes what stands in front of its variables' names, or nothing"};
        statements_.back()["returns"] = fmt::format("{}*", prefix);
        prefixes_.emplace_back(prefix);
    }

    /// From here on another value has that name, or, of a variable that is drawn, the very same.
    void set(std::string_view arguments) {
        const auto name = arguments.substr(0, arguments.find_first_of(" \t"));
        const auto text = base::trimmed(arguments.substr(name.size()));
        if (name.empty() || variable_length(name) != name.size() || text.empty())
            throw Complaint{"\\set takes a name and an expression, as in \\set aid random(1, 100000)"};
        const auto other = text.substr(1);
        const bool alone = text.front() == ':' && variable_length(other) == other.size();
        const Expression expression{text, [this](std::string_view used) { return known(used, false); }};
        Variable variable{Value{}, ++versions_, prefixes_.size()};
        if (const auto constant = expression.constant()) {
            if (const auto* whole = std::get_if<std::int64_t>(&*constant)) {
                variable.value = *whole;
            } else if (const auto* real = std::get_if<double>(&*constant)) {
                variable.value = *real;
            } else {
                variable.value = Made{literal_of(*constant)};
            }
        } else if (const auto drawn = expression.draw()) {
            variable.value = *drawn;
        } else if (alone) {
            const auto& same = variables_.find(other)->second;
            variable.value = same.value;
            variable.version = same.version;
        } else {
            variable.value = Made{in_terms_of_values(text)};
        }
        variables_[std::string{name}] = std::move(variable);
    }

    /// For an expression: the value of a variable that is the same always, none of one that is not. What
    /// \gset keeps is known behind its statement only, and \set makes values that a whole transaction has.
    std::optional<Scalar> known(std::string_view name, bool kept_will_do) const {
        const auto found = variables_.find(name);
        const bool kept = is_kept(name);
        if (kept && kept_will_do) return std::nullopt;
        if (kept) {
            throw Complaint{fmt::format(
                "what \\gset keeps stands in SQL and in \\if: compute there what is to be made of :{0}{1}",
                name,
                found == variables_.end()
                    ? ""
                    : fmt::format(", which \\gset may have given anew (\\gset p_ would give :p_{})", name))};
        }
        if (found == variables_.end())
            throw Complaint{fmt::format(":{0} is not set before; -D {0}=VALUE sets it", name)};
        expect_clear(found->second);
        if (!is_constant(found->second.value)) return std::nullopt;
        return scalar_of(name, found->second.value);
    }

    static void expect_clear(const Variable& variable) {
        if (const auto* unclear = std::get_if<Unclear>(&variable.value)) throw Complaint{unclear->why};
    }

    static std::string may_come_from_both(std::string_view name) {
        return fmt::format(":{} may come from \\set and from \\gset: give one of them another name", name);
    }

    /// Whether it may be a column, as things stand.
    bool is_kept(std::string_view name) const {
        const auto found = variables_.find(name);
        return may_be_kept(name, found == variables_.end() ? 0 : found->second.behind);
    }

    /// An expression whose variables are the operation's values, or columns.
    std::string in_terms_of_values(std::string_view expression) {
        std::string text;
        while (!expression.empty()) {
            const auto colon = expression.find(':');
            text += expression.substr(0, colon);
            if (colon == std::string_view::npos) break;
            expression.remove_prefix(colon + 1);
            const auto name = expression.substr(0, variable_length(expression));
            expression.remove_prefix(name.size());
            const auto constant = known(name, true);
            text += constant ? literal_of(*constant) : ":" + value_of(name);
        }
        return text;
    }

    /// Whether an answer may have given a variable of that name, by the `from`th \gset or one behind it.
    bool may_be_kept(std::string_view name, std::size_t from = 0) const {
        return std::any_of(prefixes_.begin() + static_cast<std::ptrdiff_t>(from), prefixes_.end(),
                           [&](const std::string& prefix) {
                               return name.size() > prefix.size() && name.starts_with(prefix);
                           });
    }

    /// Of a branch that is never run nothing is looked at but where it ends.
    [[nodiscard]] bool live() const { return branches_.empty() || branches_.back().live; }

    // ---- conditions --------------------------------------------------------------------------------------

    struct Branch {
        std::string condition;  // empty: what is left
        Json statements;
        Variables variables;  // at its end
    };
    /// From \if to \endif.
    struct Branches {
        std::string_view place;
        Json before;        // the statements in front of it
        Variables outside;  // as each branch finds them
        std::vector<Branch> ended;
        std::string condition;     // of the branch that is being read
        bool outside_live = true;  // it may be run at all
        bool live = true;          // the branch may be run
        bool has_else = false;
        bool decided = false;     // what follows is never run, for a condition before it always holds
        bool of_answers = false;  // some condition hangs on what \gset keeps
        std::size_t behind = 0;   // so many \gset stood before it
    };

    /// Without `condition`: what is left.
    void begin_branch(std::string_view condition) {
        auto& branches = branches_.back();
        statements_ = Json::array();
        variables_ = branches.outside;
        branches.condition.clear();
        branches.live = branches.outside_live && !branches.decided;
        if (condition.empty()) {
            branches.has_else = true;
            return;
        }
        if (!branches.live) return;
        bool of_answers = false;
        const Expression expression{condition, [&](std::string_view name) {
                                        const auto value = known(name, true);
                                        of_answers = of_answers || is_kept(name);
                                        return value;
                                    }};
        if (const auto constant = expression.constant()) {
            branches.live = branches.live && holds(*constant);
            branches.decided = branches.decided || holds(*constant);
            return;
        }
        if (++conditions_ > kMaxGuards)
            throw Complaint{fmt::format("a script has {} conditions at most", kMaxGuards)};
        branches.condition = in_terms_of_values(condition);
        branches.of_answers = branches.of_answers || of_answers;
        // What is drawn for it is drawn once, however often it is asked. A value of the operation knows no
        // columns; where a condition names one, it is asked once.
        if (expression.draws() && !of_answers)
            branches.condition = ":" + new_value("if", Made{branches.condition});
    }

    void end_branch() {
        auto& branches = branches_.back();
        if (!branches.live) return;
        branches.decided = branches.decided || branches.condition.empty();
        branches.ended.push_back({branches.condition, std::move(statements_), std::move(variables_)});
    }

    void end_branches() {
        end_branch();
        auto branches = std::move(branches_.back());
        branches_.pop_back();
        if (!branches.decided) branches.ended.push_back({"", Json::array(), branches.outside});
        statements_ = std::move(branches.before);
        for (auto& statement : joined(branches.ended)) statements_.push_back(std::move(statement));
        variables_ = joined_variables(branches);
    }

    /// As a scenario has it: {"if": ..., "then": ..., "else": ...}; the last of the branches has no
    /// condition.
    static Json joined(const std::vector<Branch>& branches) {
        Json otherwise = branches.back().statements;
        for (auto branch = branches.rbegin() + 1; branch != branches.rend(); ++branch) {
            if (branch->statements.empty() && otherwise.empty()) continue;
            Json made{{"if", branch->condition}, {"then", branch->statements}};
            if (!otherwise.empty()) made["else"] = std::move(otherwise);
            otherwise = Json::array({std::move(made)});
        }
        return otherwise;
    }

    /// What was set in a branch is afterwards what that branch set, where it was run.
    Variables joined_variables(const Branches& branches) {
        Variables joined = branches.ended.back().variables;
        for (const auto& branch : branches.ended) {
            for (const auto& [name, variable] : branch.variables) joined.emplace(name, variable);
        }
        for (auto& [name, variable] : joined) {
            const auto version_in = [&, &wanted = name](const Branch& branch) {
                const auto found = branch.variables.find(wanted);
                return found == branch.variables.end() ? 0 : found->second.version;
            };
            const auto same = [&](const Branch& branch) {
                return version_in(branch) == version_in(branches.ended.front());
            };
            if (std::ranges::all_of(branches.ended, same)) continue;
            if (branches.of_answers) {
                variable.value = Unclear{fmt::format(
                    ":{} was set where \\if hangs on what \\gset keeps, and \\set makes values that a whole "
                    "transaction has: give each branch its own SQL",
                    name)};
            } else if (may_be_kept(name, branches.behind)) {
                variable.value = Unclear{may_come_from_both(name)};
            }
            if (std::holds_alternative<Unclear>(variable.value)) {
                variable.version = ++versions_;
                variable.behind = prefixes_.size();
                continue;
            }
            std::string text;
            for (const auto& branch : branches.ended) {
                const auto found = branch.variables.find(name);
                std::string value = "null";
                if (found != branch.variables.end()) {
                    if (const auto* unclear = std::get_if<Unclear>(&found->second.value)) {
                        variable.value = *unclear;
                        break;
                    }
                    value = is_constant(found->second.value)
                                ? literal_of(scalar_of(name, found->second.value))
                                : ":" + key_of(name, found->second);
                }
                text += branch.condition.empty() ? fmt::format(" else {} end", value)
                                                 : fmt::format(" when {} then {}", branch.condition, value);
            }
            if (!std::holds_alternative<Unclear>(variable.value)) variable.value = Made{"case" + text};
            variable.version = ++versions_;
            variable.behind = prefixes_.size();
        }
        return joined;
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
                parameters.push_back({{"value", value_of(name)}});
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
        if (name.empty() || variables_.contains(name) || may_be_kept(name)) return name;
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
            // A \gset without a prefix may have given a variable of any name, which proves nothing.
            const bool kept = std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
                return !prefix.empty() && name.size() > prefix.size() && name.starts_with(prefix);
            });
            if (kept || variables_.contains(name)) {
                throw Complaint{
                    fmt::format(":{0} stands within quotes, where nothing is put in: write "
                                "'...' || :{0}",
                                name)};
            }
        }
    }

    /// What a parameter names. A scenario takes the column of that name, where a statement before returns
    /// one, and else the operation's value: only the database tells which columns there are.
    std::string value_of(std::string_view name) {
        const auto found = variables_.find(name);
        if (found == variables_.end()) return std::string{name};
        expect_clear(found->second);
        const auto key = key_of(name, found->second);
        const bool given_anew = may_be_kept(name, found->second.behind);
        const bool alias = key != name && variables_.contains(key) && may_be_kept(key);
        if (alias || (given_anew && key != name)) {
            throw Complaint{may_come_from_both(name)};
        }
        return key;
    }

    /// Of a value of the operation, by which its parameters name it. One that was set behind a \gset is no
    /// column of that one's.
    std::string key_of(std::string_view name, const Variable& variable) {
        const auto found = keys_.find(variable.version);
        if (found != keys_.end()) return found->second;
        const bool kept_before = variable.behind > 0 && may_be_kept(name);
        return keys_[variable.version] = new_value(name, variable.value, kept_before);
    }

    /// Its key: the name, with a number where it is taken.
    std::string new_value(std::string_view name, const Value& value, bool name_is_taken = false) {
        if (values_.size() == kMaxParameters)
            throw Complaint{fmt::format("a script uses {} variables at most", kMaxParameters)};
        std::string key{name};
        for (int n = 2; values_.contains(key) || (name_is_taken && key == name); ++n)
            key = fmt::format("{}.{}", name, n);
        values_[key] = json_of(value);
        return key;
    }

    std::string_view script_;
    std::string_view file_;
    std::string_view place_;  // what is being read, for messages
    Variables variables_;
    std::uint64_t versions_ = 0;
    std::map<std::uint64_t, std::string> keys_;  // versions of variables that are values of the operation
    std::vector<std::string> prefixes_;          // of each \gset
    std::vector<Branches> branches_;             // those that are open, the innermost last
    std::size_t conditions_ = 0;
    bool answer_may_be_kept_ = false;  // the last command was a statement
    std::set<std::string> statement_names_;
    Json values_ = Json::object();
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
