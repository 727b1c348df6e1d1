// `pgtraffic run`: from options to a report. Everything that can be wrong is found before the first session
// connects, in the order in which it is cheap to find: options, files, limits, server, statements.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/endpoint.hpp"
#include "pgtraffic/cli/narrator.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/safety.hpp"
#include "pgtraffic/cli/target.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/metrics/verdict.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "pgtraffic/report/csv.hpp"
#include "pgtraffic/report/hdr.hpp"
#include "pgtraffic/report/html.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/output_file.hpp"
#include "pgtraffic/report/pgbench.hpp"
#include "pgtraffic/report/stream_file.hpp"
#include "pgtraffic/report/text.hpp"
#include "pgtraffic/simulation/client_cost.hpp"
#include "pgtraffic/simulation/preflight.hpp"
#include "pgtraffic/simulation/simulation.hpp"
#include "pgtraffic/workload/intent.hpp"

namespace pgtraffic::cli {
namespace {

using metrics::RunOutcome;
using metrics::RunResult;

/// Descriptors beside one for each session: standard streams, loop, files, and what libraries keep open.
constexpr std::uint32_t kOtherDescriptors = 50;
/// Options whose value is a time, which the result gives in seconds.
constexpr std::array<std::string_view, 8> kDurations{"duration", "warmup",       "timeout",  "latency-limit",
                                                     "progress", "abort-window", "interval", "linger"};
/// Exit code of a run that was measured and did not meet a condition.
constexpr int kThresholdMissed = 99;
/// Sessions of a temporary server beside the load's.
constexpr std::uint32_t kOtherSessions = 20;

void check_open_files(std::uint32_t connections) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || connections + kOtherDescriptors <= limit.rlim_cur) return;
    throw base::Error(fmt::format(
        "--connections: {} need more open files than the limit of {} allows; ask for at most {}, or "
        "raise it (ulimit -n)",
        connections, limit.rlim_cur,
        limit.rlim_cur > kOtherDescriptors ? limit.rlim_cur - kOtherDescriptors : 0));
}

void check_stop_file(const RunOptions& options) {
    struct stat status {};
    if (!options.stop_file || ::lstat(options.stop_file->c_str(), &status) != 0) return;
    throw base::Error(fmt::format("--stop-file: {} exists already, so the run would end at once; remove it",
                                  in_quotes(*options.stop_file)));
}

/// A temporary server with the model in it.
std::unique_ptr<postgres::TemporaryServer> start_temporary_server(const RunOptions& options,
                                                                  std::uint32_t connections) {
    postgres::TemporaryServerOptions wanted;
    wanted.max_connections = connections + kOtherSessions;
    wanted.fsync = !options.unsafe_fast;
    auto server = std::make_unique<postgres::TemporaryServer>(wanted);
    write_stderr(fmt::format("started a temporary PostgreSQL {}{}: its figures are for trying things out\n",
                             server->version(), options.unsafe_fast ? " with fsync off" : ""));
    postgres::Client client{server->conninfo()};
    brickhouse::InitOptions init;
    init.scale = options.scale;
    if (options.random_seed) init.seed = *options.random_seed;
    (void)brickhouse::init(client, init, {});
    return server;
}

bool is_repeatable(std::string_view option) {
    const auto table = option_table();
    return std::any_of(table.begin(), table.end(),
                       [&](const OptionRow& row) { return row.name == option && row.repeatable; });
}

nlohmann::ordered_json config_json(const RunOptions& options, const RunChoice& choice,
                                   const postgres::Conninfo& conninfo) {
    nlohmann::ordered_json config = nlohmann::ordered_json::object();
    for (const auto& [name, text] : options.resolved) {
        std::string key = name;
        std::replace(key.begin(), key.end(), '-', '_');
        if (is_repeatable(name)) {
            config[key].push_back(text);
            continue;
        }
        const bool is_time = std::find(kDurations.begin(), kDurations.end(), name) != kDurations.end();
        if (const auto duration = is_time ? base::parse_duration(text) : std::nullopt) {
            config[key + "_s"] = base::to_seconds(*duration);
        } else if (text == "true" || text == "false") {
            config[key] = text == "true";
        } else if (const auto number = base::parse_count(text)) {
            config[key] = *number;
        } else {
            config[key] = text;
        }
    }
    config["connections"] = choice.connections;
    config["arrivals"] =
        choice.traffic.open_loop()
            ? nlohmann::ordered_json(choice.traffic.arrivals == traffic::Arrivals::poisson ? "poisson"
                                                                                           : "uniform")
            : nlohmann::ordered_json(nullptr);
    config["target"] = conninfo.masked();
    return config;
}

