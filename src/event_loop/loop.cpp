#include "pgtraffic/event_loop/loop.hpp"

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/event_loop/handle.hpp"

namespace pgtraffic::event_loop {

Loop::Loop() {
    throw_if(uv_loop_init(&loop_), "cannot make an event loop");
}

Loop::~Loop() {
    // One that is active would keep the run below for ever.
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void* /*context*/) {
            PGTRAFFIC_CHECK(uv_is_closing(handle) != 0, "every handle was closed before its loop");
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks
    PGTRAFFIC_CHECK(uv_loop_close(&loop_) == 0, "nothing outlives its loop");
}

const char* libuv_version() noexcept {
    return uv_version_string();
}

}  // namespace pgtraffic::event_loop
