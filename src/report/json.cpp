#include "pgtraffic/report/json.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/metrics/standstill.hpp"
#include "pgtraffic/metrics/statistics.hpp"
#include "pgtraffic/report/assessment.hpp"
#include "pgtraffic/report/hdr.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Histogram;
using metrics::RunResult;

constexpr std::size_t kHeatColumns = 240;  // more are finer than an eye wants

/// JSON knows neither NaN nor infinity.
Json number(double x) {
    return std::isfinite(x) ? Json(x) : Json(nullptr);
}

Json number(const std::optional<double>& x) {
    return x ? number(*x) : Json(nullptr);
}

/// Of a mean over an interval: what lies behind a millionth is noise, and half of the digits of a long file.
Json rounded(double x) {
    return number(std::round(x * 1e6) / 1e6);
}

/// Divided, not multiplied, so that 4,471,296 ns prints as 4.471296.
Json millis(base::Nanos d) {
    return static_cast<double>(d.count()) / 1e6;
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json count_or_null(const std::optional<std::uint64_t>& n) {
    return n ? Json(*n) : Json(nullptr);
}

double per_second(std::uint64_t n, double seconds) noexcept {
    return seconds > 0 ? static_cast<double>(n) / seconds : 0;
}

Json latency_ms(const Histogram& histogram) {
    if (histogram.empty()) return nullptr;
    Json latency{{"count", histogram.count()},
                 {"min", millis(histogram.min())},
                 {"mean", number(histogram.mean_ns() / 1e6)},
                 {"stddev", number(histogram.stddev_ns() / 1e6)}};
    for (const auto& [key, q] : kKeptPercentiles) latency[key] = millis(histogram.quantile(q));
    latency["max"] = millis(histogram.max());
    return latency;
}

Json pair_ms(const std::optional<metrics::Bounds>& bounds) {
    return bounds ? Json{millis(bounds->low), millis(bounds->high)} : Json(nullptr);
}

/// 95 % bounds of the percentiles that have them.
Json response_bounds_ms(const RunResult& run) {
    const auto& latencies = run.latencies;
    const auto batches = metrics::batches_of(run.intervals, &metrics::Interval::response);
    Json bounds = Json::object();
    for (const auto& [key, q] : kKeptPercentiles)
        bounds[key] = pair_ms(metrics::quantile_bounds(latencies.response, q, batches, latencies.unanswered));
    return bounds;
}

Json lag_bounds_ms(const RunResult& run) {
    const auto batches = metrics::batches_of(run.intervals, &metrics::Interval::lag);
    Json bounds = Json::object();
    for (const auto& [key, q] : kKeptPercentiles) {
        bounds[key] = metrics::lag_is_lower_bound(run.total, q)
                          ? Json(nullptr)
                          : pair_ms(metrics::quantile_bounds(run.latencies.lag, q, batches, Histogram{}));
    }
    return bounds;
}

/// The percentiles that are lower bounds, because too many queries had no answer.
Json lower_bounds(const metrics::Latencies& latencies) {
    Json keys = Json::array();
    if (latencies.response.empty()) return keys;
    for (const auto& [key, q] : kKeptPercentiles) {
        if (!latencies.response_at_most(q)) keys.push_back(key);
    }
    return keys;
}

/// The same of the lag and of the wait for a session, because too many queries were never sent.
Json lag_lower_bounds(const metrics::Counts& counts) {
    Json keys = Json::array();
    for (const auto& [key, q] : kKeptPercentiles) {
        if (metrics::lag_is_lower_bound(counts, q)) keys.push_back(key);
    }
    return keys;
}

Json share_or_null(const std::optional<metrics::ShareBounds>& bounds) {
    return bounds ? Json{number(bounds->low), number(bounds->high)} : Json(nullptr);
}

Json run_json(const RunResult& run) {
    Json warnings = Json::array();
    for (const auto& warning : run.warnings) {
        warnings.push_back({{"code", warning.code}, {"message", warning.message}});
    }
    Json json{{"id", run.id},
              {"name", run.name},
              {"started_at", base::rfc3339_utc(run.started_at)},
              {"ended_at", base::rfc3339_utc(run.ended_at)},
              {"outcome", to_string(run.outcome)},
              {"exit_code", run.exit_code},
              {"warmup_queries", run.warmup_queries},
              {"answers_timed_by", run.answers_stamped ? "kernel" : "program"},
              {"warnings", std::move(warnings)}};
    for (const auto& [key, value] : run.labels) json["labels"][key] = value;
    return json;
}

Json verdict_json(const metrics::Verdict& verdict) {
    Json reasons = Json::array();
    for (const auto& reason : verdict.reasons) {
        reasons.push_back({{"code", reason.code},
                           {"severity", to_string(reason.severity)},
                           {"message", reason.message},
                           {"value", number(reason.value)},
                           {"limit", number(reason.limit)}});
    }
    return {{"status", to_string(verdict.status)}, {"reasons", std::move(reasons)}};
}

Json tool_json(const RunResult& run) {
    const auto build = base::build_info();
    return {{"name", "pgtraffic"},
            {"version", build.version},
            {"git_sha", build.git_sha},
            {"build_type", build.build_type},
            {"compiler", build.compiler},
            {"libpq_version", text_or_null(run.libpq_version)},
            {"libuv_version", text_or_null(run.libuv_version)}};
}

Json config_json(const RunResult& run) {
    Json config = run.config.is_object() ? run.config : Json::object();
    config["argv"] = run.argv;
    config["random_seed"] = run.random_seed;
    config["mode"] = run.open_loop ? "open" : "closed";
    config["scenario"] = run.name;
    return config;
}

Json environment_json(const RunResult& run) {
    const auto& client = run.client_info;
    const auto& server = run.server;
    Json settings = Json::object();
    for (const auto& [name, value] : server.settings) settings[name] = value;
    return {{"client",
             {{"hostname", text_or_null(client.hostname)},
              {"os", text_or_null(client.os)},
              {"kernel", text_or_null(client.kernel)},
              {"cpu_model", text_or_null(client.cpu_model)},
              {"cpus", client.cpus > 0 ? Json(client.cpus) : Json(nullptr)},
              {"memory_bytes", client.memory_bytes > 0 ? Json(client.memory_bytes) : Json(nullptr)}}},
            {"server",
             {{"version", text_or_null(server.version)},
              {"version_num", server.version_num > 0 ? Json(server.version_num) : Json(nullptr)},
              {"address_kind", text_or_null(server.address_kind)},
              {"ssl", server.ssl},
              {"max_connections", server.max_connections > 0 ? Json(server.max_connections) : Json(nullptr)},
              {"host", text_or_null(server.host)},
              {"address", text_or_null(server.address)},
              {"port", text_or_null(server.port)},
              {"database", text_or_null(server.database)},
              {"user", text_or_null(server.user)},
              {"role", server.standby ? "standby" : "primary"},
              {"temporary", server.temporary},
              {"pooler", server.pooler},
              {"other_sessions", count_or_null(server.other_sessions)},
              {"free_connections", count_or_null(server.free_connections)},
              {"read_only", server.read_only},
              {"settings", std::move(settings)}}}};
}

/// How sure the throughput is, and by which method all bounds of this summary are made.
void add_throughput_error(const RunResult& run, Json& summary) {
    const auto error = metrics::throughput_error(run.intervals);
    const double rate = run.throughput_per_s();
    summary["throughput_standard_error_per_s"] = error ? number(error->standard) : Json(nullptr);
    summary["throughput_bounds_per_s"] =
        error ? Json{number(std::max(0.0, rate - error->half_width)), number(rate + error->half_width)}
              : Json(nullptr);
    summary["bounds_method"] = error ? Json(kBoundsMethod) : Json(nullptr);
}

/// What became of the queries of a run, an operation or a phase.
void add_counts(Json& row, const metrics::Counts& counts) {
    for (const auto& [key, count] : kKeptCounts) row[key] = counts.*count;
}

Json summary_json(const RunResult& run) {
    const auto& total = run.total;
    const auto& latencies = run.latencies;
    Json queries = Json::object();
    add_counts(queries, total);
    queries["in_doubt"] = total.in_doubt;
    queries["retries"] = total.retries;
    Json summary{
        {"duration_s", number(run.duration_s)},
        {"queries", std::move(queries)},
        {"success_ratio", total.ended() + total.missed == 0 ? Json(nullptr) : number(total.success_ratio())},
        {"success_bounds_ratio", share_or_null(metrics::success_bounds(total, run.intervals))},
        {"failed_bounds_ratio", share_or_null(metrics::failure_bounds(total, run.intervals))},
        {"throughput_per_s", number(run.throughput_per_s())}};
    add_throughput_error(run, summary);
    if (run.open_loop) {
        summary["target_attainment_ratio"] = number(target_attainment_ratio(run));
        summary["backlog"] = {{"half_way", run.waiting_at_middle},
                              {"half_way_s", number(run.middle_s)},
                              {"at_end", total.waiting},
                              {"growth_per_s", number(backlog_growth_per_s(run))},
                              {"growing", overloaded(run)}};
    }
    summary["response_ms"] = latency_ms(latencies.response);
    summary["response_bounds_ms"] = response_bounds_ms(run);
    summary["response_lower_bounds"] = lower_bounds(latencies);
    summary["service_ms"] = latency_ms(latencies.service);
    if (run.open_loop) {
        summary["lag_ms"] = latency_ms(latencies.lag);
        summary["lag_bounds_ms"] = lag_bounds_ms(run);
        summary["lag_lower_bounds"] = lag_lower_bounds(total);
        summary["pool_wait_ms"] = latency_ms(latencies.pool_wait);
    }
    summary["connection_efficiency_ratio"] = number(metrics::connection_efficiency(latencies, total));
    summary["failed_ms"] = latency_ms(latencies.failed);
    summary["connections_at_end"] = run.connections_at_end;
    summary["sessions_away_ratio"] = number(run.sessions_away_ratio);
    summary["stood_still_s"] = number(base::to_seconds(metrics::stood_still_for(run)));
    return summary;
}

Json network_json(const RunResult& run) {
    const auto& network = *run.network;
    return {{"rtt_ms", latency_ms(network.idle_rtt)},
            {"tcp_rtt_ms", latency_ms(network.tcp_rtt)},
            {"database_ms", number(network.database_ms)},
            {"network_ratio", number(network.network_ratio)},
            {"method", network.method}};
}

Json client_json(const RunResult& run) {
    const auto& client = run.client;
    return {{"cpu_user_s", number(client.cpu_user_s)},
            {"cpu_system_s", number(client.cpu_system_s)},
            {"cpu_us_per_query", number(client.cpu_us_per_query)},
            {"loop_busy_ratio", number(client.loop_busy_ratio)},
            {"longest_loop_turn_ms", number(client.longest_loop_turn_ms)},
            {"run_queue_wait_ratio", number(client.run_queue_wait_ratio)},
            {"max_rss_bytes", client.max_rss_bytes},
            {"context_switches", client.context_switches_voluntary + client.context_switches_involuntary},
            {"context_switches_involuntary", client.context_switches_involuntary}};
}

Json statements_json(const metrics::OperationResult& operation) {
    Json statements = Json::array();
    for (const auto& statement : operation.statements) {
        statements.push_back({{"name", statement.name},
                              {"ok", statement.ok},
                              {"empty", statement.empty},
                              {"failed", statement.failed}});
        if (statement.service) statements.back()["service_ms"] = latency_ms(*statement.service);
        if (!statement.sql.empty()) statements.back()["sql"] = statement.sql;
    }
    return statements;
}

Json operations_json(const RunResult& run) {
    Json operations = Json::array();
    for (const auto& operation : run.operations) {
        const auto& counts = operation.counts;
        Json row{{"name", operation.name}};
        add_counts(row, counts);
        row["in_doubt"] = counts.in_doubt;
        row["retries"] = counts.retries;
        row["rows"] = counts.rows;
        row["throughput_per_s"] = number(operation.throughput_per_s(run.duration_s));
        row["response_ms"] = latency_ms(operation.latencies.response);
        row["response_lower_bounds"] = lower_bounds(operation.latencies);
        row["service_ms"] = latency_ms(operation.latencies.service);
        row["statements"] = statements_json(operation);
        operations.push_back(std::move(row));
    }
    return operations;
}

Json phases_json(const RunResult& run) {
    Json phases = Json::array();
    for (const auto& phase : run.phases) {
        const auto& counts = phase.counts;
        const bool reached = phase.duration_s > 0;  // else it has no rates
        Json row{{"name", phase.name},
                 {"start_s", number(phase.start_s)},
                 {"duration_s", number(phase.duration_s)}};
        add_counts(row, counts);
        row["retries"] = counts.retries;
        row["target_per_s_mean"] =
            reached && phase.planned_mean ? number(*phase.planned_mean / phase.duration_s) : Json(nullptr);
        row["throughput_per_s"] =
            reached ? number(per_second(counts.succeeded(), phase.duration_s)) : Json(nullptr);
        row["response_ms"] = latency_ms(phase.latencies.response);
        row["response_lower_bounds"] = lower_bounds(phase.latencies);
        phases.push_back(std::move(row));
    }
    return phases;
}

Json errors_json(const RunResult& run) {
    Json errors = Json::array();
    for (const auto& error : run.errors) {
        errors.push_back({{"sqlstate", error.sqlstate.text()},
                          {"class", error.sqlstate.error_class()},
                          {"count", error.count},
                          {"retried", error.retried},
                          {"first_at_s", number(error.first_at_s)},
                          {"sample", error.sample}});
    }
    return errors;
}

Json outages_json(const RunResult& run) {
    Json outages = Json::array();
    for (const auto& outage : run.outages) {
        Json errors = Json::array();
        for (const auto& error : outage.errors) {
            errors.push_back({{"sqlstate", error.sqlstate.text()},
                              {"queries", error.queries},
                              {"connects", error.connects},
                              {"sessions", error.sessions},
                              {"sample", error.sample}});
        }
        outages.push_back({{"from_s", number(outage.from_s)},
                           {"to_s", outage.over ? number(outage.to_s) : Json(nullptr)},
                           {"duration_s", number(outage.duration_s)},
                           {"scope", to_string(outage.scope)},
                           {"episodes", outage.episodes},
                           {"arrivals_hit", outage.arrivals_hit},
                           {"sessions_lost", outage.sessions_lost},
                           {"failed_connects", outage.failed_connects},
                           {"silence_s", number(outage.silence_s)},
                           {"silences_s", number(outage.silences_s)},
                           {"without_service_s", number(outage.without_service_s)},
                           {"first_success_s", number(outage.first_success_s)},
                           {"errors", std::move(errors)}});
    }
    return outages;
}

Json audit_json(const RunResult& run) {
    Json tables = Json::array();
    for (const auto& table : run.audit) {
        tables.push_back({{"table", table.table},
                          {"column", table.column},
                          {"rows_before", table.rows_before},
                          {"rows_after", table.rows_after},
                          {"acknowledged", table.acknowledged},
                          {"in_doubt", table.in_doubt},
                          {"stored", table.stored},
                          {"not_stored", table.not_stored},
                          {"unchecked", table.unchecked},
                          {"twice", table.twice},
                          {"lost", table.lost()},
                          {"unexplained", table.unexplained()}});
    }
    return tables;
}

Json response_figures_json(const std::optional<metrics::ResponseFigures>& figures) {
    if (!figures) return nullptr;
    return {{"count", figures->count},     {"mean", millis(figures->mean)}, {"p50", millis(figures->p50)},
            {"p95", millis(figures->p95)}, {"p99", millis(figures->p99)},   {"max", millis(figures->max)}};
}

Json rate_search_json(const metrics::RateSearch& search) {
    Json steps = Json::array();
    for (const auto& step : search.steps) {
        steps.push_back({{"search", step.search},
                         {"rate_per_s", step.rate_per_s > 0 ? number(step.rate_per_s) : Json(nullptr)},
                         {"duration_s", number(step.duration_s)},
                         {"verdict", to_string(step.verdict)},
                         {"throughput_per_s", number(step.throughput_per_s)},
                         {"response_ms", response_figures_json(step.response)}});
    }
    return {{"wanted", search.wanted}, {"found_per_s", search.found_per_s}, {"steps", std::move(steps)}};
}

Json reach_json(const std::optional<metrics::ConnectionsReach>& reach) {
    if (!reach) return nullptr;
    return {{"connections", reach->connections},
            {"throughput_per_s", number(reach->throughput_per_s)},
            {"lowest_per_s", number(reach->lowest_per_s)},
            {"highest_per_s", number(reach->highest_per_s)}};
}

Json connection_search_json(const metrics::ConnectionSearch& search) {
    Json steps = Json::array();
    for (const auto& step : search.steps) {
        steps.push_back({{"connections", step.connections},
                         {"duration_s", number(step.duration_s)},
                         {"throughput_per_s", number(step.throughput_per_s)},
                         {"failed", step.failed},
                         {"disturbed", step.disturbed},
                         {"response_ms", response_figures_json(step.response)}});
    }
    return {{"found", reach_json(search.found)},
            {"best", reach_json(search.best)},
            {"grew_to_the_end", search.grew_to_the_end},
            {"steps", std::move(steps)}};
}

Json thresholds_json(const RunResult& run) {
    Json thresholds = Json::array();
    for (const auto& threshold : run.thresholds) {
        thresholds.push_back({{"expression", threshold.expression},
                              {"actual", number(threshold.actual)},
                              {"ok", threshold.ok},
                              {"weak", threshold.weak},
                              {"at_least", threshold.at_least}});
    }
    return thresholds;
}

Json histogram_json(const Histogram& histogram) {
    Json counts = Json::array();
    const auto buckets = histogram.buckets();
    for (std::uint32_t i = 0; i < buckets.size(); ++i) {
        if (buckets[i] > 0) counts.push_back({Histogram::Buckets::lowest_of(i), buckets[i]});
    }
    return {{"unit", "ns"},
            {"scheme", "log-linear, 2048 sub-buckets, 1 ns to 1 h"},
            {"overflow", histogram.overflow()},
            {"counts", std::move(counts)},
            {"hdr", hdr_base64(histogram)}};
}

/// The responses by time and size, for a heat map: neighbours merged to at most kHeatColumns columns, and
/// buckets of four to an octave, in which those of the intervals nest exactly. Only sizes that occur.
Json response_over_time_json(const std::vector<metrics::Interval>& intervals) {
    using Fine = metrics::CoarseHistogram::Buckets;
    using Rough = metrics::LogLinear<3>;
    const std::size_t joined = std::max<std::size_t>(1, (intervals.size() + kHeatColumns - 1) / kHeatColumns);
    std::vector<std::vector<std::uint64_t>> rows;
    std::uint32_t low = Rough::kBucketCount;
    std::uint32_t high = 0;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        if (i % joined == 0) rows.emplace_back(Rough::kBucketCount, 0);
        for (const auto& [bucket, count] : intervals[i].response.buckets()) {
            const auto rough = Rough::index_of(Fine::lowest_of(bucket));
            rows.back()[rough] += count;
            low = std::min(low, rough);
            high = std::max(high, rough);
        }
    }
    Json limits = Json::array();
    Json columns = Json::array();
    for (std::uint32_t bucket = low; bucket <= high; ++bucket) limits.push_back(Rough::lowest_of(bucket));
    if (low <= high) limits.push_back(Rough::highest_of(high) + 1);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto first = row * joined;
        const auto end = std::min(first + joined, intervals.size());
        double length = 0;
        for (auto i = first; i < end; ++i) length += intervals[i].duration_s;
        Json counts = Json::array();
        for (std::uint32_t bucket = low; bucket <= high; ++bucket) counts.push_back(rows[row][bucket]);
        columns.push_back({{"elapsed_s", number(intervals[first].start_s)},
                           {"duration_s", number(std::round(length * 1e9) / 1e9)},
                           {"counts", std::move(counts)}});
    }
    return {{"unit", "ns"}, {"limits", std::move(limits)}, {"columns", std::move(columns)}};
}

