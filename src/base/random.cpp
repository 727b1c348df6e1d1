#include "pgtraffic/base/random.hpp"

#include <sys/random.h>

#include <cmath>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::base {

/// `product` may belong to the few draws that would make some numbers more likely: those are drawn again.
std::uint64_t Random::below_of(Wide product, std::uint64_t n) noexcept {
    const std::uint64_t threshold = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{next()} * n;
    return static_cast<std::uint64_t>(product >> 64);
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) noexcept {
    PGTRAFFIC_CHECK(low <= high, "a draw from an empty range");
    const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t offset = width == 0 ? next() : below(width);  // 0: all 2^64 values
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

// 1 - unit() is exact, so log() loses nothing against log1p(), which takes three times as long.
double Random::exponential() noexcept {
    return -std::log(1 - unit());
}

std::uint64_t entropy() {
    std::uint64_t bits = 0;
    PGTRAFFIC_CHECK(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits),
                    "the kernel gave no random bytes");
    return bits;
}

}  // namespace pgtraffic::base
