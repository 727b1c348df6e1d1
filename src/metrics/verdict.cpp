#include "pgtraffic/metrics/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/metrics/standstill.hpp"

namespace pgtraffic::metrics {
namespace {

constexpr double kRunQueueWait = 0.05;  // more is a processor that others had
constexpr double kStarved = 0.20;       // more, and the figures are those of the waits for it

constexpr double kFewestForMedian = 20;  // ten above it
constexpr double kMostFailed = 0.50;     // more, and it is the failures that are to be looked into

class Judge {
 public:
    /// A sign with two limits, both upper ones. The message tells what was seen and what to do.
    void above(const char* code, double value, double suspect, double invalid, const std::string& message) {
        if (value > invalid) {
            add(code, value, invalid, VerdictStatus::invalid, message);
        } else if (value > suspect) {
            add(code, value, suspect, VerdictStatus::suspect, message);
        }
    }

    void add(const char* code, double value, double limit, VerdictStatus severity,
             const std::string& message) {
        verdict_.reasons.push_back({code, message, value, limit, severity});
        verdict_.status = std::max(verdict_.status, severity);
    }

    [[nodiscard]] Verdict verdict() {
        std::stable_sort(verdict_.reasons.begin(), verdict_.reasons.end(),
                         [](const auto& a, const auto& b) { return a.severity > b.severity; });
        return std::move(verdict_);
    }

