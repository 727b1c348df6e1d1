#include "pgtraffic/event_loop/loop.hpp"

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/event_loop/handle.hpp"

namespace pgtraffic::event_loop {
namespace {

constexpr int kRounds = 3;

}  // namespace

Loop::Loop() {
    throw_if(uv_loop_init(loop_.get()), "cannot make an event loop");
}

Loop::~Loop() {
    uv_walk(
        loop_.get(),
        [](uv_handle_t* handle, void* /*context*/) {
            PGTRAFFIC_CHECK(uv_is_closing(handle) != 0, "every handle was closed before its loop");
        },
        nullptr);
    // The close callbacks, and the answers of look-ups that were called off. More is left only where one
    // could not be: a name server that is silent may keep it for a minute.
    for (int round = 0; round < kRounds && uv_run(loop_.get(), UV_RUN_NOWAIT) != 0; ++round) {
    }
    if (uv_loop_close(loop_.get()) == 0) return;
    any_left_behind_ = true;
    static_cast<void>(loop_.release());
}

const char* libuv_version() noexcept {
    return uv_version_string();
}

}  // namespace pgtraffic::event_loop
