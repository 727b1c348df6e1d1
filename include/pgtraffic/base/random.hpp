// Random numbers that are the same on every machine. A Random is named by (seed, stream, index), so
// the parameters of arrival k depend on the seed and k alone, never on the order of completions.
// Distributions are inverted here: those of <random> differ between standard libraries.
#pragma once

#include <cstdint>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::base {

/// Independent streams of one seed.
enum class Stream : std::uint64_t {
    arrivals = 1,
    intensity,
    mix,
    parameters,
    data,
    jitter,
    backoff,
    sample,
    think
};

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014),
/// started at a hash of its name. A value: copying it copies its position.
class Random {
 public:
    Random(std::uint64_t seed, Stream stream, std::uint64_t index = 0) noexcept
        : Random{family(seed, stream), index} {}

    [[nodiscard, gnu::always_inline]] std::uint64_t next() noexcept {
        state_ += 0x9E3779B97F4A7C15ULL;
        return mix(state_);
    }

    /// Uniform in [0, 1), 53 bits.
    [[nodiscard]] double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    /// Uniform in [0, n), without bias (Lemire, Fast Random Integer Generation, 2019). n must not be 0.
    [[nodiscard, gnu::always_inline]] std::uint64_t below(std::uint64_t n) noexcept {
        PGTRAFFIC_CHECK(n != 0, "a draw from an empty range");
        const Wide product = Wide{next()} * n;
        if (static_cast<std::uint64_t>(product) < n) [[unlikely]]
            return below_of(product, n);
        return static_cast<std::uint64_t>(product >> 64);
    }

    /// Uniform in [low, high], both included; low <= high.
    [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) noexcept;

    /// Exponential with mean 1, by inversion.
    [[nodiscard]] double exponential() noexcept;

 private:
    friend class Randoms;
    __extension__ using Wide = unsigned __int128;

    [[nodiscard]] std::uint64_t below_of(Wide product, std::uint64_t n) noexcept;

    [[nodiscard]] static constexpr std::uint64_t family(std::uint64_t seed, Stream stream) noexcept {
        return mix(seed ^ (static_cast<std::uint64_t>(stream) * 0xD1342543DE82EF95ULL));
    }
    Random(std::uint64_t family, std::uint64_t index) noexcept
        : state_{mix(family ^ (index * 0x9E3779B97F4A7C15ULL))} {}

    [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t z) noexcept {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

/// Every Random of a seed and a stream, for whoever needs one after the other: what their names have in
/// common is hashed once.
class Randoms {
 public:
    Randoms(std::uint64_t seed, Stream stream) noexcept : family_{Random::family(seed, stream)} {}

    /// Random{seed, stream, index}.
    [[nodiscard]] Random at(std::uint64_t index) const noexcept { return {family_, index}; }

 private:
    std::uint64_t family_;
};

/// 64 bits from the kernel, for seeds that nobody chose and for names that must be unique.
[[nodiscard]] std::uint64_t entropy();

}  // namespace pgtraffic::base
