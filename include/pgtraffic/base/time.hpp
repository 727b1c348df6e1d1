// Time as types. Durations are Nanos, instants of the monotonic clock are Mono (CLOCK_MONOTONIC, the
// clock that timerfd and the kernel's event queue understand), instants of the calendar are Wall.
// Nothing that decides or counts reads a clock: `now` is an argument, so a day fits in a unit test.
#pragma once

#include <time.h>

#include <chrono>
#include <string>

namespace pgtraffic::base {

using Nanos = std::chrono::nanoseconds;
using Mono = std::chrono::time_point<std::chrono::steady_clock, Nanos>;
using Wall = std::chrono::time_point<std::chrono::system_clock, Nanos>;

/// What std::chrono::steady_clock::now() returns, which is a call more into a library, at every event.
[[nodiscard]] inline Mono mono_now() noexcept {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Mono{std::chrono::seconds{t.tv_sec} + Nanos{t.tv_nsec}};
}
[[nodiscard]] inline Wall wall_now() noexcept {
    return std::chrono::system_clock::now();
}

// Both divide: no double is exactly 1e-9, and 0.7 s must not print as 0.7000000000000001.

[[nodiscard]] constexpr double to_seconds(Nanos d) noexcept {
    return static_cast<double>(d.count()) / 1e9;
}
[[nodiscard]] constexpr double to_millis(Nanos d) noexcept {
    return static_cast<double>(d.count()) / 1e6;
}

/// Rounds to the nearest nanosecond. `s` must lie within ±292 years.
[[nodiscard]] constexpr Nanos from_seconds(double s) noexcept {
    return Nanos{static_cast<Nanos::rep>(s * 1e9 + (s < 0 ? -0.5 : 0.5))};
}

/// "2026-11-23T06:30:27.123Z": RFC 3339, UTC, milliseconds.
[[nodiscard]] std::string rfc3339_utc(Wall t);

}  // namespace pgtraffic::base
