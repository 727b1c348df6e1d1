// The processors that we may use, shared out between a load and a server beside it: where both may use all of
// them, the client waits for one while the server works, and what it waited is in every latency that it
// takes.
#pragma once

#include <sched.h>

#include <optional>

namespace pgtraffic::base {

/// Some processors, as the kernel names them. A value.
using Processors = cpu_set_t;

struct SharedProcessors {
    Processors load{};  ///< one, which is what one thread can use
    Processors server{};
    int count = 0;  ///< both together
};

/// Those that this thread may use; none where there is only one, or the kernel does not tell.
[[nodiscard]] std::optional<SharedProcessors> share_processors() noexcept;

/// This thread and what it starts from now on run on these alone. A wish: where the kernel refuses, nothing
/// changes. May be called between fork and exec.
void keep_to(const Processors& processors) noexcept;

}  // namespace pgtraffic::base
