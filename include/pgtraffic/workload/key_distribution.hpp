// Which keys of a range are asked for how often.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/workload/zipf.hpp"

namespace pgtraffic::workload {

enum class KeyDistribution : std::uint8_t {
    uniform,  ///< every key alike
    zipf,     ///< rank r with weight 1/r^0.99 (YCSB's exponent), ranks scattered over the range
    recent,   ///< the same weights, rank 1 the newest (highest) key: new orders are read most
};

[[nodiscard]] std::optional<KeyDistribution> parse_key_distribution(std::string_view text) noexcept;
[[nodiscard]] std::string_view to_string(KeyDistribution distribution) noexcept;

/// Draws keys from [low, high]. A value; all state is computed once, a draw allocates nothing.
class KeyChooser {
 public:
    /// low <= high.
    KeyChooser(KeyDistribution distribution, std::int64_t low, std::int64_t high);

    [[nodiscard]] std::int64_t draw(base::Random& random) const noexcept {
        return distribution_ == KeyDistribution::uniform ? at(random.below(size_)) : skewed(random);
    }

 private:
    [[nodiscard]] std::int64_t skewed(base::Random& random) const noexcept;
    [[nodiscard]] std::int64_t at(std::uint64_t offset) const noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(low_) + offset);
    }

    KeyDistribution distribution_;
    std::int64_t low_;
    std::uint64_t size_;
    std::optional<ZipfRanks> ranks_;
    std::uint64_t scatter_ = 1;  // coprime to size_
};

}  // namespace pgtraffic::workload
