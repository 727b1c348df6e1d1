#include "pgtraffic/event_loop/timer.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

namespace pgtraffic::event_loop {

Timer::Timer(Loop& loop, base::Callback<> on_time)
    : on_time_{on_time},
      handle_{make_handle<uv_timer_t>("cannot make a timer", &on_time_,
                                      [&](uv_timer_t* h) { return uv_timer_init(loop.raw(), h); })} {}

void Timer::start(base::Nanos in) noexcept {
    // libuv counts from its cached, floored clock: refresh it and add one, so that it never fires early.
    uv_update_time(handle_->loop);
    libuv_changed(handle_->loop);
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(std::max(in, base::Nanos{0})).count() + 1;
    uv_timer_start(
        handle_.get(),
        [](uv_timer_t* raw) {
            if (auto* on_time = static_cast<base::Callback<>*>(raw->data)) (*on_time)();
        },
        static_cast<std::uint64_t>(whole), 0);
}

void Timer::stop() noexcept {
    libuv_changed(handle_->loop);
    uv_timer_stop(handle_.get());
}

bool Timer::active() const noexcept {
    return uv_is_active(as_handle(handle_.get())) != 0;
}

Sleeper::Sleeper() noexcept {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
}

Sleeper::~Sleeper() {
    ::prctl(PR_SET_TIMERSLACK, 0UL);  // as the thread began
}

void Sleeper::sleep_until(base::Mono then) const noexcept {
    const std::int64_t ns = then.time_since_epoch().count();
    timespec at{};
    at.tv_sec = ns / 1'000'000'000;
    at.tv_nsec = ns % 1'000'000'000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

DueTimer::DueTimer(Loop& loop) : poll_{loop, Poll::OnReady::to<&DueTimer::on_readable>(*this)} {
    poll_.watch(timer_.raw(), true, false, Trigger::edge);
}

void DueTimer::arm(base::Mono due) noexcept {
    if (due == armed_) return;
    armed_ = due;
    timer_.set(due);
}

}  // namespace pgtraffic::event_loop
