#include "pgtraffic/simulation/calibration.hpp"

#include <fmt/format.h>

#include <utility>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/simulation/plan.hpp"
#include "pgtraffic/simulation/search_words.hpp"

namespace pgtraffic::simulation {

using base::Nanos;

Calibration::Calibration(const SimulationPlan& plan, const workload::Workload& workload,
                         const Announcer& announcer)
    : plan_{plan},
      announcer_{announcer},
      search_{plan.find_rate ? Objectives{plan.thresholds, workload.operations()} : Objectives{}} {}

void Calibration::begin() const {
    announcer_.say(fmt::format("looking for the {}", plan_.find_rate ? search_.wanted() : "peak rate"));
}

std::string Calibration::present_step() const {
    const double rate = search_.next_rate();
    return rate > 0 ? fmt::format("trying {} queries/s", base::rate_text(rate)) : "trying a closed loop";
}

void Calibration::end_step(Nanos length, std::uint64_t planned, std::uint64_t started, bool none_away) {
    const bool disturbed = lost_ > std::exchange(lost_before_step_, lost_) || !none_away;
    const bool was_closed_loop = search_.next_rate() == 0;
    const auto found_before = search_.trace().found_per_s.size();
    search_.end_step(length, planned, started, disturbed);
    // A longer closed loop has what an earlier one began.
    drains_ = search_.next_rate() > 0;
    say_step(disturbed, was_closed_loop);
    if (const auto& found = search_.trace().found_per_s; found.size() > found_before) {
        announcer_.say(fmt::format("search {} of {} found {} queries/s", found.size(), metrics::kRateSearches,
                                   base::rate_text(found.back())));
    }
    if (finished()) say_end();
}

/// The search for a rate may take minutes.
void Calibration::say_step(bool disturbed, bool was_closed_loop) const {
    if (!plan_.find_rate && !disturbed) return;
    const bool tells_length = was_closed_loop && search_.next_rate() > 0;
    announcer_.say(fmt::format("  {}{}", search_.last_step(),
                               tells_length ? fmt::format("; the search takes {} at least",
                                                          base::format_duration(search_.takes_at_least()))
                                            : ""));
}

void Calibration::say_end() const {
    const PeakRate peak = search_.result();
    announcer_.say(!plan_.find_rate ? peak_rate_text(peak)
                   : peak.found()   ? found_rate_text(peak)
                                    : fmt::format("found no such rate; it goes on with {} queries/s",
                                                  base::rate_text(peak.lowest_per_s)));
}

void Calibration::drained() noexcept {
    if (std::exchange(drains_, false)) search_.drained();
}

/// A pattern's 100 % may be a little more than is carried, a rate that shall hold must not be.
double Calibration::found_per_s() const {
    const PeakRate peak = search_.result();
    return plan_.find_rate ? peak.lowest_per_s : peak.rate_per_s;
}

void Calibration::report(metrics::RunResult& result) const {
    result.rate_search = search_.trace();
    result.rate_search->wanted = search_.wanted();
    if (!finished()) return result.warnings.push_back(search_.broken_off());
    const PeakRate peak = search_.result();
    result.rate_search->in_vain = peak.blind || peak.given_up;
    if (!plan_.find_rate || peak.found())
        result.peak_rate_spread_per_s = {peak.lowest_per_s, peak.highest_per_s};
    for (auto& warning : search_warnings(peak, plan_.find_rate, search_.has_objectives(), lost_))
        result.warnings.push_back(std::move(warning));
}

}  // namespace pgtraffic::simulation
