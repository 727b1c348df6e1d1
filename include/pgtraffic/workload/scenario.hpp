// A workload as its author wrote it: operations of SQL statements with parameters, weights and retry
// policies, and what else belongs to it. Built-in scenarios are the JSON files of src/workload/scenarios,
// in the very format that --scenario FILE reads; adding a query pattern needs no code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/workload/parameter.hpp"

namespace pgtraffic::workload {

/// What $n is: a value drawn for it alone, or one of its operation's values, which is drawn once for all that
/// name it, or what a statement before it returned in the column of that name. Which of the last two, the
/// columns tell, and only a database knows them.
struct Argument {
    Parameter parameter;                  ///< an empty constant where it can only be returned
    std::optional<std::uint32_t> shared;  ///< the place among the operation's values
    std::string returned;                 ///< the name, where statements before it return columns
};

struct Statement {
    std::string name;  ///< "approve"; the operation's name where none was given
    std::string sql;
    std::vector<Argument> arguments;  ///< $1, $2, …
    double weight = 1;                ///< only where the operation chooses one of its statements
    /// What the columns of its answer have in front of their names where later statements take their values;
    /// none where they are not kept.
    std::optional<std::string> returns = std::nullopt;
    nlohmann::ordered_json written =
        nlohmann::ordered_json::array();  ///< "parameters", as its author has them
};

/// A condition between an operation's statements.
struct Guard {
    Expression condition;
    std::vector<Argument> names;  ///< where the values of the condition's names() come from
    std::uint32_t statements_before = 0;
};

/// What an operation with conditions does next.
struct Step {
    enum class Kind : std::uint8_t {
        send,    ///< statement `index`
        unless,  ///< go on at `target` where guard `index` does not hold
        go,      ///< go on at `target`
    };
    Kind kind = Kind::send;
    std::uint32_t index = 0;
    std::uint32_t target = 0;  ///< a later one; their number where nothing follows
};

/// On one of these SQLSTATEs the operation is tried again from its first statement, its parameters seeing
/// the number of the attempt; after a pause that doubles with each attempt up to the longest.
struct RetryPolicy {
    std::vector<base::SqlState> on;
    std::uint32_t max_retries = 0;
    base::Nanos first_pause{0};  ///< 0: at once
    base::Nanos longest_pause{0};
};

struct Operation {
    std::string name;
    double weight = 1;
    bool choose_one = false;  ///< one of the statements, by weight; otherwise all, one after the other
    std::vector<NamedValue> values;
    std::vector<Statement> statements;  ///< in the order of the text, whichever are sent
    std::vector<Guard> guards;
    std::vector<Step> steps;  ///< at least one sends, whatever holds; none where there is no guard
    RetryPolicy retry;
    nlohmann::ordered_json written = nlohmann::ordered_json::object();  ///< "values", "retry", "returns" and
                                                                        ///< "conditions", where it has them
};

struct Scenario {
    std::string name;
    std::string description;
    std::vector<Operation> operations;
    std::optional<nlohmann::ordered_json> traffic;  ///< as written; traffic/ reads it
    std::optional<std::string> arrivals;            ///< "poisson" or "uniform"
    std::optional<std::uint32_t> connections;
    std::vector<std::string> thresholds;
    std::optional<bool> read_only;  ///< its author's word; none: the statements tell (intent.hpp)
};

/// Statements of an operation, at most.
inline constexpr std::size_t kMaxStatements = 100;

/// Conditions of an operation, at most.
inline constexpr std::size_t kMaxGuards = 32;

/// Why this can be no statement of a workload; empty where it can.
[[nodiscard]] std::string complaint_of_statement(std::string_view sql);

/// Throws base::Error with file and JSON pointer for unknown keys, wrong types, no operation, a weight that
/// is negative or all weights zero, two operations of one name, an empty or COPY statement, an SQLSTATE that
/// is none, a parameter of no known kind, one that names no value of its operation and that no statement
/// before it can return, more than kMaxParameters, conditions that may leave nothing to send.
[[nodiscard]] Scenario parse_scenario(const base::JsonNode& node);

/// The names of the built-in scenarios, sorted.
[[nodiscard]] std::vector<std::string_view> scenario_names();

/// The JSON text of a built-in scenario; empty if there is none of that name.
[[nodiscard]] std::string_view scenario_text(std::string_view name);

/// The built-in scenario of that name, which must exist.
[[nodiscard]] Scenario built_in_scenario(std::string_view name);

/// One operation of one statement without parameters, all of the name "sql". Throws base::Error for an empty
/// or COPY statement.
[[nodiscard]] Scenario scenario_of_statement(const std::string& sql);

[[nodiscard]] Scenario load_scenario_file(const std::string& path);

/// Drops the operations of weight 0, and the statements of weight 0 where one is chosen: no arrival draws
/// them, so that neither their rights nor their tables are needed.
void drop_weightless(Scenario& scenario);

/// Replaces the weights from "select=60,insert=25,update=15": operations left out get weight 0. Throws
/// base::Error (beginning with "--mix: ") for an unknown name (naming the nearest), a negative or non-numeric
/// weight, a name said twice, an empty text, or a sum of zero.
void apply_mix(Scenario& scenario, std::string_view mix);

}  // namespace pgtraffic::workload
