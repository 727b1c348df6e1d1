// The one loop. Declared before everything that lives in it, so that it dies last.
#pragma once

#include <uv.h>

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

    [[nodiscard]] uv_loop_t* raw() noexcept { return &loop_; }

 private:
    uv_loop_t loop_{};
};

[[nodiscard]] const char* libuv_version() noexcept;

}  // namespace pgtraffic::event_loop
