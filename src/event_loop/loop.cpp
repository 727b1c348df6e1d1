#include "pgtraffic/event_loop/loop.hpp"

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/event_loop/handle.hpp"

namespace pgtraffic::event_loop {

Loop::Loop() {
    throw_if(uv_loop_init(&loop_), "cannot make an event loop");
}

Loop::~Loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks
    PGTRAFFIC_CHECK(uv_loop_close(&loop_) == 0, "every handle was closed before its loop");
}

const char* libuv_version() noexcept {
    return uv_version_string();
}

}  // namespace pgtraffic::event_loop
