#include "pgtraffic/event_loop/poll.hpp"

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::event_loop {
namespace {

void forward(uv_poll_t* raw, int status, int events) noexcept {
    auto* on_ready = static_cast<Poll::OnReady*>(raw->data);
    if (on_ready == nullptr) return;
    // An error comes with no events and a handle already stopped: ignoring it would hang the connection.
    if (status < 0) {
        (*on_ready)(Readiness{false, false, true});
    } else {
        (*on_ready)(
            Readiness{(events & (UV_READABLE | UV_DISCONNECT)) != 0, (events & UV_WRITABLE) != 0, false});
    }
}

}  // namespace

Poll::Poll(Loop& loop, int socket, OnReady on_ready)
    : socket_{socket},
      on_ready_{on_ready},
      handle_{make_handle<uv_poll_t>("cannot watch a socket", &on_ready_,
                                     [&](uv_poll_t* h) { return uv_poll_init(loop.raw(), h, socket); })} {}

void Poll::watch(bool readable, bool writable) noexcept {
    const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    PGTRAFFIC_CHECK(uv_poll_start(handle_.get(), events, forward) == 0, "a socket can be watched");
}

void Poll::stop() noexcept {
    uv_poll_stop(handle_.get());
}

}  // namespace pgtraffic::event_loop
