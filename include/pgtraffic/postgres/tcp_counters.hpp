// What the kernel counts of a TCP connection, from its begin on.
#pragma once

#include <cstdint>
#include <optional>

namespace pgtraffic::postgres {

struct TcpCounters {
    std::uint64_t bytes_received = 0;
    std::uint32_t out_of_order = 0;  ///< segments that came before one that they follow
};

/// None where the socket is none of TCP. Of an old kernel those that it does not keep are 0.
[[nodiscard]] std::optional<TcpCounters> tcp_counters(int socket) noexcept;

}  // namespace pgtraffic::postgres
