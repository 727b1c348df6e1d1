// The clock of tests that need no clock.
#pragma once

#include <chrono>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::test {

/// When it begins: not at zero, where a difference and a point in time would look alike.
inline constexpr base::Mono kStart{std::chrono::hours{1}};

}  // namespace pgtraffic::test
