#include "pgtraffic/metrics/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::metrics {
namespace {

constexpr std::size_t kFewestBatches = 8;
constexpr std::size_t kMostBatches = 30;
/// Targets that differ by more than this share follow a plan, and their spread is not an error.
constexpr double kSteady = 0.01;

bool is_steady(std::span<const Interval> intervals) {
    const auto [low, high] =
        std::minmax_element(intervals.begin(), intervals.end(),
                            [](const auto& a, const auto& b) { return a.target_per_s < b.target_per_s; });
    return high->target_per_s - low->target_per_s <= kSteady * high->target_per_s;
}

/// The intervals of each stretch; none where the run has no error of this kind.
std::vector<std::span<const Interval>> stretches_of(std::span<const Interval> intervals) {
    // The last one is mostly cut short: of less than an interval nobody knows what it would have been.
    while (!intervals.empty() && intervals.back().duration_s < intervals.front().duration_s * 0.999) {
        intervals = intervals.first(intervals.size() - 1);
    }
    if (intervals.size() < kFewestBatches || !is_steady(intervals)) return {};
    // Their lengths differ by one interval at most, and all of the run is in one of them.
    const std::size_t length = (intervals.size() + kMostBatches - 1) / kMostBatches;
    const std::size_t count = intervals.size() / length;
    std::vector<std::span<const Interval>> stretches;
    for (std::size_t i = 0, first = 0; i < count; ++i) {
        const std::size_t end = (i + 1) * intervals.size() / count;
        stretches.push_back(intervals.subspan(first, end - first));
        first = end;
    }
    return stretches;
}

/// What one stretch has of a ratio: queries and the seconds that they took, values up to a limit and all.
struct Part {
    double of = 0;
    double whole = 0;
};

/// Of the ratio of the sums (Cochran, Sampling Techniques, section 2.11: the ratio estimator).
MeanError ratio_error(std::span<const Part> parts) {
    Part sum;
    for (const auto& part : parts) sum = {sum.of + part.of, sum.whole + part.whole};
    double squares = 0;
    for (const auto& part : parts) {
        const double off = part.of - sum.of / sum.whole * part.whole;
        squares += off * off;
    }
    const auto m = static_cast<double>(parts.size());
    const double standard = std::sqrt(squares * m / (m - 1)) / sum.whole;
    return {standard, student95(parts.size() - 1) * standard};
}

/// The same, guarded against neighbours that are alike.
MeanError widest_error(std::vector<Part> parts) {
    MeanError widest = ratio_error(parts);
    while (parts.size() / 2 >= kFewestBatches) {
        for (std::size_t i = 0; i < parts.size() / 2; ++i) {
            const Part& a = parts[2 * i];
            const Part& b = parts[2 * i + 1];
            parts[i] = {a.of + b.of, a.whole + b.whole};
        }
        parts.resize(parts.size() / 2);
        const MeanError error = ratio_error(parts);
        if (error.half_width > widest.half_width) widest = error;
    }
    return widest;
}

/// How a share of values spreads, that of independent ones being √(share·(1 − share)/n).
double spread_of(double share) {
    return std::sqrt(share * (1 - share));
}

/// Of the values in buckets up to the one of a quantile.
struct Share {
    double value = 0;
    double in_bucket = 0;   ///< of these those in its own bucket
    double half_width = 0;  ///< of the 95 % confidence interval of `value`
};

Share share_up_to(base::Nanos quantile, std::span<const SparseCounts> batches) {
    const std::uint32_t bucket = CoarseHistogram::bucket_of(quantile);
    std::vector<Part> parts;
    Part sum;
    double before = 0;
    for (const auto& batch : batches) {
        before += static_cast<double>(batch.count_before(bucket));
        parts.push_back(
            {static_cast<double>(batch.count_before(bucket + 1)), static_cast<double>(batch.count())});
        sum = {sum.of + parts.back().of, sum.whole + parts.back().whole};
    }
    return {sum.of / sum.whole, (sum.of - before) / sum.whole, widest_error(std::move(parts)).half_width};
}

/// The least that a share may be taken to vary, by the spread of independent values: as the median's does.
double least_half_width(const Histogram& histogram, double q, std::span<const SparseCounts> batches) {
    const Share median = share_up_to(histogram.quantile(0.5), batches);
    const double independent = kNormal95 / std::sqrt(static_cast<double>(histogram.count()));
    const double spread = spread_of(median.value);
    return spread_of(q) * std::max(independent, spread > 0 ? median.half_width / spread : 0);
}

template <class PartOf>
std::optional<ShareBounds> bursty_share_bounds(double share, double n, std::span<const Interval> intervals,
                                               PartOf part_of) {
    auto bounds = independent_share_bounds(share, n);
    if (!bounds) return std::nullopt;
    std::vector<Part> parts;
    double whole = 0;
    for (const auto& stretch : stretches_of(intervals)) {
        Part& part = parts.emplace_back();
        for (const auto& interval : stretch) {
            const Part one = part_of(interval);
            part = {part.of + one.of, part.whole + one.whole};
        }
        whole += part.whole;
    }
    if (whole == 0) return share == 0 || share == 1 ? bounds : std::nullopt;
    const double half = widest_error(std::move(parts)).half_width;
    return ShareBounds{std::max(0.0, std::min(bounds->low, share - half)),
                       std::min(1.0, std::max(bounds->high, share + half))};
}

/// Out to the limits of the buckets that the time series counts in.
Bounds rounded_out(const Bounds& bounds, const Histogram& histogram) {
    using Buckets = CoarseHistogram::Buckets;
    const auto low = Buckets::lowest_of(CoarseHistogram::bucket_of(bounds.low));
    const auto high = Buckets::highest_of(CoarseHistogram::bucket_of(bounds.high));
    return {std::max(base::Nanos{static_cast<std::int64_t>(low)}, histogram.min()),
            std::min(std::max(base::Nanos{static_cast<std::int64_t>(high)}, bounds.high), histogram.max())};
}

}  // namespace

