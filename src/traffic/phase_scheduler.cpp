// N(t) over segments of linear rate. Borders are kept as absolute times, so the last one is the duration
// itself and not a sum of shares. The inverse is a closed form that does not cancel, and both directions
// treat an arrival within rounding of a border as lying on it. Knows neither clocks nor tokens.
#include "pgtraffic/traffic/phase_scheduler.hpp"

#include <algorithm>
#include <cmath>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::traffic {
namespace {

constexpr double kSecondsPerKnot = 2;  // slow enough to be seen in a line a second
constexpr int kFewestKnots = 4;
constexpr int kMostKnots = 256;  // a day's phase stays a few kilobytes

int knots_in(double length_s) {
    const double wanted = std::round(length_s / kSecondsPerKnot);
    return static_cast<int>(std::clamp(wanted, double{kFewestKnots}, double{kMostKnots}));
}

/// `u` in [-1, 1] chooses the place in the band that the phase has reached at `x` in [0, 1] of its way.
double intensity(const Phase& phase, double x, double u) {
    const double low = std::lerp(phase.from.low, phase.to.low, x);
    const double high = std::lerp(phase.from.high, phase.to.high, x);
    // The clamp takes off what rounding adds: a rate must not leave its band by a last bit.
    return std::clamp((low + high) / 2 + phase.variance * (high - low) / 2 * u, low, high);
}

}  // namespace

PhaseScheduler PhaseScheduler::constant(double rate_per_s, base::Nanos duration) {
    PGTRAFFIC_CHECK(std::isfinite(rate_per_s) && rate_per_s > 0, "a constant rate must be above zero");
    PGTRAFFIC_CHECK(duration > base::Nanos::zero(), "a schedule must last");
    PhaseScheduler schedule;
    schedule.begin_phase(kSteadyPhase);
    schedule.append(base::to_seconds(duration), rate_per_s, rate_per_s);
    return schedule;
}

PhaseScheduler PhaseScheduler::follow(const Pattern& pattern, double peak_rate_per_s, base::Nanos duration,
                                      std::uint64_t seed) {
    PGTRAFFIC_CHECK(std::isfinite(peak_rate_per_s) && peak_rate_per_s > 0, "a peak rate must be above zero");
    PGTRAFFIC_CHECK(duration > base::Nanos::zero(), "a schedule must last");
    PGTRAFFIC_CHECK(!pattern.phases.empty(), "a pattern must have a phase");
    double shares = 0;
    for (const Phase& phase : pattern.phases) shares += phase.share;

    PhaseScheduler schedule;
    const double duration_s = base::to_seconds(duration);
    double passed = 0;
    for (std::size_t i = 0; i < pattern.phases.size(); ++i) {
        const Phase& phase = pattern.phases[i];
        passed += phase.share;
        const bool last = i + 1 == pattern.phases.size();
        // On a nanosecond: shares add up to 2.0000000000000004, and the interval of the second second would
        // be the first phase's.
        const double end_s = base::to_seconds(base::from_seconds(duration_s * (passed / shares)));
        schedule.append_phase(phase, last ? duration_s : end_s, peak_rate_per_s,
                              base::Random{seed, base::Stream::intensity, i});
    }
    return schedule;
}

void PhaseScheduler::begin_phase(const std::string& name) {
    const double start_s = segments_.empty() ? 0 : segments_.back().end_s;
    PlannedPhase phase;
    phase.name = name;
    phase.start_s = start_s;
    phase.end_s = start_s;
    phases_.push_back(std::move(phase));
}

