#include "pgtraffic/metrics/standstill.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::metrics {
namespace {

/// What takes so many times as long as its like is out of proportion: of a million exponential service times
/// the longest is 6 times the 90th percentile.
constexpr int kOutOfProportion = 10;

/// In some interval less than half as much was done as usual, for what was due in it, and that by more than
/// arrivals at random make of themselves. Of a shorter pause there is no trace in the time series.
bool paused(const RunResult& run) {
    constexpr double kBeyondChance = 3;  // standard deviations of a Poisson count
    std::vector<double> done;            // in each interval, of what was due
    const auto due = [](const Interval& interval) {
        return interval.duration_s * (interval.target_per_s > 0 ? interval.target_per_s : 1);
    };
    const auto done_in = [](const Interval& interval) {
        return static_cast<double>(interval.ok + interval.empty);
    };
    for (const auto& interval : run.intervals) done.push_back(done_in(interval) / due(interval));
    if (done.size() < 3) return false;
    const auto middle = done.begin() + static_cast<std::ptrdiff_t>(done.size() / 2);
    std::nth_element(done.begin(), middle, done.end());
    return std::ranges::any_of(run.intervals, [&](const auto& interval) {
        const double usual = *middle * due(interval);
        return done_in(interval) < usual / 2 - kBeyondChance * std::sqrt(usual);
    });
}

/// Whether some service took far longer than those of the same operation: slow ones among fast ones are no
/// server that stands still.
bool out_of_proportion(const RunResult& run) {
    return std::ranges::any_of(run.operations, [&](const auto& operation) {
        const auto& service = operation.latencies.service;
        return 2 * service.max() > run.latencies.response.max() &&
               service.max() >= kOutOfProportion * service.quantile(0.9);
    });
}

/// How many queries that took so long, or did not come back, are far slower than their like. One that was
/// tried again may have been this program's to wait.
std::uint64_t far_slower(const OperationResult& operation, base::Nanos length) {
    const auto& service = operation.latencies.service;
    if (service.empty() || length < kOutOfProportion * service.quantile(0.9)) return 0;
    const auto longer = [&](const Histogram& times) { return times.count() - times.count_up_to(length / 2); };
    // What waited, and whose connection was lost at last, failed.
    const auto slow =
        operation.counts.retried == 0 ? longer(service) + longer(operation.latencies.failed) : 0;
    return operation.counts.in_flight + operation.counts.timed_out + slow;
}

/// Those of the stretches in which nothing ended that such queries explain, one by one, together. A stretch
/// that has none of its own was one of slow queries among slow ones.
base::Nanos explained(std::vector<base::Nanos> stretches, const RunResult& run) {
    std::ranges::sort(stretches, std::greater<>{});
    std::vector<std::uint64_t> used(run.operations.size(), 0);
    base::Nanos all{0};
    for (const auto stretch : stretches) {
        for (std::size_t o = 0; o < used.size(); ++o) {
            if (far_slower(run.operations[o], stretch) <= used[o]) continue;
            ++used[o];
            all += stretch;
            break;
        }
    }
    return all;
}

/// How much of this time outages of the whole service tell already, with what lies beside them: a server that
/// goes falls silent before its connections are lost, and what comes back has to begin.
base::Nanos told_by_outages(const RunResult& run, double from_s, double to_s) {
    constexpr double kBeside = 1.0;
    double told_s = 0;
    for (const auto& outage : run.outages) {
        if (outage.without_service_s <= 0) continue;
        const double beside_s =
            std::min(to_s, outage.to_s + kBeside) - std::max(from_s, outage.from_s - kBeside);
        told_s += std::clamp(beside_s, 0.0, outage.without_service_s + 2 * kBeside);
    }
    return base::from_seconds(told_s);
}

/// By the end something that was sent had waited far longer than its like, or for the very first answer.
bool hangs(const RunResult& run) {
    return std::ranges::any_of(run.operations, [&](const auto& operation) {
        const auto& service = operation.latencies.service;
        const auto waited = operation.longest_in_flight;
        if (waited < std::chrono::seconds{1}) return false;
        return service.empty() ? run.latencies.service.empty()
                               : waited >= kOutOfProportion * service.quantile(0.9);
    });
}

}  // namespace

base::Nanos stood_still_for(const RunResult& run) {
    if (run.latencies.service.empty()) return base::Nanos{0};
    if (run.client.machine_stood_still())
        return base::Nanos{0};  // of the server nothing is known for that time
    const base::Nanos least = std::max<base::Nanos>(std::chrono::seconds{1},
                                                    kOutOfProportion * run.latencies.service.quantile(0.5));
    std::vector<base::Nanos> stretches;
    base::Nanos stretch{0};
    bool under_way = false;  // at the end of the interval before
    const auto end_stretch = [&](double at_s) {
        const base::Nanos untold = stretch - told_by_outages(run, at_s - base::to_seconds(stretch), at_s);
        if (untold >= least) stretches.push_back(untold);
        stretch = base::Nanos{0};
    };
    for (const auto& interval : run.intervals) {
        const bool nothing = interval.ok + interval.empty + interval.failed + interval.timed_out == 0;
        if (nothing && under_way && interval.in_flight > 0) {
            stretch += base::from_seconds(interval.duration_s);
        } else {
            end_stretch(interval.start_s);
        }
        under_way = interval.in_flight > 0;
    }
    end_stretch(run.duration_s);
    return explained(std::move(stretches), run);
}

bool stood_still(const RunResult& run) {
    // The longest answer may have waited for this program, which stood still as long.
    const bool ours = 2 * base::from_seconds(run.client.longest_clock_gap_s) > run.latencies.service.max();
    return hangs(run) || stood_still_for(run).count() > 0 || (out_of_proportion(run) && paused(run) && !ours);
}

}  // namespace pgtraffic::metrics
