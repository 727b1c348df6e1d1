// A pause between two looks, for whoever waits where no loop runs.
#pragma once

#include <time.h>

#include <chrono>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::base {

/// Shorter where a signal has a handler. One that is held back wakes nobody: who waits long looks for it
/// (held_back_signal()).
inline void nap(Nanos length) noexcept {
    const auto whole = std::chrono::floor<std::chrono::seconds>(length);
    const timespec pause{whole.count(), (length - whole).count()};
    nanosleep(&pause, nullptr);
}

}  // namespace pgtraffic::base
