// Integers as the wire has them, the highest byte first.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace pgtraffic::base {

/// Writes `n` and returns what lies behind it.
inline char* put_u32(char* to, std::uint32_t n) noexcept {
    if constexpr (std::endian::native == std::endian::little) n = __builtin_bswap32(n);
    std::memcpy(to, &n, sizeof n);
    return to + sizeof n;
}

inline char* put_u16(char* to, std::uint16_t n) noexcept {
    if constexpr (std::endian::native == std::endian::little) n = __builtin_bswap16(n);
    std::memcpy(to, &n, sizeof n);
    return to + sizeof n;
}

[[nodiscard]] inline std::uint32_t read_u32(const char* from) noexcept {
    std::uint32_t n = 0;
    std::memcpy(&n, from, sizeof n);
    if constexpr (std::endian::native == std::endian::little) n = __builtin_bswap32(n);
    return n;
}

}  // namespace pgtraffic::base
