// The variables of a script of pgbench's, and what becomes of them: values of the operation, drawn or
// computed once a transaction, or columns of answers. A variable that is set again is another value from
// there on, so each \set makes a version, and where branches come together what each of them left is one
// value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "pgtraffic/workload/expression.hpp"

namespace pgtraffic::workload {

/// Variables that are set for all scripts, by name, as pgbench's -D sets them.
using ScriptVariables = std::map<std::string, std::string, std::less<>>;

/// A value. Names its values by keys, which are the names of variables, with a number where one is taken.
class ScriptValues {
 public:
    struct Variable;
    /// As they are at one place of a script.
    using Variables = std::map<std::string, Variable, std::less<>>;

    /// An expression whose value each transaction has anew, of the operation's values.
    struct Made {
        std::string text;
    };
    /// Nothing that one could know: why.
    struct Unclear {
        std::string why;
    };
    /// What each branch left: by its condition, empty for that of the rest, which is the last; none where it
    /// set none.
    struct Joined {
        std::vector<std::pair<std::string, std::shared_ptr<const Variable>>> branches;
    };
    struct Variable {
        /// A text may be that of a number: -D gave it.
        std::variant<std::int64_t, double, std::string, Drawn, Made, Joined, Unclear> value;
        std::uint64_t version = 0;
        std::size_t behind = 0;  ///< so many \gset stood before it
    };

    /// A condition, in terms of the operation's values.
    struct Condition {
        std::optional<bool> constant;  ///< it always holds, or never
        std::string text;
        bool of_answers = false;  ///< it hangs on what \gset keeps
    };

    explicit ScriptValues(const ScriptVariables& defined);

    /// \set. From here on another value has that name, or, of a variable that is drawn, the very same. Throws
    /// Complaint, as all that reads an expression or a name.
    void set(std::string_view name, std::string_view expression);

    /// \gset: the columns of a statement are variables from here on, with `prefix` in front of their names.
    void keep(std::string_view prefix) { prefixes_.emplace_back(prefix); }
    [[nodiscard]] std::size_t kept() const noexcept { return prefixes_.size(); }

    [[nodiscard]] Condition condition(std::string_view text);

    /// Whether it may be a variable.
    [[nodiscard]] bool may_be(std::string_view name) const {
        return variables_.contains(name) || may_be_kept(name);
    }
    /// Whether it surely is one. One that \gset keeps without a prefix may have any name, which proves
    /// nothing.
    [[nodiscard]] bool is(std::string_view name) const;

    /// What a parameter of a scenario names for it.
    [[nodiscard]] std::string value_of(std::string_view name);

    [[nodiscard]] const Variables& variables() const noexcept { return variables_; }
    void restore(Variables variables) { variables_ = std::move(variables); }

    /// What a branch left; the condition of the last one is empty.
    struct End {
        std::string condition;
        Variables variables;
    };
    /// Behind branches, the first of which `kept` \gset stood before: what was set in one of them is what
    /// that branch set, where it was run. `of_answers`: some condition hangs on what \gset keeps.
    void join(const std::vector<End>& branches, std::size_t kept, bool of_answers);

    /// By their keys.
    [[nodiscard]] const nlohmann::ordered_json& values() const noexcept { return values_; }

 private:
    [[nodiscard]] std::optional<Scalar> known(std::string_view name, bool kept_will_do) const;
    [[nodiscard]] std::string in_terms_of_values(std::string_view expression);
    [[nodiscard]] bool may_be_kept(std::string_view name, std::size_t from = 0) const;
    [[nodiscard]] bool is_kept(std::string_view name) const;
    [[nodiscard]] std::string term_of(std::string_view name, const Variable& variable);
    [[nodiscard]] nlohmann::ordered_json json_of(std::string_view name, const Variable& variable);
    [[nodiscard]] std::string key_of(std::string_view name, const Variable& variable);
    [[nodiscard]] std::string new_key(std::string_view name, bool is_taken);

    Variables variables_;
    std::uint64_t versions_ = 0;
    std::map<std::uint64_t, std::string> keys_;  // of versions that are values of the operation
    std::vector<std::string> prefixes_;          // of each \gset
    nlohmann::ordered_json values_ = nlohmann::ordered_json::object();
};

}  // namespace pgtraffic::workload
