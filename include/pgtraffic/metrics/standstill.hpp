// A server that stood still: queries were under way, and for seconds nothing was answered. No connection was
// lost, so no outage tells of it; and in a closed loop, where as few queries wait as there are sessions, no
// percentile does.
#pragma once

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::metrics {

struct RunResult;

/// How long in all: stretches of the time series, each of at least a second and of ten times what half of the
/// queries take, in which nothing ended though queries were under way throughout, and of which some operation
/// had a query that took far longer than its like, or never came back. Without those within or beside an
/// outage of the whole service, and zero where this program stood still, which are told as that. What begins
/// and ends within two intervals leaves no trace.
[[nodiscard]] base::Nanos stood_still_for(const RunResult& run);

/// A query that was sent took most of the longest response and far more than its like, while little else was
/// done, or has had no answer by the end, having waited as much longer: what waited, waited for the server to
/// go on. Sees shorter ones than stood_still_for(), by what was not done in them.
[[nodiscard]] bool stood_still(const RunResult& run);

}  // namespace pgtraffic::metrics
