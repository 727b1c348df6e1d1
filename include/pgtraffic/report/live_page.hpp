// The page that shows a run in a browser while it lasts, and the events that feed it.
#pragma once

#include <string>
#include <string_view>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/live.hpp"

namespace pgtraffic::report {

/// One file of HTML; it asks for "events" beside itself and for nothing else.
[[nodiscard]] std::string_view live_page() noexcept;
/// Its Content-Security-Policy.
[[nodiscard]] std::string_view live_page_policy() noexcept;

/// Server-sent events, whole: "event: …\ndata: …\n\n". The data is JSON on one line: the counts and gauges
/// of a moment, and an element of the result's `intervals`.
[[nodiscard]] std::string moment_event(const metrics::LiveMoment& moment);
[[nodiscard]] std::string interval_event(const metrics::Interval& interval, base::Wall started_at,
                                         bool open_loop);

}  // namespace pgtraffic::report
