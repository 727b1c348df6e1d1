// What a search for a rate went through, so that its end can be checked: each load that it tried, and what
// the responses were under it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/metrics/response_figures.hpp"

namespace pgtraffic::metrics {

/// Searches whose results make the rate. Steps behind the last one prove it, where thresholds decide.
inline constexpr int kRateSearches = 3;

/// A load that was tried for some seconds.
struct SearchStep {
    enum class Verdict : std::uint8_t {
        closed_loop,  ///< no rate was tried: it tells about where to look
        carried,
        not_carried,
        disturbed,  ///< connections were lost in it: it tells nothing
        too_short,  ///< nothing was answered within it: a longer one follows
    };

    int search = 0;         ///< 1 … kRateSearches, and one more for the proof; 0: before the first one
    double rate_per_s = 0;  ///< 0 in a closed loop
    double duration_s = 0;
    double throughput_per_s = 0;  ///< of queries that succeeded
    Verdict verdict = Verdict::closed_loop;
    std::optional<ResponseFigures> response;  ///< none where nothing was answered, or in flight
};

[[nodiscard]] constexpr std::string_view to_string(SearchStep::Verdict verdict) noexcept {
    constexpr std::string_view kNames[] = {"closed_loop", "carried", "not_carried", "disturbed", "too_short"};
    return kNames[static_cast<std::size_t>(verdict)];
}

/// A value.
struct RateSearch {
    std::string wanted;               ///< in words: "highest rate at which response.p99 < 20ms"
    std::vector<SearchStep> steps;    ///< in order
    std::vector<double> found_per_s;  ///< by each search that came to its end
    bool in_vain = false;             ///< it ended, and what the run has for a rate means nothing
};

}  // namespace pgtraffic::metrics
