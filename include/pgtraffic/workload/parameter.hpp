// Where the value of a statement's $n comes from. Every value is a function of the run's seed, the
// arrival's index and the attempt, never of the order in which queries end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/workload/expression.hpp"
#include "pgtraffic/workload/integer_draw.hpp"
#include "pgtraffic/workload/key_distribution.hpp"

namespace pgtraffic::workload {

/// Key drawn from the range that a table's column really holds, read once at the start.
struct KeyParameter {
    std::string table;                            ///< "orders" or "schema.orders"
    std::string column;                           ///< "order_id"
    std::optional<KeyDistribution> distribution;  ///< none: the run's --key-distribution
};

/// One of the values that a query returns in its first column, read once at the start.
struct PickParameter {
    std::string query;
};

struct IntegerParameter {
    IntegerDraw numbers;
};

/// A decimal number with so many digits, each of those from the lowest to the highest alike.
struct RealParameter {
    std::int64_t lowest = 0;  ///< in units of the last digit
    std::int64_t highest = 0;
    int digits = 2;  ///< behind the point
};

struct ChoiceParameter {
    std::vector<std::string> values;
};

/// A code such as an order number: prefix + zero-padded number, new for each attempt; from attempt
/// `uuid_after` + 1 on, prefix + 12 hex digits that no other run draws, so that an operation retried on a
/// duplicate ends. Those digits are the one value that the seed does not determine.
struct CodeParameter {
    std::string prefix;
    int digits = 9;
    std::uint32_t uuid_after = 5;
};

/// A random version-4 UUID, from the seed.
struct UuidParameter {};

/// A prefix and the run's id, so that a row says which run made it. Not of the seed.
struct RunIdParameter {
    std::string prefix;
};

struct ConstantParameter {
    std::string value;
};

/// What is made of other values of its operation, and of draws of its own. May be NULL.
struct ComputedParameter {
    Expression expression;
    std::vector<std::uint32_t> values;  ///< by the expression's names(): which of the operation's values
};

using Parameter =
    std::variant<KeyParameter, PickParameter, IntegerParameter, RealParameter, ChoiceParameter, CodeParameter,
                 UuidParameter, RunIdParameter, ConstantParameter, ComputedParameter>;

/// A value of an operation, which is drawn once for all that name it.
struct NamedValue {
    std::string name;
    Parameter parameter;
};

/// What an expression may make of a value of the operation: a number that is known now, or, none, one that an
/// arrival draws. Throws Complaint where it is no number.
[[nodiscard]] std::optional<Scalar> number_of(const NamedValue& value);

/// Reads {"key": "orders.order_id"}, {"integer": [5, 50]}, …: an object with the key of one kind and what
/// belongs to it. Throws base::Error with file and JSON pointer. Identifiers in "key" are checked so that
/// they can stand in SQL as they are; prefixes and digits so that no value exceeds kLongestGenerated.
/// `values`: those that a computed one may name. `beside_values`: {"value": …}, which is the caller's to
/// read, could stand here as well, and is named among what is known.
[[nodiscard]] Parameter parse_parameter(const base::JsonNode& node, std::span<const NamedValue> values = {},
                                        bool beside_values = false);

/// Bytes of a statement, a query, a constant or a description.
inline constexpr std::size_t kMaxText = 100'000;

/// At most this many parameters a statement; a scenario with more is refused.
inline constexpr std::size_t kMaxParameters = 32;

/// Bytes of a value that is not picked, chosen or constant.
inline constexpr std::size_t kLongestGenerated = 64;

}  // namespace pgtraffic::workload
