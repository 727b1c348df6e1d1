// One query of the measured load as a line of a log: what the figures are made of, for whoever wants to make
// them anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outcome.hpp"

namespace pgtraffic::metrics {

/// Each arrival that was planned has one fate: these are the counts that add up to `planned`.
enum class Fate : std::uint8_t {
    ended,      ///< and Completion::outcome says how
    missed,     ///< later than --latency-limit before it could start
    waiting,    ///< not started when the measured time was over
    in_flight,  ///< without an answer when the run was over
};

/// Told of once its fate is known, while it lasts: refers to the completion.
struct QueryRecord {
    Fate fate;
    std::uint64_t arrival;                 ///< its number, on which its draws depend
    std::optional<std::uint32_t> session;  ///< none where it was never started
    const Completion& completion;          ///< of one never started: operation and due
    base::Mono until;                      ///< when it ended, or how far its wait is known
    base::Mono start;                      ///< of the measured load

    /// The words of the counts in the result.
    [[nodiscard]] std::string_view outcome() const noexcept {
        constexpr std::string_view kNames[] = {"", "missed", "waiting", "in_flight"};
        return fate == Fate::ended ? to_string(completion.outcome) : kNames[static_cast<std::size_t>(fate)];
    }
};

}  // namespace pgtraffic::metrics
