// A TCP socket whose reads tell when the kernel received what they found: a reader that was late for it need
// not take its own time for the sender's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::postgres {

/// A value. The socket stays its owner's.
class StampedSocket {
 public:
    /// Asks the kernel for its times, from now on. False, and nothing is changed, where there are none: only
    /// TCP has them. The first reads may come before the kernel has begun.
    [[nodiscard]] bool stamp(int socket) noexcept;
    /// As if new.
    void forget() noexcept;

    /// As recv().
    [[nodiscard]] std::int64_t read(std::span<char> into) noexcept;
    /// When the last byte of the last read() reached this machine, by the calendar's clock. Unknown where
    /// some of it may have come behind what follows it: packets are lost, and sent again.
    [[nodiscard]] std::optional<base::Wall> received_at() const noexcept {
        return received_at_ > doubtful_until_ ? received_at_ : std::nullopt;
    }
    /// To be called where the last read()s found what was sent in several pieces, small as it is:
    /// received_at() then knows whether they came in their order. One system call.
    void look_at_order() noexcept;

 private:
    int socket_ = -1;
    std::uint32_t out_of_order_ = 0;  // segments until the last look
    base::Wall doubtful_until_{};     // what came until then may have come before what it follows
    std::optional<base::Wall> received_at_;
};

}  // namespace pgtraffic::postgres
