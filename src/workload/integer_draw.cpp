#include "pgtraffic/workload/integer_draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 4> kSkews{"uniform", "zipf", "exponential", "gaussian"};

constexpr double kMostZipf = 1000;
constexpr double kLeastGaussian = 2;  // of a narrower one most draws would be thrown away

/// All 2^64 numbers do not fit a count of 64 bits; one is left out.
std::uint64_t size_of(std::int64_t low, std::int64_t high) noexcept {
    const auto size = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    return size == 0 ? std::numeric_limits<std::uint64_t>::max() : size;
}

/// Box, Muller: A Note on the Generation of Random Normal Deviates, 1958.
double normal(base::Random& random) noexcept {
    const double radius = std::sqrt(2 * random.exponential());
    return radius * std::cos(2 * std::numbers::pi * random.unit());
}

}  // namespace

std::string_view to_string(Skew skew) noexcept {
    return kSkews[static_cast<std::size_t>(skew)];
}

std::optional<Skew> parse_skew(std::string_view word) noexcept {
    const auto found = std::ranges::find(kSkews, word);
    if (found == kSkews.end()) return std::nullopt;
    return static_cast<Skew>(found - kSkews.begin());
}

std::optional<std::string_view> complaint_about(Skew skew, double by) noexcept {
    switch (skew) {
        case Skew::uniform:
            break;
        case Skew::zipf:
            if (!(by > 0 && by <= kMostZipf)) return "the exponent must be above 0 and at most 1000";
            break;
        case Skew::exponential:
            if (!(by > 0 && std::isfinite(by))) return "it must be above 0";
            break;
        case Skew::gaussian:
            if (!(by >= kLeastGaussian && std::isfinite(by))) return "it must be at least 2";
            break;
    }
    return std::nullopt;
}

IntegerDraw::IntegerDraw(std::int64_t low, std::int64_t high, Skew skew, double by) noexcept
    : low_{low}, high_{high}, skew_{skew}, by_{by} {
    PGTRAFFIC_CHECK(low <= high && !complaint_about(skew, by), "a range, and how it is drawn from");
    if (skew_ == Skew::zipf) ranks_.emplace(size_of(low, high), by);
}

std::int64_t IntegerDraw::at(double place) const noexcept {
    const auto size = size_of(low_, high_);
    const double offset = std::floor(place * static_cast<double>(size));
    // As a double the end of a very long range may round up to beyond it.
    const std::uint64_t whole = offset < 0x1p63   ? static_cast<std::uint64_t>(std::max(offset, 0.0))
                                : offset < 0x1p64 ? static_cast<std::uint64_t>(offset)
                                                  : std::numeric_limits<std::uint64_t>::max();
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low_) + std::min(whole, size - 1));
}

std::int64_t IntegerDraw::skewed(base::Random& random) const noexcept {
    if (skew_ == Skew::zipf)
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(low_) + ranks_->draw(random) - 1);
    if (skew_ == Skew::exponential) {
        // What is left of an exponential cut off at `by`, by inversion.
        const double left = -std::expm1(-by_) * random.unit();
        return at(-std::log1p(-left) / by_);
    }
    double deviation = normal(random);
    while (std::abs(deviation) >= by_) deviation = normal(random);
    return at((deviation + by_) / (2 * by_));
}

}  // namespace pgtraffic::workload
