#include "pgtraffic/report/result_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

using base::JsonNode;

constexpr double kMost = 1e15;  // no figure of a run is greater, and sums of such still fit
constexpr int kDeepest = 20;

void check_number(const JsonNode& node) {
    (void)node.number_between(-kMost, kMost);
}

void check_amount(const JsonNode& node) {
    (void)node.number_between(0, kMost);
}

void check_count(const JsonNode& node) {
    if (const auto n = node.integer(); n < 0 || static_cast<double>(n) > kMost) {
        node.fail(fmt::format("must be a count, not {}", n));
    }
}

template <class Check>
void unless_null(const JsonNode& node, Check check) {
    if (!node.value().is_null()) check(node);
}

template <class Check>
void each(const JsonNode& array, Check check) {
    const auto size = array.array_size();
    for (std::size_t i = 0; i < size; ++i) check(array.at(i));
}

void check_texts(const JsonNode& node, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) (void)node.at(key).text();
}
void check_counts(const JsonNode& node, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) check_count(node.at(key));
}
void check_amounts(const JsonNode& node, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) check_amount(node.at(key));
}
void check_amounts_or_null(const JsonNode& node, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) unless_null(node.at(key), check_amount);
}

void check_object(const JsonNode& node) {
    if (!node.is_object()) node.fail("must be an object");
}

void check_latency(const JsonNode& node) {
    if (node.has("count")) check_count(node.at("count"));  // not of earlier versions
    check_amounts(node, {"min", "mean", "stddev", "max"});
    for (const auto& percentile : kKeptPercentiles) check_amount(node.at(percentile.key));
}

void check_bounds(const JsonNode& bounds) {
    check_amount(bounds.at(0));
    check_amount(bounds.at(1));
}

void check_latency_bounds(const JsonNode& node) {
    for (const auto& percentile : kKeptPercentiles) unless_null(node.at(percentile.key), check_bounds);
}

void check_run(const JsonNode& run) {
    check_texts(run, {"id", "name", "started_at", "ended_at", "outcome"});
    check_count(run.at("exit_code"));
    each(run.at("warnings"), [](const JsonNode& warning) { check_texts(warning, {"code", "message"}); });
    if (run.has("labels")) {
        check_object(run.at("labels"));
        for (const auto& [key, value] : run.at("labels").value().items())
            (void)run.at("labels").at(key).text();
    }
}

void check_verdict(const JsonNode& verdict) {
    const auto status = verdict.at("status").text();
    if (status != "valid" && status != "suspect" && status != "invalid")
        verdict.at("status").fail("must be valid, suspect or invalid");
    each(verdict.at("reasons"), [](const JsonNode& reason) {
        check_texts(reason, {"code", "message"});
        if (reason.has("severity")) (void)reason.at("severity").text();
    });
}

void check_config(const JsonNode& config) {
    check_object(config);
    check_texts(config, {"mode", "scenario"});
    if (const auto mode = config.at("mode").text(); mode != "open" && mode != "closed")
        config.at("mode").fail("must be open or closed");
    each(config.at("argv"), [](const JsonNode& word) { (void)word.text(); });
    if (config.has("rate_found_per_s")) check_amounts(config.at("rate_found_per_s"), {"lowest", "highest"});
    if (config.has("peak_rate_measured_per_s"))
        check_amounts(config.at("peak_rate_measured_per_s"), {"median", "lowest", "highest"});
}

/// Of which earlier versions do not tell.
void check_later_counts(const JsonNode& counts) {
    for (const auto key : {"planned", "started", "waiting", "in_flight", "missed", "late", "retries"}) {
        if (counts.has(key)) check_count(counts.at(key));
    }
}

/// Not of earlier versions.
void check_lower_bounds(const JsonNode& part) {
    for (const auto list : {"response_lower_bounds", "lag_lower_bounds"}) {
        if (part.has(list)) each(part.at(list), [](const JsonNode& key) { (void)key.text(); });
    }
}

