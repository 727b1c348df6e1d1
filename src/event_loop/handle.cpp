#include "pgtraffic/event_loop/handle.hpp"

#include <fmt/format.h>

#include "pgtraffic/base/error.hpp"

namespace pgtraffic::event_loop {

void throw_if(int status, const char* what) {
    if (status < 0) throw base::Error(fmt::format("{}: {}", what, uv_strerror(status)));
}

}  // namespace pgtraffic::event_loop
