// What a load of some seconds, tried in a search, showed of its responses.
#pragma once

#include <cstdint>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/histogram.hpp"

namespace pgtraffic::metrics {

/// From due to answered; with a time-out counted at its end, and what was still under way at its age.
struct ResponseFigures {
    std::uint64_t count = 0;
    base::Nanos mean{0};
    base::Nanos p50{0};
    base::Nanos p95{0};
    base::Nanos p99{0};
    base::Nanos max{0};

    /// Of a histogram that is not empty.
    [[nodiscard]] static ResponseFigures of(const Histogram& histogram) noexcept {
        const auto mean = base::Nanos{static_cast<std::int64_t>(histogram.mean_ns())};
        return {histogram.count(),        mean,           histogram.quantile(0.5), histogram.quantile(0.95),
                histogram.quantile(0.99), histogram.max()};
    }
};

}  // namespace pgtraffic::metrics
