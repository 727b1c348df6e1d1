// N(t), the number of arrivals planned from the start to time t, and its inverse. The rate is linear
// between knots, so N is piecewise quadratic: exact, closed-form both ways, without ticks or drift, and
// fractions of an arrival carry over from phase to phase. Times are seconds from the schedule's start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/traffic/pattern.hpp"

namespace pgtraffic::traffic {

/// A phase with its place in time and in N, and its rates. The rate may jump at a border, so one phase's
/// last rate need not be the next one's first.
struct PlannedPhase {
    std::string name;
    double start_s = 0;
    double end_s = 0;
    double planned = 0;  ///< N(end) − N(start)
    double first_rate_per_s = 0;
    double last_rate_per_s = 0;
    double lowest_rate_per_s = 0;
    double highest_rate_per_s = 0;
};

/// The one phase of a load without a pattern.
inline constexpr const char* kSteadyPhase = "steady";

/// A value; immutable once made.
class PhaseScheduler {
 public:
    /// `rate_per_s` > 0 for `duration` > 0, as one phase named kSteadyPhase.
    [[nodiscard]] static PhaseScheduler constant(double rate_per_s, base::Nanos duration);

    /// The pattern over `duration`, its 100 % at `peak_rate_per_s`; the wandering drawn from `seed`.
    [[nodiscard]] static PhaseScheduler follow(const Pattern& pattern, double peak_rate_per_s,
                                               base::Nanos duration, std::uint64_t seed);

    /// N(t): 0 before the start, total() after the end; monotone.
    [[nodiscard]] double arrivals_until(double t_s) const noexcept;

    /// Sums of this schedule are exact up to this part of themselves: a hundred times what adding up a few
    /// thousand segments loses, and far below one arrival. Counting compares with it, or an arrival that
    /// falls on a border would land on a side of it by chance.
    static constexpr double kRounding = 1e-12;

    [[nodiscard]] double rate_at(double t_s) const noexcept;  ///< 0 outside the schedule
    [[nodiscard]] double total() const noexcept { return total_; }
    [[nodiscard]] double duration_s() const noexcept;
    [[nodiscard]] double max_rate() const noexcept;
    [[nodiscard]] const std::vector<PlannedPhase>& phases() const noexcept { return phases_; }

    /// N⁻¹ for arguments that never decrease, in constant time on average: remembers its segment.
    class Cursor {
     public:
        /// N⁻¹(n): the latest t with N(t) <= n, so that no arrival is due in a stretch without load; 0 for
        /// n < 0, duration_s() for n >= total().
        [[nodiscard]] double time_of(const PhaseScheduler& schedule, double n) noexcept;

     private:
        std::size_t segment_ = 0;
    };

 private:
    struct Segment {
        double start_s;
        double end_s;
        double rate_at_start;
        double rate_at_end;
        double slope;            // of the rate, per second; kept because the inverse is on a query's path
        double arrivals_before;  // N(start_s)
    };

    PhaseScheduler() = default;
    void begin_phase(const std::string& name);
    void append(double end_s, double rate_at_start, double rate_at_end);  // to the last phase
    void append_phase(const Phase& phase, double end_s, double peak_rate_per_s, base::Random random);
    [[nodiscard]] const Segment& segment_at(double t_s) const noexcept;
    [[nodiscard]] static bool begins_by(const Segment& s, double n) noexcept;
    [[nodiscard]] static double rate_within(const Segment& s, double t_s) noexcept;
    [[nodiscard]] static double arrivals_within(const Segment& s, double t_s) noexcept;  // N(t_s)
    [[nodiscard]] static double time_within(const Segment& s, double n) noexcept;        // N⁻¹(n)

    std::vector<Segment> segments_;  // without gaps, each longer than nothing
    std::vector<PlannedPhase> phases_;
    double total_ = 0;
};

}  // namespace pgtraffic::traffic
