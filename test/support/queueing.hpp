// What the theory of queues says of a load, and a queue to measure by itself, for tests that compare a figure
// with the exact one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::test {

/// Erlang's C formula: the probability that all k servers are busy, at offered load a < k.
/// Kleinrock, Queueing Systems I (1975), section 3.5.
[[nodiscard]] inline double erlang_c(int k, double a) {
    double term = 1;
    double sum = 0;
    for (int i = 0; i < k; ++i) {
        sum += term;
        term *= a / (i + 1);
    }
    const double last = term * k / (k - a);
    return last / (sum + last);
}

/// The response time that a share q of the queries of M/M/k does not exceed, in mean service times; first
/// come, first served. a < k, a != k − 1. The same source, from its waiting time and an independent service.
[[nodiscard]] inline double response_quantile(int k, double a, double q) {
    const double waits = erlang_c(k, a);
    const double spare = k - 1 - a;
    const auto beyond = [&](double t) {
        return std::exp(-t) * (1 + waits * (1 - std::exp(-t * spare)) / spare);
    };
    double low = 0;
    double high = 1;
    while (beyond(high) > 1 - q) high *= 2;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (beyond(middle) > 1 - q ? low : high) = middle;
    }
    return high;
}

/// The throughput of n users who think for `think` on average and ask one server whose services take
/// `service`, both exponential, per unit of these times: M/M/1//n. Kleinrock, Queueing Systems I (1975),
/// section 3.8.
[[nodiscard]] inline double interactive_throughput(int n, double think, double service) {
    double idle = 1;  // of the probabilities that 0, 1, … n users wait, as multiples of the first
    double sum = 1;
    for (int waiting = 0; waiting < n; ++waiting) {
        idle *= (n - waiting) * service / think;
        sum += idle;
    }
    return (1 - 1 / sum) / service;
}

/// M/M/k, simulated on and on: Poisson arrivals at utilisation `load`, exponential services of 10 ms.
class Queue {
 public:
    static constexpr double kService_s = 0.01;

    Queue(int servers, double load, std::uint64_t seed)
        : random_{seed, base::Stream::data}, rate_per_s_{servers * load / kService_s} {
        for (int i = 0; i < servers; ++i) free_at_s_.push(0);
        (void)run(100);  // until it has forgotten that it began empty
    }

    /// What is measured of the next so many seconds: responses and lags, whole and second by second.
    [[nodiscard]] metrics::RunResult run(int seconds) {
        metrics::RunResult result;
        result.open_loop = true;
        result.duration_s = seconds;
        for (int second = 0; second < seconds; ++second) {
            metrics::Interval& interval = result.intervals.emplace_back();
            interval.start_s = second;
            interval.duration_s = 1;
            interval.target_per_s = rate_per_s_;
            measure_second(interval, result.latencies);
        }
        return result;
    }

 private:
    void measure_second(metrics::Interval& interval, metrics::Latencies& latencies) {
        metrics::CoarseHistogram responses;
        metrics::CoarseHistogram lags;
        for (until_s_ += 1; due_s_ < until_s_; due_s_ += random_.exponential() / rate_per_s_) {
            const double sent_s = std::max(free_at_s_.top(), due_s_);
            const double done_s = sent_s + random_.exponential() * kService_s;
            free_at_s_.pop();
            free_at_s_.push(done_s);
            responses.record(base::from_seconds(done_s - due_s_));
            lags.record(base::from_seconds(sent_s - due_s_));
            latencies.response.record(base::from_seconds(done_s - due_s_));
            latencies.lag.record(base::from_seconds(sent_s - due_s_));
            ++interval.ok;
        }
        interval.response = metrics::SparseCounts{responses};
        interval.lag = metrics::SparseCounts{lags};
    }

    base::Random random_;
    double rate_per_s_;
    double due_s_ = 0;
    double until_s_ = 0;
    std::priority_queue<double, std::vector<double>, std::greater<>> free_at_s_;
};

}  // namespace pgtraffic::test
