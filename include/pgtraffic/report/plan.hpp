// What `pgtraffic plan` prints: the schedule of a run as a table and a curve, without a database. Plain
// values in, text out; it draws no arrivals itself and knows no options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"

namespace pgtraffic::report {

struct PlanView {
    std::string title = "Traffic plan";
    std::string pattern = {};                                 ///< its name; empty for a constant rate
    std::string description = {};                             ///< the pattern's; may be empty
    std::optional<double> peak_rate_per_s = {};               ///< what the pattern calls 100 %
    const traffic::PhaseScheduler* schedule = nullptr;        ///< borrowed for the call, must be set
    traffic::Arrivals arrivals = traffic::Arrivals::poisson;  ///< how they are spaced
    std::uint64_t seed = 0;                                   ///< of the wandering and the arrivals
    std::vector<std::uint64_t> drawn = {};                    ///< per phase: traffic::arrivals_per_phase()
    int width = 80;  ///< columns; at least 40. What the table has no room for is left out
};

/// UTF-8, lines end in '\n', no colour. Rates per second, times from the start of the measured run.
[[nodiscard]] std::string plan_text(const PlanView& plan);

}  // namespace pgtraffic::report
