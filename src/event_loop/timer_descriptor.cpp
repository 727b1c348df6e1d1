#include "pgtraffic/event_loop/timer_descriptor.hpp"

#include <sys/timerfd.h>

#include <algorithm>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::event_loop {

TimerDescriptor::TimerDescriptor()
    : descriptor_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "cannot make a timer"} {}

void TimerDescriptor::set(base::Mono due) noexcept {
    itimerspec when{};  // all zero disarms
    if (due != base::Mono::max()) {
        const auto ns = std::max<std::int64_t>(due.time_since_epoch().count(), 1);
        when.it_value.tv_sec = ns / 1'000'000'000;
        when.it_value.tv_nsec = ns % 1'000'000'000;
    }
    // It is never read: setting it clears its readiness.
    PGTRAFFIC_CHECK(::timerfd_settime(descriptor_.raw(), TFD_TIMER_ABSTIME, &when, nullptr) == 0,
                    "a timer can be set");
}

}  // namespace pgtraffic::event_loop
