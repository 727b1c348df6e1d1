// How a run is brought to its end from outside: what a signal means at the stage that it meets, whether
// answers are waited for behind the load, and what is said to who waits, too. Told signals, stages and the
// time: knows no loop, no timer and no session.
#pragma once

#include <cstdint>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/stage.hpp"

namespace pgtraffic::simulation {

/// A value.
class Ending {
 public:
    /// `rehearsal`: of a run that goes on behind its load, so that a signal ends more than the wait for the
    /// last answers.
    explicit Ending(bool rehearsal = false) noexcept : rehearsal_{rehearsal} {}

    enum class Step : std::uint8_t {
        nothing,
        end_load,  ///< no further arrivals, and a report of what there is
        hurry,     ///< the load is over: its last answers are waited for no longer
        abort,     ///< leave at once, without a report
    };

    /// Who waits for as long behind the load is told for what.
    static constexpr base::Nanos kSilence = std::chrono::milliseconds{500};

    /// A signal came at `stage`, and what is to be done. Two of the same number within a tenth of a second
    /// are one.
    [[nodiscard]] Step told(int signal, base::Mono now, metrics::Stage stage) noexcept;

    /// The first signal that ended the run, or 0: one that only hurried has ended nothing.
    [[nodiscard]] int signal() const noexcept { return signal_; }
    [[nodiscard]] bool aborted() const noexcept { return aborted_; }

    /// Answers have had the time that they get behind the load.
    void answers_took_too_long() noexcept { waits_for_answers_ = false; }
    [[nodiscard]] bool waits_for_answers() const noexcept { return waits_for_answers_; }

    /// The words while answers are waited for, `limit` in all.
    [[nodiscard]] std::string waiting_for_answers(base::Nanos limit, std::uint32_t in_flight) const;
    /// The words while what was never started is counted.
    [[nodiscard]] std::string counting_unstarted(std::uint64_t unstarted) const;

 private:
    bool rehearsal_;
    int signal_ = 0;
    bool aborted_ = false;
    bool hurried_ = false;  // by a signal behind the end of the load
    bool waits_for_answers_ = true;
    int last_number_ = 0;
    base::Mono last_at_ = base::Mono::min();
};

}  // namespace pgtraffic::simulation
