// Timers. Timer: milliseconds, for time-outs and ticks. DueTimer: an absolute instant, for pacing.
#pragma once

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/poll.hpp"
#include "pgtraffic/event_loop/timer_descriptor.hpp"

namespace pgtraffic::event_loop {

/// Neither copies nor moves. Fires once after start(); never before its time.
class Timer {
 public:
    Timer(Loop& loop, base::Callback<> on_time);

    /// Replaces what was started. Rounded up to a millisecond, at least one.
    void start(base::Nanos in) noexcept;
    void stop() noexcept;
    [[nodiscard]] bool active() const noexcept;

 private:
    base::Callback<> on_time_;
    HandlePtr<uv_timer_t> handle_;
};

/// Sleeps outside the loop, where nothing that a poll would tell is to end the wait. While it exists the
/// thread's sleeps end when they shall; else the kernel may add 50 µs, to wake for several sleepers at once.
/// One at a time; neither copies nor moves.
class Sleeper {
 public:
    Sleeper() noexcept;
    ~Sleeper();
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    /// Or until a signal comes. One system call.
    void sleep_until(base::Mono then) const noexcept;
};

/// Ends the loop's wait at an instant. Has no callback: its owner looks at the clock before each wait
/// (Loop::Hooks) and arms it for the next instant, or for Mono::max(), each time. Neither copies nor moves.
class DueTimer {
 public:
    explicit DueTimer(Loop& loop);

    /// One system call, none if armed for that very instant already. Mono::max() disarms.
    void arm(base::Mono due) noexcept;

 private:
    void on_readable(Readiness /*ready*/) noexcept { armed_ = base::Mono::min(); }

    base::Mono armed_ = base::Mono::max();  // min(): it fired
    TimerDescriptor timer_;
    Poll poll_;
};

}  // namespace pgtraffic::event_loop
