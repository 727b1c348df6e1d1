#include "pgtraffic/cli/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <functional>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/event_loop/signal.hpp"
#include "pgtraffic/report/live_page.hpp"
#include "pgtraffic/simulation/client_cost.hpp"

namespace pgtraffic::cli {
namespace {

/// Intervals that a page which opens late gets at once.
constexpr std::size_t kPageIntervals = 600;
/// How long a page of metrics stands where no new moment comes.
constexpr base::Nanos kPageAge = std::chrono::seconds{1};
/// How often behind the end of a run those who listen are told something.
constexpr base::Nanos kBeat = std::chrono::seconds{1};

[[noreturn]] void refuse(const std::string& text, std::string_view why) {
    throw base::Error(fmt::format("--listen: {} {}", in_quotes(text), why));
}

bool is_address(const std::string& host) {
    in6_addr scratch{};
    return inet_pton(AF_INET, host.c_str(), &scratch) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

}  // namespace

event_loop::HttpAddress parse_listen(const std::string& text) {
    event_loop::HttpAddress address;
    const auto colon = text.rfind(':');
    const bool bracket = text.starts_with('[');
    if (colon != std::string::npos) {
        address.host = text.substr(0, colon);
        if (address.host.empty()) {
            refuse(text,
                   "names no address; give the port alone for this machine only, or 0.0.0.0:PORT for "
                   "every address, where anybody who reaches it can read the run");
        }
        if (bracket && address.host.ends_with(']')) {
            address.host = address.host.substr(1, address.host.size() - 2);
        } else if (address.host.find(':') != std::string::npos) {
            refuse(text, "is not ADDRESS:PORT; an IPv6 address stands in brackets, as in [::1]:9187");
        }
    }
    if (address.host == "localhost") address.host = "127.0.0.1";
    const auto port = base::parse_count(colon == std::string::npos ? text : text.substr(colon + 1));
    if (!port || *port > 65535) {
        refuse(text, "has no port from 0 to 65535; give 9187, 127.0.0.1:9187 or [::1]:9187");
    }
    if (!is_address(address.host)) {
        refuse(text,
               "has no numeric address before its port; give 127.0.0.1:9187, or the address of an "
               "interface");
    }
    address.port = static_cast<std::uint16_t>(*port);
    return address;
}

Endpoint::Endpoint(event_loop::Loop& loop, const event_loop::HttpAddress& address) try
    : loop_{&loop},
      live_page_{report::live_page()},
      live_page_policy_{report::live_page_policy()},
      started_s_{simulation::started_since_epoch_s()},
      server_{loop, address, std::bind_front(&Endpoint::answer, this)} {
} catch (const base::Error& error) {
    throw base::Error(
        fmt::format("--listen: {}; choose another port, or an address of this machine", error.what()));
}

void Endpoint::tell(const metrics::LiveMoment& moment) {
    moment_ = moment;
    page_until_ = base::Mono::min();
    if (server_.listeners() > 0) server_.publish(report::moment_event(moment));
}

void Endpoint::tell(std::span<const metrics::Interval> intervals, base::Wall started_at, bool open_loop) {
    for (const auto& interval : intervals) {
        if (interval_events_.size() == kPageIntervals) interval_events_.pop_front();
        server_.publish(
            interval_events_.emplace_back(report::interval_event(interval, started_at, open_loop)));
    }
}

void Endpoint::finish(std::string result_json) {
    result_ = std::move(result_json);
    auto over = moment_;  // and the sessions are gone
    over.connections = {.wanted = over.connections.wanted, .closed = over.connections.wanted};
    tell(over);
    server_.publish("event: result\ndata: {}\n\n");
}

std::string_view Endpoint::metrics_page() {
    const base::Mono now = base::mono_now();
    if (now < page_until_) return page_;
    const auto usage = simulation::ClientUsage::now();
    page_ = report::prometheus_text(moment_, context_,
                                    {.cpu_s = base::to_seconds(usage.user + usage.system),
                                     .start_time_s = started_s_,
                                     .resident_bytes = simulation::resident_bytes()});
    page_until_ = now + kPageAge;
    return page_;
}

std::string_view Endpoint::beginning() {
    beginning_ = "retry: 2000\n\n" + report::run_event(context_);
    for (const auto& event : interval_events_) beginning_ += event;
    beginning_ += report::moment_event(moment_);
    if (!result_.empty()) beginning_ += "event: result\ndata: {}\n\n";
    return beginning_;
}

event_loop::HttpAnswer Endpoint::answer(std::string_view path) {
    constexpr std::string_view kJson = "application/json";
    if (path == "/metrics") return {.content_type = report::kPrometheusType, .body = metrics_page()};
    if (path == "/healthz") return {.body = "ok\n"};
    if (path == "/events") return {.content_type = "text/event-stream", .body = beginning(), .goes_on = true};
    if (path == "/") {
        return {.content_type = "text/html; charset=utf-8", .body = live_page_, .policy = live_page_policy_};
    }
    if (path == "/result.json" && !result_.empty()) return {.content_type = kJson, .body = result_};
    if (path == "/result.json") return {.status = 404, .body = "the run has not ended yet\n"};
    return {.status = 404, .body = "there are /, /metrics, /events, /result.json and /healthz\n"};
}

void Endpoint::linger(base::Nanos time) {
    struct End {
        event_loop::Loop* loop;
        void on_time() noexcept { loop->stop(); }
        void on_signal(int) noexcept { loop->stop(); }
    } end{loop_};
    // Nothing is told any more, and of a listener whom nothing is told nobody hears that it has left.
    struct Beat {
        event_loop::HttpServer* server;
        std::optional<event_loop::Timer> timer;
        void on_time() noexcept {
            if (server->listeners() > 0) server->publish(":\n\n");
            timer->start(kBeat);
        }
    } beat{&server_, {}};
    event_loop::Timer timer{*loop_, base::Callback<>::to<&End::on_time>(end)};
    const event_loop::EndingSignals signals{*loop_, base::Callback<int>::to<&End::on_signal>(end)};
    timer.start(time);
    beat.timer.emplace(*loop_, base::Callback<>::to<&Beat::on_time>(beat));
    beat.on_time();
    const base::SignalMask heard{base::SignalMask::Ending::let_through};
    loop_->run();
}

}  // namespace pgtraffic::cli
