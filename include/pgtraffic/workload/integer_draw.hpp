// Whole numbers of a range, all alike or not: the shapes that pgbench's functions have, by the same formulas.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/workload/zipf.hpp"

namespace pgtraffic::workload {

/// What `by` is for each, and between which numbers.
enum class Skew : std::uint8_t {
    uniform,      ///< nothing
    zipf,         ///< the exponent: the r-th number from the lowest has the weight 1 / r^by
    exponential,  ///< the weight falls along the range by e^-by
    gaussian,     ///< the range is cut off at `by` standard deviations on either side of its middle
};

[[nodiscard]] std::string_view to_string(Skew skew) noexcept;
[[nodiscard]] std::optional<Skew> parse_skew(std::string_view word) noexcept;
/// Why `by` is none for it; none where it is one.
[[nodiscard]] std::optional<std::string_view> complaint_about(Skew skew, double by) noexcept;

/// A value; all state is computed once, a draw allocates nothing.
///
/// Formulas: PostgreSQL documentation, "pgbench", section "Built-In Functions".
class IntegerDraw {
 public:
    /// low <= high; `by` without a complaint.
    IntegerDraw(std::int64_t low, std::int64_t high, Skew skew = Skew::uniform, double by = 0) noexcept;

    [[nodiscard]] std::int64_t draw(base::Random& random) const noexcept {
        return skew_ == Skew::uniform ? random.between(low_, high_) : skewed(random);
    }
    [[nodiscard]] std::int64_t low() const noexcept { return low_; }
    [[nodiscard]] std::int64_t high() const noexcept { return high_; }

 private:
    [[nodiscard]] std::int64_t skewed(base::Random& random) const noexcept;
    /// The number at a place in the range, 0 … 1.
    [[nodiscard]] std::int64_t at(double place) const noexcept;

    std::int64_t low_;
    std::int64_t high_;
    Skew skew_;
    double by_;
    std::optional<ZipfRanks> ranks_;
};

}  // namespace pgtraffic::workload
