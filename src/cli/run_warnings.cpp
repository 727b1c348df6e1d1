#include "pgtraffic/cli/run_warnings.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/warn.hpp"
#include "pgtraffic/metrics/verdict.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/simulation/connecting.hpp"
#include "pgtraffic/workload/intent.hpp"

namespace pgtraffic::cli {

using metrics::RunResult;

namespace {

// ---- of the load ----------------------------------------------------------------------------------------

/// What helps where an operation mostly finds nothing.
const char* cure_of_emptiness(const workload::Operation& operation) {
    const bool reads = std::ranges::all_of(operation.statements,
                                           [](const auto& one) { return workload::only_reads(one.sql); });
    const bool draws =
        std::ranges::any_of(operation.statements, [](const auto& one) { return !one.arguments.empty(); });
    if (reads)
        return draws ? "Give its parameters values that the tables hold"
                     : "No row fits its SQL as it is written, or row-level security hides the rows from this "
                       "user";
    return draws
               ? "Where it uses up what it looks for, add inserts to the mix, or fill the tables again; else "
                 "give its parameters values that the tables hold"
               : "No row fits its SQL as it is written, it has used them up (fill the tables again), or "
                 "row-level security hides them from this user";
}

void warn_of_emptiness(RunResult& result, const workload::Workload& workload) {
    for (std::size_t o = 0; o < result.operations.size(); ++o) {
        const auto& counts = result.operations[o].counts;
        if (counts.empty == 0 || counts.empty * 2 <= counts.succeeded()) continue;
        // Rounded down: nearly all are not all.
        const double ratio = counts.empty_ratio();
        warn(result, "mostly_empty", "{} % of the {} queries found no row: they tested little. {}",
             base::with_thousands(std::floor(1000 * ratio + 1e-9) / 10, ratio < 1 ? 1 : 0),
             result.operations[o].name, cure_of_emptiness(workload.operations()[o]));
    }
}

bool ended_by(const RunResult& result, base::SqlState state) {
    return std::ranges::any_of(result.errors,
                               [&](const auto& error) { return error.sqlstate == state && error.count > 0; });
}

/// By far more duplicates than draws at random make.
bool repeats_inserts(const RunResult& result) {
    constexpr double kTooMany = 0.01;
    return std::ranges::any_of(result.errors, [&](const auto& error) {
        return error.sqlstate.text() == "23505" && static_cast<double>(error.retried + error.count) >
                                                       kTooMany * static_cast<double>(result.total.started);
    });
}

void warn_of_workload(RunResult& result, const workload::Workload& workload, const RunOptions& options) {
    warn_of_emptiness(result, workload);
    if (result.server.read_only && ended_by(result, base::kReadOnly)) {
        warn(result, "read_only",
             "a statement of the workload writes, perhaps in a function, and the load's sessions could only "
             "read: give the scenario \"read_only\": false");
    }
    if (options.random_seed && repeats_inserts(result)) {
        warn(result, "seed_repeated",
             "inserts met rows that were there already, as an earlier run with --random-seed {} leaves "
             "them, and their latency is that of several attempts: take another seed, or remove "
             "that run's orders (pgtraffic cleanup --run)",
             *options.random_seed);
    }
    for (const auto& cut : workload.cut_picks()) {
        warn(result, "pick_cut",
             "values were drawn from the first {} of the {} rows of \"{}\" alone: have the "
             "query choose which (ORDER BY random() LIMIT {})",
             base::with_thousands(std::uint64_t{workload::kMaxPicked}),
             base::with_thousands(std::uint64_t{cut.rows}), report::printable(cut.sql), workload::kMaxPicked);
    }
}

// ---- of the server --------------------------------------------------------------------------------------

bool lost_prepared_statements(const RunResult& result) {
    return std::ranges::any_of(result.errors, [](const auto& error) {
        return error.sqlstate == base::kNoSuchStatement || error.sqlstate.text() == "42P05";
    });
}

void warn_of_server(RunResult& result, const RunOptions& options) {
    if (result.server.temporary) {
        warn(result, "temporary_server",
             "measured against a temporary server on this machine: for trying things out");
    }
    if (options.unsafe_fast)
        warn(result, "unsafe_fast",
             "the temporary server ran with fsync off: its figures are not a database's");
    if (result.server.pooler && options.timeout) {
        warn(result, "pooler_timeout",
             "behind a pooler --timeout is kept by the client alone: a query that took too long may still "
             "run on the server (docs/poolers.md)");
    }
    if (result.server.pooler && options.prepared && lost_prepared_statements(result)) {
        warn(result, "pooler_prepared", "{}", simulation::kPoolerPreparedCure);
    }
}

// ---- of the connections ---------------------------------------------------------------------------------

/// What most attempts of the last outage to connect were told.
std::string why_gone(const std::vector<metrics::Outage>& outages) {
    if (outages.empty()) return "";
    const auto& errors = outages.back().errors;
    const auto most = std::ranges::max_element(errors, {}, &metrics::OutageError::connects);
    return most == errors.end() || most->sample.empty() ? "" : ": " + most->sample;
}

void warn_of_connections(RunResult& result, const RunOptions& options) {
    if (const auto step = options.wake_step.value_or(base::Nanos{0});
        step.count() > 0 && !result.answers_stamped && result.total.started > 0) {
        warn(result, "economy_pacing",
             "--pacing reads answers at steps of {0}, and {1} when they came: service and response are "
             "up to {0} too long",
             base::format_duration(step),
             result.server.address_kind == "unix socket" ? "over a Unix socket nothing tells"
                                                         : "here the kernel does not tell of all");
    }
    if (const auto text = metrics::no_service_text(result))
        warn(result, "outage", "{}: the outages say when and why", *text);
    if (const auto text = metrics::stood_still_text(result))
        warn(result, "stood_still", "{}: the server, or the way to it, stood still", *text);
    if (result.connections_at_end < result.connections && result.sessions_away_ratio > 0) {
        warn(result, "sessions_missing", "{} of {} connections were gone at the end{}",
             result.connections - result.connections_at_end, result.connections, why_gone(result.outages));
    }
    if (result.reconnects > 0) {
        warn(result, "reconnects", "{} lost and made again during the run",
             base::counted(result.reconnects, "connection was", "connections were"));
    }
}

}  // namespace

void add_warnings(RunResult& result, const workload::Workload& workload, const RunOptions& options) {
    warn_of_workload(result, workload, options);
    warn_of_server(result, options);
    warn_of_connections(result, options);
}

}  // namespace pgtraffic::cli