simulation::SimulationPlan make_plan(const RunOptions& options, const RunChoice& choice,
                                     const postgres::Conninfo& conninfo, std::uint64_t seed, bool moving) {
    simulation::SimulationPlan plan;
    plan.conninfo = conninfo;
    plan.password_command = options.password_command;
    plan.connections = choice.connections;
    plan.protocol = options.prepared ? simulation::Protocol::prepared : simulation::Protocol::extended;
    plan.pipeline = options.pipeline;
    plan.session_order =
        options.last_freed_first ? simulation::SessionOrder::lifo : simulation::SessionOrder::fifo;
    if (options.economy_pacing.value_or(false)) plan.pacing = simulation::Pacing::economy;
    plan.rate_per_s = choice.traffic.rate_per_s;
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
    // Progress has a rhythm of its own, and a machine that stands still is noticed within seconds, however
    // long the intervals: what is watched is a fraction of one.
    const base::Nanos longest = std::min<base::Nanos>(std::chrono::seconds{1}, plan.progress);
    auto parts = (options.interval + longest - base::Nanos{1}) / longest;
    while (options.interval.count() % parts != 0) ++parts;  // not far: it is whole milliseconds
    plan.interval = options.interval / parts;
    plan.joined_intervals = static_cast<std::size_t>(parts);
    return plan;
}

bool lost_prepared_statements(const RunResult& result) {
    return std::any_of(result.errors.begin(), result.errors.end(), [](const auto& error) {
        return error.sqlstate.text() == "26000" || error.sqlstate.text() == "42P05";
    });
}

void add_warnings(RunResult& result, const RunOptions& options) {
    for (const auto& operation : result.operations) {
        const auto& counts = operation.counts;
        if (counts.empty * 2 > counts.succeeded() && counts.empty > 0) {
            result.warnings.push_back(
                {"mostly_empty",
                 fmt::format(
                     "{:.0f} % of the {} queries found no row: they tested little. Where updates use up "
                     "what they look for, add inserts to the mix or run `pgtraffic init --reset`",
                     100.0 * static_cast<double>(counts.empty) / static_cast<double>(counts.succeeded()),
                     operation.name)});
        }
    }
    if (result.server.temporary) {
        result.warnings.push_back(
            {"temporary_server",
             "measured against a temporary server on this machine: for trying things out"});
    }
    if (options.unsafe_fast)
        result.warnings.push_back(
            {"unsafe_fast", "the temporary server ran with fsync off: its figures are not a database's"});
    if (result.server.pooler && options.timeout) {
        result.warnings.push_back({"pooler_timeout",
                                   "behind a pooler --timeout is kept by the client alone: a query that took "
                                   "too long may still run "
                                   "on the server (docs/poolers.md)"});
    }
    if (result.server.pooler && options.prepared && lost_prepared_statements(result)) {
        result.warnings.push_back({"pooler_prepared", simulation::kPoolerPreparedCure});
    }
    if (options.economy_pacing.value_or(false) &&
        (result.server.ssl || result.server.address_kind == "unix socket")) {
        result.warnings.push_back(
            {"economy_pacing",
             fmt::format(
                 "--pacing economy reads answers on whole milliseconds, and over {} nothing tells when "
                 "they came: service and response are up to 1 ms too long",
                 result.server.ssl ? "TLS" : "a Unix socket")});
    }
    if (result.reconnects > 0) {
        result.warnings.push_back(
            {"reconnects",
             fmt::format("{} connections were lost and made again during the run", result.reconnects)});
    }
}

