// Readiness of one socket. `watch` costs two system calls even when nothing changes: call it when what to
// wait for changes, never "to be sure".
#pragma once

#include "pgtraffic/event_loop/callback.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

/// What a poll reports. `broken` comes without the other two, and the poll has stopped itself.
struct Readiness {
    bool readable = false;
    bool writable = false;
    bool broken = false;
};

/// Neither copies nor moves. The socket stays its owner's, who destroys the poll before closing it.
class Poll {
 public:
    using OnReady = Callback<Readiness>;

    /// Throws base::Error where the descriptor cannot be polled.
    Poll(Loop& loop, int socket, OnReady on_ready);

    void watch(bool readable, bool writable) noexcept;
    void stop() noexcept;
    [[nodiscard]] int socket() const noexcept { return socket_; }

 private:
    int socket_;
    OnReady on_ready_;
    HandlePtr<uv_poll_t> handle_;
};

}  // namespace pgtraffic::event_loop
