// Finds the rate that a server carries, which a pattern's 100 % or the rate of the whole run shall be: not
// the throughput of one closed-loop burst, which is more than any open load could be without queueing for
// ever, but the rate at which the response time starts to leave what it is without a load, or at which
// objectives are still met. Decides only; the simulation runs the steps that it asks for. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/rate_search.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/objectives.hpp"

namespace pgtraffic::simulation {

struct PeakRate {
    double rate_per_s = 0;    ///< median of the rounds
    double lowest_per_s = 0;  ///< of the rounds
    /// Likewise, of the lowest rates that they found too high: what is carried lies below.
    double highest_per_s = 0;
    double closed_loop_per_s = 0;  ///< what a closed loop reached
    bool blind = false;            ///< no step had a query that succeeded: the rates mean nothing
    bool at_floor = false;         ///< in some round not even the lowest rate that is tried was carried
    double floor_per_s = 0;        ///< that one
    bool given_up = false;         ///< in one step after the other connections were lost
    bool proven = false;           ///< the lowest held on a longer look
    bool unproven = false;         ///< neither it nor less held there: the last that was looked at

    [[nodiscard]] bool found() const noexcept { return !blind && !at_floor && !given_up; }
};

class PeakSearch {
 public:
    // At least. What began before a step or ends after it does not count, so where queries take long a step
    // lasts for several of them.
    static constexpr base::Nanos kClosedLoop = std::chrono::seconds{2};
    static constexpr base::Nanos kStep = std::chrono::milliseconds{900};
    static constexpr base::Nanos kStepForObjectives = std::chrono::milliseconds{2500};  // tails are seldom
    static constexpr base::Nanos kLongestStep = std::chrono::seconds{32};
    static constexpr int kQueriesInClosedLoop = 8;  // one after the other
    static constexpr int kQueriesInStep = 3;
    // As far as kLongestForThese allow, twice that for the light step, by which all others are judged.
    static constexpr double kArrivalsInStep = 100;  // fewer, and chance decides
    static constexpr int kServicesInStep = 30;      // of a light load: what piles up takes its time to show
    static constexpr base::Nanos kLongestForThese = std::chrono::seconds{5};
    static constexpr int kStepsInRound = 5;
    static constexpr int kMostDisturbed = 5;                         // steps, of all
    static constexpr base::Nanos kProof = std::chrono::seconds{10};  // of what was found for objectives
    static constexpr double kLess = 0.9;
    static constexpr int kMostProofs = 5;

    /// A rate is carried while the mean response stays below so many times the mean service of a light load,
    /// or less than kUnfelt above it: where an answer takes microseconds, one stall of the machine within a
    /// step makes more. It is the response that tells, not the wait for a session: where the sessions are
    /// many, what is more than the server carries waits inside of it.
    static constexpr double kTolerable = 2;
    static constexpr base::Nanos kUnfelt = std::chrono::milliseconds{2};

    PeakSearch() = default;
    /// A rate is carried while these are met instead, or as well where none of them limits the response.
    /// Steps are long enough for their percentiles, as far as kLongestStep allows. Where the light step does
    /// not meet them a lighter one is tried, and where that does not either there is nothing to look for.
    /// What the rounds found is looked at once more, for kProof: near the limit queues take long to build up.
    /// Where it does not hold, less is tried.
    explicit PeakSearch(Objectives objectives)
        : objectives_{std::move(objectives)},
          ceiling_{objectives_.empty() ? kCeiling : kCeilingWithObjectives} {}

    [[nodiscard]] bool has_objectives() const noexcept { return !objectives_.empty(); }
    /// In words: "highest rate at which response.p99 < 20ms".
    [[nodiscard]] std::string wanted() const;

    /// 0: a closed loop, the first step; then the rate of the open loop to run for step_length(), the first
    /// time a light one.
    [[nodiscard]] double next_rate() const noexcept;
    [[nodiscard]] base::Nanos step_length() const noexcept { return length_; }

