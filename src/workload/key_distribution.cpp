// Draws keys of a range, evenly or by Zipf's law. Knows nothing of tables or queries.
#include "pgtraffic/workload/key_distribution.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::workload {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr double kExponent = 0.99;

constexpr std::array<std::pair<std::string_view, KeyDistribution>, 3> kNames{{
    {"uniform", KeyDistribution::uniform},
    {"zipf", KeyDistribution::zipf},
    {"recent", KeyDistribution::recent},
}};

/// A number coprime to `size`, near its golden section: multiples of it modulo `size` visit every key once
/// and keep the hottest ones far apart.
std::uint64_t golden_coprime(std::uint64_t size) noexcept {
    auto candidate = static_cast<std::uint64_t>((Wide{size} * 0x9E3779B97F4A7C15ULL) >> 64);
    candidate = std::max<std::uint64_t>(candidate, 1);
    while (std::gcd(candidate, size) != 1) ++candidate;
    return candidate;
}

}  // namespace

std::optional<KeyDistribution> parse_key_distribution(std::string_view text) noexcept {
    for (const auto& [name, distribution] : kNames) {
        if (name == text) return distribution;
    }
    return std::nullopt;
}

std::string_view to_string(KeyDistribution distribution) noexcept {
    for (const auto& [name, known] : kNames) {
        if (known == distribution) return name;
    }
    return "unknown";
}

KeyChooser::KeyChooser(KeyDistribution distribution, std::int64_t low, std::int64_t high)
    : distribution_{distribution},
      low_{low},
      size_{static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1} {
    PGTRAFFIC_CHECK(low <= high, "a key range without keys");
    // All 2^64 keys do not fit a count of 64 bits; the highest one is left out.
    if (size_ == 0) size_ = std::numeric_limits<std::uint64_t>::max();
    if (distribution_ == KeyDistribution::uniform) return;
    ranks_.emplace(size_, kExponent);
    scatter_ = golden_coprime(size_);
}

std::int64_t KeyChooser::skewed(base::Random& random) const noexcept {
    const std::uint64_t rank = ranks_->draw(random);
    return at(distribution_ == KeyDistribution::zipf
                  ? static_cast<std::uint64_t>(Wide{rank} * scatter_ % size_)
                  : size_ - rank);
}

}  // namespace pgtraffic::workload