/// A server that is not there any more costs the audit, not the report.
void add_audit(RunResult& result, const simulation::AuditLog& audit, const postgres::Conninfo& conninfo,
               const RunOptions& options) {
    try {
        postgres::Client client{with_password(conninfo, options)};
        result.audit = audit.check(client);
    } catch (const base::Error& error) {
        result.warnings.push_back({"audit_failed", fmt::format("--audit could not ask the tables: {}",
                                                               conninfo.without_secrets(error.what()))});
        return;
    }
    for (const auto& table : result.audit) {
        if (table.sound()) continue;
        result.warnings.push_back(
            {"audit", fmt::format("{} of {}'s rows whose insert was acknowledged are missing, {} in doubt "
                                  "are there more than once",
                                  base::with_thousands(table.lost()), table.table,
                                  base::with_thousands(table.twice))});
    }
}

/// The verdict, the thresholds, and how the run ended. A signal stands above everything, and figures that the
/// run has not (it failed) or that mean nothing (--strict) above the thresholds.
void judge_run(RunResult& result, const RunOptions& options, const RunChoice& choice,
               const simulation::SimulationEnd& end) {
    result.verdict = metrics::judge(result);
    for (const auto& threshold : choice.thresholds) {
        result.thresholds.push_back(metrics::evaluate(threshold, result));
    }
    const bool missed = std::any_of(result.thresholds.begin(), result.thresholds.end(),
                                    [](const auto& threshold) { return !threshold.ok; });
    const bool unsound = std::any_of(result.audit.begin(), result.audit.end(),
                                     [](const auto& table) { return !table.sound(); });
    const bool nothing_succeeded = result.total.succeeded() == 0;
    const bool lost_for_good = result.connections_at_end == 0 && end.signal == 0 && !end.stop_file;
    const bool refused = options.strict && result.verdict.status == metrics::VerdictStatus::invalid;
    if (refused) {
        result.warnings.push_back({"strict", "the verdict is invalid, which --strict takes for a failure"});
    }
    if (end.condition) {
        result.warnings.push_back(
            {"aborted",
             fmt::format("stopped by --abort-if after {:.1f} s of {:.1f} s: {} was true over {} "
                         "({})",
                         result.duration_s, result.planned_duration_s, end.condition->expression,
                         base::format_duration(options.abort_window), end.condition->actual_text)});
    }
    if (end.rows_used_up) {
        result.warnings.push_back(
            {"max_rows",
             fmt::format("ended by --max-rows after {:.1f} s of {:.1f} s: another insert could have exceeded "
                         "{} rows, counted from the warm-up on",
                         result.duration_s, result.planned_duration_s,
                         base::with_thousands(*options.max_rows))});
    }
    if (end.stop_file && end.signal == 0) {
        result.warnings.push_back(
            {"stop_file", fmt::format("stopped by --stop-file after {:.1f} s of {:.1f} s", result.duration_s,
                                      result.planned_duration_s)});
        result.outcome = RunOutcome::interrupted;
        result.exit_code = 128 + SIGINT;
    } else if (end.signal != 0) {
        result.outcome = RunOutcome::interrupted;
        result.exit_code = 128 + end.signal;
    } else if (nothing_succeeded || lost_for_good || refused) {
        result.outcome = RunOutcome::failed;
        result.exit_code = 2;
    } else if (missed || end.condition || unsound) {
        result.outcome = RunOutcome::threshold_failed;
        result.exit_code = kThresholdMissed;
    }
}

/// What was asked, beside how it was answered.
void add_statements(RunResult& result, const workload::Scenario& scenario) {
    for (std::size_t o = 0; o < result.operations.size() && o < scenario.operations.size(); ++o) {
        auto& counted = result.operations[o].statements;
        const auto& written = scenario.operations[o].statements;
        for (std::size_t s = 0; s < counted.size() && s < written.size(); ++s)
            counted[s].sql = written[s].sql;
    }
}

void add_network(RunResult& result, metrics::Histogram idle) {
    // The kernel's samples of the run, where there were any, are in it already.
    metrics::NetworkResult network = std::move(result.network).value_or(metrics::NetworkResult{});
    network.unix_socket = result.server.address_kind == "unix socket";
    network.method =
        fmt::format("{} round trips of an empty query on one idle connection before the load{}", idle.count(),
                    network.unix_socket ? "; over a Unix socket there is no network" : "");
    const double trip_ms = base::to_millis(idle.quantile(0.5));
    const double service_ms = base::to_millis(result.latencies.service.quantile(0.5));
    network.database_ms = std::max(0.0, service_ms - trip_ms);
    network.network_ratio = service_ms > 0 ? std::min(1.0, trip_ms / service_ms) : 0;
    network.idle_rtt = std::move(idle);
    result.network = std::move(network);
}

