// What the kernel knows of a TCP connection without asking anybody.
#pragma once

#include <optional>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::event_loop {

/// The smoothed round-trip time (RFC 6298) of a connected TCP socket, in steps of a microsecond; none for
/// other sockets, before the first acknowledgement, and where the kernel does not tell. One system call.
[[nodiscard]] std::optional<base::Nanos> tcp_round_trip(int socket) noexcept;

}  // namespace pgtraffic::event_loop
