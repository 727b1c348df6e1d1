// The pure pipeline (schedule → bucket → dispatcher → aggregator) against a modelled server, in virtual time:
// the same code as a real run, with a number for a clock and a queue of completions for a network.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::test {

/// What the modelled server does with one query.
struct ModelledAnswer {
    base::Nanos service{0};
    metrics::Outcome outcome = metrics::Outcome::ok;
};

struct VirtualPlan {
    static constexpr base::Mono kStart{std::chrono::hours{1000}};

    std::optional<traffic::PhaseScheduler> schedule;  ///< none: a closed loop
    traffic::Arrivals arrivals = traffic::Arrivals::poisson;
    base::Nanos duration{0};
    std::uint32_t sessions = 1;
    std::uint64_t seed = 1;
    std::optional<base::Nanos> think_time;
    std::optional<base::Nanos> latency_limit;
    std::optional<std::uint64_t> limit;
    base::Nanos interval = std::chrono::seconds{1};
    /// The answer to a query sent at an offset from the start.
    std::function<ModelledAnswer(base::Nanos sent, base::Random&)> server;
    /// Told each completion, for exact answers beside the histograms. May be empty.
    std::function<void(const metrics::Completion&)> observe;
    /// The kept intervals are checked and counted as they close. May be empty.
    std::function<void(const metrics::Interval&)> interval_closed;
};

/// Runs the plan to its end, without draining: what is in flight then is recorded as such.
[[nodiscard]] metrics::RunResult run_virtually(const VirtualPlan& plan);

/// A server that answers after `service`, and not at all while it is stopped: what arrives in
/// [from, from + length) or is under way then waits until it goes on.
[[nodiscard]] std::function<ModelledAnswer(base::Nanos, base::Random&)> stalling_server(base::Nanos service,
                                                                                        base::Nanos from,
                                                                                        base::Nanos length);

}  // namespace pgtraffic::test
