#include "pgtraffic/event_loop/timer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#ifdef __linux__
#include <sys/timerfd.h>
#include <unistd.h>
#endif

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"

namespace pgtraffic::event_loop {

Timer::Timer(Loop& loop, Callback<> on_time)
    : on_time_{on_time},
      handle_{make_handle<uv_timer_t>("cannot make a timer", &on_time_,
                                      [&](uv_timer_t* h) { return uv_timer_init(loop.raw(), h); })} {}

void Timer::start(base::Nanos in) noexcept {
    // libuv counts from its cached, floored clock: refresh it and add one, so that it never fires early.
    uv_update_time(handle_->loop);
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(std::max(in, base::Nanos{0})).count() + 1;
    uv_timer_start(
        handle_.get(),
        [](uv_timer_t* raw) {
            if (auto* on_time = static_cast<Callback<>*>(raw->data)) (*on_time)();
        },
        static_cast<std::uint64_t>(whole), 0);
}

void Timer::stop() noexcept {
    uv_timer_stop(handle_.get());
}

bool Timer::active() const noexcept {
    return uv_is_active(as_handle(handle_.get())) != 0;
}

#ifdef __linux__

void sleep_until(base::Mono then) noexcept {
    const std::int64_t ns = then.time_since_epoch().count();
    timespec at{};
    at.tv_sec = ns / 1'000'000'000;
    at.tv_nsec = ns % 1'000'000'000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

DueTimer::DueTimer(Loop& loop) : descriptor_{timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)} {
    if (descriptor_ < 0) throw base::Error(std::string("cannot make a timer: ") + std::strerror(errno));
    poll_ = std::make_unique<Poll>(loop, descriptor_, Poll::OnReady::to<&DueTimer::on_readable>(*this));
    poll_->watch(true, false);
}

DueTimer::~DueTimer() {
    poll_.reset();
    ::close(descriptor_);
}

void DueTimer::arm(base::Mono due) noexcept {
    if (due == armed_) return;
    armed_ = due;
    // Never read: setting a timer clears its readiness.
    itimerspec when{};  // all zero disarms
    if (due != base::Mono::max()) {
        const auto ns = std::max<std::int64_t>(due.time_since_epoch().count(), 1);
        when.it_value.tv_sec = ns / 1'000'000'000;
        when.it_value.tv_nsec = ns % 1'000'000'000;
    }
    PGTRAFFIC_CHECK(timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &when, nullptr) == 0,
                    "a timer can be set");
}

#else

void sleep_until(base::Mono then) noexcept {
    const std::int64_t ns = std::max<std::int64_t>((then - base::mono_now()).count(), 0);
    timespec pause{};
    pause.tv_sec = ns / 1'000'000'000;
    pause.tv_nsec = ns % 1'000'000'000;
    nanosleep(&pause, nullptr);
}

DueTimer::DueTimer(Loop& loop) : timer_{loop, Callback<>::to<&DueTimer::on_timer>(*this)} {}

DueTimer::~DueTimer() = default;

void DueTimer::arm(base::Mono due) noexcept {
    if (due == armed_) return;
    armed_ = due;
    if (due == base::Mono::max()) {
        timer_.stop();
    } else {
        timer_.start(due - base::mono_now());
    }
}

#endif

}  // namespace pgtraffic::event_loop
