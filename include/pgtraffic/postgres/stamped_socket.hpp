// A TCP socket whose reads tell when the kernel received what they found: a reader that was late for it need
// not take its own time for the sender's. Beneath TLS, too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pgtraffic/base/time.hpp"

struct ssl_st;

namespace pgtraffic::postgres {

/// Neither copies nor moves: a TLS object may read by it. The socket stays its owner's.
class StampedSocket {
 public:
    StampedSocket() = default;
    StampedSocket(const StampedSocket&) = delete;
    StampedSocket& operator=(const StampedSocket&) = delete;

    /// Asks the kernel for its times, from now on; where `tls` is not null, that reads by read() then, until
    /// it is freed. False, and nothing is changed, where there are none: only TCP has them. The first reads
    /// may come before the kernel has begun.
    [[nodiscard]] bool stamp(int socket, ssl_st* tls) noexcept;
    /// As if new. A TLS object that read by it was freed.
    void forget() noexcept;

    /// As recv().
    [[nodiscard]] std::int64_t read(std::span<char> into) noexcept;
    /// When the last byte of the last read() reached this machine, by the calendar's clock.
    [[nodiscard]] std::optional<base::Wall> received_at() const noexcept { return received_at_; }

 private:
    int socket_ = -1;
    std::optional<base::Wall> received_at_;
};

}  // namespace pgtraffic::postgres
