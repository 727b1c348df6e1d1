#include "pgtraffic/simulation/connection_search.hpp"

#include <fmt/format.h>

#include <utility>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/stage.hpp"
#include "pgtraffic/simulation/connection_ladder.hpp"

namespace pgtraffic::simulation {

using metrics::ConnectionSearch;
using metrics::ConnectionStep;
using metrics::RunResult;

namespace {

/// New backends know nothing of the tables; this part of a step's length lies before it and does not count.
constexpr int kWarmupPart = 4;
/// Of a step, which has a warm-up.
constexpr std::uint32_t kLoadsInStep = 2;

std::string connections_text(std::uint32_t connections) {
    return base::counted(connections, "connection", "connections");
}

/// The same load for a moment, on so many connections, of which nothing but its figures is wanted.
SimulationPlan step_of(const SimulationPlan& plan, std::uint32_t connections, base::Nanos length) {
    SimulationPlan step = plan;
    step.connections = connections;
    step.duration = length;
    step.warmup = length / kWarmupPart;
    step.rehearsal = true;
    step.total_queries.reset();
    step.abort_if.clear();
    step.sample_tcp = false;
    return step;
}

/// What a step tells: how far it is, and which connections there are.
SimulationEvents step_events(const SimulationEvents& events, const workload::Workload& workload,
                             std::uint32_t connections) {
    SimulationEvents told;
    if (events.preparing) {
        told.progress = [&events, connections](const metrics::Interval& recent, const ProgressState& state) {
            events.preparing(fmt::format(
                "trying {}, {:.0f} of {:.3g} s  {}/s  fail {}", connections_text(connections),
                state.elapsed_s, state.duration_s,
                base::rate_text(static_cast<double>(recent.ok + recent.empty) / recent.duration_s),
                base::with_thousands(recent.failed + recent.timed_out)));
        };
    }
    if (events.moment) {
        told.moment = [&events, &workload](const metrics::LiveMoment& moment) {
            metrics::LiveMoment seen;
            seen.stage = metrics::Stage::calibrating;
            seen.connections = moment.connections;
            for (const auto& operation : workload.operations())
                seen.counts.operations.emplace_back().name = operation.name;
            events.moment(seen);
        };
    }
    return told;
}

ConnectionStep figures_of(const RunResult& run) {
    ConnectionStep step;
    step.connections = run.connections;
    step.duration_s = run.duration_s;
    step.throughput_per_s = static_cast<double>(run.succeeded_in_time) / run.duration_s;
    step.failed = run.total.failed + run.total.timed_out;
    step.disturbed = run.reconnects > 0 || run.connections_at_end < run.connections;
    if (!run.latencies.response.empty()) step.response = metrics::ResponseFigures::of(run.latencies.response);
    return step;
}

std::string step_text(const ConnectionStep& step) {
    const auto what = connections_text(step.connections);
    if (step.disturbed) return fmt::format("  {}: connections were lost", what);
    return fmt::format(
        "  {}: {} queries/s{}{}", what, base::rate_text(step.throughput_per_s),
        step.response ? fmt::format(", p99 {}", base::format_duration(step.response->p99)) : "",
        step.failed > 0 ? fmt::format(", {} failed", base::with_thousands(step.failed)) : "");
}

void warn_of(const ConnectionLadder& ladder, RunResult& result) {
    constexpr const char* kCode = "connections_in_doubt";
    const auto& search = ladder.trace();
    if (ladder.given_up()) {
        result.warnings.push_back(
            {kCode,
             "in one step of the search for the connections after the other some were lost, and it "
             "was given up: give --connections N"});
    } else if (!search.found) {
        result.warnings.push_back(
            {kCode, "no query succeeded in the search for the connections: give --connections N"});
    } else if (search.grew_to_the_end) {
        result.warnings.push_back(
            {kCode, fmt::format("throughput grew up to {}, the most that could be tried: more may do more",
                                connections_text(search.found->connections))});
    }
}

std::string reach_text(const metrics::ConnectionsReach& reach) {
    return fmt::format("{} to {} queries/s", base::rate_text(reach.lowest_per_s),
                       base::rate_text(reach.highest_per_s));
}

std::string end_text(const ConnectionSearch& search) {
    if (!search.found) return "found no number of connections; it goes on with one";
    const auto found =
        fmt::format("found {}: {}", connections_text(search.found->connections), reach_text(*search.found));
    if (search.best->connections == search.found->connections) return found + ", the highest";
    return fmt::format("{}; the highest was {} with {}", found, reach_text(*search.best),
                       search.best->connections);
}

}  // namespace

std::optional<SimulationEnd> find_connections(event_loop::Loop& loop, SimulationPlan& plan,
                                              const workload::Workload& workload,
                                              const SimulationEvents& events, RunResult& result) {
    ConnectionLadder ladder{plan.connections};
    const auto say = [&](const std::string& text) {
        if (events.stage) events.stage(text);
    };
    say("looking for the fewest connections that reach the highest throughput, or nearly");
    std::uint64_t queries = 0;
    while (!ladder.finished()) {
        RunResult tried = result;
        const SimulationPlan step = step_of(plan, ladder.next(), ladder.step_length());
        const auto told = step_events(events, workload, step.connections);
        SimulationEnd end;
        try {
            end = simulate(loop, step, workload, told, tried);
        } catch (const base::Error& error) {
            if (ladder.at_first_rung()) throw;
            say(fmt::format("  {}: {}", connections_text(step.connections), error.what()));
            ladder.no_room();
            continue;
        }
        plan.loads_before += kLoadsInStep;
        queries += tried.warmup_queries + tried.total.started;
        if (end.signal != 0 || end.stop_file || end.refused) {
            result = std::move(tried);
            result.connection_search = ladder.trace();
            result.warnings.push_back(
                {"connections_in_doubt",
                 fmt::format("the run ended in the search for its connections: these are the figures of one "
                             "step of it, with {}",
                             connections_text(step.connections))});
            return end;
        }
        ladder.end_step(figures_of(tried));
        say(step_text(ladder.trace().steps.back()));
    }
    const auto& search = ladder.trace();
    plan.connections = search.found ? search.found->connections : 1;
    result.connection_search = search;
    result.warmup_queries = queries;
    warn_of(ladder, result);
    say(end_text(search));
    return std::nullopt;
}

}  // namespace pgtraffic::simulation
