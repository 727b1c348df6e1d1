// `pgtraffic run`: from options to a report. Everything that can be wrong is found before the first session
// connects, in the order in which it is cheap to find: options, files, limits, server, statements.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/processors.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/endpoint.hpp"
#include "pgtraffic/cli/filling_view.hpp"
#include "pgtraffic/cli/narrator.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/run_description.hpp"
#include "pgtraffic/cli/run_files.hpp"
#include "pgtraffic/cli/run_judgement.hpp"
#include "pgtraffic/cli/run_warnings.hpp"
#include "pgtraffic/cli/safety.hpp"
#include "pgtraffic/cli/target.hpp"
#include "pgtraffic/cli/warn.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "pgtraffic/report/assessment.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/links.hpp"
#include "pgtraffic/simulation/audit.hpp"
#include "pgtraffic/simulation/connecting.hpp"
#include "pgtraffic/simulation/connection_search.hpp"
#include "pgtraffic/simulation/preflight.hpp"
#include "pgtraffic/simulation/simulation.hpp"
#include "pgtraffic/simulation/stop_file.hpp"
#include "pgtraffic/workload/intent.hpp"

namespace pgtraffic::cli {
namespace {

using metrics::RunResult;

/// Descriptors beside one for each session: standard streams, loop, files, and what libraries keep open.
constexpr std::uint32_t kOtherDescriptors = 50;
/// Sessions of a temporary server beside the load's.
constexpr std::uint32_t kOtherSessions = 20;

/// Those of `choice`, or as many of them as open files allow where fewer will do.
std::uint32_t check_open_files(const RunChoice& choice) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    const std::uint32_t connections = choice.connections;
    if (limit.rlim_cur == RLIM_INFINITY || connections + kOtherDescriptors <= limit.rlim_cur)
        return connections;
    const rlim_t allowed = limit.rlim_cur > kOtherDescriptors ? limit.rlim_cur - kOtherDescriptors : 0;
    if (choice.fewer_connections_do && allowed > 0) return static_cast<std::uint32_t>(allowed);
    throw base::Error(fmt::format(
        "--connections: {} need more open files than the limit of {} allows; ask for at most {}, or "
        "raise it (ulimit -n)",
        connections, limit.rlim_cur, allowed));
}

void check_stop_file(const RunOptions& options) {
    if (!options.stop_file) return;
    const auto folder = report::folder_of(*options.stop_file);
    if (std::error_code none; !std::filesystem::is_directory(folder, none)) {
        throw base::Error(fmt::format("--stop-file: {} is in no folder that exists, so nobody could make it",
                                      in_quotes(*options.stop_file)));
    }
    if (!simulation::stop_file_exists(*options.stop_file)) return;
    throw base::Error(fmt::format("--stop-file: {} exists already, so the run would end at once; remove it",
                                  in_quotes(*options.stop_file)));
}

/// A temporary server with the model in it. Where there is more than one processor, one is this program's
/// alone from then on: what a newcomer sees first shall be the server's figures, not those of a fight for it.
std::unique_ptr<postgres::TemporaryServer> start_temporary_server(const RunOptions& options,
                                                                  std::uint32_t connections, bool moving) {
    postgres::TemporaryServerOptions wanted;
    wanted.max_connections = connections + kOtherSessions;
    wanted.fsync = !options.unsafe_fast;
    const auto processors = base::share_processors();
    if (processors) wanted.processors = processors->server;
    auto server = std::make_unique<postgres::TemporaryServer>(wanted);
    if (processors) base::keep_to(processors->load);
    if (!options.disable_logging) {
        write_stderr(
            fmt::format("started a temporary PostgreSQL {}{}{}: its figures are for trying things out\n",
                        server->version(), options.unsafe_fast ? " with fsync off" : "",
                        processors ? fmt::format(" on {} of {} processors, leaving one to this program",
                                                 processors->count - 1, processors->count)
                                   : ""));
    }
    postgres::Client client{server->conninfo()};
    brickhouse::InitOptions init;
    init.scale = options.scale;
    if (options.random_seed) init.seed = *options.random_seed;
    std::optional<FillingView> view;
    // At its own scale it takes no second, and nobody asked for it.
    if (!options.disable_logging && options.scale > 1) view.emplace(moving);
    (void)brickhouse::init(client, init,
                           [&view](const std::string& table, std::uint64_t rows, std::uint64_t total) {
                               if (view) view->show(table, rows, total);
                           });
    return server;
}

/// Where a run's draws begin: what `--random-seed` determines, and what no two runs have in common.
struct Draws {
    std::uint64_t seed;
    std::uint64_t entropy;
};

/// What the load needs of the server's data, and of the server's before the load.
struct Prepared {
    std::uint32_t connections = 0;               ///< to be made, or tried at most
    std::optional<workload::Workload> workload;  // to which the audit refers
    std::optional<simulation::AuditLog> audit;
    std::optional<metrics::Histogram> round_trips;  ///< of an empty query
};

/// Where the number of connections was named, the server has room for them or the run is refused.
void find_room(Prepared& prepared, const RunChoice& choice, postgres::Client& client,
               metrics::ServerInfo& server, Narrator& narrator) {
    if (!choice.fewer_connections_do) return simulation::check_room(client, server, prepared.connections);
    const auto wanted = prepared.connections;
    prepared.connections = simulation::room_for_up_to(client, server, wanted);
    if (prepared.connections < wanted && !choice.find_connections) {
        narrator.say(fmt::format("{}, not {}: the server has {} free, and others may want some",
                                 base::counted(prepared.connections, "connection", "connections"), wanted,
                                 *server.free_connections));
    }
}

/// Asks the server what has to be known before the first session connects, refuses what cannot or may not be
/// run there, and says what will be. On a connection of its own, which gives its place free to the sessions.
void prepare(Prepared& prepared, const RunOptions& options, const RunChoice& choice,
             postgres::Conninfo& conninfo, bool temporary, Draws draws, Narrator& narrator,
             RunResult& result) {
    postgres::Client client{with_password(conninfo, options), std::chrono::seconds{10},
                            simulation::kPreflightPatience};
    conninfo.also_hide(client.password());
    if (client.converts()) conninfo.set("client_encoding", "UTF8");
    metrics::ServerInfo& server = result.server;
    server = simulation::inspect_server(client);
    server.temporary = temporary;
    // A SET on a pooler's connection would reach whoever gets it next.
    server.read_only = workload::only_reads(choice.scenario) && !server.pooler;
    simulation::check_takes_writes(server, choice.scenario);
    find_room(prepared, choice, client, server, narrator);
    prepared.workload.emplace(simulation::bind_workload(client, choice.scenario, options.key_distribution,
                                                        draws.seed, draws.entropy));
    narrator.say(fmt::format("target: {}", describe_target(server)));
    confirm_run(client, conninfo, server, choice.scenario, options.confirm, !options.disable_logging);
    narrator.say(fmt::format("{}{}, run {}, random seed {}", report::printable(choice.scenario.name),
                             server.read_only ? " (read only)" : "", result.id, draws.seed));
    if (options.audit) prepared.audit.emplace(*prepared.workload, client);
    if (options.measure_network) prepared.round_trips = simulation::measure_round_trips(client);
}

simulation::SimulationPlan make_plan(const RunOptions& options, const RunChoice& choice,
                                     const postgres::Conninfo& conninfo, std::uint64_t seed, bool moving) {
    simulation::SimulationPlan plan;
    plan.conninfo = conninfo;
    plan.password_command = options.password_command;
    plan.protocol = options.prepared ? simulation::Protocol::prepared : simulation::Protocol::extended;
    plan.pipeline = options.pipeline;
    plan.session_order =
        options.last_freed_first ? simulation::SessionOrder::lifo : simulation::SessionOrder::fifo;
    plan.think_time = options.think_time;
    plan.wake_step = options.wake_step.value_or(base::Nanos{0});
    plan.rate_per_s = choice.traffic.rate_per_s;
    plan.find_rate = choice.traffic.find_rate;
    plan.thresholds = choice.thresholds;
    plan.pattern = choice.traffic.pattern;
    plan.peak_rate_per_s = choice.traffic.peak_rate_per_s;
    plan.arrivals = choice.traffic.arrivals;
    plan.duration = options.duration;
    plan.warmup = options.warmup;
    if (!options.duration_only) plan.total_queries = options.total_queries;
    plan.max_rows = options.max_rows;
    plan.stop_file = options.stop_file;
    plan.timeout = options.timeout;
    plan.latency_limit = options.latency_limit;
    plan.sample_tcp = options.measure_network;
    plan.seed = seed;
    plan.abort_if = choice.abort_if;
    plan.abort_window = options.abort_window;
    const base::Nanos usual = moving ? std::chrono::milliseconds{500} : std::chrono::seconds{10};
    plan.progress = options.progress.value_or(usual);
    plan.interval = options.step();
    plan.joined_intervals = static_cast<std::size_t>(options.steps_per_interval());
    return plan;
}

/// Those who look on while a run lasts.
struct Audience {
    Narrator& narrator;
    RunFiles& files;
    Endpoint* endpoint;  ///< null without --listen
};

/// What the simulation tells, and to whom. Refers to them, and to the result, for when it began.
simulation::SimulationEvents events_for(const Audience& to, const RunOptions& options,
                                        const RunResult& result, bool open_loop) {
    auto events = to.narrator.events();
    if (auto* const log = to.files.query_log()) {
        events.queries = base::Callback<const metrics::QueryRecord&>::to<&report::QueryLog::add>(*log);
    }
    if (to.files.streams() || to.endpoint != nullptr) {
        // Two lines that move on one terminal would overwrite each other.
        const bool beside_progress = options.stream == "-" && isatty(STDOUT_FILENO) == 1;
        events.intervals_closed = [=, &result](std::span<const metrics::Interval> intervals) {
            if (beside_progress) to.narrator.end_line();
            if (to.files.streams()) to.files.stream(intervals, result.started_at, open_loop);
            if (to.endpoint != nullptr) to.endpoint->tell(intervals, result.started_at, open_loop);
        };
    }
    if (to.endpoint != nullptr) {
        to.endpoint->describe({result.id, result.name, result.pattern, result.labels});
        events.moment = [endpoint = to.endpoint](const metrics::LiveMoment& moment) {
            endpoint->tell(moment);
        };
        to.narrator.say(fmt::format("serving http://{}/", to.endpoint->address().text()));
    }
    return events;
}

/// What the searches came to stands beside what was asked for.
void note_what_was_found(RunResult& result, const RunChoice& choice) {
    if (choice.fewer_connections_do) result.config["connections"] = result.connections;
    const auto& spread = result.peak_rate_spread_per_s;
    if (!spread) return;
    if (choice.traffic.find_rate) {
        result.config["rate_found_per_s"] = {{"lowest", spread->first}, {"highest", spread->second}};
    } else {
        result.config["peak_rate_measured_per_s"] = {
            {"median", result.peak_rate_per_s}, {"lowest", spread->first}, {"highest", spread->second}};
    }
}

/// A server that is not there any more costs the audit, not the report.
void add_audit(RunResult& result, const simulation::AuditLog& audit, const postgres::Conninfo& conninfo,
               const RunOptions& options) {
    try {
        result.audit = audit.check(with_password(conninfo, options));
    } catch (const base::Error& error) {
        warn(result, metrics::kAuditFailedWarning, "--audit could not ask the tables: {}",
             conninfo.without_secrets(error.what()));
        return;
    }
    for (const auto& table : result.audit) {
        if (table.unexplained() > 0) {
            warn(result, "audit_unexplained",
                 "{} more than this run is known to have inserted {} in {}: as many lost ones would "
                 "not show",
                 base::counted(table.unexplained(), "row", "rows"),
                 table.unexplained() == 1 ? "stands" : "stand", table.table);
        }
        if (table.sound()) continue;
        warn(result, "audit",
             "{} of {}'s rows whose insert was acknowledged are missing, {} in doubt "
             "are there more than once",
             base::with_thousands(table.lost()), table.table, base::with_thousands(table.twice));
    }
}

/// That each query waits for, one after the other; none where queries differ in that, may do so, or where
/// those of a pipeline wait for the same ones.
std::optional<std::size_t> round_trips_of_query(const workload::Scenario& scenario, std::uint32_t pipeline) {
    std::optional<std::size_t> trips;
    for (const auto& operation : scenario.operations) {
        const std::size_t these = operation.choose_one ? 1 : operation.statements.size();
        if (pipeline > 1 || !operation.steps.empty() || (trips && *trips != these)) return std::nullopt;
        trips = these;
    }
    return trips;
}

void add_network(RunResult& result, metrics::Histogram idle, std::optional<std::size_t> trips_of_query) {
    // The kernel's samples of the run, where there were any, are in it already.
    metrics::NetworkResult network = std::move(result.network).value_or(metrics::NetworkResult{});
    network.unix_socket = result.server.address_kind == "unix socket";
    network.method = fmt::format(
        "{} round trips of an empty query on one idle connection before the load{}{}", idle.count(),
        network.unix_socket ? "; over a Unix socket there is no network" : "",
        network.tcp_rtt.empty() ? ""
                                : "; the kernel's end with the acknowledgement, which mostly comes "
                                  "with the answer: the server's time is in them");
    if (trips_of_query.value_or(1) > 1) network.method += fmt::format("; a query takes {}", *trips_of_query);
    if (!trips_of_query) {
        network.method +=
            result.pipeline > 1
                ? "; queries of a pipeline share them, so no service time is split"
                : "; queries take one for each statement, and differ in that, so no service time is split";
    } else if (!idle.empty() && !result.latencies.service.empty()) {
        const double trips_ms = static_cast<double>(*trips_of_query) * base::to_millis(idle.quantile(0.5));
        const double service_ms = base::to_millis(result.latencies.service.quantile(0.5));
        network.database_ms = std::max(0.0, service_ms - trips_ms);
        network.network_ratio = service_ms > 0 ? std::min(1.0, trips_ms / service_ms) : 0;
    }
    network.idle_rtt = std::move(idle);
    result.network = std::move(network);
}

}  // namespace

