// Ranks by Zipf's law, by rejection-inversion: it needs no table of their number, so a billion cost as little
// as ten.
#pragma once

#include <cstdint>

#include "pgtraffic/base/random.hpp"

namespace pgtraffic::workload {

/// Rank r of 1 … size has the weight 1 / r^exponent. A value; all state is computed once.
///
/// Hörmann, Derflinger: Rejection-Inversion to Generate Variates from Monotone Discrete Distributions, 1996.
class ZipfRanks {
 public:
    /// size > 0; 0 < exponent <= 1000.
    ZipfRanks(std::uint64_t size, double exponent) noexcept;

    [[nodiscard]] std::uint64_t draw(base::Random& random) const noexcept;

 private:
    [[nodiscard]] double weight(double rank) const noexcept;
    [[nodiscard]] double integral(double x) const noexcept;
    [[nodiscard]] double inverse_integral(double area) const noexcept;

    std::uint64_t size_;
    double exponent_;
    double first_ = 0;
    double last_ = 0;
    double shortcut_ = 0;
};

}  // namespace pgtraffic::workload
