#include "pgtraffic/metrics/latencies.hpp"

#include <cmath>

namespace pgtraffic::metrics {

void Counts::add(const Counts& other) noexcept {
    planned += other.planned;
    started += other.started;
    waiting += other.waiting;
    missed += other.missed;
    in_flight += other.in_flight;
    ok += other.ok;
    empty += other.empty;
    failed += other.failed;
    timed_out += other.timed_out;
    late += other.late;
    in_doubt += other.in_doubt;
    retries += other.retries;
    retried += other.retried;
    rows += other.rows;
}

void Latencies::merge(const Latencies& other) noexcept {
    response.merge(other.response);
    unanswered.merge(other.unanswered);
    service.merge(other.service);
    lag.merge(other.lag);
    pool_wait.merge(other.pool_wait);
    generator_lag.merge(other.generator_lag);
    failed.merge(other.failed);
}

bool lag_is_lower_bound(const Counts& counts, double q) noexcept {
    const std::uint64_t unsent = counts.waiting + counts.missed;
    return unsent > 0 && rank_of_quantile(q, counts.ended() + unsent) > counts.ended();
}

std::optional<double> connection_efficiency(const Latencies& latencies, const Counts& counts) noexcept {
    // Of those that were never sent nobody knows for how long they would have waited.
    if (latencies.service.empty() || (counts.waiting + counts.missed) * 100 > counts.started)
        return std::nullopt;
    const double used = latencies.service.mean_ns();
    const bool closed_loop = latencies.pool_wait.empty();
    if (closed_loop && latencies.unanswered.count() * 100 > latencies.response.count()) return std::nullopt;
    const double total = closed_loop ? latencies.response.mean_ns() : used + latencies.pool_wait.mean_ns();
    return total > 0 ? used / total : 0;
}

}  // namespace pgtraffic::metrics
