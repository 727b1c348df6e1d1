// Tells those outside how a run comes along (SimulationEvents), each at its own rhythm. Knows what each of
// them is told; when there is something to tell, the run knows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/metrics/stage.hpp"
#include "pgtraffic/simulation/measurement.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

struct SimulationEvents;
struct SimulationPlan;

/// Refers to plan, workload and events, which outlive it.
class Announcer {
 public:
    Announcer(const SimulationPlan& plan, const workload::Workload& workload, const SimulationEvents& events)
        : plan_{plan}, workload_{workload}, events_{events} {}

    void say(const std::string& text) const;
    void connecting(std::uint32_t connected) const;

    /// What a load before the measured one has come to.
    struct Unmeasured {
        std::uint64_t succeeded = 0;
        std::uint64_t failed = 0;
        std::uint64_t refused = 0;  ///< of those that failed: for what they ask
        std::uint32_t in_flight = 0;
    };
    /// Such a load begins, of `length`, whose counts start from nought.
    void begin_unmeasured(base::Mono now, base::Nanos length) noexcept;
    /// Reports how far it is, once it is time for that; `what` it is, in words.
    void unmeasured(base::Mono now, std::string_view what, const Unmeasured& so_far);

    /// A query failed, and why, in words without secrets. The first of each kind is told at once, for some
    /// kinds.
    void failed(base::SqlState state, const std::string& why);
    [[nodiscard]] bool knows_failure(base::SqlState state) const noexcept;

    /// Intervals that the time series has got.
    void intervals_closed(std::span<const metrics::Interval> joined) const;

    /// Who wants to know of the measured load.
    [[nodiscard]] Onlookers onlookers() const noexcept;

    /// Progress is reported from now on.
    void begin_progress(base::Mono now) noexcept;
    /// Reports what has come since the last report, once it is time for one.
    void progress(base::Mono now, Measurement& measurement, const metrics::Gauges& gauges,
                  std::uint32_t connected);

    /// Somebody wants to be told moments.
    [[nodiscard]] bool tells_moments() const noexcept;
    /// Where the run stands; `measurement` is null before it is measured.
    struct Standing {
        metrics::Stage stage;
        const metrics::Gauges& gauges;
        std::uint64_t reconnects;
        metrics::ConnectionStates connections;
        Measurement* measurement;
    };
    void moment(base::Mono now, const Standing& standing) const;

 private:
    const SimulationPlan& plan_;
    const workload::Workload& workload_;
    const SimulationEvents& events_;
    base::Mono next_progress_ = base::Mono::max();
    base::Mono unmeasured_since_;  // of the load before the measured one
    base::Nanos unmeasured_length_{0};
    base::Mono unmeasured_told_;
    std::uint64_t succeeded_until_then_ = 0;
    std::vector<base::SqlState> failures_told_;
};

}  // namespace pgtraffic::simulation
