// --live panel: a run at a glance, up to a dozen lines. Values in, lines out; drawing them in place is the
// caller's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/progress.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::report {

struct PanelView {
    ProgressContext context;  ///< its width counts, too
    std::size_t height = 12;  ///< lines at most; without room the curve goes first
    double elapsed_s = 0;
    const traffic::PhaseScheduler* schedule = nullptr;  ///< borrowed for the call; none in a closed loop
    std::uint64_t planned = 0;                          ///< since the start, as the next
    std::uint64_t started = 0;
};

struct PanelLine {
    std::string text;  ///< at most as wide as asked for, without colour
    Tone tone = Tone::plain;
};

/// Of the last interval: time and phase, the schedule's curve with the place where the run is, target and
/// attained, percentiles, errors, backlog, connections, our own load.
[[nodiscard]] std::vector<PanelLine> panel_lines(const metrics::Interval& recent, const PanelView& view);

}  // namespace pgtraffic::report
