// The expressions of pgbench's \set, as far as a value that is drawn by itself can have one: arithmetic with
// numbers and variables, and random(lowest, highest) and its kin, moved by what is added to it.
//
// Source: PostgreSQL documentation, "pgbench", sections "Built-in Operators" and "Built-In Functions".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "pgtraffic/workload/integer_draw.hpp"

namespace pgtraffic::workload {

/// A whole number that each transaction draws, from the lowest to the highest.
struct Drawn {
    std::int64_t low = 0;
    std::int64_t high = 0;
    Skew skew = Skew::uniform;
    double by = 0;
};

/// What a variable of a script holds; a text, which may be that of a number, where -D gave it.
using ScriptValue = std::variant<std::int64_t, double, std::string, Drawn>;
using ScriptValues = std::map<std::string, ScriptValue, std::less<>>;

/// What is wrong; whoever knows the line adds it. Thrown.
struct ScriptComplaint {
    std::string what;
};

/// Of what may be in a variable's name; a colon in front is the caller's.
[[nodiscard]] bool is_variable_part(char c) noexcept;
/// Of the name that `text` begins with; 0 where it begins with none, as with a digit.
[[nodiscard]] std::size_t variable_length(std::string_view text) noexcept;

/// A number where it is one, as an expression of pgbench takes what -D says. Throws ScriptComplaint for one
/// of more than 64 bits.
[[nodiscard]] ScriptValue value_of_text(const std::string& text);

/// Throws ScriptComplaint.
[[nodiscard]] ScriptValue evaluate(std::string_view expression, const ScriptValues& variables);

}  // namespace pgtraffic::workload
