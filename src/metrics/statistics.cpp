#include "pgtraffic/metrics/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pgtraffic::metrics {
namespace {

constexpr double kNormal95 = 1.96;
constexpr std::size_t kFewestBatches = 20;
constexpr std::size_t kMostBatches = 30;
/// Targets that differ by more than this share follow a plan, and their spread is not an error.
constexpr double kSteady = 0.01;

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
    if (intervals.size() < kFewestBatches || !is_steady(intervals)) return std::nullopt;
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
    if (rates.size() < kFewestBatches / 2) return std::nullopt;
    double mean = 0;
    for (const double rate : rates) mean += rate / static_cast<double>(rates.size());
    double squares = 0;
    for (const double rate : rates) squares += (rate - mean) * (rate - mean);
    const auto m = static_cast<double>(rates.size());
    return std::sqrt(squares / (m - 1) / m);
}

}  // namespace pgtraffic::metrics
