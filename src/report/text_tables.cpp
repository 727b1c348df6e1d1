#include "pgtraffic/report/text_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/assessment.hpp"
#include "pgtraffic/report/percentile_notes.hpp"

namespace pgtraffic::report {

using base::with_thousands;
using metrics::Histogram;
using metrics::RunResult;

namespace {

constexpr std::size_t kOutages = 12;     // shown; the JSON result has all that are kept
constexpr std::size_t kErrorKinds = 10;  // distinct SQLSTATEs shown; the JSON result has all

/// Whether that percentile of the response is a lower bound, and so are those above it.
bool is_at_least(const metrics::Latencies& latencies, double q) {
    return !latencies.response.empty() && !latencies.response_at_most(q);
}

std::vector<std::string> operation_notes(const metrics::OperationResult& operation, const Millis& ms) {
    std::vector<std::string> notes;
    if (operation.counts.retries > 0) {
        notes.push_back(fmt::format("{} retries", with_thousands(operation.counts.retries)));
    }
    if (operation.statements.size() < 2) return notes;
    for (const auto& statement : operation.statements) {
        notes.push_back(fmt::format("{}: {} ok, {} empty, {} failed", printable(statement.name, kLongestName),
                                    with_thousands(statement.ok), with_thousands(statement.empty),
                                    with_thousands(statement.failed)));
        if (const auto& service = statement.service; service && !service->empty())
            notes.back() += fmt::format("; service p50 {} ms, p99 {} ms", ms.marked(*service, 0.5),
                                        ms.marked(*service, 0.99));
    }
    return notes;
}

std::string outage_note(const metrics::Outage& outage) {
    std::string note =
        fmt::format("{} sessions lost, {} attempts to connect failed", with_thousands(outage.sessions_lost),
                    with_thousands(outage.failed_connects));
    if (outage.episodes > 1) note += fmt::format(", in {} episodes", with_thousands(outage.episodes));
    for (const auto& error : outage.errors) {
        note += fmt::format("; {}:", error.sqlstate.text());
        if (error.queries > 0) note += " " + base::counted(error.queries, "query", "queries");
        if (error.connects > 0) note += " " + base::counted(error.connects, "connect", "connects");
        if (error.sessions > 0) note += " " + base::counted(error.sessions, "idle session", "idle sessions");
    }
    return note;
}

}  // namespace

std::string percent(double ratio, int digits) {
    const double scale = std::pow(10, digits);
    return with_thousands(std::floor(ratio * 100 * scale + 1e-6) / scale, digits);
}

Millis::Millis(const RunResult& run)
    : digits_{!run.latencies.response.empty() &&
                      run.latencies.response.quantile(0.5) < std::chrono::milliseconds{1}
                  ? 3
                  : 2} {}

std::string Millis::of(double ms) const {
    return with_thousands(ms, digits_);
}

std::string Millis::marked(const Histogram& histogram, double q) const {
    return of(histogram.quantile(q)) + (histogram.supports(q) ? "" : "*");
}

std::string Millis::quantile(const Histogram& histogram, double q) const {
    if (histogram.empty()) return "- ";
    return marked(histogram, q) + (histogram.supports(q) ? " " : "");
}

std::string Millis::response(const metrics::Latencies& latencies, double q) const {
    return (is_at_least(latencies, q) ? "≥" : "") + quantile(latencies.response, q);
}

void text_percentiles(const RunResult& run, const Millis& ms, Page& page) {
    const auto& latencies = run.latencies;
    const bool steady = !overloaded(run);
    std::vector<std::string> heads;
    std::vector<const Histogram*> columns;
    const auto column = [&](const char* name, const Histogram& histogram) {
        heads.emplace_back(fmt::format("{} ", name));
        columns.push_back(&histogram);
    };
    if (steady) column("response", latencies.response);
    column("service", latencies.service);
    if (run.open_loop && steady) column("lag", latencies.lag);
    if (std::all_of(columns.begin(), columns.end(), [](const Histogram* h) { return h->empty(); })) return;

    std::vector<TableRow> rows;
    bool weak = false;
    bool any_below = false;
    const auto at_least = [&](const Histogram& histogram, double q) {
        if (&histogram == &latencies.response) return is_at_least(latencies, q);
        return &histogram == &latencies.lag && !histogram.empty() &&
               metrics::lag_is_lower_bound(run.total, q);
    };
    for (const auto& [label, q] : {std::pair{"p50", 0.50},
                                   {"p75", 0.75},
                                   {"p90", 0.90},
                                   {"p95", 0.95},
                                   {"p99", 0.99},
                                   {"p99.9", 0.999},
                                   {"p99.99", 0.9999}}) {
        TableRow row{.name = label, .cells = {}, .notes = {}, .tone = Tone::plain};
        for (const auto* histogram : columns) {
            const bool below = at_least(*histogram, q);
            row.cells.push_back((below ? "≥" : "") + ms.quantile(*histogram, q));
            any_below = any_below || below;
            weak = weak || (!histogram->empty() && !histogram->supports(q));
        }
        rows.push_back(std::move(row));
    }
    TableRow last{.name = "max", .cells = {}, .notes = {}, .tone = Tone::plain};
    for (const auto* histogram : columns) {
        last.cells.push_back(histogram->empty()
                                 ? "- "
                                 : (at_least(*histogram, 0.99) ? "≥" : "") + ms.of(histogram->max()) + " ");
    }
    rows.push_back(std::move(last));
    page.table("Percentiles (ms)", heads, rows, 15);
    if (weak) page.note(kWeakNote);
    if (any_below) page.note(kAtLeastNote);
    if (steady) {
        page.note(run.open_loop ? "response: due to done; service: sent to done; lag: due to sent"
                  : run.think_time.count() > 0
                      ? "response: from a pause's end to the answer; service: sent to done"
                      : "response: from a session's answer to its next one; service: sent to done");
    }
}

void text_operations(const RunResult& run, const Millis& ms, Page& page) {
    if (run.operations.empty()) return;
    const bool with_percentiles = !overloaded(run);
    std::vector<std::string> heads{"ok", "empty", "failed", "per s"};
    if (with_percentiles) heads.insert(heads.end(), {"p50 ms ", "p99 ms "});
    std::vector<TableRow> rows;
    bool at_least = false;
    for (const auto& operation : run.operations) {
        const auto& counts = operation.counts;
        const double per_s = operation.throughput_per_s(run.duration_s);
        TableRow row{printable(operation.name, kLongestName),
                     {with_thousands(counts.ok), with_thousands(counts.empty),
                      with_thousands(counts.failed + counts.timed_out), with_thousands(per_s, 2)},
                     operation_notes(operation, ms),
                     Tone::plain};
        if (with_percentiles) {
            row.cells.push_back(ms.response(operation.latencies, 0.5));
            row.cells.push_back(ms.response(operation.latencies, 0.99));
            at_least = at_least || is_at_least(operation.latencies, 0.99);
        }
        rows.push_back(std::move(row));
    }
    page.table("Operations", heads, rows);
    if (at_least) page.note(kAtLeastNote);
    if (run.total.timed_out > 0) page.note("failed: with those timed out");
}

void text_errors(const RunResult& run, const Millis& ms, Page& page) {
    if (run.errors.empty()) return;
    const bool retried = std::any_of(run.errors.begin(), run.errors.end(),
                                     [](const auto& error) { return error.retried > 0; });
    std::vector<std::string> heads{"count"};
    if (retried) heads.emplace_back("retried");
    heads.emplace_back("first at");
    std::vector<TableRow> rows;
    for (const auto& error : run.errors) {
        if (rows.size() == kErrorKinds) break;
        TableRow row{std::string{error.sqlstate.text()}, {with_thousands(error.count)}, {}, Tone::plain};
        if (retried) row.cells.push_back(with_thousands(error.retried));
        row.cells.push_back(with_thousands(error.first_at_s, 2) + " s");
        if (!error.sample.empty()) row.notes.push_back(printable(error.sample));
        rows.push_back(std::move(row));
    }
    page.table("Errors by SQLSTATE", heads, rows, 14);
    if (retried) page.note("count: queries that it ended; retried: attempts that another one followed");
    if (run.errors.size() > kErrorKinds) {
        page.line(
            fmt::format("   and {} other SQLSTATEs, see the JSON result", run.errors.size() - kErrorKinds));
    }
    if (const auto& failed = run.latencies.failed; !failed.empty()) {
        page.note(
            fmt::format("A failure came after {} ms (median), {} ms at most; failures are in no "
                        "percentile above.",
                        ms.of(failed.quantile(0.5)), ms.of(failed.max())));
    }
}

void text_outages(const RunResult& run, Page& page) {
    if (run.outages.empty()) return;
    std::vector<TableRow> rows;
    for (const auto& outage : run.outages) {
        if (rows.size() == kOutages) break;
        const bool service = outage.scope == metrics::Outage::Scope::service;
        rows.push_back(
            {fmt::format("{} s", with_thousands(outage.from_s, 2)),
             {outage.over ? with_thousands(outage.to_s, 2) + " s" : "not over",
              with_thousands(outage.duration_s, 3) + " s", with_thousands(outage.silence_s, 3) + " s",
              with_thousands(outage.arrivals_hit), service ? "service" : "sessions"},
             {outage_note(outage)},
             service ? Tone::bad : Tone::doubtful});
    }
    page.table("Outages, from", {"to", "lasted", "silence", "hit", "scope"}, rows);
    if (run.outages.size() > kOutages) {
        page.line(fmt::format("   and {} others, see the JSON result", run.outages.size() - kOutages));
    }
    page.note(
        "lasted: until all sessions were back, faults less than a second apart together; silence: the "
        "longest time without a success; hit: arrivals that came due in a silence, and queries cut off; "
        "scope "
        "sessions: others went on");
}

void text_phases(const RunResult& run, const Millis& ms, Page& page) {
    if (run.phases.size() < 2) return;
    const bool with_percentiles = !overloaded(run);
    std::vector<std::string> heads{"planned", "attained", "per s"};
    if (!run.open_loop) heads = {"queries", "per s"};
    if (with_percentiles) heads.insert(heads.end(), {"p50 ms ", "p99 ms "});
    std::vector<TableRow> rows;
    bool at_least = false;
    for (const auto& phase : run.phases) {
        TableRow row{
            printable(phase.name, kLongestName), {with_thousands(phase.counts.planned)}, {}, Tone::plain};
        if (run.open_loop) {
            const auto attained = phase.counts.attained_ratio();
            row.cells.push_back(attained ? percent(*attained) + " %" : "-");
        }
        row.cells.push_back(
            phase.duration_s > 0
                ? with_thousands(static_cast<double>(phase.counts.succeeded()) / phase.duration_s, 2)
                : "-");
        if (with_percentiles) {
            row.cells.push_back(ms.response(phase.latencies, 0.5));
            row.cells.push_back(ms.response(phase.latencies, 0.99));
            at_least = at_least || is_at_least(phase.latencies, 0.99);
        }
        rows.push_back(std::move(row));
    }
    page.table("Phases", heads, rows);
    if (at_least) page.note(kAtLeastNote);
}

}  // namespace pgtraffic::report
