// The page that shows a run in a browser while it lasts, and the events that feed it.
#pragma once

#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/report/prometheus.hpp"

namespace pgtraffic::report {

/// One file of HTML with the charts of the report; it asks for "events" beside itself and for nothing else.
/// Packs the chart library: not while there is a load.
[[nodiscard]] std::string live_page();
/// Its Content-Security-Policy.
[[nodiscard]] std::string live_page_policy();

/// Server-sent events, whole: "event: …\ndata: …\n\n". The data is JSON on one line: what is run, the counts
/// and gauges of a moment, and an element of the result's `intervals`.
[[nodiscard]] std::string run_event(const PrometheusContext& context);
[[nodiscard]] std::string moment_event(const metrics::LiveMoment& moment);
[[nodiscard]] std::string interval_event(const metrics::Interval& interval, base::Wall started_at,
                                         bool open_loop);

}  // namespace pgtraffic::report
