// Finished runs built by hand, for tests of what prints them. Every one obeys the conservation laws.
#pragma once

#include <vector>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::test {

/// A closed loop with the numbers of the original simulator's published report: 628,800 selects in 30 s
/// over 150 connections, none failed.
[[nodiscard]] metrics::RunResult sample_closed_run();

/// An open loop of two phases and three operations with everything that can go wrong in it: empty, failed,
/// timed out, missed, waiting and unfinished queries, retries, reconnects, warnings, a missed threshold.
[[nodiscard]] metrics::RunResult sample_open_run();

/// An open loop whose backlog grew to the end; its verdict is "invalid".
[[nodiscard]] metrics::RunResult sample_overloaded_run();

/// A run that was interrupted before any query ended, with every number at its default.
[[nodiscard]] metrics::RunResult sample_empty_run();

/// The closed loop, its connections found by a search, of which one step was disturbed.
[[nodiscard]] metrics::RunResult sample_searched_run();

/// These five.
[[nodiscard]] std::vector<metrics::RunResult> sample_runs();

/// An hour of an open loop at some 1,000 a second along a day's curve, in 3,600 intervals, with latencies
/// drawn by a fixed seed over four octaves and more, an hour's worth of failures, and a restart of the server
/// in the middle.
[[nodiscard]] metrics::RunResult sample_hour_run();

/// The open run, in which every text that comes from a server, a file or a user tries to be markup, to end a
/// script, to turn the writing direction, or is no UTF-8.
[[nodiscard]] metrics::RunResult sample_hostile_run();

}  // namespace pgtraffic::test
