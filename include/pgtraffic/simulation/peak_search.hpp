// Finds the peak rate that a pattern's 100 % shall be: not the throughput of one closed-loop burst, which is
// more than any open load could be without queueing for ever, but the rate at which the response time starts
// to leave the service time. Decides only; the simulation runs the steps that it asks for. A value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outcome.hpp"

namespace pgtraffic::simulation {

struct PeakRate {
    double rate_per_s = 0;    ///< median of the rounds
    double lowest_per_s = 0;  ///< of the rounds
    double highest_per_s = 0;
    double closed_loop_per_s = 0;  ///< what a closed loop reached
    bool blind = false;            ///< no step had a query that succeeded: the rates mean nothing
};

/// In words: "peak rate 1,234 queries/s, between …".
[[nodiscard]] std::string to_string(const PeakRate& peak);

class PeakSearch {
 public:
    // At least. What began before a step or ends after it does not count, so where queries take long a step
    // lasts for several of them.
    static constexpr base::Nanos kClosedLoop = std::chrono::seconds{2};
    static constexpr base::Nanos kStep = std::chrono::milliseconds{900};
    static constexpr base::Nanos kLongestStep = std::chrono::seconds{32};
    static constexpr int kQueriesInClosedLoop = 8;  // one after the other
    static constexpr int kQueriesInStep = 3;
    static constexpr int kRounds = 3;
    static constexpr int kStepsInRound = 5;

    /// A rate is carried while the mean wait for a free session stays below this share of the mean service
    /// time, or below kUnfeltWait: where an answer takes microseconds, the machine's own hiccups are longer.
    static constexpr double kTolerableWait = 0.5;
    static constexpr base::Nanos kUnfeltWait = std::chrono::microseconds{500};

    /// 0: a closed loop, the first step; then the rate of the open loop to run for step_length().
    [[nodiscard]] double next_rate() const noexcept { return closed_loop_ > 0 ? (low_ + high_) / 2 : 0; }
    [[nodiscard]] base::Nanos step_length() const noexcept { return length_; }

    /// A query of the present step ended, however it did.
    void query_ended(const metrics::Completion& completion) noexcept;
    /// One ended that had begun before the present step: it counts in what a closed loop reaches, whose end
    /// finds as many under way.
    void carried_over(const metrics::Completion& completion) noexcept;
    /// The present step took `length`, in which so many arrivals came due and so many of them were started.
    void end_step(base::Nanos length, std::uint64_t planned, std::uint64_t started);

    [[nodiscard]] bool finished() const noexcept { return rounds_.size() == kRounds; }
    /// Once finished.
    [[nodiscard]] PeakRate result() const;

 private:
    /// What the queries of a step that ended showed.
    struct Step {
        std::uint64_t ended = 0;
        std::uint64_t succeeded = 0;
        std::uint64_t carried_over = 0;  // succeeded as well, and are not among them
        base::Nanos wait{0};             // for a free session, summed
        base::Nanos service{0};          // of those that succeeded, summed

        [[nodiscard]] base::Nanos mean_service() const noexcept {
            return succeeded > 0 ? service / static_cast<std::int64_t>(succeeded) : base::Nanos{0};
        }
    };

    void end_closed_loop(const Step& step, base::Nanos length) noexcept;
    void begin_round() noexcept;
    [[nodiscard]] static bool carried(const Step& step, std::uint64_t planned,
                                      std::uint64_t started) noexcept;

    Step present_;
    base::Nanos length_ = kClosedLoop;  // of the present one
    double closed_loop_ = 0;
    bool blind_ = false;
    double low_ = 0;
    double high_ = 0;
    int step_ = 0;
    std::vector<double> rounds_;
};

}  // namespace pgtraffic::simulation
