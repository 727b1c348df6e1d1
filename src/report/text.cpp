#include "pgtraffic/report/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "pgtraffic/report/assessment.hpp"
#include "pgtraffic/report/text_tables.hpp"

namespace pgtraffic::report {
namespace {

using base::with_thousands;

using metrics::RunResult;
using metrics::VerdictStatus;

Tone tone_of(VerdictStatus status) noexcept {
    switch (status) {
        case VerdictStatus::valid:
            return Tone::good;
        case VerdictStatus::suspect:
            return Tone::doubtful;
        case VerdictStatus::invalid:
            return Tone::bad;
    }
    return Tone::plain;
}

/// Planned arrivals per second, the mean of the time series: as far as the run came.
double target_per_s(const RunResult& run) noexcept {
    double planned = 0;
    double seconds = 0;
    for (const auto& interval : run.intervals) {
        planned += interval.target_per_s * interval.duration_s;
        seconds += interval.duration_s;
    }
    return seconds > 0 ? planned / seconds : 0;
}

/// Where the run did not just end as it was to.
void put_outcome(const RunResult& run, Page& page) {
    if (run.outcome == metrics::RunOutcome::interrupted) {
        page.line("INTERRUPTED: these are the numbers up to then.", Tone::doubtful);
    } else if (run.outcome == metrics::RunOutcome::failed) {
        page.line(run.total.succeeded() == 0 ? "FAILED: no query succeeded."
                  : run.lost_for_good()      ? "FAILED: the run broke off, its connections were lost."
                                             : "FAILED: the verdict is invalid (--strict).",
                  Tone::bad);
    } else if (run.outcome == metrics::RunOutcome::threshold_failed) {
        const bool aborted = std::any_of(run.warnings.begin(), run.warnings.end(), [](const auto& warning) {
            return warning.code == metrics::kAbortedWarning;
        });
        const auto missed = std::find_if(run.thresholds.begin(), run.thresholds.end(),
                                         [](const auto& threshold) { return !threshold.ok; });
        const std::string which = missed == run.thresholds.end() ? "" : printable(missed->expression);
        page.line(aborted             ? "FAILED: stopped early by --abort-if, see the warnings."
                  : !which.empty()    ? fmt::format("FAILED: a threshold was missed: {}.", which)
                  : run.audit.empty() ? "FAILED: the audit could not be made, see the warnings."
                                      : "FAILED: the tables do not hold what the audit expects.",
                  Tone::bad);
    }
}

void head(const RunResult& run, Page& page) {
    page.rule();
    std::string what = fmt::format("pgtraffic {}: {}, {} loop, {}", base::build_info().version,
                                   printable(run.name, kLongestName), run.open_loop ? "open" : "closed",
                                   base::counted(run.connections, "connection", "connections"));
    if (run.pipeline > 1) what += fmt::format(" with pipelines of {}", run.pipeline);
    if (run.think_time.count() > 0)
        what += fmt::format(" that think for {} on average", base::format_duration(run.think_time));
    if (run.pattern.empty() && run.peak_rate_per_s > 0) {
        const auto& spread = run.peak_rate_spread_per_s;
        what += fmt::format(" at {} queries/s ({})", base::rate_text(run.peak_rate_per_s),
                            spread ? fmt::format("found: {} to {}", base::rate_text(spread->first),
                                                 base::rate_text(spread->second))
                                   : "the rate that was looked for was not found");
    }
    if (!run.pattern.empty()) {
        what += fmt::format(", {}", printable(run.pattern, kLongestName));
        if (run.peak_rate_per_s > 0) {
            what += fmt::format(" at a peak of {} queries/s", base::rate_text(run.peak_rate_per_s));
        }
        if (const auto& spread = run.peak_rate_spread_per_s) {
            what += fmt::format(" (measured: {} to {})", base::rate_text(spread->first),
                                base::rate_text(spread->second));
        } else if (run.peak_rate_per_s == 0) {
            what += ", whose peak was not found";
        } else if (!run.peak_rate_origin.empty()) {
            what += fmt::format(" ({})", printable(run.peak_rate_origin));
        }
    }
    page.line(what, Tone::bold);
    if (!run.server.version.empty()) {
        page.line(fmt::format("PostgreSQL {}, {}{}{}", printable(run.server.version),
                              printable(run.server.address_kind), run.server.ssl ? " with TLS" : "",
                              run.server.temporary ? ", temporary" : ""),
                  Tone::faint);
    }
    page.line(fmt::format("started {}, random seed {}, run {}", base::rfc3339_utc(run.started_at),
                          run.random_seed, run.id),
              Tone::faint);
    if (!run.labels.empty()) {
        std::vector<std::string> labels;
        for (const auto& [key, value] : run.labels)
            labels.push_back(printable(key + "=" + value, kLongestName));
        page.line(fmt::format("labels {}", fmt::join(labels, ", ")), Tone::faint);
    }
    for (const auto& reason : run.verdict.reasons) {
        if (reason.severity == VerdictStatus::invalid) {
            page.line(fmt::format("INVALID: {}.", printable(reason.message)), Tone::bad);
        }
    }
    put_outcome(run, page);
}

void query_statistics(const RunResult& run, Page& page) {
    const auto& total = run.total;
    const auto row_if = [&](std::string_view label, std::uint64_t n, std::string_view note, Tone tone) {
        if (n > 0) page.row(label, with_thousands(n), "", note, tone);
    };
    page.title("Query Statistics");
    page.row("Total Queries", with_thousands(total.planned));
    row_if("  before these", run.warmup_queries, "before the measured time", Tone::plain);
    page.row("Successful", with_thousands(total.succeeded()));
    row_if("  of these Empty", total.empty, "no row found or changed", Tone::plain);
    if (run.config.contains("latency_limit_s")) {
        page.row("  of these Late", with_thousands(total.late), "",
                 fmt::format("response over {}", base::format_duration(base::from_seconds(
                                                     run.config["latency_limit_s"].get<double>()))),
                 total.late > 0 ? Tone::doubtful : Tone::plain);
    }
    page.row("Failed", with_thousands(total.failed), "", "", total.failed > 0 ? Tone::bad : Tone::plain);
    row_if("In Doubt", total.in_doubt, "may have been done: no answer came", Tone::bad);
    row_if("Timed Out", total.timed_out, "", Tone::bad);
    row_if("Missed", total.missed, "older than the latency limit", Tone::bad);
    row_if("Waiting", total.waiting, "due, not started by the end", Tone::doubtful);
    row_if("Unfinished", total.in_flight, "sent, not answered by the end", Tone::doubtful);
    if (total.ended() + total.missed > 0) {
        page.row("Success Rate", percent(total.success_ratio()), "%",
                 total.waiting + total.in_flight > 0 ? "of what ended or was missed" : "");
    }
    row_if("Retries", total.retries, "attempts beyond the first", Tone::plain);
}

void operational_performance(const RunResult& run, Page& page) {
    page.title("Operational Performance");
    const bool short_run = run.ended_early();
    // Of a run of milliseconds, too, queries by seconds are the rate.
    page.row("Duration", with_thousands(run.duration_s, run.duration_s < 1 ? 4 : 2), "s",
             short_run ? fmt::format("of {} s planned", with_thousands(run.planned_duration_s, 2)) : "");
    const auto error = metrics::throughput_error(run.intervals);
    page.row("Queries/Second", with_thousands(run.throughput_per_s(), 2), "/s",
             error ? fmt::format("± {} standard error", with_thousands(error->standard, 2)) : "");
    if (run.open_loop) {
        if (const double target = target_per_s(run); target > 0) {
            page.row("Target Rate", with_thousands(target, 2), "/s",
                     run.phases.size() > 1 ? "on average" : "");
        }
        if (const auto attained = target_attainment_ratio(run)) {
            page.row("Attained", percent(*attained), "%", "of the due queries were started",
                     *attained < 0.99 ? Tone::doubtful : Tone::plain);
        }
    }
    page.row("Concurrent Sessions", with_thousands(std::uint64_t{run.connections}), "",
             run.connections_at_end < run.connections
                 ? fmt::format("{} at the end", with_thousands(std::uint64_t{run.connections_at_end}))
             : run.connection_search && run.connection_search->found ? "found by --connections auto"
                                                                     : "");
    if (run.reconnects > 0) page.row("Reconnects", with_thousands(run.reconnects), "", "", Tone::doubtful);
    if (const auto efficiency = metrics::connection_efficiency(run.latencies, run.total))
        page.row("Connection Efficiency", percent(*efficiency, 1), "%",
                 run.open_loop ? "service / (pool wait + service)" : "service / response");
}

void network(const RunResult& run, const Millis& ms, Page& page) {
    if (!run.network) return;
    const auto& network = *run.network;
    page.title("Network");
    if (!network.idle_rtt.empty()) {
        page.row("Round Trip, idle", ms.of(network.idle_rtt.quantile(0.5)), "ms",
                 fmt::format("median of {}, min {}", with_thousands(network.idle_rtt.count()),
                             ms.of(network.idle_rtt.min())));
    }
    if (!network.tcp_rtt.empty()) {
        page.row("Round Trip, kernel's", ms.of(network.tcp_rtt.quantile(0.5)), "ms",
                 fmt::format("median of {}, under load", with_thousands(network.tcp_rtt.count())));
    }
    if (network.database_ms && network.network_ratio) {
        page.row("Database Time", ms.of(*network.database_ms), "ms", "median service - round trips");
        page.row(network.unix_socket ? "Round Trip Share" : "Network Share",
                 percent(*network.network_ratio, 1), "%", "of the median service");
    }
    if (!network.method.empty()) page.note(fmt::format("Method: {}", printable(network.method)));
}

void latency_breakdown(const RunResult& run, const Millis& ms, Page& page) {
    const auto& response = run.latencies.response;
    if (response.empty()) return;
    page.title(run.open_loop && !overloaded(run) ? "Latency Breakdown (response: from due to done)"
                                                 : "Latency Breakdown");
    if (overloaded(run)) {
        if (run.middle_s > 0) {
            page.row("Backlog half-way", with_thousands(run.waiting_at_middle), "",
                     fmt::format("queries waiting after {} s", with_thousands(run.middle_s, 2)));
        }
        page.row("Backlog at the End", with_thousands(run.total.waiting), "", "queries waiting", Tone::bad);
        page.row("Backlog Growth", with_thousands(backlog_growth_per_s(run), 1), "/s", "", Tone::bad);
        page.note(
            "No percentiles of the response: under a growing backlog they depend on the length of the "
            "run.");
        return;
    }
    // Those stand with the age that they had reached.
    const auto& unanswered = run.latencies.unanswered;
    const std::string_view kUnanswered = "of one that had no answer";
    // As their tables tell it with a sign.
    const bool lower_bounds = !run.latencies.response_at_most(0.99);
    const auto bounded_below = fmt::format("at least: {} had no answer", with_thousands(unanswered.count()));
    const std::string at_least = lower_bounds ? bounded_below : "";
    page.row("Total Average", ms.of(response.mean_ns() * 1e-6), "ms", at_least);
    page.row("Minimum", ms.of(response.min()), "ms",
             !unanswered.empty() && unanswered.min() == response.min() ? kUnanswered : "");
    page.row(
        "Maximum", ms.of(response.max()), "ms",
        !unanswered.empty() && unanswered.max() == response.max() ? kUnanswered : std::string_view{at_least});
    constexpr std::string_view kWeak = "fewer than ten queries above";
    const auto batches = metrics::batches_of(run.intervals, &metrics::Interval::response);
    for (const auto& [label, q] :
         {std::pair{"50th Percentile", 0.50}, {"95th Percentile", 0.95}, {"99th Percentile", 0.99}}) {
        const auto bounds = metrics::quantile_bounds(response, q, batches, unanswered);
        page.row(label, ms.of(response.quantile(q)), "ms",
                 !run.latencies.response_at_most(q) ? bounded_below
                 : !response.supports(q)            ? std::string{kWeak}
                 : bounds ? fmt::format("95 % sure: {} to {}", ms.of(bounds->low), ms.of(bounds->high))
                          : std::string{});
    }
    if (response.overflow() > 0) {
        page.row("Longer than 1 h", with_thousands(response.overflow()), "", "queries", Tone::bad);
    }
}

void audit(const RunResult& run, Page& page) {
    for (const auto& table : run.audit) {
        page.title(fmt::format("Audit of {}", printable(table.table, kLongestName)));
        page.row("Rows Before", with_thousands(table.rows_before));
        page.row("Acknowledged", with_thousands(table.acknowledged), "", "inserts, warm-up included");
        page.row("In Doubt", with_thousands(table.in_doubt), "",
                 fmt::format("{} are there, {} are not", with_thousands(table.stored),
                             with_thousands(table.not_stored)));
        if (table.unchecked > 0) {
            page.row("  of these Unchecked", with_thousands(table.unchecked), "", "too many to remember",
                     Tone::doubtful);
        }
        page.row("Rows After", with_thousands(table.rows_after));
        page.row("Lost", with_thousands(table.lost()), "", "acknowledged and not there",
                 table.lost() > 0 ? Tone::bad : Tone::good);
        page.row("Twice", with_thousands(table.twice), "", "in doubt, there more than once",
                 table.twice > 0 ? Tone::bad : Tone::good);
        if (table.unexplained() > 0) {
            page.row("Unexplained", with_thousands(table.unexplained()), "",
                     table.unchecked > 0 ? "another program's, or unchecked"
                                         : "rows that another program inserted",
                     Tone::doubtful);
        }
    }
}

void client_cost(const RunResult& run, Page& page) {
    const auto& client = run.client;
    page.title("Client Cost");
    if (client.cpu_us_per_query) page.row("CPU a Query", with_thousands(*client.cpu_us_per_query, 2), "µs");
    page.row("CPU Time", with_thousands(client.cpu_user_s + client.cpu_system_s, 2), "s",
             fmt::format("{} s user, {} s system", with_thousands(client.cpu_user_s, 2),
                         with_thousands(client.cpu_system_s, 2)));
    page.row("Peak Memory", with_thousands(static_cast<double>(client.max_rss_bytes) / (1024.0 * 1024.0), 1),
             "MiB", "resident");
    if (client.loop_busy_ratio) page.row("Loop Busy", with_thousands(*client.loop_busy_ratio * 100, 1), "%");
    page.row("Longest Loop Turn", with_thousands(client.longest_loop_turn_ms, 2), "ms",
             "no callback took longer");
    if (client.run_queue_wait_ratio) {
        page.row("Waiting for a CPU", with_thousands(*client.run_queue_wait_ratio * 100, 1), "%",
                 "in the run queue");
    }
    const auto switches = client.context_switches_voluntary + client.context_switches_involuntary;
    page.row("Context Switches",
             with_thousands(static_cast<std::uint64_t>(std::max<std::int64_t>(switches, 0))), "",
             fmt::format("{} of them involuntary",
                         with_thousands(static_cast<std::uint64_t>(
                             std::max<std::int64_t>(client.context_switches_involuntary, 0)))));
}

void thresholds(const RunResult& run, Page& page) {
    if (run.thresholds.empty()) return;
    page.title("Thresholds");
    for (const auto& threshold : run.thresholds) {
        page.bullet(fmt::format("{} {}: {}", threshold.ok ? "✓" : "✗", printable(threshold.expression),
                                threshold.actual_text.empty() ? "the run has no such number"
                                                              : printable(threshold.actual_text)),
                    threshold.ok ? Tone::good : Tone::bad);
    }
}

void conclusion(const RunResult& run, Page& page) {
    if (!run.warnings.empty()) {
        page.title("Warnings");
        for (const auto& warning : run.warnings)
            page.bullet(printable(warning.message, kLongestWarning), Tone::doubtful);
    }
    page.title("Assessment");
    for (const auto& sentence : assess(run)) page.bullet(sentence);
    page.blank();
    const Tone tone = tone_of(run.verdict.status);
    page.line(fmt::format("Verdict: {}", base::upper_case(to_string(run.verdict.status))), tone);
    for (const auto& reason : run.verdict.reasons) {
        page.bullet(fmt::format("{}: {}", to_string(reason.severity), printable(reason.message)),
                    tone_of(reason.severity));
    }
    page.line(headline(run), Tone::bold);
    if (run.outcome != metrics::RunOutcome::interrupted) put_outcome(run, page);
    page.rule();
}

}  // namespace

std::string text_report(const RunResult& run, const TextStyle& style) {
    Page page{style};
    const Millis ms{run};
    head(run, page);
    query_statistics(run, page);
    operational_performance(run, page);
    network(run, ms, page);
    latency_breakdown(run, ms, page);
    text_percentiles(run, ms, page);
    text_operations(run, ms, page);
    text_errors(run, ms, page);
    text_outages(run, page);
    audit(run, page);
    text_phases(run, ms, page);
    client_cost(run, page);
    thresholds(run, page);
    conclusion(run, page);
    return page.take();
}

}  // namespace pgtraffic::report
