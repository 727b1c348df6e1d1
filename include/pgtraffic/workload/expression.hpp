// The expressions of pgbench's \set and \if: numbers, variables, operators, CASE, and its functions but for
// debug(). Without a seed hash() and permute() have that of :default_seed, or 0; permute() mixes in another
// way than pgbench's.
//
// Source: PostgreSQL documentation, "pgbench", sections "Built-in Operators" and "Built-In Functions".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/workload/integer_draw.hpp"
#include "pgtraffic/workload/scalar.hpp"

namespace pgtraffic::workload {

/// A whole number that is drawn, from the lowest to the highest.
struct Drawn {
    std::int64_t low = 0;
    std::int64_t high = 0;
    Skew skew = Skew::uniform;
    double by = 0;
};

/// What is wrong; whoever knows the place adds it. Thrown.
struct Complaint {
    std::string what;
};

/// Of what may be in a variable's name; a colon in front is the caller's.
[[nodiscard]] bool is_variable_part(char c) noexcept;
/// Of the name that `text` begins with; 0 where it begins with none, as with a digit.
[[nodiscard]] std::size_t variable_length(std::string_view text) noexcept;
/// The same, and a number behind a point, by which a value of a script is told from one before it of its
/// name.
[[nodiscard]] std::size_t value_name_length(std::string_view text) noexcept;

/// A value; all that a text says is looked at once, evaluating it allocates nothing.
class Expression {
 public:
    /// The value of a variable that has the same one always; none for one that is known when it is evaluated.
    /// Throws Complaint for one that there is not.
    using Lookup = std::function<std::optional<Scalar>(std::string_view name)>;

    /// Throws Complaint. What needs no variable's value is computed at once, and refused where it cannot be.
    Expression(std::string_view text, const Lookup& lookup);

    /// The variables whose values evaluate() needs, each once.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

    /// Where it is the same always.
    [[nodiscard]] std::optional<Scalar> constant() const noexcept;
    /// Whether it is another one each time, whatever the values are.
    [[nodiscard]] bool draws() const noexcept;
    /// Where it is one draw and no more, moved by a whole number.
    [[nodiscard]] std::optional<Drawn> draw() const noexcept;

    /// `values` by names(). What cannot be computed is NULL: a division by zero, a number beyond its range,
    /// what is computed of NULL.
    [[nodiscard]] Scalar evaluate(std::span<const Scalar> values, base::Random& random) const noexcept;

 private:
    struct Node {
        Operator op{};
        std::uint32_t a = 0;  // the parts, in nodes_; a place in names_ or draws_
        std::uint32_t b = 0;
        std::uint32_t c = 0;
        Scalar literal;
    };
    struct DrawNode {
        Drawn drawn;
        IntegerDraw numbers;
    };
    class Parser;

    [[nodiscard]] Scalar at(std::uint32_t node, std::span<const Scalar> values,
                            base::Random& random) const noexcept;

    std::vector<Node> nodes_;
    std::vector<DrawNode> draws_;
    std::vector<std::string> names_;
    std::uint32_t root_ = 0;
};

}  // namespace pgtraffic::workload
