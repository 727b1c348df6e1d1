// A timer of the kernel's as a descriptor, to the nanosecond: what libuv's timers, in whole milliseconds of a
// cached clock, are too coarse for.
#pragma once

#include "pgtraffic/base/descriptor.hpp"
#include "pgtraffic/base/time.hpp"

namespace pgtraffic::event_loop {

/// Its descriptor is readable from the instant that was set until the next call. Neither copies nor moves.
class TimerDescriptor {
 public:
    /// Throws base::Error where the system has no descriptor left.
    TimerDescriptor();

    /// One system call. Mono::max() disarms.
    void set(base::Mono due) noexcept;
    [[nodiscard]] int raw() const noexcept { return descriptor_.raw(); }

 private:
    base::Descriptor descriptor_;
};

}  // namespace pgtraffic::event_loop
