// Which arrivals the load of each stage has: the rate or pattern of the plan along time, and numbers that no
// other load of the run uses. Decides only; who runs a load is not its business.
#pragma once

#include <cstdint>
#include <optional>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"

namespace pgtraffic::simulation {

struct SimulationPlan;

/// Neither copies nor moves: buckets refer to its schedules. A bucket is good until the next of its kind
/// begins, the measured one as long as this lives.
class Loads {
 public:
    explicit Loads(const SimulationPlan& plan);
    Loads(const Loads&) = delete;
    Loads& operator=(const Loads&) = delete;

    /// The plan has a pattern whose 100 % is neither given nor found yet, or wants its rate to be found:
    /// until it is, loads are closed loops.
    [[nodiscard]] bool wants_peak() const noexcept;
    void set_peak(double rate_per_s) noexcept { peak_rate_ = rate_per_s; }
    [[nodiscard]] std::optional<double> peak_rate_per_s() const noexcept { return peak_rate_; }

    // Each begins a new load at `start`.

    /// At the rate with which the measured load begins, so that nothing jumps at the border.
    [[nodiscard]] traffic::TokenBucket warm_up(base::Mono start);
    /// `rate_per_s` 0: a closed loop.
    [[nodiscard]] traffic::TokenBucket calibration(base::Mono start, double rate_per_s, base::Nanos length);
    [[nodiscard]] traffic::TokenBucket measured(base::Mono start);

    /// Before measured(): its schedule, which whoever measures wants to know first.
    void prepare_measured() { schedule_ = measured_schedule(); }
    /// Of the measured load, once it is prepared; null in a closed loop.
    [[nodiscard]] const traffic::PhaseScheduler* schedule() const noexcept {
        return schedule_ ? &*schedule_ : nullptr;
    }

    /// Tells the present load from those before it; 0 before the first.
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    /// To be added to the bucket's numbers. What an arrival does depends on its number: without numbers of
    /// its own a warm-up would insert the very orders that the measurement then finds taken.
    [[nodiscard]] std::uint64_t first_arrival() const noexcept { return first_arrival_; }

 private:
    [[nodiscard]] std::optional<traffic::PhaseScheduler> measured_schedule() const;
    void begin_unmeasured() noexcept;
    [[nodiscard]] traffic::TokenBucket bucket(const std::optional<traffic::PhaseScheduler>& schedule,
                                              base::Mono start, base::Nanos length) const;

    const SimulationPlan& plan_;
    std::optional<double> peak_rate_;
    std::optional<traffic::PhaseScheduler> unmeasured_;  // of a warm-up or a step of the calibration
    std::optional<traffic::PhaseScheduler> schedule_;
    std::uint32_t number_ = 0;
    std::uint64_t first_arrival_ = 0;
};

}  // namespace pgtraffic::simulation