int run_command(const RunOptions& options, const std::vector<std::string>& argv) {
    const RunChoice choice = choose(options);
    const auto target = run_target(options);
    Prepared prepared;
    prepared.connections = check_open_files(choice);
    check_stop_file(options);
    std::optional<base::SignalMask> unheard;  // outlives what would be left behind: a server, files
    const std::uint64_t entropy = base::entropy();
    // Small enough to be read aloud and to survive programs that keep numbers as doubles.
    const std::uint64_t seed = options.random_seed.value_or(base::entropy() >> 32);
    RunFiles files{options, choice.scenario, seed};
    event_loop::Loop loop;
    std::optional<Endpoint> endpoint;
    if (options.listen) endpoint.emplace(loop, *options.listen);

    Narrator narrator{options, choice.traffic.open_loop()};
    std::unique_ptr<postgres::TemporaryServer> temporary;
    if (!target) unheard.emplace(base::SignalMask::Ending::held_back);
    if (!target) temporary = start_temporary_server(options, prepared.connections, narrator.moving());
    postgres::Conninfo conninfo = target ? *target : temporary->conninfo();

    RunResult result;
    describe(result, options, choice, conninfo, argv, seed, entropy);
    prepare(prepared, options, choice, conninfo, temporary != nullptr, {seed, entropy}, narrator, result);
    auto plan = make_plan(options, choice, conninfo, seed, narrator.moving());
    plan.connections = prepared.connections;
    plan.read_only = result.server.read_only;
    if (prepared.audit) plan.audit = &*prepared.audit;
    plan.pooled = result.server.pooler;
    const auto events = events_for({narrator, files, endpoint ? &*endpoint : nullptr}, options, result,
                                   choice.traffic.open_loop());
    // The loop lets them through; what comes after it costs no report.
    if (!unheard) unheard.emplace(base::SignalMask::Ending::held_back);
    std::optional<simulation::SimulationEnd> ended;  // within the search for the connections
    if (choice.find_connections)
        ended = simulation::find_connections(loop, plan, *prepared.workload, events, result);
    auto end = ended ? *ended : simulation::simulate(loop, plan, *prepared.workload, events, result);
    narrator.finish();
    note_what_was_found(result, choice);
    if (end.aborted) return 128 + end.signal;

    if (prepared.audit) add_audit(result, *prepared.audit, conninfo, options);
    if (prepared.round_trips)
        add_network(result, std::move(*prepared.round_trips),
                    round_trips_of_query(choice.scenario, result.pipeline));
    describe_statements(result, choice.scenario, conninfo);
    add_warnings(result, *prepared.workload, options);
    files.end_streams(result);
    // One that broke the audit off, say, is the run's: outcome and exit code tell it. A later one finds the
    // reports as they are, and ends us when they are written.
    if (const int signal = base::take_held_back_signal(); end.signal == 0) end.signal = signal;
    judge_run(result, options, choice, end);

    files.write_reports(result);
    if (endpoint && options.linger && end.signal == 0 && !end.stop_file) {
        endpoint->finish(report::json_text(report::json_report(result)));
        narrator.say(fmt::format("serving the result at http://{}/ for {}", endpoint->address().text(),
                                 base::format_duration(*options.linger)));
        endpoint->linger(*options.linger);
    }
    return result.exit_code;
}

}  // namespace pgtraffic::cli
