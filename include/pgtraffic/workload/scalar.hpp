// The values that expressions are computed of, and what each operator makes of them, by pgbench's rules.
//
// Source: PostgreSQL documentation, "pgbench", sections "Built-in Operators" and "Built-In Functions".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace pgtraffic::workload {

/// What an expression makes: nothing (NULL), a truth, or a number.
using Scalar = std::variant<std::monostate, bool, std::int64_t, double>;

/// Whether a condition of this value holds: true, and every number but 0.
[[nodiscard]] bool holds(const Scalar& value) noexcept;

/// What a text is taken for: a whole number, a real one, or a truth (t, true, yes, on and their opposites, in
/// any case); NULL where it is none of these.
[[nodiscard]] Scalar scalar_of_text(std::string_view text) noexcept;

[[nodiscard]] bool is_number(const Scalar& value) noexcept;
/// Of a number.
[[nodiscard]] double as_real(const Scalar& value) noexcept;
/// A real number is rounded, as pgbench does it; none where it is no number, or beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> as_whole(const Scalar& value) noexcept;

/// What a part of an expression does with its parts.
enum class Operator : std::uint8_t {
    // Those that compute() knows nothing of:
    literal,
    name,
    draw,     ///< of a range that is known
    random,   ///< of one that is computed
    choose,   ///< CASE: a ? b : c
    permute,  ///< a below b, by c
    // AND, OR and NOT, which know what to make of NULL:
    conjoin,
    disjoin,
    invert,
    is_null,
    is_true,
    is_false,
    add,
    subtract,
    multiply,
    divide,
    modulo,
    bit_and,
    bit_or,
    bit_xor,
    shift_left,
    shift_right,
    equal,
    less,
    less_or_equal,
    least,
    greatest,
    power,
    hash_fnv1a,
    hash_murmur2,
    absolute,
    to_whole,
    to_real,
    square_root,
    exponential,
    logarithm,
};

/// Whether compute() makes it of one value.
[[nodiscard]] bool takes_one(Operator op) noexcept;

/// `trouble`: what is wrong with it, where something is; its value is then NULL.
struct Computed {
    Scalar value;
    const char* trouble = nullptr;
};

/// `b` counts where it takes two.
[[nodiscard]] Computed compute(Operator op, const Scalar& a, const Scalar& b) noexcept;

/// permute(value, size, seed): where a number is among those below `size`, when they are mixed; each takes
/// one place.
[[nodiscard]] Computed permuted(const Scalar& value, const Scalar& size, const Scalar& seed) noexcept;

}  // namespace pgtraffic::workload
