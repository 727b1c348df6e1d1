// One row of the outage table, as the reports print it. OutageLog makes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/sqlstate.hpp"

namespace pgtraffic::metrics {

struct OutageError {
    base::SqlState sqlstate;
    std::uint64_t queries = 0;   ///< that it ended
    std::uint64_t connects = 0;  ///< attempts to connect that it ended
    std::uint64_t sessions = 0;  ///< that had no query under way, and that it ended
    std::string sample;          ///< why, as the first such attempt or session was told; else empty
};

/// Seconds are of the measured time. A value.
struct Outage {
    enum class Scope : std::uint8_t {
        sessions,  ///< some sessions were hit while others went on
        service,   ///< no session was connected, or as many lost or failed in a row as there are sessions
    };

    double from_s = 0;      ///< the first fault
    double to_s = 0;        ///< all sessions connected and a success seen; the run's end where not `over`
    double duration_s = 0;  ///< of several episodes, those together
    bool over = false;
    Scope scope = Scope::sessions;
    std::uint64_t episodes = 1;  ///< more where a long table was merged
    std::uint64_t sessions_lost = 0;
    std::uint64_t failed_connects = 0;
    /// Arrivals that came due while nothing succeeded, and queries that it ended and that were due before.
    std::uint64_t arrivals_hit = 0;
    double silence_s = 0;                   ///< the longest time from a fault to a success
    double silences_s = 0;                  ///< all such times together
    double without_service_s = 0;           ///< of these, those in which the whole service was away
    std::optional<double> first_success_s;  ///< from `from_s` to the success that ended that time
    std::vector<OutageError> errors;        ///< most frequent first
};

[[nodiscard]] constexpr std::string_view to_string(Outage::Scope scope) noexcept {
    return scope == Outage::Scope::service ? "service" : "sessions";
}

}  // namespace pgtraffic::metrics