 private:
    Verdict verdict_;
};

/// Whether the backlog grew from the end of each third of the run to that of the next: what a queue without a
/// steady state does.
bool backlog_grows(const RunResult& run) {
    const auto n = run.intervals.size();
    if (n < 3) return false;
    const auto early = run.intervals[n / 3 - 1].waiting;
    const auto late = run.intervals[2 * n / 3 - 1].waiting;
    // A handful of arrivals waits at any instant of a healthy run; growth is more than a session each.
    return run.total.waiting > run.connections && early < late && late < run.total.waiting;
}

/// In percent, never rounded up to all: 0.57 * 10000 is a little less than 5700.
double floored(double ratio) {
    return std::floor(ratio * 10'000 + 1e-6) / 100;
}

/// Why not all was done that was asked for, where less load or more connections would not have helped.
std::optional<std::string> server_away(const RunResult& run) {
    const auto away = no_service_text(run);
    const auto still = stood_still_text(run);
    if (away && still) return fmt::format("{}; {}", *away, *still);
    return away ? away : still;
}

void judge_outages(const RunResult& run, Judge& judge) {
    const auto message = no_service_text(run);
    if (!message || run.duration_s <= 0) return;
    judge.above(
        "no_service", base::to_seconds(run.without_service()) / run.duration_s, 0.01, 0.50,
        *message + (run.open_loop
                        ? ": the figures are as much those of the outage as of the server"
                        : ": throughput holds it, and percentiles hardly do, because a closed loop sends "
                          "nothing meanwhile"));
}

/// In a closed loop each session is a part of the load. In an open one those that are left take it over, or
/// it waits, which is seen.
void judge_missing_sessions(const RunResult& run, Judge& judge) {
    if (run.open_loop || run.duration_s <= 0) return;
    const double beside_outages =
        run.sessions_away_ratio - base::to_seconds(run.without_service()) / run.duration_s;
    judge.above(
        "sessions_missing", beside_outages, 0.01, 0.50,
        fmt::format("sessions were without a connection for {:.1f} % of their time{}: the figures are "
                    "those of a smaller load",
                    beside_outages * 100, run.without_service().count() > 0 ? ", outages apart" : ""));
}

/// In an open loop what had to wait is charged for it.
void judge_standstill(const RunResult& run, Judge& judge) {
    const auto text = stood_still_text(run);
    if (!text || run.open_loop) return;
    judge.above("stood_still", base::to_seconds(stood_still_for(run)) / run.duration_s, 0.01, 1,
                *text + ": only as many queries waited as there are sessions, so percentiles hardly show it");
}

void judge_offered_load(const RunResult& run, Judge& judge) {
    if (!run.open_loop) return;
    // With --pacing what came due in the last step is still to start.
    const double per_s = run.duration_s > 0 ? static_cast<double>(run.total.planned) / run.duration_s : 0;
    const double in_step =
        std::min(static_cast<double>(run.total.waiting), per_s * base::to_seconds(run.chosen_lag));
    const double planned = static_cast<double>(run.total.planned);
    const double offered = planned > 0 ? (static_cast<double>(run.total.started) + in_step) / planned : 1;
    const auto message =
        fmt::format("only {:.2f} % of the planned arrivals were started: {}", floored(offered),
                    server_away(run).value_or("lower the rate, or add connections if "
                                              "the server has room"));
    if (offered < 0.90) {
        judge.add(kOfferedLoadSign, offered, 0.90, VerdictStatus::invalid, message);
    } else if (offered < 0.99) {
        judge.add(kOfferedLoadSign, offered, 0.99, VerdictStatus::suspect, message);
    }
}

std::string_view why_late(const ClientResult& client) {
    if (client.loop_busy_ratio.value_or(1) > kBusyLoop && !starved(client)) return "was busy";
    if (client.run_queue_wait_ratio.value_or(0) > kRunQueueWait) return "had no processor when it needed one";
    return "was busy at times, or its machine was";
}

void judge_generator_lag(const RunResult& run, Judge& judge) {
    const auto& l = run.latencies;
    if (!run.open_loop || l.generator_lag.empty()) return;
    // A percentile with fewer than ten queries above it hangs on a few accidents.
    constexpr std::array<std::pair<double, std::string_view>, 4> kShares{{{0.99, "one query in a hundred"},
                                                                          {0.95, "one query in twenty"},
                                                                          {0.9, "one query in ten"},
                                                                          {0.5, "every second query"}}};
    const auto share =
        std::ranges::find_if(kShares, [&](const auto& one) { return l.generator_lag.supports(one.first); });
    if (share == kShares.end()) return;
    const auto lag = l.generator_lag.quantile(share->first);
    const double lag_ms = base::to_millis(std::max(lag - run.chosen_lag, base::Nanos{0}));
    const double suspect_ms = std::max(1.0, 0.1 * base::to_millis(l.service.quantile(0.5)));
    const double invalid_ms = std::max(suspect_ms, base::to_millis(l.response.quantile(0.5)));
    judge.above(
        kGeneratorLagSign, lag_ms, suspect_ms, invalid_ms,
        fmt::format("{} left {} or more after it could have, because this client {}: {}", share->second,
                    base::format_duration(lag), why_late(run.client),
                    // Where connections come back all at once both sides' processors are taken by that.
                    run.reconnects > 0
                        ? fmt::format("{} made again meanwhile, so run again, or give it more CPU",
                                      base::counted(run.reconnects, "connection was", "connections were"))
                        : "give it more CPU, or lower the rate"));
}

void judge_client(const RunResult& run, Judge& judge) {
    // A loop that was not done because others had its processor is told once.
    if (const auto busy = run.client.loop_busy_ratio; busy && !starved(run.client)) {
        judge.above("loop_busy", *busy, kBusyLoop, 0.95,
                    fmt::format("the client's loop was busy {:.0f} % of the time, so it may have limited the "
                                "throughput: run it on a faster or an idle machine, or lower the load",
                                *busy * 100));
    }
    if (const auto wait = run.client.run_queue_wait_ratio) {
        judge.above(
            kRunQueueWaitSign, *wait, kRunQueueWait, kStarved,
            fmt::format("the client was ready to run but had no CPU for {:.1f} % of the run: give it a "
                        "core of its own, or run it on another machine than the server",
                        *wait * 100));
    }
    if (run.client.machine_stood_still()) {
        judge.add("clock_gap", run.client.longest_clock_gap_s, ClientResult::kLongClockGap_s,
                  VerdictStatus::invalid,
                  fmt::format("this machine stood still for {:.1f} s (suspended or paused): run it again",
                              run.client.longest_clock_gap_s));
    } else if (run.duration_s > 0) {
        judge.above(
            kClientPausedSign, run.client.stood_still_s / run.duration_s, 0.01, 0.10,
            fmt::format("this client stood still for {} in all (stopped, or its machine was), and asked the "
                        "server for as much less: run it again",
                        base::format_duration(base::from_seconds(run.client.stood_still_s))));
    }
}

void judge_backlog(const RunResult& run, Judge& judge) {
    if (!run.open_loop || !backlog_grows(run)) return;
    const auto waiting = static_cast<double>(run.total.waiting);
    const double a_second = run.duration_s > 0 ? static_cast<double>(run.total.planned) / run.duration_s : 0;
    judge.above(kBacklogSign, waiting, 0, a_second,
                fmt::format("{} arrivals were waiting at the end and the queue was still growing: {}",
                            base::with_thousands(run.total.waiting),
                            server_away(run).value_or("the load is more than these connections carry, and "
                                                      "latencies depend on the length of the run")));
}

void judge_failures(const RunResult& run, Judge& judge) {
    const double failed = run.total.failed_ratio();
    judge.above("failures", failed, 0.01, kMostFailed,
                fmt::format("{:.2f} % of the queries failed: see the errors", floored(failed)));
    if (run.total.ended() == 0) {
        judge.add("nothing_measured", 0, 1, VerdictStatus::invalid,
                  "no query ended within the run: nothing was measured");
    } else if (run.succeeded_in_time == 0 && run.total.succeeded() > 0) {
        judge.add(
            "nothing_in_time", 0, 1, VerdictStatus::suspect,
            "no query succeeded before the measured time was over, so the throughput is 0: run for longer "
            "than a query takes");
    } else if (!run.latencies.response.supports(0.5) &&
               (failed <= kMostFailed || static_cast<double>(run.total.ended()) < kFewestForMedian)) {
        judge.add("few_queries", static_cast<double>(run.latencies.response.count()), kFewestForMedian,
                  VerdictStatus::suspect,
                  fmt::format("{} too few to tell anything of the next: run for longer",
                              base::counted(run.latencies.response.count(), "query is", "queries are")));
    }
}

void judge_search(const RunResult& run, Judge& judge) {
    if (!run.rate_search || !run.rate_search->in_vain) return;
    judge.add(
        "rate_search", 0, 1, VerdictStatus::invalid,
        "the rate that was looked for was not found, and the one that the run had means nothing: name one "
        "with --rate or --peak-rate");
}

}  // namespace

bool starved(const ClientResult& client) noexcept {
    return client.run_queue_wait_ratio.value_or(0) > kStarved;
}

std::optional<std::string> no_service_text(const RunResult& run) {
    const auto away = run.without_service();
    if (away.count() <= 0) return std::nullopt;
    return fmt::format("there was no service for {} of {}", base::format_duration(away),
                       base::format_duration(base::from_seconds(run.duration_s)));
}

std::optional<std::string> stood_still_text(const RunResult& run) {
    const auto still = stood_still_for(run);
    if (still.count() <= 0) return std::nullopt;
    return fmt::format("nothing was answered for {} of {}, though queries were under way",
                       base::format_duration(still),
                       base::format_duration(base::from_seconds(run.duration_s)));
}

Verdict judge(const RunResult& run) {
    Judge judge;
    judge_outages(run, judge);
    judge_missing_sessions(run, judge);
    judge_failures(run, judge);
    judge_standstill(run, judge);
    judge_offered_load(run, judge);
    judge_generator_lag(run, judge);
    judge_client(run, judge);
    judge_backlog(run, judge);
    judge_search(run, judge);
    return judge.verdict();
}

}  // namespace pgtraffic::metrics
