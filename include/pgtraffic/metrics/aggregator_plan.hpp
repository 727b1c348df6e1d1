// What is known of a run before it is measured: what its numbers are kept by.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::metrics {

/// Which of an operation's statements a query sends.
enum class Sends : std::uint8_t {
    one,   ///< one of them
    all,   ///< each after the one before it
    some,  ///< those for which its conditions hold: each is told (Aggregator::record_statement())
};

struct OperationShape {
    std::string name;
    std::vector<std::string> statements;
    Sends sends = Sends::one;
};

struct PhaseShape {
    std::string name;
    double start_s = 0;
    double end_s = 0;
    std::optional<double> planned_mean;  ///< N(end) − N(start); none in a closed loop
};

/// Which of `phases`, of which each ends where the next one begins, `t` lies in: the last one has no end.
/// `end_of` tells a phase's end.
template <class Phases, class Time, class EndOf>
[[nodiscard]] std::size_t phase_at(const Phases& phases, Time t, EndOf end_of) noexcept {
    std::size_t phase = 0;
    while (phase + 1 < phases.size() && t >= std::invoke(end_of, phases[phase])) ++phase;
    return phase;
}

struct AggregatorPlan {
    std::vector<OperationShape> operations;
    std::vector<PhaseShape> phases;  ///< at least one; contiguous, from 0
    base::Mono start;                ///< of the measured time
    base::Mono end =
        base::Mono::max();  ///< of it, at the latest: what a late loop reads behind it is not in time
    base::Nanos interval = std::chrono::seconds{1};
    /// Arrivals have due times of their own. In a closed loop a query is due since the answer before it, and
    /// no lag is kept: it is what the response has beyond the service.
    bool open_loop = true;
    /// A response above it is late; none is without one.
    base::Nanos latency_limit = base::Nanos::max();
    /// So many neighbours make one interval of the time series, which may be longer than what is watched.
    std::size_t joined = 1;
    /// Planned arrivals between two offsets in seconds; null in a closed loop.
    std::function<double(double, double)> planned_between;
    /// Somebody may look on while the run lasts: also count what look() gives.
    bool looked_at = false;
    /// Somebody follows the run line by line: also keep what take_recent() gives.
    bool followed = false;
};

}  // namespace pgtraffic::metrics
