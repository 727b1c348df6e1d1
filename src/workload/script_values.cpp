#include "pgtraffic/workload/script_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/workload/parameter.hpp"

namespace pgtraffic::workload {
namespace {

using Json = nlohmann::ordered_json;
using Variable = ScriptValues::Variable;

bool is_constant(const Variable& variable) {
    return std::holds_alternative<std::int64_t>(variable.value) ||
           std::holds_alternative<double>(variable.value) ||
           std::holds_alternative<std::string>(variable.value);
}

/// What one computes with, of a constant.
Scalar scalar_of(std::string_view name, const Variable& constant) {
    if (const auto* whole = std::get_if<std::int64_t>(&constant.value)) return *whole;
    if (const auto* real = std::get_if<double>(&constant.value)) return *real;
    const auto& text = std::get<std::string>(constant.value);
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

void expect_clear(const Variable& variable) {
    if (const auto* unclear = std::get_if<ScriptValues::Unclear>(&variable.value))
        throw Complaint{unclear->why};
}

std::string may_come_from_both(std::string_view name) {
    return fmt::format(":{} may come from \\set and from \\gset: give one of them another name", name);
}

bool has_prefix(std::string_view name, std::string_view prefix) {
    return name.size() > prefix.size() && name.starts_with(prefix);
}

}  // namespace

ScriptValues::ScriptValues(const ScriptVariables& defined) {
    for (const auto& [name, text] : defined) variables_[name] = {text, ++versions_, 0};
}

void ScriptValues::set(std::string_view name, std::string_view text) {
    const auto other = text.substr(std::min<std::size_t>(text.size(), 1));
    const bool alone = text.starts_with(':') && variable_length(other) == other.size();
    const Expression expression{text, [this](std::string_view used) { return known(used, false); }};
    Variable variable{{}, ++versions_, kept()};
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

ScriptValues::Condition ScriptValues::condition(std::string_view text) {
    Condition made;
    const Expression expression{text, [&](std::string_view name) {
                                    const auto value = known(name, true);
                                    made.of_answers = made.of_answers || is_kept(name);
                                    return value;
                                }};
    if (const auto constant = expression.constant()) {
        made.constant = holds(*constant);
        return made;
    }
    made.text = in_terms_of_values(text);
    // What is drawn for it is drawn once, however often it is asked. A value of the operation knows no
    // columns; where a condition names one, it is asked once.
    if (expression.draws() && !made.of_answers) {
        const auto key = new_key("if", false);
        values_[key] = {{"compute", made.text}};
        made.text = ":" + key;
    }
    return made;
}

bool ScriptValues::is(std::string_view name) const {
    return variables_.contains(name) || std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
               return !prefix.empty() && has_prefix(name, prefix);
           });
}

/// Whether an answer may have given a variable of that name, by the `from`th \gset or one behind it.
bool ScriptValues::may_be_kept(std::string_view name, std::size_t from) const {
    return std::any_of(prefixes_.begin() + static_cast<std::ptrdiff_t>(from), prefixes_.end(),
                       [&](const std::string& prefix) { return has_prefix(name, prefix); });
}

/// The same, as things stand: behind its last \set.
bool ScriptValues::is_kept(std::string_view name) const {
    const auto found = variables_.find(name);
    return may_be_kept(name, found == variables_.end() ? 0 : found->second.behind);
}

/// For an expression: the value of a variable that is the same always, none of one that is not. What \gset
/// keeps is known behind its statement only, and \set makes values that a whole transaction has.
std::optional<Scalar> ScriptValues::known(std::string_view name, bool kept_will_do) const {
    const auto found = variables_.find(name);
    if (is_kept(name)) {
        if (kept_will_do) return std::nullopt;
        throw Complaint{fmt::format(
            "what \\gset keeps stands in SQL and in \\if: compute there what is to be made of :{0}{1}", name,
            found == variables_.end()
                ? ""
                : fmt::format(", which \\gset may have given anew (\\gset p_ would give :p_{})", name))};
    }
    if (found == variables_.end())
        throw Complaint{fmt::format(":{0} is not set before; -D {0}=VALUE sets it", name)};
    expect_clear(found->second);
    if (!is_constant(found->second)) return std::nullopt;
    return scalar_of(name, found->second);
}

/// An expression whose variables are the operation's values, or columns.
std::string ScriptValues::in_terms_of_values(std::string_view expression) {
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

/// A scenario takes the column of that name, where a statement before returns one, and else the operation's
/// value: only the database tells which columns there are.
std::string ScriptValues::value_of(std::string_view name) {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::string{name};
    expect_clear(found->second);
    auto key = key_of(name, found->second);
    const bool given_anew = may_be_kept(name, found->second.behind);
    const bool alias = key != name && variables_.contains(key) && may_be_kept(key);
    if (alias || (given_anew && key != name)) throw Complaint{may_come_from_both(name)};
    return key;
}

/// One that was set behind a \gset is no column of that one's.
std::string ScriptValues::key_of(std::string_view name, const Variable& variable) {
    const auto found = keys_.find(variable.version);
    if (found != keys_.end()) return found->second;
    // What it is made of comes first.
    auto json = json_of(name, variable);
    auto key = new_key(name, variable.behind > 0 && may_be_kept(name));
    values_[key] = std::move(json);
    keys_[variable.version] = key;
    return key;
}

std::string ScriptValues::new_key(std::string_view name, bool is_taken) {
    if (values_.size() == kMaxParameters)
        throw Complaint{fmt::format("a script uses {} variables at most", kMaxParameters)};
    std::string key{name};
    for (int n = 2; values_.contains(key) || (is_taken && key == name); ++n)
        key = fmt::format("{}.{}", name, n);
    return key;
}

/// As an expression has a variable.
std::string ScriptValues::term_of(std::string_view name, const Variable& variable) {
    expect_clear(variable);
    return is_constant(variable) ? literal_of(scalar_of(name, variable)) : ":" + key_of(name, variable);
}

Json ScriptValues::json_of(std::string_view name, const Variable& variable) {
    if (const auto* drawn = std::get_if<Drawn>(&variable.value)) {
        Json parameter{{"integer", {drawn->low, drawn->high}}};
        if (drawn->skew != Skew::uniform)
            parameter["distribution"][std::string{to_string(drawn->skew)}] = drawn->by;
        return parameter;
    }
    if (const auto* made = std::get_if<Made>(&variable.value)) return {{"compute", made->text}};
    if (const auto* joined = std::get_if<Joined>(&variable.value)) {
        std::string text = "case";
        for (const auto& [condition, left] : joined->branches) {
            const auto value = left != nullptr ? term_of(name, *left) : "null";
            text += condition.empty() ? fmt::format(" else {} end", value)
                                      : fmt::format(" when {} then {}", condition, value);
        }
        return {{"compute", text}};
    }
    if (const auto* whole = std::get_if<std::int64_t>(&variable.value)) return {{"constant", *whole}};
    if (const auto* real = std::get_if<double>(&variable.value))
        return {{"constant", fmt::format("{:.15g}", *real)}};  // as pgbench
    return {{"constant", std::get<std::string>(variable.value)}};
}

void ScriptValues::join(const std::vector<End>& branches, std::size_t kept_before, bool of_answers) {
    Variables joined = branches.back().variables;
    for (const auto& branch : branches) {
        for (const auto& [name, variable] : branch.variables) joined.emplace(name, variable);
    }
    for (auto& [name, variable] : joined) {
        Joined left;
        bool same = true;
        for (const auto& branch : branches) {
            const auto found = branch.variables.find(name);
            const bool set = found != branch.variables.end();
            left.branches.emplace_back(branch.condition,
                                       set ? std::make_shared<const Variable>(found->second) : nullptr);
            same = same && set && found->second.version == variable.version;
        }
        if (same) continue;
        variable = {std::move(left), ++versions_, kept()};
        if (of_answers) {
            variable.value = Unclear{fmt::format(
                ":{} was set where \\if hangs on what \\gset keeps, and \\set makes values that a whole "
                "transaction has: give each branch its own SQL",
                name)};
        } else if (may_be_kept(name, kept_before)) {
            variable.value = Unclear{may_come_from_both(name)};
        }
    }
    variables_ = std::move(joined);
}

}  // namespace pgtraffic::workload
