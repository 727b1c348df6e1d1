// The stage of a run that looks for its rate: one step of the search after the other, and between two of them
// the wait for the last answers. Says how it comes along. The simulation runs the loads.
#pragma once

#include <cstdint>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/announcer.hpp"
#include "pgtraffic/simulation/peak_search.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

struct SimulationPlan;

/// Refers to plan and announcer, which outlive it.
class Calibration {
 public:
    Calibration(const SimulationPlan& plan, const workload::Workload& workload, const Announcer& announcer);

    /// Of the next step, by which a new load begins: its rate, 0 for a closed loop, and its length.
    [[nodiscard]] double next_rate() const noexcept { return search_.next_rate(); }
    [[nodiscard]] base::Nanos step_length() const noexcept { return search_.step_length(); }

    void begin() const;
    /// In words: "trying 1,234 queries/s".
    [[nodiscard]] std::string present_step() const;

    // Told within a step, and while its last answers are waited for.
    void query_ended(const metrics::Completion& completion) noexcept { search_.query_ended(completion); }
    /// One that had begun before the present step.
    void carried_over(const metrics::Completion& completion) noexcept { search_.carried_over(completion); }
    void connection_lost() noexcept { ++lost_; }
    /// Before end_step(): a query of the step that is under way, since it was due for so long.
    void in_flight(const metrics::Completion& query, base::Nanos so_far) noexcept {
        search_.in_flight(query, so_far);
    }
    /// As PeakSearch::end_step(); `none_away`: no session is without its connection, but for a time-out.
    void end_step(base::Nanos length, std::uint64_t planned, std::uint64_t started, bool none_away);

    /// What the step that is over left under way is waited for, as long as a step lasts: what one piled up is
    /// none of the next one's.
    [[nodiscard]] bool drains() const noexcept { return drains_; }
    void drained() noexcept;

    [[nodiscard]] bool finished() const noexcept { return search_.finished(); }
    /// Once finished: the one that the run is to have.
    [[nodiscard]] double found_per_s() const;
    /// What the search was; where it did not finish, as far as it came.
    void report(metrics::RunResult& result) const;

 private:
    void say_step(bool disturbed, bool was_closed_loop) const;
    void say_end() const;

    const SimulationPlan& plan_;
    const Announcer& announcer_;
    PeakSearch search_;
    std::uint64_t lost_ = 0;  // connections
    std::uint64_t lost_before_step_ = 0;
    bool drains_ = false;
};

}  // namespace pgtraffic::simulation
