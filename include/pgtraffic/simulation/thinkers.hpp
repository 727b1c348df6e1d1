// Sessions whose user thinks: free, and not asked for anything until the pause is over. Pauses are
// exponential, as those of many people are in models of interactive systems, so users who begin together do
// not stay together; the first query of each has one before it, too. A value; told the time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/simulation/pauses.hpp"

namespace pgtraffic::simulation {

class Thinkers {
 public:
    /// Pauses of `mean` > 0, drawn from `seed` in the order in which sessions begin to think.
    Thinkers(std::uint32_t sessions, base::Nanos mean, std::uint64_t seed)
        : mean_{mean}, random_{seed, base::Stream::think}, until_(sessions, kAwake), pauses_{sessions} {}

    /// The session is free and thinks from `now` on; not while it does already.
    void begin(std::uint32_t session, base::Mono now) {
        const auto ns = random_.exponential() * static_cast<double>(mean_.count());
        until_[session] = now + base::Nanos{static_cast<std::int64_t>(ns)};
        pauses_.add({until_[session], session});
    }
    /// Its connection is gone, and what it thought of with it.
    void leave(std::uint32_t session) noexcept { until_[session] = kAwake; }
    [[nodiscard]] bool thinks(std::uint32_t session) const noexcept { return until_[session] != kAwake; }

    /// When the first of them may be over; Mono::max() where nobody thinks.
    [[nodiscard]] base::Mono next() const noexcept { return pauses_.next(); }

    /// Takes the first one that is over at `now`, if one is; to be repeated until none is.
    [[nodiscard]] std::optional<Pauses::Pause> take(base::Mono now) {
        while (pauses_.next() <= now) {
            const auto pause = pauses_.take();
            if (until_[pause.session] != pause.until) continue;  // of one that left meanwhile
            until_[pause.session] = kAwake;
            return pause;
        }
        return std::nullopt;
    }

 private:
    static constexpr base::Mono kAwake = base::Mono::max();

    base::Nanos mean_;
    base::Random random_;
    std::vector<base::Mono> until_;  // by session
    Pauses pauses_;
};

}  // namespace pgtraffic::simulation