    /// A query of the present step ended, however it did.
    void query_ended(const metrics::Completion& completion) noexcept;
    /// One ended that had begun before the present step: it counts in what a closed loop reaches, whose end
    /// finds as many under way.
    void carried_over(const metrics::Completion& completion) noexcept;
    /// What was under way when the last step ended has ended, or was waited for in vain: the next step
    /// begins.
    void drained() noexcept {
        present_ = {};
        objectives_.clear();
    }
    /// Before its end: a query of it that is under way, since it was due for so long.
    void in_flight(const metrics::Completion& query, base::Nanos so_far) noexcept {
        objectives_.record_in_flight(query, so_far);
    }
    /// The present step took `length`, in which so many arrivals came due and so many of them were started.
    /// `disturbed`: connections were lost in it, so it says nothing, and is made again.
    void end_step(base::Nanos length, std::uint64_t planned, std::uint64_t started, bool disturbed = false);
    /// In words: "1,234 queries/s: not carried, p99 31.2 ms".
    [[nodiscard]] std::string last_step() const;
    /// What there was when somebody ended the run within the search.
    [[nodiscard]] metrics::Warning broken_off() const;
    /// Behind the closed loop: what is to come takes so long, or longer.
    [[nodiscard]] base::Nanos takes_at_least() const noexcept;

    [[nodiscard]] bool finished() const noexcept {
        return in_vain_ ||
               (trace_.found_per_s.size() == metrics::kRateSearches && (proven_ || objectives_.empty()));
    }
    /// All steps that are over, and what the rounds that are found.
    [[nodiscard]] const metrics::RateSearch& trace() const noexcept { return trace_; }
    /// Once finished.
    [[nodiscard]] PeakRate result() const;

 private:
    /// What the queries of a step that ended showed.
    struct Step {
        std::uint64_t ended = 0;
        std::uint64_t succeeded = 0;
        std::uint64_t carried_over = 0;  // succeeded as well, and are not among them
        base::Nanos response{0};         // from due to done; of those that succeeded, summed
        base::Nanos service{0};          // from sent to done, likewise

        [[nodiscard]] base::Nanos mean_response() const noexcept { return mean(response); }
        [[nodiscard]] base::Nanos mean_service() const noexcept { return mean(service); }
        [[nodiscard]] base::Nanos mean(base::Nanos sum) const noexcept {
            return succeeded > 0 ? sum / static_cast<std::int64_t>(succeeded) : base::Nanos{0};
        }
    };

    // Of the closed loop's throughput: between these lies what an open loop carries.
    static constexpr double kFloor = 0.2;
    static constexpr double kCeiling = 1.1;
    // What an objective allows may be less, and steps are too short to show all of what is a little too much.
    static constexpr double kCeilingWithObjectives = 1.0;
    static constexpr double kLowestFloor = kFloor / 5;

    void end_closed_loop(const Step& step, base::Nanos length) noexcept;
    void end_light_step(const Step& step, base::Nanos length, bool is_carried) noexcept;
    void begin_light_step() noexcept;
    void begin_round() noexcept;
    void begin_step() noexcept;
    [[nodiscard]] bool proves() const noexcept { return trace_.found_per_s.size() == metrics::kRateSearches; }
    void begin_proof(double rate_per_s) noexcept;
    void end_proof(bool is_carried) noexcept;
    [[nodiscard]] base::Nanos length_of_arrivals(double rate_per_s, base::Nanos longest) const noexcept;
    [[nodiscard]] metrics::SearchStep figures_of(const Step& step, base::Nanos length) const noexcept;
    [[nodiscard]] bool carried(const Step& step, base::Nanos length, std::uint64_t planned,
                               std::uint64_t started) const noexcept;

    Objectives objectives_;
    Step present_;
    base::Nanos length_ = kClosedLoop;  // of the present one
    double closed_loop_ = 0;
    base::Nanos search_length_{0};              // of a step at least, by what those before it told
    base::Nanos closed_loop_service_{0};        // mean
    double floor_ = kFloor;                     // the lowest rate that is tried, a share of closed_loop_
    double ceiling_ = kCeiling;                 // the highest one
    std::optional<base::Nanos> light_service_;  // mean, of the step with the lowest rate
    bool floor_carried_ = false;                // that rate
    bool at_floor_ = false;
    bool blind_ = false;
    bool tried_again_ = false;  // the present step
    int disturbed_ = 0;         // steps
    bool given_up_ = false;
    bool in_vain_ = false;  // it ended before its rounds did
    double low_ = 0;
    double high_ = 0;
    int step_ = 0;
    double highest_ = 0;      // of all rounds high_, then the last rate that a proof found too high
    double proof_per_s_ = 0;  // the rate that is to be proven
    int proofs_ = 0;          // that failed
    bool proven_ = false;     // or given up as often as may be
    metrics::RateSearch trace_;
};

}  // namespace pgtraffic::simulation
