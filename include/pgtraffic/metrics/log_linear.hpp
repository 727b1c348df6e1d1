// The arithmetic of log-linear buckets: 2^kBits of width 1 from 0 on, then half as many for each further
// octave, so that a bucket is never wider than 2^(1 - kBits) of its values. The same layout as
// HdrHistogram's with a lowest discernible value of 1.
#pragma once

#include <bit>
#include <cstdint>

namespace pgtraffic::metrics {

template <std::uint32_t kBits>
struct LogLinear {
    static constexpr std::uint32_t kHalf = 1U << (kBits - 1);
    /// Values below this have a bucket: 2^42 ns, the first power of two above an hour.
    static constexpr std::uint64_t kLimit = std::uint64_t{1} << 42;
    static constexpr std::uint32_t kBucketCount = (42 - kBits + 2) * kHalf;

    /// `value` < kLimit.
    [[nodiscard]] static constexpr std::uint32_t index_of(std::uint64_t value) noexcept {
        const auto octave = static_cast<std::uint32_t>(std::bit_width(value | (2 * kHalf - 1))) - kBits;
        return octave * kHalf + static_cast<std::uint32_t>(value >> octave);
    }
    [[nodiscard]] static constexpr std::uint64_t lowest_of(std::uint32_t index) noexcept {
        const std::uint32_t octave = octave_of(index);
        return static_cast<std::uint64_t>(index - octave * kHalf) << octave;
    }
    [[nodiscard]] static constexpr std::uint64_t highest_of(std::uint32_t index) noexcept {
        return lowest_of(index) + (std::uint64_t{1} << octave_of(index)) - 1;
    }

 private:
    [[nodiscard]] static constexpr std::uint32_t octave_of(std::uint32_t index) noexcept {
        return index < 2 * kHalf ? 0 : index / kHalf - 1;
    }
};

}  // namespace pgtraffic::metrics