void check_summary(const JsonNode& summary) {
    check_amounts(summary, {"duration_s", "throughput_per_s"});
    unless_null(summary.at("success_ratio"), check_amount);
    check_counts(summary.at("queries"), {"planned", "started", "waiting", "in_flight", "ok", "empty",
                                         "failed", "timed_out", "missed", "retries"});
    check_later_counts(summary.at("queries"));
    unless_null(summary.at("throughput_standard_error_per_s"), check_amount);
    for (const auto key : {"response_ms", "service_ms"}) unless_null(summary.at(key), check_latency);
    for (const auto key : {"lag_ms", "pool_wait_ms", "failed_ms"}) {
        if (summary.has(key)) unless_null(summary.at(key), check_latency);
    }
    if (summary.has("backlog")) {
        const auto backlog = summary.at("backlog");
        check_counts(backlog, {"half_way", "at_end"});
        unless_null(backlog.at("growth_per_s"), check_number);
        (void)backlog.at("growing").boolean();
    }
    if (summary.has("target_attainment_ratio"))
        unless_null(summary.at("target_attainment_ratio"), check_amount);
    check_latency_bounds(summary.at("response_bounds_ms"));
    // Written before there were any.
    if (summary.has("lag_bounds_ms")) check_latency_bounds(summary.at("lag_bounds_ms"));
    for (const auto key : {"throughput_bounds_per_s", "success_bounds_ratio", "failed_bounds_ratio"}) {
        if (summary.has(key)) unless_null(summary.at(key), check_bounds);
    }
    check_lower_bounds(summary);
    unless_null(summary.at("connection_efficiency_ratio"), check_amount);
    for (const auto key : {"sessions_away_ratio", "stood_still_s"}) {
        if (summary.has(key)) check_amount(summary.at(key));
    }
    if (summary.has("connections_at_end")) check_count(summary.at("connections_at_end"));
}

void check_environment(const JsonNode& environment) {
    check_object(environment.at("client"));
    const auto server = environment.at("server");
    check_object(server.at("settings"));
    unless_null(server.at("version"), [](const JsonNode& version) { (void)version.text(); });
}

void check_operation(const JsonNode& operation) {
    check_later_counts(operation);
    (void)operation.at("name").text();
    check_counts(operation, {"ok", "empty", "failed", "timed_out", "retries", "rows"});
    check_amount(operation.at("throughput_per_s"));
    for (const auto key : {"response_ms", "service_ms"}) unless_null(operation.at(key), check_latency);
    check_lower_bounds(operation);
    each(operation.at("statements"), [](const JsonNode& statement) {
        (void)statement.at("name").text();
        check_counts(statement, {"ok", "empty", "failed"});
        if (statement.has("sql")) (void)statement.at("sql").text();
        if (statement.has("service_ms")) unless_null(statement.at("service_ms"), check_latency);
    });
}

void check_phase(const JsonNode& phase) {
    check_later_counts(phase);
    (void)phase.at("name").text();
    check_amounts(phase, {"start_s", "duration_s"});
    unless_null(phase.at("throughput_per_s"), check_amount);
    check_counts(phase, {"planned", "ok", "empty", "failed", "timed_out"});
    unless_null(phase.at("target_per_s_mean"), check_amount);
    unless_null(phase.at("response_ms"), check_latency);
    check_lower_bounds(phase);
}

void check_interval(const JsonNode& interval) {
    (void)interval.at("phase").text();
    check_amounts(interval, {"elapsed_s", "duration_s", "throughput_per_s", "loop_busy_ratio"});
    check_counts(interval, {"failed", "timed_out", "waiting", "in_flight"});
    check_amounts_or_null(interval, {"target_per_s", "p50_ms", "p95_ms", "p99_ms", "max_ms", "lag_p99_ms"});
    // Not of earlier versions.
    for (const auto key : {"missed", "unanswered"}) {
        if (interval.has(key)) check_count(interval.at(key));
    }
    if (interval.has("at_least_from"))
        unless_null(interval.at("at_least_from"), [](const JsonNode& key) { (void)key.text(); });
}

void check_histogram(const JsonNode& histogram) {
    check_count(histogram.at("overflow"));
    double last = -1;
    double total = histogram.at("overflow").number();
    each(histogram.at("counts"), [&last, &total](const JsonNode& bucket) {
        check_count(bucket.at(0));
        check_count(bucket.at(1));
        const double lowest = bucket.at(0).number();
        if (lowest <= last) bucket.fail("the limits of the buckets must rise");
        last = lowest;
        total += bucket.at(1).number();
    });
    if (total > kMost) histogram.fail("it holds more values than any run has queries");
}

void check_histograms(const JsonNode& histograms) {
    for (const auto key : {"response", "service"}) check_histogram(histograms.at(key));
    if (histograms.has("lag")) check_histogram(histograms.at("lag"));
    if (!histograms.has("response_over_time")) return;  // written before there was one
    const auto heat = histograms.at("response_over_time");
    each(heat.at("limits"), check_count);
    const auto limits = heat.at("limits").array_size();
    each(heat.at("columns"), [limits](const JsonNode& column) {
        check_amounts(column, {"elapsed_s", "duration_s"});
        each(column.at("counts"), check_count);
        if (column.at("counts").array_size() + 1 != limits && limits != 0)
            column.at("counts").fail(fmt::format("must hold {} counts, one between two limits", limits - 1));
    });
}

void check_outage(const JsonNode& outage) {
    check_number(outage.at("from_s"));
    unless_null(outage.at("to_s"), check_number);
}

