// --listen: what a run shows over HTTP while it lasts. Keeps the last moment and the intervals of the page,
// and makes text of them only when somebody asks, at most once for each moment.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/http_server.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/report/prometheus.hpp"

namespace pgtraffic::cli {

/// "9187", "127.0.0.1:9187", "localhost:9187", "[::1]:9187". A port alone is on loopback; elsewhere only
/// where the address is written out. Throws base::Error that begins with "--listen".
[[nodiscard]] event_loop::HttpAddress parse_listen(const std::string& text);

/// Neither copies nor moves.
class Endpoint {
 public:
    /// Listens. Throws base::Error that begins with "--listen".
    Endpoint(event_loop::Loop& loop, const event_loop::HttpAddress& address);

    void describe(report::PrometheusContext context) { context_ = std::move(context); }

    void tell(const metrics::LiveMoment& moment);
    void tell(std::span<const metrics::Interval> intervals, base::Wall started_at, bool open_loop);
    /// The result, which /result.json gives from now on.
    void finish(std::string result_json);

    /// Goes on serving for `time`, or until a signal ends it.
    void linger(base::Nanos time);

    [[nodiscard]] const event_loop::HttpAddress& address() const noexcept { return server_.address(); }

 private:
    [[nodiscard]] event_loop::HttpAnswer answer(std::string_view path);
    [[nodiscard]] std::string_view metrics_page();
    [[nodiscard]] std::string_view beginning();

    event_loop::Loop* loop_;
    std::string live_page_;  // made before the load
    std::string live_page_policy_;
    report::PrometheusContext context_;
    double started_s_;
    metrics::LiveMoment moment_;
    std::deque<std::string> interval_events_;
    std::string result_;
    std::string page_;
    base::Mono page_until_ = base::Mono::min();  // when it is old
    std::string beginning_;
    event_loop::HttpServer server_;
};

}  // namespace pgtraffic::cli