void PhaseScheduler::append(double end_s, double rate_at_start, double rate_at_end) {
    const double start_s = segments_.empty() ? 0 : segments_.back().end_s;
    if (end_s <= start_s) return;  // a share too small for the clock
    PlannedPhase& phase = phases_.back();
    if (phase.start_s == phase.end_s) {
        phase.first_rate_per_s = phase.lowest_rate_per_s = phase.highest_rate_per_s = rate_at_start;
    }
    const double slope = (rate_at_end - rate_at_start) / (end_s - start_s);
    segments_.push_back({start_s, end_s, rate_at_start, rate_at_end, slope, total_});
    total_ = arrivals_within(segments_.back(), end_s);
    const auto [lower, higher] = std::minmax(rate_at_start, rate_at_end);
    phase.end_s = end_s;
    phase.planned += total_ - segments_.back().arrivals_before;
    phase.last_rate_per_s = rate_at_end;
    phase.lowest_rate_per_s = std::min(phase.lowest_rate_per_s, lower);
    phase.highest_rate_per_s = std::max(phase.highest_rate_per_s, higher);
}

void PhaseScheduler::append_phase(const Phase& phase, double end_s, double peak_rate_per_s,
                                  base::Random random) {
    begin_phase(phase.name);
    const double start_s = phases_.back().start_s;
    const int knots = phase.variance > 0 ? knots_in(end_s - start_s) : 1;
    const auto next_rate = [&](double x) {
        return peak_rate_per_s * intensity(phase, x, 2 * random.unit() - 1);
    };
    double rate = next_rate(0);
    for (int knot = 1; knot <= knots; ++knot) {
        const double x = static_cast<double>(knot) / knots;
        const double rate_at_end = next_rate(x);
        append(std::lerp(start_s, end_s, x), rate, rate_at_end);
        rate = rate_at_end;
    }
}

double PhaseScheduler::arrivals_until(double t_s) const noexcept {
    if (!(t_s > 0)) return 0;
    if (t_s >= duration_s()) return total_;
    return arrivals_within(segment_at(t_s), t_s);
}

double PhaseScheduler::rate_at(double t_s) const noexcept {
    if (!(t_s >= 0 && t_s < duration_s())) return 0;
    return rate_within(segment_at(t_s), t_s);
}

double PhaseScheduler::duration_s() const noexcept {
    return segments_.back().end_s;
}

double PhaseScheduler::max_rate() const noexcept {
    double highest = 0;
    for (const PlannedPhase& phase : phases_) highest = std::max(highest, phase.highest_rate_per_s);
    return highest;
}

const PhaseScheduler::Segment& PhaseScheduler::segment_at(double t_s) const noexcept {
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t_s,
                                        [](double t, const Segment& s) { return t < s.start_s; });
    return *std::prev(after);
}

/// Whether arrival `n` lies in `s` or behind it.
bool PhaseScheduler::begins_by(const Segment& s, double n) noexcept {
    return s.arrivals_before * (1 - kRounding) <= n;
}

double PhaseScheduler::rate_within(const Segment& s, double t_s) noexcept {
    return std::lerp(s.rate_at_start, s.rate_at_end, (t_s - s.start_s) / (s.end_s - s.start_s));
}

double PhaseScheduler::arrivals_within(const Segment& s, double t_s) noexcept {
    return s.arrivals_before + (t_s - s.start_s) * (s.rate_at_start + rate_within(s, t_s)) / 2;
}

/// With d arrivals to go, start rate r and slope a, τ solves rτ + aτ²/2 = d. Of the two ways to write the
/// root this one subtracts nothing for a >= 0 and does not divide by a: a level rate needs no case of its
/// own.
double PhaseScheduler::time_within(const Segment& s, double n) noexcept {
    const double d = n - s.arrivals_before;
    if (d <= 0) return s.start_s;
    const double r = s.rate_at_start;
    const double divisor = r + std::sqrt(std::max(0.0, r * r + 2 * s.slope * d));
    return divisor > 0 ? std::min(s.end_s, s.start_s + 2 * d / divisor) : s.end_s;
}

double PhaseScheduler::Cursor::time_of(const PhaseScheduler& schedule, double n) noexcept {
    if (!(n >= 0)) return 0;
    if (n >= schedule.total_) return schedule.duration_s();
    const auto& segments = schedule.segments_;
    while (segment_ + 1 < segments.size() && begins_by(segments[segment_ + 1], n)) ++segment_;
    return time_within(segments[segment_], n);
}

}  // namespace pgtraffic::traffic
