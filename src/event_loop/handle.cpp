#include "pgtraffic/event_loop/handle.hpp"

#include <fmt/format.h>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

void libuv_changed(uv_loop_t* loop) noexcept {
    static_cast<void>(static_cast<Loop*>(loop->data)->raw());
}

void throw_if(int status, const char* what) {
    if (status < 0) throw base::Error(fmt::format("{}: {}", what, uv_strerror(status)));
}

}  // namespace pgtraffic::event_loop
