// How sure a figure is: the error of a throughput and the bounds of a percentile from the time series.
// Latencies follow one another (in a queue each waits for those before it), so an error worked out as if they
// were independent is far too small; what differs between long stretches of the run shows the true one. All
// of it sees only what varied within the run; two runs often differ by more, which only several runs show.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/latencies.hpp"

namespace pgtraffic::metrics {

/// Of the normal distribution 95 % lie within so many standard deviations.
inline constexpr double kNormal95 = 1.96;

/// Half the width of a 95 % confidence interval, in standard errors, where the error comes from
/// `degrees_of_freedom` + 1 values: the 97.5th percentile of Student's t. At least 1; from 30 on that of 30,
/// at most 4 % too wide.
[[nodiscard]] double student95(std::size_t degrees_of_freedom);

/// A 95 % confidence interval.
struct Bounds {
    base::Nanos low{0};
    base::Nanos high{0};
};

struct MeanError {
    double standard = 0;    ///< the standard error
    double half_width = 0;  ///< of the 95 % confidence interval
};

// Both figures below come from batch means (Law, Simulation Modeling and Analysis, section 9.5.3): the time
// series is cut into 8 to 30 stretches of equal length, which are taken for independent. Neighbours that are
// still alike make the error too small, so it is also worked out from half as many stretches of twice the
// length, as long as 8 are left, and the widest is taken. A run of fewer than 8 intervals has no such error,
// nor has one whose plan makes the rate vary, because there stretches differ by intention.

/// Of the mean throughput, per second.
[[nodiscard]] std::optional<MeanError> throughput_error(std::span<const Interval> intervals);

/// The distribution of a latency (&Interval::response, &Interval::lag) in each of the stretches; none where
/// the run has no error of this kind, or nothing was counted.
[[nodiscard]] std::vector<SparseCounts> batches_of(std::span<const Interval> intervals,
                                                   SparseCounts Interval::*latency);

/// Of quantile q (0 < q < 1) of a run whose stretches are `batches`. The error of the share of values up to
/// the quantile is that of a ratio between the stretches, and the values of ranks n·(q ± that error) are the
/// bounds (Woodruff, Confidence Intervals for Medians and Other Position Measures, 1952; batch means for
/// quantiles: Heidelberger and Lewis, Quantile Estimation in Dependent Sequences, 1984). The share is taken
/// to vary at least as independent values would, and, by that measure, at least as the median's does: a
/// run that never reached a rare state shows little of what that state does to the tail.
///
/// Those of `lower_bounds`, which are among the values, may be larger than they were recorded: the upper
/// bound is the most that the value of its rank can be.
///
/// None from no batches, and where a rank falls outside the data: the run was too short for so high a
/// percentile, or too many of its values are lower bounds. What remains: near saturation a queue forgets its
/// past in seconds, and the bounds of the upper percentiles of a short run are too narrow (M/M/8, services of
/// 10 ms, 95th percentile: they hold it in 97 % of the runs of 10 s at 80 % utilisation, in 82 % at 90 %;
/// docs/metrics.md has more).
[[nodiscard]] std::optional<Bounds> quantile_bounds(const Histogram& histogram, double q,
                                                    std::span<const SparseCounts> batches,
                                                    const Histogram& lower_bounds = Histogram{});

/// Of the share of queries that succeeded or failed, from 0 to 1.
struct ShareBounds {
    double low = 0;
    double high = 1;
};

/// 95 % confidence interval of a share as if each of the `n` were independent of the others: Wilson's score
/// interval (Brown, Cai, DasGupta, Interval Estimation for a Binomial Proportion, 2001), which also holds
/// near 0 and 1. None of nothing.
[[nodiscard]] std::optional<ShareBounds> independent_share_bounds(double share, double n);

/// The same of queries, which fail and are missed in bursts: from the spread between the stretches of the
/// series, and at least as wide as if they were independent. Where the run has no such spread, only of a
/// share that is 0 or 1: nothing of it came in a burst. `success`: of (ok + empty) among what ended or was
/// missed; `failure`: of (failed + timed out) among what ended.
[[nodiscard]] std::optional<ShareBounds> success_bounds(const Counts& counts,
                                                        std::span<const Interval> intervals);
[[nodiscard]] std::optional<ShareBounds> failure_bounds(const Counts& counts,
                                                        std::span<const Interval> intervals);

struct MeanOfRuns {
    double value = 0;
    double half_width = 0;  ///< of the 95 % confidence interval
};

/// The mean of a figure over at least two runs, and its interval by Student's t: the runs are independent,
/// and their figures nearly normal. Of two runs the interval is 25 standard errors wide: two show next to
/// nothing. The mean of equal values is exactly that value.
[[nodiscard]] MeanOfRuns mean_of_runs(std::span<const double> values);

}  // namespace pgtraffic::metrics
