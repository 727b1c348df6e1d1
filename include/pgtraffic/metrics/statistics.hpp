// How sure a figure is: the error of a throughput from the time series, the bounds of a percentile from its
// rank. Both see only what varied within the run; two runs often differ by more, which only several runs
// show.
#pragma once

#include <optional>
#include <span>

#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/interval.hpp"

namespace pgtraffic::metrics {

/// A 95 % confidence interval.
struct Bounds {
    base::Nanos low{0};
    base::Nanos high{0};
};

/// Of quantile q (0 < q < 1): the values of ranks n·q ± 1.96·√(n·q·(1 − q)), by the normal approximation to
/// the binomial (Conover, Practical Nonparametric Statistics, section 3.2). Assumes independent values;
/// latencies follow one another, so the true bounds are somewhat wider. None where a rank falls outside the
/// data.
[[nodiscard]] std::optional<Bounds> quantile_bounds(const Histogram& histogram, double q) noexcept;

/// The standard error of the mean throughput, per second, by batch means: the time series cut into 15 to 30
/// stretches of equal length, which are long enough to be nearly independent (Law, Simulation Modeling and
/// Analysis, section 9.5.3). None from fewer than 20 intervals, or where a plan makes the rate vary.
[[nodiscard]] std::optional<double> throughput_standard_error(std::span<const Interval> intervals);

struct MeanOfRuns {
    double value = 0;
    double half_width = 0;  ///< of the 95 % confidence interval
};

/// The mean of a figure over at least two runs, and its interval by Student's t: the runs are independent,
/// and their figures nearly normal. Of two runs the interval is 18 standard errors wide: two show next to
/// nothing.
[[nodiscard]] MeanOfRuns mean_of_runs(std::span<const double> values);

}  // namespace pgtraffic::metrics
