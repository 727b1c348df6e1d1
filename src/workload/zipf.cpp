#include "pgtraffic/workload/zipf.hpp"

#include <algorithm>
#include <cmath>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::workload {

ZipfRanks::ZipfRanks(std::uint64_t size, double exponent) noexcept : size_{size}, exponent_{exponent} {
    PGTRAFFIC_CHECK(size > 0 && exponent > 0, "Zipf's law of something");
    first_ = integral(1.5) - 1;
    last_ = integral(static_cast<double>(size_) + 0.5);
    shortcut_ = 2 - inverse_integral(integral(2.5) - weight(2));
}

double ZipfRanks::weight(double rank) const noexcept {
    return std::exp(-exponent_ * std::log(rank));
}

/// Of the weight from 1 to x, by expm1 because 1 - exponent may be small.
double ZipfRanks::integral(double x) const noexcept {
    const double left = 1 - exponent_;
    return left == 0 ? std::log(x) : std::expm1(left * std::log(x)) / left;
}

double ZipfRanks::inverse_integral(double area) const noexcept {
    const double left = 1 - exponent_;
    return left == 0 ? std::exp(area) : std::exp(std::log1p(area * left) / left);
}

std::uint64_t ZipfRanks::draw(base::Random& random) const noexcept {
    const auto last = static_cast<double>(size_);
    while (true) {
        const double area = last_ + random.unit() * (first_ - last_);
        const double x = inverse_integral(area);
        const double rank = std::clamp(std::floor(x + 0.5), 1.0, last);
        if (rank - x <= shortcut_ || area >= integral(rank + 0.5) - weight(rank)) {
            // As a double the last of very many ranks may round up to 2^64, which no integer here holds.
            return rank < 0x1p63 ? std::min(static_cast<std::uint64_t>(rank), size_) : size_;
        }
    }
}

}  // namespace pgtraffic::workload
