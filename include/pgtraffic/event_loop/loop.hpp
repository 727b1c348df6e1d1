// The one loop. Declared before everything that lives in it, so that it dies last.
#pragma once

#include <uv.h>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/callback.hpp"

namespace pgtraffic::event_loop {

/// Neither copies nor moves. The destructor runs the close callbacks of handles that were let go and
/// checks that none is left.
class Loop {
 public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run() noexcept { uv_run(&loop_, UV_RUN_DEFAULT); }  ///< until stop() or nothing is left to wait for
    void stop() noexcept { uv_stop(&loop_); }

    /// Whoever measures how busy the loop is hears the first thing of a callback that is not its own.
    void when_work_begins(Callback<base::Mono> callback) noexcept { when_work_begins_ = callback; }
    void work_begins(base::Mono now) const noexcept { when_work_begins_(now); }

    [[nodiscard]] uv_loop_t* raw() noexcept { return &loop_; }

 private:
    uv_loop_t loop_{};
    Callback<base::Mono> when_work_begins_;
};

[[nodiscard]] const char* libuv_version() noexcept;

}  // namespace pgtraffic::event_loop
