#include "pgtraffic/base/time.hpp"

#include <fmt/chrono.h>

namespace pgtraffic::base {

std::string rfc3339_utc(Wall t) {
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(t);
    const auto whole = std::chrono::floor<std::chrono::seconds>(millis);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), (millis - whole).count());
}

}  // namespace pgtraffic::base
