#include "pgtraffic/event_loop/poll.hpp"

#include <sys/epoll.h>

#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

void Poll::watch(int descriptor, bool readable, bool writable, Trigger trigger) {
    // The end may come with the last bytes: who is told once has to be told of both.
    const std::uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U) |
                                 (trigger == Trigger::edge ? EPOLLET | EPOLLRDHUP : 0U);
    if (descriptor != descriptor_) {
        stop();
        loop_->begin_watch(descriptor, events, *this);
        descriptor_ = descriptor;
    } else if (events != events_) {
        loop_->change_watch(descriptor, events, *this);
    }
    events_ = events;
}

void Poll::again() noexcept {
    loop_->change_watch(descriptor_, events_, *this);
}

void Poll::stop() noexcept {
    if (descriptor_ < 0) return;
    loop_->end_watch(descriptor_, *this);
    descriptor_ = -1;
}

}  // namespace pgtraffic::event_loop