/// The least of the figures that are lower bounds.
Json at_least_from(const metrics::Interval& interval) {
    for (const auto& [key, q] : kIntervalFigures) {
        if (interval.is_lower_bound(q)) return key;
    }
    return nullptr;
}

}  // namespace

Json interval_json(const metrics::Interval& interval, base::Wall started_at, bool open_loop) {
    const auto response = [&](double q) {
        return interval.response.count() == 0 ? Json(nullptr) : millis(interval.response_quantile(q));
    };
    Json row{{"t", base::rfc3339_utc(started_at + base::from_seconds(interval.start_s))},
             {"elapsed_s", number(interval.start_s)},
             {"duration_s", number(interval.duration_s)},
             {"phase", interval.phase}};
    row["target_per_s"] = open_loop ? rounded(interval.target_per_s) : Json(nullptr);
    row["throughput_per_s"] = number(interval.throughput_per_s());
    row["failed"] = interval.failed;
    row["timed_out"] = interval.timed_out;
    row["waiting"] = interval.waiting;
    row["in_flight"] = interval.in_flight;
    row["p50_ms"] = response(0.5);
    row["p95_ms"] = response(0.95);
    row["p99_ms"] = response(0.99);
    row["max_ms"] = interval.response.count() == 0 ? Json(nullptr) : millis(interval.max);
    row["lag_p99_ms"] =
        open_loop && interval.lag.count() > 0 ? millis(interval.lag_quantile(0.99)) : Json(nullptr);
    row["loop_busy_ratio"] = rounded(interval.loop_busy_ratio);
    row["reconnects"] = interval.reconnects;
    row["missed"] = interval.missed;
    row["unanswered"] = interval.unanswered;
    row["at_least_from"] = at_least_from(interval);
    return row;
}

