#include "pgtraffic/workload/pgbench_script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/pgbench_expression.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ScriptValue& value) {
    if (const auto* drawn = std::get_if<Drawn>(&value)) {
        Json parameter{{"integer", {drawn->low, drawn->high}}};
        if (drawn->skew != Skew::uniform)
            parameter["distribution"][std::string{to_string(drawn->skew)}] = drawn->by;
        return parameter;
    }
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return {{"constant", *whole}};
    if (const auto* real = std::get_if<double>(&value))
        return {{"constant", fmt::format("{:.15g}", *real)}};  // as pgbench
    return {{"constant", std::get<std::string>(value)}};
}

/// Why a command of pgbench's is not there, and what does its work.
std::string_view cure_of(std::string_view command) {
    constexpr auto kCures = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"sleep", "a query does not pause: --rate says how many are due a second"},
        {"if", "what a query does hangs on no condition: give two scripts with weights"},
        {"elif", "what a query does hangs on no condition: give two scripts with weights"},
        {"else", "what a query does hangs on no condition: give two scripts with weights"},
        {"endif", "what a query does hangs on no condition: give two scripts with weights"},
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
 public:
    ScriptReader(std::string_view script, std::string_view file, const ScriptVariables& variables)
        : script_{script}, file_{file} {
        for (const auto& [name, text] : variables) variables_[name] = text;
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
            } catch (const ScriptComplaint& complaint) {
                fail(complaint.what);
            }
        }
        if (statements_.empty()) throw base::Error(fmt::format("{}: has no SQL statement", file_));
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
        if (word != "set" && word != "gset") refuse_command(word);
        left = base::trimmed(left.substr(word.size()));
        if (word == "gset") {
            keep_answer(left);
            return rest;
        }
        answer_may_be_kept_ = false;
        const auto name = left.substr(0, left.find_first_of(" \t"));
        const auto expression = base::trimmed(left.substr(name.size()));
        if (name.empty() || variable_length(name) != name.size() || expression.empty())
            throw ScriptComplaint{"\\set takes a name and an expression, as in \\set aid random(1, 100000)"};
        set(std::string{name}, expression);
        return rest;
    }

    /// The statement before it returns the values of variables, named after its columns.
    void keep_answer(std::string_view prefix) {
        if (!answer_may_be_kept_)
            throw ScriptComplaint{"\\gset stands behind a statement, whose answer it keeps"};
        if (variable_length("_" + std::string{prefix}) != prefix.size() + 1)
            throw ScriptComplaint{"\\gset takes what stands in front of its variables' names, or nothing"};
        statements_.back()["returns"] = fmt::format("{}*", prefix);
        prefixes_.emplace_back(prefix);
        answer_may_be_kept_ = false;
    }

    /// From here on another value has that name, or, of a variable that is drawn, the very same.
    void set(const std::string& name, std::string_view expression) {
        refuse_kept(expression);
        set_behind_[name] = prefixes_.size();
        const auto other = expression.substr(1);
        const bool alone = expression.front() == ':' && variable_length(other) == other.size();
        const auto drawn = alone ? variables_.find(other) : variables_.end();
        if (drawn == variables_.end() || !std::holds_alternative<Drawn>(drawn->second)) {
            variables_[name] = evaluate(expression, variables_);
            keys_.erase(name);
        } else if (name != other) {
            const auto key = key_of(other);
            variables_[name] = drawn->second;
            keys_[name] = key;
        }
    }

    /// Of a variable that only an answer gives.
    void refuse_kept(std::string_view expression) const {
        for (auto at = expression.find(':'); at != std::string_view::npos;
             at = expression.find(':', at + 1)) {
            const auto name = expression.substr(at + 1, variable_length(expression.substr(at + 1)));
            if (variables_.contains(name) || !may_be_kept(name)) continue;
            throw ScriptComplaint{fmt::format(
                "what \\gset keeps stands in SQL only: compute there what is to be made of :{}", name)};
        }
    }

    /// Whether an answer may have given a variable of that name, by the `from`th \gset or one behind it.
    bool may_be_kept(std::string_view name, std::size_t from = 0) const {
        return std::any_of(prefixes_.begin() + static_cast<std::ptrdiff_t>(from), prefixes_.end(),
                           [&](const std::string& prefix) {
                               return name.size() > prefix.size() && name.starts_with(prefix);
                           });
    }

    [[noreturn]] static void refuse_command(std::string_view word) {
        const auto cure = cure_of(word);
        throw ScriptComplaint{fmt::format("\\{} is not there{}{}", word, cure.empty() ? "" : ": ", cure)};
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
                    throw ScriptComplaint{
                        fmt::format("a statement takes {} variables at most", kMaxParameters)};
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
            throw ScriptComplaint{complaint};
        if (statements_.size() == kMaxStatements)
            throw ScriptComplaint{fmt::format("a script has {} statements at most", kMaxStatements)};
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
        if (!sql.starts_with(':')) return {};
        const auto name = sql.substr(1, variable_length(sql.substr(1)));
        if (name.empty() || variables_.contains(name) || may_be_kept(name)) return name;
        throw ScriptComplaint{fmt::format(":{0} is not set before; -D {0}=VALUE sets it", name)};
    }

    /// Where pgbench would put a value and we cannot.
    void check_taken(std::string_view taken) const {
        if (taken.size() > 1 && taken.front() == '$' && base::is_digit(taken[1]))
            throw ScriptComplaint{fmt::format("{} has no value in a script: write :name", taken)};
        if (is_variable_part(taken.front()) && taken.find('\'') == std::string_view::npos) return;
        for (auto at = taken.find(':'); at != std::string_view::npos; at = taken.find(':', at + 1)) {
            const auto name = taken.substr(at + 1, variable_length(taken.substr(at + 1)));
            if (at > 0 && taken[at - 1] == ':') continue;
            if (variables_.contains(name)) {
                throw ScriptComplaint{
                    fmt::format(":{0} stands within quotes, where nothing is put in: write "
                                "'...' || :{0}",
                                name)};
            }
        }
    }

    /// What a parameter names. A scenario takes the column of that name, where a statement before returns
    /// one, and else the operation's value: only the database tells which columns there are.
    std::string value_of(std::string_view name) {
        if (!variables_.contains(name)) return std::string{name};
        const auto& key = key_of(name);
        const bool given_anew = may_be_kept(name, set_behind_[std::string{name}]);
        const bool alias = key != name && variables_.contains(key) && may_be_kept(key);
        if (alias || (given_anew && key != name)) {
            throw ScriptComplaint{
                fmt::format(":{} may come from \\set and from \\gset: give one of them another name", name)};
        }
        return key;
    }

    /// Of a value of the operation, by which its parameters name it. One that was set behind a \gset is no
    /// column of that one's.
    const std::string& key_of(std::string_view name) {
        const auto found = keys_.find(name);
        if (found != keys_.end()) return found->second;
        if (values_.size() == kMaxParameters)
            throw ScriptComplaint{fmt::format("a script uses {} variables at most", kMaxParameters)};
        std::string key{name};
        const bool kept_before = set_behind_[key] > 0 && may_be_kept(name);
        for (int n = 2; values_.contains(key) || (kept_before && key == name); ++n)
            key = fmt::format("{} {}", name, n);
        values_[key] = json_of(variables_.find(name)->second);
        return keys_[std::string{name}] = std::move(key);
    }

    std::string_view script_;
    std::string_view file_;
    std::string_view place_;  // what is being read, for messages
    ScriptValues variables_;
    std::map<std::string, std::string, std::less<>> keys_;  // variables that have a value of the operation
    std::vector<std::string> prefixes_;                     // of each \gset
    std::map<std::string, std::size_t> set_behind_;  // how many of them stood before a variable's last \set
    bool answer_may_be_kept_ = false;                // the last command was a statement
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
