// The one loop. Declared before everything that lives in it, so that it dies last.
#pragma once

#include <uv.h>

#include <memory>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/callback.hpp"

namespace pgtraffic::event_loop {

/// Neither copies nor moves. The destructor runs the close callbacks of handles that were let go and
/// checks that none is left. It waits for nobody: where a thread of libuv's is still at work (Resolver), the
/// loop's memory is left to it.
class Loop {
 public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Until stop() or nothing is left to wait for.
    void run() noexcept { uv_run(loop_.get(), UV_RUN_DEFAULT); }
    void stop() noexcept { uv_stop(loop_.get()); }

    /// Whoever measures how busy the loop is hears the first thing of a callback that is not its own.
    void when_work_begins(Callback<base::Mono> callback) noexcept { when_work_begins_ = callback; }
    void work_begins(base::Mono now) const noexcept { when_work_begins_(now); }

    [[nodiscard]] uv_loop_t* raw() noexcept { return loop_.get(); }

    /// Some loop of this process left its memory to a thread. exit() would wait for that thread: end by
    /// _exit().
    [[nodiscard]] static bool any_left_behind() noexcept { return any_left_behind_; }

 private:
    static inline bool any_left_behind_ = false;

    std::unique_ptr<uv_loop_t> loop_ = std::make_unique<uv_loop_t>();
    Callback<base::Mono> when_work_begins_;
};

[[nodiscard]] const char* libuv_version() noexcept;

}  // namespace pgtraffic::event_loop
