#include "pgtraffic/event_loop/loop.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/event_loop/poll.hpp"

namespace pgtraffic::event_loop {
namespace {

constexpr int kRounds = 3;

}  // namespace

Loop::Loop() {
    throw_if(uv_loop_init(libuv_.get()), "cannot make an event loop");
    libuv_->data = this;
    keeper_ = make_handle<uv_prepare_t>("cannot make an event loop", nullptr,
                                        [&](uv_prepare_t* h) { return uv_prepare_init(libuv_.get(), h); });
    uv_prepare_start(keeper_.get(), [](uv_prepare_t*) {});
    control(EPOLL_CTL_ADD, uv_backend_fd(libuv_.get()), EPOLLIN, nullptr);
    control(EPOLL_CTL_ADD, libuv_timer_.raw(), EPOLLIN, nullptr);
}

Loop::~Loop() {
    PGTRAFFIC_CHECK(watched_ == 0, "every poll was stopped before its loop");
    keeper_.reset();
    uv_walk(
        libuv_.get(),
        [](uv_handle_t* handle, void* /*context*/) {
            PGTRAFFIC_CHECK(uv_is_closing(handle) != 0, "every handle was closed before its loop");
        },
        nullptr);
    // The close callbacks, and the answers of look-ups that were called off. More is left only where one
    // could not be: a name server that is silent may keep it for a minute.
    for (int round = 0; round < kRounds && uv_run(libuv_.get(), UV_RUN_NOWAIT) != 0; ++round) {
    }
    if (uv_loop_close(libuv_.get()) == 0) return;
    any_left_behind_ = true;
    static_cast<void>(libuv_.release());
}

void Loop::run() noexcept {
    stopped_ = false;
    libuv_wants_turn_ = true;
    while (!stopped_) {
        if (libuv_wants_turn_) turn_libuv();
        if (stopped_ || (watched_ == 0 && !libuv_alive_)) return;
        hooks_.before_wait();
        if (stopped_ || (libuv_wants_turn_ && waits_)) continue;
        wait();
        if (libuv_wants_turn_) hooks_.before_libuv();
    }
}

/// And hands out what came.
void Loop::wait() noexcept {
    const int timeout_ms = std::exchange(waits_, true) ? -1 : 0;
    const int n = ::epoll_wait(epoll_.raw(), batch_.data(), static_cast<int>(batch_.size()), timeout_ms);
    PGTRAFFIC_CHECK(n >= 0 || errno == EINTR, "the loop can wait");
    batch_size_ = std::max(n, 0);
    for (batch_at_ = 0; batch_at_ < batch_size_; ++batch_at_) {
        const epoll_event& event = batch_[static_cast<std::size_t>(batch_at_)];
        if (event.data.ptr == this) continue;  // stopped meanwhile
        if (event.data.ptr == nullptr) {
            libuv_wants_turn_ = true;
        } else {
            static_cast<const Poll*>(event.data.ptr)->tell(event.events);
        }
    }
    batch_size_ = 0;
}

void Loop::turn_libuv() noexcept {
    // Where no handle keeps it alive it looks at nothing, signals included, and never wants to wait.
    uv_ref(as_handle(keeper_.get()));
    while (libuv_wants_turn_ && !stopped_) {
        libuv_wants_turn_ = false;  // what a callback begins now is begun by the round that follows
        uv_run(libuv_.get(), UV_RUN_NOWAIT);
    }
    const int in_ms = uv_backend_timeout(libuv_.get());
    uv_unref(as_handle(keeper_.get()));
    libuv_alive_ = uv_loop_alive(libuv_.get()) != 0;
    libuv_timer_.set(in_ms < 0 ? base::Mono::max() : base::mono_now() + std::chrono::milliseconds{in_ms});
}

void Loop::control(int operation, int descriptor, std::uint32_t events, Poll* poll) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = poll;
    if (::epoll_ctl(epoll_.raw(), operation, descriptor, &event) != 0)
        throw base::Error(std::string("cannot watch a socket: ") + std::strerror(errno));
}

void Loop::begin_watch(int descriptor, std::uint32_t events, Poll& poll) {
    control(EPOLL_CTL_ADD, descriptor, events, &poll);
    ++watched_;
}

void Loop::change_watch(int descriptor, std::uint32_t events, Poll& poll) {
    control(EPOLL_CTL_MOD, descriptor, events, &poll);
}

void Loop::end_watch(int descriptor, const Poll& poll) noexcept {
    --watched_;
    epoll_event unused{};
    ::epoll_ctl(epoll_.raw(), EPOLL_CTL_DEL, descriptor, &unused);
    for (int i = batch_at_; i < batch_size_; ++i) {
        auto& event = batch_[static_cast<std::size_t>(i)];
        if (event.data.ptr == &poll) event.data.ptr = this;
    }
}

const char* libuv_version() noexcept {
    return uv_version_string();
}

}  // namespace pgtraffic::event_loop
