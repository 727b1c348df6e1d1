// What a search for the number of connections went through, so that its end can be checked: each number that
// it tried, and what a closed loop got done with it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pgtraffic/metrics/response_figures.hpp"

namespace pgtraffic::metrics {

/// A closed loop of some seconds.
struct ConnectionStep {
    std::uint32_t connections = 0;
    double duration_s = 0;
    double throughput_per_s = 0;  ///< of queries that succeeded
    std::uint64_t failed = 0;
    bool disturbed = false;                   ///< connections were lost in it: it tells nothing
    std::optional<ResponseFigures> response;  ///< none where nothing was answered, or in flight
};

/// A number of connections, and what its steps got done.
struct ConnectionsReach {
    std::uint32_t connections = 0;
    double throughput_per_s = 0;  ///< mean
    double lowest_per_s = 0;
    double highest_per_s = 0;
};

/// A value.
struct ConnectionSearch {
    std::vector<ConnectionStep> steps;      ///< in order
    std::optional<ConnectionsReach> best;   ///< the highest throughput; none while the search goes on
    std::optional<ConnectionsReach> found;  ///< the fewest that nearly have it, likewise
    bool grew_to_the_end = false;           ///< more connections than could be tried may do more
};

}  // namespace pgtraffic::metrics
