// Tokens as two walks along the same arrivals: one takes, one only counts, and a copy of the random stream
// keeps them on the same times. Knows neither sessions nor the reason why nobody took a token.
#include "pgtraffic/traffic/token_bucket.hpp"

#include <algorithm>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::traffic {

TokenBucket::TokenBucket(const PhaseScheduler* schedule, Arrivals arrivals, base::Mono start, base::Mono end,
                         std::uint64_t seed) noexcept
    : schedule_{schedule},
      arrivals_{arrivals},
      start_{start},
      end_{end},
      taking_{base::Random{seed, base::Stream::arrivals}, {}},
      counting_{taking_} {
    if (schedule_ == nullptr) return;
    place_more(taking_);
    counting_ = taking_;
}

TokenBucket TokenBucket::unlimited(base::Mono start, base::Nanos duration) noexcept {
    return TokenBucket{nullptr, Arrivals::uniform, start, start + duration, 0};
}

TokenBucket TokenBucket::scheduled(const PhaseScheduler& schedule, Arrivals arrivals, base::Mono start,
                                   std::uint64_t seed) noexcept {
    return TokenBucket{&schedule, arrivals, start, start + base::from_seconds(schedule.duration_s()), seed};
}

base::Mono TokenBucket::next_due() const noexcept {
    if (taken_ >= limit_) return base::Mono::max();
    return schedule_ == nullptr ? start_ : taking_.due();
}

std::uint64_t TokenBucket::planned_until(base::Mono now) noexcept {
    if (schedule_ == nullptr) return taken_;
    while (counting_.passed < limit_ && is_due(counting_.due(), now)) advance(counting_);
    return std::min(counting_.passed, limit_);
}

base::Mono TokenBucket::place(Walk& walk) const noexcept {
    if (walk.position >= schedule_->total() * (1 - PhaseScheduler::kRounding)) return base::Mono::max();
    // Rounding to nanoseconds may reach the end, which is no time of an arrival any more.
    const auto due = start_ + base::from_seconds(walk.cursor.time_of(*schedule_, walk.position));
    return std::min(due, end_ - base::Nanos{1});
}

void TokenBucket::place_more(Walk& walk) const noexcept {
    for (base::Mono& due : walk.dues) {
        walk.position = arrivals_ == Arrivals::uniform ? static_cast<double>(walk.placed)
                                                       : walk.position + walk.random.exponential();
        ++walk.placed;
        due = place(walk);
    }
}

std::vector<std::uint64_t> arrivals_per_phase(const PhaseScheduler& schedule, TokenBucket bucket) {
    PGTRAFFIC_CHECK(bucket.taken() == 0, "arrivals are counted from the first one");
    std::vector<std::uint64_t> counts;
    std::uint64_t before = 0;
    for (const PlannedPhase& phase : schedule.phases()) {
        const auto border = bucket.start() + base::from_seconds(phase.end_s);
        const std::uint64_t until = bucket.planned_until(border - base::Nanos{1});
        counts.push_back(until - before);
        before = until;
    }
    return counts;
}

}  // namespace pgtraffic::traffic
