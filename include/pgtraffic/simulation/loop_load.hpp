// How busy the loop is, from one clock reading before it waits and the first one after: no extra system
// call. A value; told the time.
#pragma once

#include <algorithm>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::simulation {

class LoopLoad {
 public:
    explicit LoopLoad(base::Mono now) noexcept : woke_{now}, since_{now} {}

    /// Where nobody told of an event since the last wait there was none, and it goes on.
    void waits(base::Mono now) noexcept {
        if (waiting_) return;
        busy_ += now - woke_;
        longest_turn_ = std::max(longest_turn_, now - turn_);
        waiting_ = true;
        woke_ = now;
    }
    /// The first event after the wait, or any later one.
    void wakes(base::Mono now) noexcept {
        if (!waiting_) return;
        waiting_ = false;
        woke_ = turn_ = now;
    }

    /// The busy share since the last call, 0…1. `now` may be a border that lies before the last event.
    [[nodiscard]] double take_ratio(base::Mono now) noexcept {
        if (!waiting_ && now > woke_) {
            busy_ += now - woke_;
            woke_ = now;
        }
        const double ratio = now > since_ ? base::to_seconds(busy_) / base::to_seconds(now - since_) : 0;
        total_busy_ += busy_;
        total_ += now - since_;
        busy_ = base::Nanos{0};
        since_ = now;
        return std::clamp(ratio, 0.0, 1.0);
    }

    /// Forgets everything before `now`.
    void restart(base::Mono now) noexcept {
        (void)take_ratio(now);
        total_busy_ = total_ = longest_turn_ = base::Nanos{0};
        turn_ = now;
    }

    /// The longest time since restart() from an event to the next wait: the callbacks of one batch, and so
    /// not less than any one of them.
    [[nodiscard]] base::Nanos longest_turn() const noexcept { return longest_turn_; }

    /// The busy share since restart(), as of the last take_ratio().
    [[nodiscard]] double total_ratio() const noexcept {
        // The measured time may end before the wake-up that noticed it: a sleep is then taken off twice.
        return total_.count() > 0
                   ? std::clamp(base::to_seconds(total_busy_) / base::to_seconds(total_), 0.0, 1.0)
                   : 0;
    }

 private:
    bool waiting_ = false;
    base::Mono woke_;
    base::Mono turn_{woke_};
    base::Mono since_;
    base::Nanos busy_{0};
    base::Nanos total_busy_{0};
    base::Nanos total_{0};
    base::Nanos longest_turn_{0};
};

}  // namespace pgtraffic::simulation
