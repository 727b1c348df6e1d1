#include "pgtraffic/metrics/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::metrics {
namespace {

constexpr double kNormal95 = 1.96;
constexpr std::size_t kFewestIntervals = 20;
constexpr std::size_t kMostBatches = 30;
/// Targets that differ by more than this share follow a plan, and their spread is not an error.
constexpr double kSteady = 0.01;

/// The 97.5th percentile of Student's t for 1, 2, … degrees of freedom. Beyond them the last one is used,
/// which makes an interval of more runs 4 % too wide at most.
constexpr std::array kStudent975{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

bool is_steady(std::span<const Interval> intervals) {
    const auto [low, high] =
        std::minmax_element(intervals.begin(), intervals.end(),
                            [](const auto& a, const auto& b) { return a.target_per_s < b.target_per_s; });
    return high->target_per_s - low->target_per_s <= kSteady * high->target_per_s;
}

}  // namespace

std::optional<Bounds> quantile_bounds(const Histogram& histogram, double q) noexcept {
    const auto n = static_cast<double>(histogram.count());
    const double half = kNormal95 * std::sqrt(n * q * (1 - q));
    const double low = std::floor(n * q - half);
    const double high = std::ceil(n * q + half);
    if (low < 1 || high > n) return std::nullopt;
    return Bounds{histogram.value_of_rank(static_cast<std::uint64_t>(low)),
                  histogram.value_of_rank(static_cast<std::uint64_t>(high))};
}

std::optional<double> throughput_standard_error(std::span<const Interval> intervals) {
    // The last one is mostly cut short, and an error made of unequal stretches would not be one.
    while (!intervals.empty() && intervals.back().duration_s < intervals.front().duration_s * 0.999) {
        intervals = intervals.first(intervals.size() - 1);
    }
    if (intervals.size() < kFewestIntervals || !is_steady(intervals)) return std::nullopt;
    const std::size_t per_batch = (intervals.size() + kMostBatches - 1) / kMostBatches;
    std::vector<double> rates;
    for (std::size_t first = 0; first + per_batch <= intervals.size(); first += per_batch) {
        double done = 0;
        double length = 0;
        for (const auto& interval : intervals.subspan(first, per_batch)) {
            done += static_cast<double>(interval.ok + interval.empty);
            length += interval.duration_s;
        }
        rates.push_back(done / length);
    }
    double mean = 0;
    for (const double rate : rates) mean += rate / static_cast<double>(rates.size());
    double squares = 0;
    for (const double rate : rates) squares += (rate - mean) * (rate - mean);
    const auto m = static_cast<double>(rates.size());
    return std::sqrt(squares / (m - 1) / m);
}

MeanOfRuns mean_of_runs(std::span<const double> values) {
    PGTRAFFIC_CHECK(values.size() >= 2, "one run does not tell how runs differ");
    const auto n = static_cast<double>(values.size());
    double mean = 0;
    for (const double value : values) mean += value / n;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const auto student = kStudent975[std::min(values.size() - 1, kStudent975.size()) - 1];
    return {mean, student * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace pgtraffic::metrics