/// Printing goes down into a document level by level, and so does this, but not far.
void check_depth(const JsonNode& node, const nlohmann::ordered_json& value, int most) {
    if (!value.is_structured()) return;
    if (most == 0) node.fail("it is nested deeper than any result is");
    for (const auto& child : value) check_depth(node, child, most - 1);
}

/// What tells a result from any other JSON, with the words that a user needs who named the wrong file.
void check_kind(const JsonNode& document) {
    if (!document.has("schema_version") || !document.has("summary")) {
        document.fail("it is no result of pgtraffic: give a file that `pgtraffic run --json FILE` wrote");
    }
    const auto version = document.at("schema_version");
    if (version.integer() != kSchemaVersion) {
        version.fail(
            fmt::format("schema version {} is unknown to this pgtraffic, which reads {}: use the one that "
                        "wrote the file, or a newer one",
                        version.integer(), kSchemaVersion));
    }
}

void check_audit(const JsonNode& table) {
    check_texts(table, {"table", "column"});
    check_counts(table, {"rows_before", "rows_after", "acknowledged", "in_doubt", "stored", "not_stored",
                         "unchecked", "twice", "lost"});
    check_number(table.at("unexplained"));
}

/// Of a step of a search.
void check_response_figures(const JsonNode& response) {
    check_count(response.at("count"));
    if (response.has("mean")) check_amount(response.at("mean"));  // not of earlier versions
    check_amounts(response, {"p50", "p95", "p99", "max"});
}

void check_rate_search(const JsonNode& search) {
    (void)search.at("wanted").text();
    each(search.at("found_per_s"), check_amount);
    each(search.at("steps"), [](const JsonNode& step) {
        check_count(step.at("search"));
        (void)step.at("verdict").text();
        check_amounts(step, {"duration_s", "throughput_per_s"});
        unless_null(step.at("rate_per_s"), check_amount);
        unless_null(step.at("response_ms"), check_response_figures);
    });
}

void check_connection_search(const JsonNode& search) {
    const auto check_reach = [](const JsonNode& reach) {
        check_count(reach.at("connections"));
        check_amounts(reach, {"throughput_per_s", "lowest_per_s", "highest_per_s"});
    };
    unless_null(search.at("found"), check_reach);
    unless_null(search.at("best"), check_reach);
    (void)search.at("grew_to_the_end").boolean();
    each(search.at("steps"), [](const JsonNode& step) {
        check_counts(step, {"connections", "failed"});
        check_amounts(step, {"duration_s", "throughput_per_s"});
        (void)step.at("disturbed").boolean();
        unless_null(step.at("response_ms"), check_response_figures);
    });
}

}  // namespace

void check_result(const JsonNode& document) {
    check_kind(document);
    check_depth(document, document.value(), kDeepest);
    check_run(document.at("run"));
    check_verdict(document.at("verdict"));
    check_texts(document.at("tool"), {"name", "version"});
    check_config(document.at("config"));
    check_environment(document.at("environment"));
    check_summary(document.at("summary"));
    check_amounts_or_null(document.at("client"),
                          {"cpu_user_s", "cpu_system_s", "cpu_us_per_query", "loop_busy_ratio",
                           "run_queue_wait_ratio", "max_rss_bytes", "context_switches"});
    each(document.at("operations"), check_operation);
    each(document.at("phases"), check_phase);
    each(document.at("errors"), [](const JsonNode& error) {
        check_texts(error, {"sqlstate", "sample"});
        check_count(error.at("count"));
        if (error.has("retried")) check_count(error.at("retried"));  // not of earlier versions
        check_number(error.at("first_at_s"));
    });
    each(document.at("thresholds"), [](const JsonNode& threshold) {
        (void)threshold.at("expression").text();
        unless_null(threshold.at("actual"), check_number);
        (void)threshold.at("ok").boolean();
        if (threshold.has("at_least")) (void)threshold.at("at_least").boolean();
    });
    if (document.has("network")) {
        unless_null(document.at("network"), [](const JsonNode& network) {
            if (network.has("method")) (void)network.at("method").text();
        });
    }
    if (document.has("rate_search")) check_rate_search(document.at("rate_search"));
    if (document.has("connection_search")) check_connection_search(document.at("connection_search"));
    if (document.has("outages")) each(document.at("outages"), check_outage);
    if (document.has("audit")) each(document.at("audit"), check_audit);
    each(document.at("intervals"), check_interval);
    check_histograms(document.at("histograms"));
}

nlohmann::ordered_json read_result_file(const std::string& path) {
    auto document = base::read_json_file(path);
    check_result({document, base::input_name(path)});
    return document;
}

}  // namespace pgtraffic::report
