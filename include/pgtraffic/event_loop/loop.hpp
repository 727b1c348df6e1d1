// The one loop. Declared before everything that lives in it, so that it dies last.
//
// The sockets of a load and the timer that paces it are watched by an epoll of the loop's own, which also
// holds the descriptor by which libuv tells that something of its has to be done: timers, signals, processes,
// look-ups. A turn in which nothing has runs no code of libuv's. Where each query wakes a small client twice,
// that code, cold after each sleep, was a tenth of what a query cost (docs/performance.md).
#pragma once

#include <sys/epoll.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/base/descriptor.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/timer_descriptor.hpp"

namespace pgtraffic::event_loop {

class Poll;

/// Neither copies nor moves. The destructor runs the close callbacks of handles that were let go and
/// checks that none is left. It waits for nobody: where a thread of libuv's is still at work (Resolver), the
/// loop's memory is left to it.
class Loop {
 public:
    /// Whoever runs a load looks around without a system call, and measures how busy the loop is.
    struct Hooks {
        base::Callback<> before_wait;  ///< all callbacks of the turn ran
        /// Those of the polls ran, and libuv's follow, for which what they told of shall not wait.
        base::Callback<> before_libuv;
        /// The first thing of a callback that is not the load's own.
        base::Callback<base::Mono> work_begins;
    };

    /// Throws base::Error where the system has no descriptor left.
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Until stop() or nothing is left to wait for.
    void run() noexcept;
    void stop() noexcept { stopped_ = true; }

    /// From before_wait: takes what is ready now, for once, and does not wait for more. libuv has its turn
    /// behind that.
    void only_look() noexcept { waits_ = false; }

    /// From before_wait: libuv has something to do before the loop waits, which asks before_wait again,
    /// unless it shall only look.
    [[nodiscard]] bool libuv_goes_first() const noexcept { return libuv_wants_turn_; }

    void hook(const Hooks& hooks) noexcept { hooks_ = hooks; }
    void work_begins(base::Mono now) const noexcept { hooks_.work_begins(now); }

    /// libuv's. Whoever is given it may change what libuv waits for, which it then looks at before the next
    /// wait.
    [[nodiscard]] uv_loop_t* raw() noexcept {
        libuv_wants_turn_ = true;
        return libuv_.get();
    }

    // For Poll.
    void begin_watch(int descriptor, std::uint32_t events, Poll& poll);
    void change_watch(int descriptor, std::uint32_t events, Poll& poll);
    void end_watch(int descriptor, const Poll& poll) noexcept;

    /// Some loop of this process left its memory to a thread. exit() would wait for that thread: end by
    /// _exit().
    [[nodiscard]] static bool any_left_behind() noexcept { return any_left_behind_; }

 private:
    static constexpr std::size_t kBatch = 1024;

    void control(int operation, int descriptor, std::uint32_t events, Poll* poll);
    void turn_libuv() noexcept;
    void wait() noexcept;

    static inline bool any_left_behind_ = false;

    Hooks hooks_;
    base::Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC), "cannot make an event loop"};
    bool stopped_ = false;
    bool waits_ = true;  // in the next wait()
    bool libuv_wants_turn_ = true;
    bool libuv_alive_ = false;
    std::size_t watched_ = 0;  // polls
    int batch_size_ = 0;       // of the turn
    int batch_at_ = 0;
    std::array<epoll_event, kBatch> batch_;  // as the kernel filled it

    TimerDescriptor libuv_timer_;  // of its next timer
    std::unique_ptr<uv_loop_t> libuv_ = std::make_unique<uv_loop_t>();
    HandlePtr<uv_prepare_t> keeper_;  // of libuv's alive during its turn
};

[[nodiscard]] const char* libuv_version() noexcept;

}  // namespace pgtraffic::event_loop