void describe(RunResult& result, const RunOptions& options, const RunChoice& choice,
              const postgres::Conninfo& conninfo, const std::vector<std::string>& argv, std::uint64_t seed,
              std::uint64_t entropy) {
    result.id = fmt::format("{:016x}", entropy);
    result.name = choice.scenario.name;
    for (const auto& operation : choice.scenario.operations) {
        result.max_tries = std::max(result.max_tries, operation.retry.max_retries + 1);
    }
    result.config = config_json(options, choice, conninfo);
    result.argv = masked_argv(argv);
    result.random_seed = seed;
    if (choice.traffic.pattern) {
        result.pattern = choice.traffic.pattern->name;
        result.peak_rate_origin = choice.traffic.peak_rate_per_s ? "given" : "measured";
    }
    result.client_info = simulation::client_info();
    result.libpq_version = postgres::libpq_version();
    result.libuv_version = event_loop::libuv_version();
}

/// Opened before the load, so that one that cannot be written costs nothing.
struct OutputFiles {
    std::optional<report::OutputFile> json;
    std::optional<report::StreamFile> stream;
    std::optional<report::OutputFile> csv;
    std::optional<report::OutputFile> hdr_log;
    std::optional<report::OutputFile> html;

    explicit OutputFiles(const RunOptions& options) {
        if (options.json) json.emplace("--json", *options.json);
        if (options.stream) stream.emplace("--stream", *options.stream);
        if (options.csv) csv.emplace("--csv", *options.csv);
        if (options.hdr_log) hdr_log.emplace("--hdr-log", *options.hdr_log);
        if (options.html) html.emplace("--html", *options.html);
    }
};

void write_intervals(report::StreamFile& stream, std::span<const metrics::Interval> intervals,
                     base::Wall started_at, bool open_loop) {
    for (const auto& interval : intervals) {
        stream.write(report::json_line(report::interval_json(interval, started_at, open_loop)));
    }
}

void add_stream_warning(RunResult& result, const std::string& trouble) {
    if (trouble.empty()) return;
    result.warnings.push_back(
        {"stream_ended", fmt::format("{}; its last intervals are missing there", trouble)});
}

void write_reports(const RunResult& result, const RunOptions& options, OutputFiles& files) {
    const bool wants_json = files.json || options.format == Format::json;
    const auto document = wants_json || files.html ? report::json_report(result) : nlohmann::ordered_json{};
    const auto json = wants_json ? report::json_text(document) : std::string{};
    const auto write_whole = [](std::optional<report::OutputFile>& file, const std::string& text) {
        file->write(text);
        file->commit();
    };
    if (files.json) write_whole(files.json, json);
    if (files.csv) write_whole(files.csv, report::csv_intervals(result));
    if (files.hdr_log) write_whole(files.hdr_log, report::hdr_log(result));
    if (files.html) write_whole(files.html, report::html_report(document));
    if (options.format == Format::json) return write_stdout(json);
    const bool terminal = options.report_to_stderr ? stderr_is_terminal() : isatty(STDOUT_FILENO) == 1;
    const bool as_pgbench = options.format == Format::pgbench;
    const auto text = as_pgbench ? report::pgbench_report(result)
                                 : report::text_report(result, {use_color(options.color, terminal), 80});
    if (options.report_to_stderr) {
        write_stderr(text);
    } else {
        write_stdout(text);
    }
    if (as_pgbench) write_stderr(report::pgbench_warnings(result));
}

}  // namespace

