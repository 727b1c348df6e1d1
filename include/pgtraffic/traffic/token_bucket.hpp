// Permission to start queries. The bucket holds no queue: its level is N(now) − taken, and every token
// carries the time at which it was due, so a token that waited for a free session is charged its wait.
// State is O(1) for any backlog. Maximum throughput is the same bucket without a limit: a token is always
// due now.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::traffic {

/// How arrivals are spaced along N.
enum class Arrivals : std::uint8_t {
    poisson,  ///< unit-exponential steps along N: a Poisson process of exactly that rate
    uniform,  ///< arrival k (from 0) due at N⁻¹(k)
};

struct Token {
    std::uint64_t index = 0;  ///< k, from 0
    base::Mono due;
};

/// A value; copying it copies its position. Refers to a schedule that the caller keeps alive.
class TokenBucket {
 public:
    /// Closed loop: take(now) always yields a token due now, from `start` until just before `start +
    /// duration`.
    [[nodiscard]] static TokenBucket unlimited(base::Mono start, base::Nanos duration) noexcept;

    /// Open loop along `schedule`, which starts at `start`. Arrivals lie in [start, start + duration).
    [[nodiscard]] static TokenBucket scheduled(const PhaseScheduler& schedule, Arrivals arrivals,
                                               base::Mono start, std::uint64_t seed) noexcept;

    /// No more than `tokens` in all.
    void limit_to(std::uint64_t tokens) noexcept { limit_ = tokens; }

    /// The next token if one is due at `now`. `now` must not go back.
    [[nodiscard]] std::optional<Token> take(base::Mono now) noexcept {
        if (taken_ >= limit_) return std::nullopt;
        if (schedule_ == nullptr) {
            if (now < start_ || now >= end_) return std::nullopt;
            return Token{taken_++, now};
        }
        const base::Mono due = taking_.due();
        if (!is_due(due, now)) return std::nullopt;
        advance(taking_);
        return Token{taken_++, due};
    }

    /// When the next token is due; Mono::max() once a schedule or a limited number has none left. In a closed
    /// loop the start, that is: at once, also behind its end.
    [[nodiscard]] base::Mono next_due() const noexcept;

    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
    /// Its tokens are due at times of a schedule; else it is a closed loop's.
    [[nodiscard]] bool scheduled() const noexcept { return schedule_ != nullptr; }

    /// How many tokens have been due until `now`, taken or not: "planned". Amortised constant time; `now`
    /// must not go back. In a closed loop: what was taken.
    [[nodiscard]] std::uint64_t planned_until(base::Mono now) noexcept;

    [[nodiscard]] base::Mono start() const noexcept { return start_; }
    [[nodiscard]] base::Mono end() const noexcept { return end_; }

 private:
    /// One walk along the arrivals, a few of them ahead: what finds one (a logarithm, the schedule) is cold
    /// whenever a query woke the client, and costs little more for several. The bucket has two: one takes,
    /// one only counts.
    struct Walk {
        base::Random random;
        PhaseScheduler::Cursor cursor;
        std::uint64_t passed = 0;  // arrivals behind this one
        std::uint64_t placed = 0;  // those that have a time
        double position = 0;       // along N, of the last one of these
        // Arrival k's is at k modulo their number; max() behind the schedule's last one.
        std::array<base::Mono, 16> dues{};

        [[nodiscard]] base::Mono due() const noexcept { return dues[passed % dues.size()]; }
    };

    TokenBucket(const PhaseScheduler* schedule, Arrivals arrivals, base::Mono start, base::Mono end,
                std::uint64_t seed) noexcept;
    [[nodiscard]] static bool is_due(base::Mono due, base::Mono now) noexcept {
        return due <= now && due != base::Mono::max();
    }
    void advance(Walk& walk) const noexcept {  // to the next arrival
        if (++walk.passed == walk.placed) place_more(walk);
    }
    void place_more(Walk& walk) const noexcept;
    [[nodiscard]] base::Mono place(Walk& walk) const noexcept;  // due of the arrival at walk.position

    const PhaseScheduler* schedule_;  // null: unlimited
    Arrivals arrivals_;
    base::Mono start_;
    base::Mono end_;
    std::uint64_t limit_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t taken_ = 0;
    Walk taking_;
    Walk counting_;
};

/// How many of the bucket's arrivals fall due in each phase of the schedule that it follows: what a run with
/// the same seed will plan. Walks a copy of the bucket, which must not have given a token yet.
[[nodiscard]] std::vector<std::uint64_t> arrivals_per_phase(const PhaseScheduler& schedule,
                                                            TokenBucket bucket);

}  // namespace pgtraffic::traffic