Json json_report(const RunResult& run) {
    Json intervals = Json::array();
    for (const auto& interval : run.intervals)
        intervals.push_back(interval_json(interval, run.started_at, run.open_loop));
    Json histograms{{"response", histogram_json(run.latencies.response)},
                    {"service", histogram_json(run.latencies.service)}};
    if (run.open_loop) histograms["lag"] = histogram_json(run.latencies.lag);
    histograms["response_over_time"] = response_over_time_json(run.intervals);

    Json document{{"schema_version", kSchemaVersion},     {"run", run_json(run)},
                  {"verdict", verdict_json(run.verdict)}, {"tool", tool_json(run)},
                  {"config", config_json(run)},           {"environment", environment_json(run)},
                  {"summary", summary_json(run)}};
    if (run.network) document["network"] = network_json(run);
    if (run.rate_search) document["rate_search"] = rate_search_json(*run.rate_search);
    if (run.connection_search) document["connection_search"] = connection_search_json(*run.connection_search);
    document["client"] = client_json(run);
    document["operations"] = operations_json(run);
    document["phases"] = phases_json(run);
    document["errors"] = errors_json(run);
    document["outages"] = outages_json(run);
    if (!run.audit.empty()) document["audit"] = audit_json(run);
    document["thresholds"] = thresholds_json(run);
    document["intervals"] = std::move(intervals);
    document["histograms"] = std::move(histograms);
    return document;
}

}  // namespace pgtraffic::report