int run_command(const RunOptions& options, const std::vector<std::string>& argv) {
    const RunChoice choice = choose(options);
    const auto target = run_target(options);
    check_open_files(choice.connections);
    check_stop_file(options);
    OutputFiles files{options};
    event_loop::Loop loop;
    std::optional<Endpoint> endpoint;
    if (options.listen) endpoint.emplace(loop, *options.listen);

    const std::uint64_t entropy = base::entropy();
    // Small enough to be read aloud and to survive programs that keep numbers as doubles.
    const std::uint64_t seed = options.random_seed.value_or(base::entropy() >> 32);
    Narrator narrator{options, choice.traffic.open_loop()};
    std::optional<base::SignalMask> unheard;  // outlives the server, which it keeps from being left behind
    std::unique_ptr<postgres::TemporaryServer> temporary;
    if (!target) unheard.emplace(base::SignalMask::Ending::held_back);
    if (!target) temporary = start_temporary_server(options, choice.connections);
    postgres::Conninfo conninfo = target ? *target : temporary->conninfo();

    RunResult result;
    describe(result, options, choice, conninfo, argv, seed, entropy);
    std::optional<workload::Workload> workload;
    std::optional<metrics::Histogram> round_trips;
    std::optional<simulation::AuditLog> audit;
    {
        // Gives its place free before the sessions come.
        postgres::Client client{with_password(conninfo, options), std::chrono::seconds{10},
                                simulation::kPreflightPatience};
        conninfo.also_hide(client.password());
        result.server = simulation::inspect_server(client);
        result.server.temporary = temporary != nullptr;
        // A SET on a pooler's connection would reach whoever gets it next.
        result.server.read_only = workload::only_reads(choice.scenario) && !result.server.pooler;
        simulation::check_room(result.server, choice.connections);
        workload.emplace(
            simulation::bind_workload(client, choice.scenario, options.key_distribution, seed, entropy));
        confirm_run(client, conninfo, result.server, choice.scenario, options.confirm,
                    !options.disable_logging);
        narrator.say(fmt::format("target: {}", describe_target(result.server)));
        narrator.say(fmt::format("{}{}, run {}, random seed {}", report::printable(choice.scenario.name),
                                 result.server.read_only ? " (read only)" : "", result.id, seed));
        if (options.audit) audit.emplace(*workload, client);
        if (options.measure_network) round_trips = simulation::measure_round_trips(client);
    }
    auto plan = make_plan(options, choice, conninfo, seed, narrator.moving());
    plan.read_only = result.server.read_only;
    if (audit) plan.audit = &*audit;
    plan.pooled = result.server.pooler;
    auto events = narrator.events();
    if (files.stream || endpoint) {
        // Two lines that move on one terminal would overwrite each other.
        const bool beside_progress = options.stream == "-" && isatty(STDOUT_FILENO) == 1;
        events.intervals_closed = [&, beside_progress](std::span<const metrics::Interval> intervals) {
            const bool open_loop = choice.traffic.open_loop();
            if (beside_progress) narrator.end_line();
            if (files.stream) write_intervals(*files.stream, intervals, result.started_at, open_loop);
            if (endpoint) endpoint->tell(intervals, result.started_at, open_loop);
        };
    }
    if (endpoint) {
        endpoint->describe({result.id, result.name, result.pattern});
        events.moment = [&](const metrics::LiveMoment& moment) { endpoint->tell(moment); };
        narrator.say(fmt::format("serving http://{}/", endpoint->address().text()));
    }
    const auto end = simulation::simulate(loop, plan, *workload, events, result);
    narrator.end_line();
    if (const auto& spread = result.peak_rate_spread_per_s) {
        result.config["peak_rate_measured_per_s"] = {
            {"median", result.peak_rate_per_s}, {"lowest", spread->first}, {"highest", spread->second}};
    }
    if (end.aborted) return 128 + end.signal;

    for (auto& error : result.errors) error.sample = conninfo.without_secrets(error.sample);
    if (audit) add_audit(result, *audit, conninfo, options);
    if (round_trips) add_network(result, std::move(*round_trips));
    add_statements(result, choice.scenario);
    add_warnings(result, options);
    if (files.stream) add_stream_warning(result, files.stream->finish());
    judge_run(result, options, choice, end);

    write_reports(result, options, files);
    if (endpoint && options.linger && end.signal == 0) {
        endpoint->finish(report::json_text(report::json_report(result)));
        narrator.say(fmt::format("serving the result at http://{}/ for {}", endpoint->address().text(),
                                 base::format_duration(*options.linger)));
        endpoint->linger(*options.linger);
    }
    return result.exit_code;
}

}  // namespace pgtraffic::cli
