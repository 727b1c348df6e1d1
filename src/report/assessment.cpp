#include "pgtraffic/report/assessment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/standstill.hpp"

namespace pgtraffic::report {
namespace {

using base::counted;
using base::format_duration;
using base::with_thousands;

constexpr double kNotable = 0.01;  // a share worth a sentence, as in the verdict's "over 1 %"
constexpr double kFew = 0.001;     // a share that changes no percentile that is spoken of
constexpr double kLongTail = 10;   // p99 / p50 worth a sentence

/// "43 %", "4.3 %", "0.43 %", never "100 %" or "0 %" for what is only nearly that.
std::string share_text(double ratio) {
    const double value = std::clamp(ratio, 0.0, 1.0) * 100;
    if (value > 0 && value < 0.01) return "under 0.01 %";
    if (value < 1) return fmt::format("{:.2g} %", value);
    if (value < 10) return fmt::format("{:.1f} %", value);
    if (value < 100 && value >= 99.5) return fmt::format("{:.2f} %", std::floor(value * 100) / 100);
    return fmt::format("{:.0f} %", value);
}

struct Percentile {
    double q;
    std::string_view words;
};

/// The highest of the usual percentiles that ten values lie above and that is no lower bound; empty where not
/// even the median is.
std::optional<Percentile> highest_supported(const metrics::Latencies& latencies) noexcept {
    for (const auto& percentile : {Percentile{0.99, "99 %"}, Percentile{0.95, "95 %"},
                                   Percentile{0.9, "90 %"}, Percentile{0.5, "half"}}) {
        if (latencies.response.supports(percentile.q) && latencies.response_at_most(percentile.q))
            return percentile;
    }
    return std::nullopt;
}

/// Of what was planned, the share that no server's answer ended: timed out, skipped, still waiting,
/// unfinished.
double unanswered_ratio(const metrics::RunResult& run) noexcept {
    const auto& total = run.total;
    return metrics::share_of(total.timed_out + total.missed + total.waiting + total.in_flight, total.planned)
        .value_or(0);
}

/// "9,994 queries waited half-way through the run and 20,000 at its end".
std::string backlog(const metrics::RunResult& run) {
    const auto at_end = with_thousands(run.total.waiting);
    if (run.middle_s <= 0) return at_end + " queries waited at the run's end";
    const bool half_way = std::abs(run.middle_s / run.duration_s - 0.5) < 0.02;
    return fmt::format(
        "{} queries waited {} and {} at its end", with_thousands(run.waiting_at_middle),
        half_way ? "half-way through the run"
                 : fmt::format("after {} of the run", format_duration(base::from_seconds(run.middle_s))),
        at_end);
}

void say_overload(const metrics::RunResult& run, std::vector<std::string>& out) {
    const bool away = run.without_service().count() > 0;
    const bool still = !away && metrics::stood_still(run);
    out.push_back(fmt::format(
        "More load than was carried: {}, {} more a second. {}", backlog(run),
        base::rate_text(backlog_growth_per_s(run)),
        away    ? "They waited for the service to come back, so this says nothing of what the server carries."
        : still ? "Queries that were sent waited as long: the server, or the way to it, stood still, so "
                  "this says nothing of what it carries."
                : "A longer run would show longer responses, so no percentile of theirs is a property of the "
                  "database. Lower the rate, or add connections if the server has room."));
    const auto& service = run.latencies.service;
    if (!away && !still && !service.empty()) {
        // Those that still wait are in the response, with the age that they have reached.
        const bool queue = run.latencies.response.mean_ns() >= 2 * service.mean_ns();
        out.push_back(fmt::format("{}nce sent, half of them took no longer than {}.",
                                  queue ? "The queue, not the server, made queries slow: o" : "O",
                                  format_duration(service.quantile(0.5))));
    }
}

/// "99 % of queries were answered", as far as that is true of the population behind the percentiles:
/// responses of what failed are not in it, and what had no answer is, with the age that it reached.
std::string population(const metrics::RunResult& run, std::string_view share) {
    const bool all_answered = unanswered_ratio(run) < kFew;
    const bool none_failed = run.total.failed_ratio() < kFew;
    return fmt::format("{} of {} were {}", share, none_failed ? "queries" : "the queries that did not fail",
                       all_answered ? "answered" : "answered, or over without an answer,");
}

void say_response(const metrics::RunResult& run, std::vector<std::string>& out) {
    const auto& response = run.latencies.response;
    if (overloaded(run)) return say_overload(run, out);
    if (response.empty()) {
        out.emplace_back(run.total.ended() == 0 ? "No query ended, so there is nothing to assess."
                                                : "No query succeeded, so there is no response to assess.");
        return;
    }
    const auto top = highest_supported(run.latencies);
    if (!top && response.supports(0.5)) {
        out.push_back(fmt::format("{} had no answer: nobody knows how long even half of the queries take.",
                                  base::counted(run.latencies.unanswered.count(), "query", "queries")));
        return;
    }
    if (!top) {
        const auto& unanswered = run.latencies.unanswered;
        out.push_back(fmt::format("{} too few for a percentile; the slowest took {}{}.",
                                  base::counted(response.count(), "query is", "queries are"),
                                  unanswered.empty() ? "" : "at least ", format_duration(response.max())));
        return;
    }
    const auto median = response.quantile(0.5);
    const auto high = response.quantile(top->q);
    if (top->q == 0.5) {
        out.push_back(fmt::format("{} within {}.", population(run, "Half"), format_duration(high)));
        return;
    }
    out.push_back(fmt::format("{} within {}, half of them within {}.", population(run, top->words),
                              format_duration(high), format_duration(median)));
    const double spread =
        median.count() > 0 ? static_cast<double>(high.count()) / static_cast<double>(median.count()) : 0;
    if (spread >= kLongTail) {
        out.push_back(fmt::format("A long tail: the slowest {} took at least {} times the median.",
                                  top->q == 0.99   ? "1 %"
                                  : top->q == 0.95 ? "5 %"
                                                   : "10 %",
                                  with_thousands(std::floor(spread), 0)));
    }
}

/// The verdict holds it against this client that it was late, whether or not it was busy.
bool client_late(const metrics::RunResult& run) noexcept {
    return run.verdict.says(metrics::kGeneratorLagSign) || run.verdict.says(metrics::kRunQueueWaitSign);
}

/// It was so busy, or so much of the plan was left undone, that more of it would have carried more.
bool client_limits(const metrics::RunResult& run) noexcept {
    return run.client.loop_busy_ratio.value_or(0) > metrics::kBusyLoop || metrics::starved(run.client) ||
           run.verdict.says(metrics::kOfferedLoadSign);
}

/// In a closed loop a query goes round between its session and the server, so what this client takes for it
/// makes the load smaller, busy or not: the share of a round that is its own. What it takes to read an answer
/// is in the service, and to be seen in how busy it was.
double own_share_of_round(const metrics::RunResult& run) noexcept {
    const double under_way = static_cast<double>(run.connections) * run.pipeline;
    if (run.open_loop || under_way <= 0) return 0;
    const double busy = run.client.loop_busy_ratio.value_or(0) / under_way;
    const double of_response = 1 - metrics::connection_efficiency(run.latencies, run.total).value_or(1);
    const double response = run.latencies.response.mean_ns();
    const double round = response + static_cast<double>(run.think_time.count());
    return std::max(busy, round > 0 ? of_response * response / round : of_response);
}

/// The longest answers took as long as queries waited, and had nothing in common with the others.
bool waited_behind_stalls(const metrics::Latencies& latencies) noexcept {
    constexpr int kFarLonger = 50;
    const auto longest = latencies.service.max();
    const auto waited = latencies.pool_wait.quantile(0.99);
    return longest > kFarLonger * latencies.service.quantile(0.5) && waited <= longest &&
           2 * waited > longest;
}

/// Which part of a response was the server's. Of a run in which nearly all succeeded: what a query that did
/// not spent its time with is in neither figure.
void say_waiting(const metrics::RunResult& run, std::vector<std::string>& out) {
    const auto& latencies = run.latencies;
    if (!run.open_loop || overloaded(run) || latencies.service.empty()) return;
    if (static_cast<double>(run.total.succeeded()) < (1 - kNotable) * static_cast<double>(run.total.planned))
        return;
    const double service = latencies.service.mean_ns();
    const double lag = latencies.lag.mean_ns();
    if (service + lag <= 0) return;
    const double share = service / (service + lag);
    if (share >= 0.9) {
        out.push_back(fmt::format("Service is {} of response: the time went to the server and the way to it.",
                                  share_text(share)));
        return;
    }
    std::string_view rest =
        "the rest was waiting for a free connection, as each waited for a server that stood still";
    if (latencies.pool_wait.mean_ns() < latencies.generator_lag.mean_ns()) {
        rest = client_late(run) && client_limits(run)
                   ? "the rest was waiting for this client to send them; it is the limit, not the database"
                   : "the rest was waiting for this client to send them";
    } else if (metrics::starved(run.client)) {
        rest = "the rest was waiting for a free connection, as this client took the answers late";
    } else if (waited_behind_stalls(latencies)) {
        rest =
            "the rest was waiting for a free connection, behind queries that took far longer than most; more "
            "connections do not help where the server stood still for them";
    } else if (run.without_service().count() == 0 && !metrics::stood_still(run)) {
        rest = share < 0.5
                   ? "the queue, not the server, made queries slow. They waited for a free connection; more "
                     "connections help as long as the server has room"
                   : "the rest was waiting for a free connection; more connections help as long as the "
                     "server has room";
    }
    out.push_back(fmt::format("Service is {} of response: {}.", share_text(share), rest));
}

void say_failures(const metrics::RunResult& run, std::vector<std::string>& out) {
    const auto& total = run.total;
    const auto bad = total.failed + total.timed_out;
    if (bad > 0) {
        std::string most;
        if (!run.errors.empty()) {
            most = fmt::format(", most often with SQLSTATE {}", run.errors.front().sqlstate.text());
        }
        out.push_back(fmt::format("{} of the queries that ended failed or timed out{}.",
                                  share_text(total.failed_ratio()), most));
    }
    if (total.missed > 0) {
        out.push_back(fmt::format("Not sent, because it was later than the latency limit: {}.",
                                  counted(total.missed, "query", "queries")));
    }
    if (total.late > 0) {
        out.push_back(fmt::format("{} of the successful queries took longer than the latency limit.",
                                  share_text(total.late_ratio())));
    }
    if (total.in_flight > 0) {
        out.push_back(fmt::format("{} had no answer by the end and kept {} busy; {}.",
                                  counted(total.in_flight, "query that was sent", "queries that were sent"),
                                  total.in_flight == 1 ? "its connection" : "their connections",
                                  run.cancel_sent.value_or(false)
                                      ? "the server was asked to cancel what was left"
                                      : "the server may go on with what was left"));
    }
    if (total.empty_ratio() >= kNotable) {
        out.push_back(
            fmt::format("{} of the successful queries found no row to return or change, which costs "
                        "a server less than finding one.",
                        share_text(total.empty_ratio())));
    }
}

void say_environment(const metrics::RunResult& run, std::vector<std::string>& out) {
    // Over a Unix socket there is none.
    if (run.network && !run.network->unix_socket && run.network->network_ratio) {
        out.push_back(fmt::format("The network is {} of the median service time.",
                                  share_text(*run.network->network_ratio)));
    }
    if (run.total.succeeded() == 0) {
        // What did not happen says nothing of the client.
    } else if (metrics::starved(run.client)) {
        out.push_back(fmt::format(
            "This client had no CPU for {} of the time: what it waited for one is in every latency.",
            share_text(*run.client.run_queue_wait_ratio)));
    } else if (const auto busy = run.client.loop_busy_ratio) {
        constexpr double kNoticeable = 0.05;
        const double own = own_share_of_round(run);
        const std::string words =
            *busy > metrics::kBusyLoop ? ": it may be the limit rather than the database"
            : run.verdict.says(metrics::kRunQueueWaitSign)
                ? " and late all the same: others had its processor"
            : run.client.machine_stood_still() || run.verdict.says(metrics::kClientPausedSign)
                ? ", and stood still meanwhile"
            : client_late(run) ? " and late all the same"
            : own > kNoticeable
                ? fmt::format(
                      ", which is {} of the time from one query of a session to its next: without it "
                      "the server would have been asked for more",
                      share_text(own))
                : " and was not the limit";
        // Going to sleep and waking up are no part of a turn of its loop, and the more of it the less it has
        // to do.
        const double process =
            run.duration_s > 0 ? (run.client.cpu_user_s + run.client.cpu_system_s) / run.duration_s : 0;
        out.push_back(fmt::format(
            "This client was busy {} of the time{}{}.", share_text(*busy),
            process > *busy + 0.2 ? fmt::format(" ({} of a processor, with what waking it costs the kernel)",
                                                share_text(process))
                                  : "",
            words));
    }
    if (!run.open_loop && run.total.ended() > 0) {
        out.emplace_back(
            "In a closed loop each session waits for its answer before it asks again, so a slow server "
            "slows the load as well. --rate shows what users at a fixed rate would feel.");
    }
    if (run.server.temporary) {
        out.emplace_back("The server was a temporary one on this machine: figures for trying things out.");
    }
}

/// A search looks at each rate for seconds, the run that proves it takes longer.
void say_search(const metrics::RunResult& run, std::vector<std::string>& out) {
    if (!run.rate_search || !run.pattern.empty() || !run.peak_rate_spread_per_s) return;
    // What is named behind the semicolon decided nothing in the search.
    const auto by = run.rate_search->wanted.substr(0, run.rate_search->wanted.find(';'));
    const bool missed = std::ranges::any_of(run.thresholds, [&](const auto& one) {
        return !one.ok && by.find(one.expression) != std::string::npos;
    });
    if (!missed) return;
    out.push_back(
        fmt::format("What the steps of the search kept the run did not: the rate that does lies below {}/s.",
                    base::rate_text(run.peak_rate_per_s)));
}

void say_connections(const metrics::RunResult& run, std::vector<std::string>& out) {
    // Where it grew to the end a warning says so.
    if (!run.connection_search || !run.connection_search->found || run.connection_search->grew_to_the_end)
        return;
    const auto& search = *run.connection_search;
    const auto seen = [](const metrics::ConnectionsReach& reach) {
        return fmt::format("{} to {}/s with {}", base::rate_text(reach.lowest_per_s),
                           base::rate_text(reach.highest_per_s),
                           counted(reach.connections, "connection", "connections"));
    };
    out.push_back(search.best->connections == search.found->connections
                      ? fmt::format("The search saw {}, the highest throughput.", seen(*search.found))
                      : fmt::format("The search saw {}; the highest throughput was {}.", seen(*search.found),
                                    seen(*search.best)));
}

}  // namespace

bool overloaded(const metrics::RunResult& run) noexcept {
    constexpr auto kInvalid = metrics::VerdictStatus::invalid;
    // A latency limit that skips arrivals bounds the queue, and with it the responses.
    return run.open_loop && run.total.missed == 0 && run.total.waiting > run.waiting_at_middle &&
           (run.verdict.says(metrics::kBacklogSign, kInvalid) ||
            run.verdict.says(metrics::kOfferedLoadSign, kInvalid));
}

double backlog_growth_per_s(const metrics::RunResult& run) noexcept {
    if (run.duration_s <= run.middle_s) return 0;
    const double grown = static_cast<double>(run.total.waiting) - static_cast<double>(run.waiting_at_middle);
    return grown / (run.duration_s - run.middle_s);
}

std::optional<double> target_attainment_ratio(const metrics::RunResult& run) noexcept {
    return run.open_loop ? run.total.attained_ratio() : std::nullopt;
}

std::vector<std::string> assess(const metrics::RunResult& run) {
    std::vector<std::string> out;
    say_response(run, out);
    say_search(run, out);
    say_connections(run, out);
    say_failures(run, out);
    say_waiting(run, out);
    say_environment(run, out);
    return out;
}

std::string headline(const metrics::RunResult& run) {
    std::string out = fmt::format("{} queries/s", with_thousands(run.throughput_per_s(), 2));
    const auto& response = run.latencies.response;
    if (overloaded(run)) {
        out += fmt::format(", backlog growing by {} queries/s", base::rate_text(backlog_growth_per_s(run)));
    } else if (const double unanswered = unanswered_ratio(run); unanswered >= kNotable) {
        out += fmt::format(", {} without an answer", share_text(unanswered));
    } else if (const auto top = highest_supported(run.latencies)) {
        out += fmt::format(", {} within {}", top->words, format_duration(response.quantile(top->q)));
    } else if (!response.empty()) {
        out += fmt::format(", slowest {}", format_duration(response.max()));
    }
    if (const auto away = run.without_service(); away.count() > 0)
        out += fmt::format(", no service for {}", format_duration(away));
    return out + fmt::format(", {} of {} failed", with_thousands(run.total.failed + run.total.timed_out),
                             with_thousands(run.total.planned));
}

}  // namespace pgtraffic::report
