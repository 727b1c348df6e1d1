// Finds the peak rate that a pattern's 100 % shall be: not the throughput of one closed-loop burst, which is
// more than any open load could be without queueing for ever, but the rate at which the response time starts
// to leave the service time. Decides only; the simulation runs the steps that it asks for. A value.
#pragma once

#include <cstdint>
#include <vector>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::simulation {

/// What a step showed.
struct StepOutcome {
    double length_s = 0;
    std::uint64_t planned = 0;
    std::uint64_t started = 0;
    std::uint64_t succeeded = 0;
    double wait_s = 0;     ///< for a free session, summed over what ended
    double service_s = 0;  ///< the same
    std::uint64_t ended = 0;
};

struct PeakRate {
    double rate_per_s = 0;    ///< median of the rounds
    double lowest_per_s = 0;  ///< of the rounds
    double highest_per_s = 0;
    double closed_loop_per_s = 0;  ///< what a closed loop reached
};

class PeakSearch {
 public:
    static constexpr base::Nanos kClosedLoop = std::chrono::seconds{2};
    static constexpr base::Nanos kStep = std::chrono::milliseconds{900};
    static constexpr int kRounds = 3;
    static constexpr int kStepsInRound = 5;

    /// A rate is carried while the mean wait for a free session stays below this share of the mean service
    /// time, or below kUnfeltWait: where an answer takes microseconds, the machine's own hiccups are longer.
    static constexpr double kTolerableWait = 0.5;
    static constexpr base::Nanos kUnfeltWait = std::chrono::microseconds{500};

    /// 0: a closed loop, the first step; then the rate of the open loop to run for step_length().
    [[nodiscard]] double next_rate() const noexcept { return closed_loop_ > 0 ? (low_ + high_) / 2 : 0; }
    [[nodiscard]] base::Nanos step_length() const noexcept { return closed_loop_ > 0 ? kStep : kClosedLoop; }

    void step_done(const StepOutcome& outcome);

    [[nodiscard]] bool finished() const noexcept { return rounds_.size() == kRounds; }
    /// Once finished.
    [[nodiscard]] PeakRate result() const;

 private:
    void begin_round() noexcept;

    double closed_loop_ = 0;
    double low_ = 0;
    double high_ = 0;
    int step_ = 0;
    std::vector<double> rounds_;
};

}  // namespace pgtraffic::simulation
