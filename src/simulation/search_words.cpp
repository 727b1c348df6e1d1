#include "pgtraffic/simulation/search_words.hpp"

#include <fmt/format.h>

#include "pgtraffic/base/units.hpp"

namespace pgtraffic::simulation {

std::string peak_rate_text(const PeakRate& peak) {
    return fmt::format("peak rate {} queries/s, between {} and {} in {} searches (a closed loop reached {})",
                       base::rate_text(peak.rate_per_s), base::rate_text(peak.lowest_per_s),
                       base::rate_text(peak.highest_per_s), metrics::kRateSearches,
                       base::rate_text(peak.closed_loop_per_s));
}

std::string found_rate_text(const PeakRate& peak) {
    const auto why = peak.proven     ? std::string{"which held on a longer look"}
                     : peak.unproven ? std::string{"which did not hold on a longer look"}
                                     : fmt::format("the least of {} searches", metrics::kRateSearches);
    return fmt::format("found {} queries/s, {}; {} was too much (a closed loop reached {})",
                       base::rate_text(peak.lowest_per_s), why, base::rate_text(peak.highest_per_s),
                       base::rate_text(peak.closed_loop_per_s));
}

std::vector<metrics::Warning> search_warnings(const PeakRate& peak, bool of_rate, bool by_thresholds,
                                              std::uint64_t lost) {
    constexpr const char* kCode = "peak_disturbed";
    constexpr double kFarApart = 1.25;
    const auto* what = of_rate ? "rate" : "peak";
    const auto* option = of_rate ? "--rate" : "--peak-rate";
    std::vector<metrics::Warning> warnings;
    if (peak.given_up) {
        warnings.push_back(
            {kCode, fmt::format("in one step of the search for the {} after the other connections were "
                                "lost, and it was given up: give {} N",
                                what, option)});
        return warnings;
    }
    if (peak.blind) {
        warnings.push_back(
            {kCode, fmt::format("no query began and succeeded within a step of the search for the {}, "
                                "which means nothing then: give {} N",
                                what, option)});
    } else if (peak.at_floor && by_thresholds) {
        warnings.push_back(
            {kCode, fmt::format(
                        "not even {} queries/s, {:.0f} % of what a closed loop reached, kept the thresholds",
                        base::rate_text(peak.floor_per_s), 100 * peak.floor_per_s / peak.closed_loop_per_s)});
    } else if (peak.at_floor) {
        warnings.push_back(
            {kCode,
             fmt::format("in the search for the {} not even {:.0f} % of what a closed loop reached was "
                         "carried: it is hardly more than a guess; give {} N",
                         what, 100 * peak.floor_per_s / peak.closed_loop_per_s, option)});
    }
    if (of_rate && peak.unproven) {
        warnings.push_back(
            {kCode,
             fmt::format("neither what the searches found nor, down to {} queries/s, less held on a longer "
                         "look: what decides comes and goes; run again",
                         base::rate_text(peak.lowest_per_s))});
        return warnings;
    }
    // Where they agree the steps are a few per cent apart.
    if (of_rate && peak.found() && peak.highest_per_s > kFarApart * peak.lowest_per_s) {
        warnings.push_back(
            {kCode,
             fmt::format("the searches found between {} and {} queries/s: what decides comes and goes, "
                         "on this machine or in the server; run again",
                         base::rate_text(peak.lowest_per_s), base::rate_text(peak.highest_per_s))});
    }
    if (lost > 0) {
        warnings.push_back(
            {kCode, fmt::format("{} lost while {} auto looked for the {}, which may be too low: run again",
                                base::counted(lost, "connection was", "connections were"), option, what)});
    }
    return warnings;
}

}  // namespace pgtraffic::simulation
