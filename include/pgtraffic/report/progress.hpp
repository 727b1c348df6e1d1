// The line that shows a run while it lasts: one finished interval on one line. Whether it
// moves in place or scrolls is the caller's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pgtraffic/metrics/interval.hpp"

namespace pgtraffic::report {

/// What an interval does not know of its run.
struct ProgressContext {
    double total_s = 0;             ///< planned length of the measured time; 0 where none is planned
    bool open_loop = false;         ///< shows target and waiting
    std::uint32_t connections = 0;  ///< wanted
    std::uint32_t connected = 0;    ///< of these, now
    bool pipelined = false;         ///< a connection may have several queries under way
    std::size_t width = 80;         ///< columns; parts that do not fit are left out, the lag first
};

/// Elapsed and total time, phase, attained and target rate, p50 and p99 of what ended in the interval,
/// failed, waiting, p99 of the lag, in flight, connections, the share of the time in which the program itself
/// was busy. No newline; never wider than `width`.
[[nodiscard]] std::string progress_line(const metrics::Interval& interval, const ProgressContext& context);

}  // namespace pgtraffic::report
