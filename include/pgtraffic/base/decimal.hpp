// Whole numbers as digits, for a query's path: a key is written into every query, and what a general
// formatter costs for it hangs on what the compiler makes of its templates from one build to the next.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pgtraffic::base {

/// Bytes that put_decimal() may touch.
inline constexpr std::size_t kLongestDecimal = 24;

namespace detail {

/// The eight digits of a number below 10^8, the first one in the lowest byte. The number is cut into two of
/// four digits, each of these into two of two, and these into digits, all of one cut at the same time: in the
/// lanes of a word, by a multiplication and a shift in the place of a division (Granlund and Montgomery,
/// Division by Invariant Integers using Multiplication, 1994).
[[nodiscard]] inline std::uint64_t eight_digits(std::uint64_t n) noexcept {
    const std::uint64_t fours = n / 10'000 | (n % 10'000) << 32U;
    const std::uint64_t hundreds = ((fours * 10'486) >> 20U) & 0x0000'007F'0000'007FU;
    const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16U;
    const std::uint64_t tens = ((twos * 103) >> 10U) & 0x000F'000F'000F'000FU;
    return tens | (twos - 10 * tens) << 8U;
}

[[nodiscard]] inline char* put_digits(char* to, std::uint64_t digits, unsigned skipped) noexcept {
    std::uint64_t text = (digits | 0x3030'3030'3030'3030U) >> (8 * skipped);
    if constexpr (std::endian::native == std::endian::big) text = __builtin_bswap64(text);
    std::memcpy(to, &text, sizeof text);
    return to + sizeof text - skipped;
}

}  // namespace detail

/// Writes `n` and returns its end. There is room for kLongestDecimal bytes, of which those behind the end may
/// be written, too.
[[nodiscard]] inline char* put_decimal(char* to, std::uint64_t n) noexcept {
    constexpr std::uint64_t kEightDigits = 100'000'000;
    if (n >= kEightDigits) [[unlikely]] {
        to = put_decimal(to, n / kEightDigits);
        return detail::put_digits(to, detail::eight_digits(n % kEightDigits), 0);
    }
    const std::uint64_t digits = detail::eight_digits(n);
    // Of noughts in front the last one stays.
    const auto skipped = static_cast<unsigned>(std::countr_zero(digits | std::uint64_t{1} << 56U)) / 8;
    return detail::put_digits(to, digits, skipped);
}

[[nodiscard]] inline char* put_decimal(char* to, std::int64_t n) noexcept {
    if (n >= 0) [[likely]]
        return put_decimal(to, static_cast<std::uint64_t>(n));
    *to = '-';
    return put_decimal(to + 1, 0 - static_cast<std::uint64_t>(n));
}

}  // namespace pgtraffic::base
