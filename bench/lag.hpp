// How late what was due at a time of its own began: kept one by one while it is measured, told at the end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <vector>

/// Milliseconds from when each was due to when it began. Room for as many as `expected` is made beforehand.
class Lag {
 public:
    explicit Lag(double expected = 0) { ms_.reserve(static_cast<std::size_t>(expected)); }

    void add(std::chrono::steady_clock::time_point due, std::chrono::steady_clock::time_point began) {
        ms_.push_back(std::chrono::duration<float, std::milli>(began - due).count());
    }

    /// As a member of a JSON object; percentiles are values that occurred, by the nearest rank (ceil(p n)).
    /// Nothing where nothing was added.
    void print_member() {
        if (ms_.empty()) return;
        std::sort(ms_.begin(), ms_.end());
        const auto rank = [&](double p) {
            const double nearest = std::ceil(p * static_cast<double>(ms_.size()));
            return static_cast<double>(ms_[static_cast<std::size_t>(nearest) - 1]);
        };
        std::printf(R"(, "lag_ms": {"mean": %.4f, "p50": %.4f, "p99": %.4f, "max": %.4f})",
                    std::accumulate(ms_.begin(), ms_.end(), 0.0) / static_cast<double>(ms_.size()), rank(0.5),
                    rank(0.99), static_cast<double>(ms_.back()));
    }

 private:
    std::vector<float> ms_;
};
