// How long this program stood still: stopped, frozen, or on a machine that was. A beat is due ten times a
// second, and where one comes far too late nothing ran until then. In an open loop each arrival that is late
// tells as much; in a closed one nothing is due, and the load is smaller by that time without a trace in the
// percentiles. A value; told the time.
#pragma once

#include <algorithm>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::simulation {

class Heartbeat {
 public:
    static constexpr base::Nanos kEvery = std::chrono::milliseconds{100};
    /// No turn of a loop that serves thousands of sessions takes as long, and hardly any wait for a CPU.
    static constexpr base::Nanos kFarTooLate = std::chrono::milliseconds{100};

    /// Counts from `now` on. When the first beat is due.
    base::Mono begin(base::Mono now) noexcept {
        stood_still_ = longest_ = base::Nanos{0};
        return due_ = now + kEvery;
    }
    /// The beat that was due came at `now`; when the next one is due.
    base::Mono beat(base::Mono now) noexcept {
        count(now);
        return due_ = now + kEvery;
    }
    /// There will be none any more; the last one may be overdue.
    void end(base::Mono now) noexcept {
        count(now);
        due_ = base::Mono::max();
    }

    /// In all, of what was longer than kFarTooLate. Not less than this: each time lasted up to kEvery longer.
    [[nodiscard]] base::Nanos stood_still() const noexcept { return stood_still_; }
    /// The longest of them.
    [[nodiscard]] base::Nanos longest() const noexcept { return longest_; }

 private:
    void count(base::Mono now) noexcept {
        if (due_ == base::Mono::max() || now - due_ < kFarTooLate) return;
        stood_still_ += now - due_;
        longest_ = std::max(longest_, now - due_);
    }

    base::Mono due_ = base::Mono::max();
    base::Nanos stood_still_{0};
    base::Nanos longest_{0};
};

}  // namespace pgtraffic::simulation
