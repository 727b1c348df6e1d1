// Readers of pgbench's summary look for whole lines by regular expressions, some of them anchored at both
// ends. So the words, the digits behind the point and the order are pgbench's, and what it has no line for is
// left out.
#include "pgtraffic/report/pgbench.hpp"

#include <fmt/format.h>

#include <cmath>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

using metrics::Counts;
using metrics::Histogram;
using metrics::RunResult;

/// "60" for a run of 60.004 s, as pgbench's whole seconds; "3.217" for one that ended early.
std::string seconds(const RunResult& run) {
    const bool whole = run.planned_duration_s > 0 && !run.ended_early();
    const double length = whole ? run.planned_duration_s : run.duration_s;
    const double nearest = std::round(length);
    return std::abs(length - nearest) < 0.0005 ? fmt::format("{:.0f}", nearest)
                                               : fmt::format("{:.3f}", length);
}

/// Of the temporary server's data. Of a database of the user's own we know no scale, and say 1 as pgbench
/// does of a script of the user's own.
std::string scaling_factor(const RunResult& run) {
    if (!run.server.temporary || !run.config.contains("scale")) return "1";
    const auto& scale = run.config["scale"];
    return scale.is_string() ? printable(scale.get<std::string>()) : scale.dump();
}

/// What pgbench calls all transactions: skipped ones among them.
std::uint64_t all_of(const Counts& counts) noexcept {
    return counts.ended() + counts.missed;
}

double percent_of(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string failures(const Counts& counts) {
    const auto failed = counts.failed + counts.timed_out;
    return fmt::format("number of failed transactions: {} ({:.3f}%)\n", failed,
                       percent_of(failed, all_of(counts)));
}

std::string skipped(const Counts& counts) {
    return fmt::format("number of transactions skipped: {} ({:.3f}%)\n", counts.missed,
                       percent_of(counts.missed, all_of(counts)));
}

bool limited(const RunResult& run) {
    return run.config.contains("latency_limit_s");
}

bool skips(const RunResult& run) {
    return run.open_loop && limited(run);
}

std::string late(const RunResult& run) {
    const auto& counts = run.total;
    return fmt::format("number of transactions above the {:.1f} ms latency limit: {}/{} ({:.3f}%)\n",
                       run.config["latency_limit_s"].get<double>() * 1e3, counts.late, counts.succeeded(),
                       percent_of(counts.late, counts.succeeded()));
}

/// The two lines of pgbench, behind `prefix`; none where there is nothing to tell of, which is not 0 ms.
std::string latency(const Histogram& response, std::string_view prefix) {
    if (response.empty()) return "";
    return fmt::format("{0}latency average = {1:.3f} ms\n{0}latency stddev = {2:.3f} ms\n", prefix,
                       response.mean_ns() * 1e-6, response.stddev_ns() * 1e-6);
}

/// The two lines of pgbench, behind `prefix`.
std::string retries(const Counts& counts, std::string_view prefix) {
    // Among them are those that had no answer at the end.
    const auto all = all_of(counts) + counts.in_flight;
    return fmt::format("{0}number of transactions retried: {1} ({2:.3f}%)\n{0}total number of retries: {3}\n",
                       prefix, counts.retried, percent_of(counts.retried, all), counts.retries);
}

std::string each_operation(const RunResult& run) {
    std::string text;
    std::size_t number = 0;
    for (const auto& operation : run.operations) {
        const auto& counts = operation.counts;
        const double per_s = operation.throughput_per_s(run.duration_s);
        text += fmt::format("SQL script {}: {}\n", ++number, printable(operation.name));
        text += fmt::format(" - {} transactions ({:.1f}% of total, tps = {:.6f})\n", counts.succeeded(),
                            percent_of(counts.succeeded(), run.total.succeeded()), per_s);
        text += " - " + failures(counts);
        if (run.max_tries > 1) text += retries(counts, " - ");
        if (skips(run)) text += " - " + skipped(counts);
        text += latency(operation.latencies.response, " - ");
    }
    return text;
}

}  // namespace

std::string pgbench_report(const RunResult& run) {
    const bool prepared = run.config.contains("protocol") && run.config["protocol"] == "prepared";
    auto text = fmt::format("pgtraffic ({})\n", base::build_info().version);
    text += fmt::format("transaction type: {}\n", printable(run.name));
    text += fmt::format("scaling factor: {}\n", scaling_factor(run));
    text += fmt::format("query mode: {}\n", prepared ? "prepared" : "extended");
    text += fmt::format("number of clients: {}\n", run.connections);
    text += "number of threads: 1\n";
    text += fmt::format("maximum number of tries: {}\n", run.max_tries);
    text += fmt::format("duration: {} s\n", seconds(run));
    text += fmt::format("number of transactions actually processed: {}\n", run.total.succeeded());
    text += failures(run.total);
    if (run.max_tries > 1) text += retries(run.total, "");
    if (skips(run)) text += skipped(run.total);
    if (limited(run)) text += late(run);
    text += latency(run.latencies.response, "");
    if (run.open_loop && !run.latencies.lag.empty()) {
        text += fmt::format("rate limit schedule lag: avg {:.3f} (max {:.3f}) ms\n",
                            run.latencies.lag.mean_ns() * 1e-6, base::to_millis(run.latencies.lag.max()));
    }
    text += fmt::format("initial connection time = {:.3f} ms\n", run.connecting_s * 1e3);
    text += fmt::format("tps = {:.6f} (without initial connection time)\n", run.throughput_per_s());
    if (run.operations.size() > 1) text += each_operation(run);
    return text;
}

std::string pgbench_warnings(const RunResult& run) {
    std::string text;
    for (const auto& reason : run.verdict.reasons) {
        text += fmt::format("pgtraffic: {}: {}\n", metrics::to_string(reason.severity),
                            printable(reason.message, kLongestWarning));
    }
    for (const auto& threshold : run.thresholds) {
        if (threshold.ok) continue;
        text += fmt::format(
            "pgtraffic: threshold missed: {} ({})\n", printable(threshold.expression),
            threshold.actual ? "actual: " + printable(threshold.actual_text) : "the run has no such number");
    }
    for (const auto& warning : run.warnings) {
        text += fmt::format("pgtraffic: warning: {}\n", printable(warning.message, kLongestWarning));
    }
    return text;
}

}  // namespace pgtraffic::report
