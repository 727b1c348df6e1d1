#include "pgtraffic/simulation/loads.hpp"

#include <algorithm>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/simulation/plan.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using base::Nanos;
using traffic::PhaseScheduler;
using traffic::TokenBucket;

namespace {

/// Arrivals have 38 bits in what they draw. Unmeasured loads take 2^31 each from the upper end downwards, so
/// that the measured one, which begins at 0, has nearly all. A search for a rate in which every step is made
/// again has some fifty, one for the connections with a warm-up for each step some eighty.
constexpr std::uint32_t kArrivalBits = 38;
constexpr std::uint32_t kUnmeasuredBits = 31;
constexpr std::uint64_t kMostUnmeasured = (1U << (kArrivalBits - kUnmeasuredBits)) - 1;

}  // namespace

Loads::Loads(const SimulationPlan& plan)
    : plan_{plan}, peak_rate_{plan.peak_rate_per_s}, number_{plan.loads_before} {}

bool Loads::wants_peak() const noexcept {
    return (plan_.pattern || plan_.find_rate) && !peak_rate_;
}

std::optional<PhaseScheduler> Loads::measured_schedule() const {
    if (plan_.rate_per_s) return PhaseScheduler::constant(*plan_.rate_per_s, plan_.duration);
    if (plan_.find_rate && peak_rate_) return PhaseScheduler::constant(*peak_rate_, plan_.duration);
    if (plan_.pattern && peak_rate_)
        return PhaseScheduler::follow(*plan_.pattern, *peak_rate_, plan_.duration, plan_.seed);
    return std::nullopt;
}

TokenBucket Loads::bucket(const std::optional<PhaseScheduler>& schedule, Mono start, Nanos length) const {
    // Each load draws arrivals of its own: three steps of a calibration with the same ones would tell nothing
    // of their chance.
    return schedule ? TokenBucket::scheduled(*schedule, plan_.arrivals, start, plan_.seed ^ first_arrival_)
                    : TokenBucket::unlimited(start, length);
}

void Loads::begin_unmeasured() noexcept {
    ++number_;
    PGTRAFFIC_CHECK(number_ <= kMostUnmeasured, "a run has a warm-up and some steps of a calibration");
    first_arrival_ = (kMostUnmeasured - number_ + 1) << kUnmeasuredBits;
    unmeasured_.reset();
}

TokenBucket Loads::warm_up(Mono start) {
    begin_unmeasured();
    if (const auto measured = measured_schedule()) {
        const double rate = std::max(measured->rate_at(0), measured->max_rate() * 0.01);
        unmeasured_ = PhaseScheduler::constant(rate, plan_.warmup);
    }
    return bucket(unmeasured_, start, plan_.warmup);
}

TokenBucket Loads::calibration(Mono start, double rate_per_s, Nanos length) {
    begin_unmeasured();
    if (rate_per_s > 0) unmeasured_ = PhaseScheduler::constant(rate_per_s, length);
    return bucket(unmeasured_, start, length);
}

TokenBucket Loads::measured(Mono start) {
    if (plan_.rehearsal) {
        begin_unmeasured();
    } else {
        ++number_;
        first_arrival_ = 0;
    }
    auto tokens = bucket(schedule_, start, plan_.duration);
    if (plan_.total_queries) tokens.limit_to(*plan_.total_queries);
    return tokens;
}

}  // namespace pgtraffic::simulation