double student95(std::size_t degrees_of_freedom) {
    constexpr std::array kStudent975{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                     2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                     2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
    PGTRAFFIC_CHECK(degrees_of_freedom >= 1, "one value does not tell how values differ");
    return kStudent975[std::min(degrees_of_freedom, kStudent975.size()) - 1];
}

std::optional<MeanError> throughput_error(std::span<const Interval> intervals) {
    std::vector<Part> parts;
    for (const auto& stretch : stretches_of(intervals)) {
        Part& part = parts.emplace_back();
        for (const auto& interval : stretch) {
            part.of += static_cast<double>(interval.ok + interval.empty);
            part.whole += interval.duration_s;
        }
    }
    if (parts.empty()) return std::nullopt;
    double seconds = 0;
    for (const auto& part : parts) seconds += part.whole;
    MeanError error = widest_error(std::move(parts));
    // Where arrivals at equal distances make all intervals alike, it is still chance whether the last answer
    // came within the time.
    error.half_width = std::max(error.half_width, 1 / seconds);
    return error;
}

std::vector<SparseCounts> batches_of(std::span<const Interval> intervals, SparseCounts Interval::*latency) {
    std::vector<SparseCounts> batches;
    bool any = false;
    for (const auto& stretch : stretches_of(intervals)) {
        auto& batch = batches.emplace_back();
        for (const auto& interval : stretch) batch.merge(interval.*latency);
        any = any || batch.count() > 0;
    }
    if (!any) batches.clear();
    return batches;
}

std::optional<Bounds> quantile_bounds(const Histogram& histogram, double q,
                                      std::span<const SparseCounts> batches, const Histogram& lower_bounds) {
    if (batches.empty() || histogram.empty()) return std::nullopt;
    const auto n = static_cast<double>(histogram.count());
    const Share share = share_up_to(histogram.quantile(q), batches);
    const double half = std::max(share.half_width, least_half_width(histogram, q, batches));
    const double low = std::floor(n * (q - half));
    const double high = std::ceil(n * (q + half));
    if (low < 1 || high > n) return std::nullopt;
    const auto most = value_of_rank_at_most(histogram, lower_bounds, static_cast<std::uint64_t>(high));
    if (!most) return std::nullopt;
    const Bounds bounds{histogram.value_of_rank(static_cast<std::uint64_t>(low)), *most};
    // Where one bucket holds more than the bounds span, nobody saw how the values in it moved.
    return share.in_bucket > 2 * half ? rounded_out(bounds, histogram) : bounds;
}

std::optional<ShareBounds> independent_share_bounds(double share, double n) {
    if (n < 1 || share < 0 || share > 1) return std::nullopt;
    const double z2 = kNormal95 * kNormal95;
    const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    const double half = kNormal95 / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
    // Where none or all did, that end is exact; computed it would be off by a rounding, and shown so.
    return ShareBounds{share == 0 ? 0 : std::max(0.0, middle - half),
                       share == 1 ? 1 : std::min(1.0, middle + half)};
}

std::optional<ShareBounds> success_bounds(const Counts& counts, std::span<const Interval> intervals) {
    const auto n = static_cast<double>(counts.ended() + counts.missed);
    return bursty_share_bounds(counts.success_ratio(), n, intervals, [](const Interval& interval) {
        const auto succeeded = static_cast<double>(interval.ok + interval.empty);
        return Part{succeeded,
                    succeeded + static_cast<double>(interval.failed + interval.timed_out + interval.missed)};
    });
}

std::optional<ShareBounds> failure_bounds(const Counts& counts, std::span<const Interval> intervals) {
    const auto n = static_cast<double>(counts.ended());
    return bursty_share_bounds(counts.failed_ratio(), n, intervals, [](const Interval& interval) {
        const auto failed = static_cast<double>(interval.failed + interval.timed_out);
        return Part{failed, failed + static_cast<double>(interval.ok + interval.empty)};
    });
}

MeanOfRuns mean_of_runs(std::span<const double> values) {
    PGTRAFFIC_CHECK(values.size() >= 2, "one run does not tell how runs differ");
    const auto n = static_cast<double>(values.size());
    // From the first one on: added up and divided, five times 1.0 would not be 1.0 for every n.
    double mean = values.front();
    for (const double value : values) mean += (value - values.front()) / n;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return {mean, student95(values.size() - 1) * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace pgtraffic::metrics
