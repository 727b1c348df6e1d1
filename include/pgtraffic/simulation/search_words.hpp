// What is said of a search for a rate: what it found, and why that may mean little.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/simulation/peak_search.hpp"

namespace pgtraffic::simulation {

/// In words: "peak rate 1,234 queries/s, between …".
[[nodiscard]] std::string peak_rate_text(const PeakRate& peak);
/// "found 1,200 queries/s, the least of …".
[[nodiscard]] std::string found_rate_text(const PeakRate& peak);

/// Where it cannot be relied on, why. `lost`: connections while it lasted.
[[nodiscard]] std::vector<metrics::Warning> search_warnings(const PeakRate& peak, bool of_rate,
                                                            bool by_thresholds, std::uint64_t lost);

}  // namespace pgtraffic::simulation
