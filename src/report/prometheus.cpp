#include "pgtraffic/report/prometheus.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

using metrics::LadderHistogram;
using metrics::LiveMoment;
using metrics::LiveOperation;
using metrics::Outcome;

constexpr std::array kOutcomes{Outcome::ok, Outcome::empty, Outcome::failed, Outcome::timed_out};
static_assert(kOutcomes.size() == LiveOperation::kOutcomes);

/// The page as it grows: families one after the other, each with its head.
class Exposition {
 public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        put("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    }

    /// `labels` as `a="b",c="d"`, possibly none.
    template <class Number>
    void sample(std::string_view labels, Number value) {
        if (labels.empty()) {
            put("{} {}\n", name_, value);
        } else {
            put("{}{{{}}} {}\n", name_, labels, value);
        }
    }

    void histogram(std::string_view labels, const LadderHistogram& histogram) {
        const auto* comma = labels.empty() ? "" : ",";
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < LadderHistogram::kBounds.size(); ++i) {
            below += histogram.buckets()[i];
            put("{}_bucket{{{}{}le=\"{}\"}} {}\n", name_, labels, comma,
                base::to_seconds(LadderHistogram::kBounds[i]), below);
        }
        const std::uint64_t count = below + histogram.buckets().back();
        put("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name_, labels, comma, count);
        const auto braced = labels.empty() ? std::string{} : fmt::format("{{{}}}", labels);
        put("{}_sum{} {}\n{}_count{} {}\n", name_, braced, histogram.sum_s(), name_, braced, count);
    }

    /// A family of one sample without labels.
    template <class Number>
    void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
        family(name, type, help);
        sample("", value);
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

 private:
    template <class... Args>
    void put(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    }

    std::string text_;
    std::string_view name_;
};

std::string operation_label(const LiveOperation& operation) {
    return fmt::format("operation=\"{}\"", label_value(operation.name));
}

void put_run(Exposition& page, const LiveMoment& moment, const PrometheusContext& context) {
    const auto build = base::build_info();
    page.family("pgtraffic_build_info", "gauge", "The program that serves this page.");
    page.sample(
        fmt::format("version=\"{}\",revision=\"{}\"", label_value(build.version), label_value(build.git_sha)),
        1);
    page.family("pgtraffic_run_info", "gauge", "The run that these numbers are of.");
    auto labels = fmt::format("run=\"{}\",scenario=\"{}\",pattern=\"{}\"", label_value(context.run_id),
                              label_value(context.scenario), label_value(context.pattern));
    for (const auto& [key, value] : context.labels)
        labels += fmt::format(",label_{}=\"{}\"", key, label_value(value));
    page.sample(labels, 1);
    page.family("pgtraffic_stage", "gauge", "1 for the stage that the run is in.");
    for (const auto stage : metrics::kStages)
        page.sample(fmt::format("stage=\"{}\"", to_string(stage)), moment.stage == stage ? 1 : 0);
    if (!moment.phase.empty()) {
        page.family("pgtraffic_phase", "gauge", "1 for the phase of the traffic pattern.");
        page.sample(fmt::format("phase=\"{}\"", label_value(moment.phase)), 1);
    }
    page.single("pgtraffic_elapsed_seconds", "gauge", "Measured time so far.", moment.elapsed_s);
    page.single("pgtraffic_planned_duration_seconds", "gauge", "Measured time as planned.",
                moment.duration_s);
    if (moment.open_loop) {
        page.single("pgtraffic_target_queries_per_second", "gauge", "Rate of the schedule at this moment.",
                    moment.target_per_s);
    }
}

void put_arrivals(Exposition& page, const LiveMoment& moment) {
    page.single("pgtraffic_arrivals_planned_total", "counter", "Queries due so far.", moment.planned);
    page.single("pgtraffic_arrivals_started_total", "counter", "Queries sent so far.", moment.started);
    page.single("pgtraffic_arrivals_missed_total", "counter",
                "Queries skipped, older than the latency limit.", moment.missed);
    page.single("pgtraffic_arrivals_waiting", "gauge", "Queries due and not sent yet.", moment.waiting);
    page.single("pgtraffic_queries_in_flight", "gauge", "Queries sent and not answered yet.",
                moment.in_flight);
    page.family("pgtraffic_queries_total", "counter", "Queries that ended.");
    for (const auto& operation : moment.counts.operations) {
        for (const auto outcome : kOutcomes) {
            page.sample(fmt::format("{},outcome=\"{}\"", operation_label(operation), to_string(outcome)),
                        operation.ended(outcome));
        }
    }
    page.family("pgtraffic_query_retries_total", "counter", "Attempts beyond a query's first.");
    for (const auto& operation : moment.counts.operations)
        page.sample(operation_label(operation), operation.retries);
    page.family("pgtraffic_query_rows_total", "counter", "Rows returned or changed.");
    for (const auto& operation : moment.counts.operations)
        page.sample(operation_label(operation), operation.rows);
    page.family("pgtraffic_errors_total", "counter", "Queries that ended with an error, by SQLSTATE.");
    for (const auto& [state, count] : moment.errors) {
        page.sample(fmt::format("sqlstate=\"{}\"", label_value(state.text())), count);
    }
}

void put_latencies(Exposition& page, const LiveMoment& moment) {
    page.family("pgtraffic_response_seconds", "histogram", "From the moment a query was due to its answer.");
    for (const auto& operation : moment.counts.operations) {
        for (const auto outcome : kOutcomes) {
            // From the beginning, or a rate would not see the first ones; failures are counted by code.
            if (outcome == Outcome::failed && operation.ended(outcome) == 0) continue;
            page.histogram(fmt::format("{},outcome=\"{}\"", operation_label(operation), to_string(outcome)),
                           operation.response[static_cast<std::size_t>(outcome)]);
        }
    }
    if (!moment.open_loop) return;
    page.family("pgtraffic_schedule_lag_seconds", "histogram",
                "From the moment a query was due until it was sent.");
    for (const auto& operation : moment.counts.operations)
        page.histogram(operation_label(operation), operation.lag);
    page.family("pgtraffic_generator_lag_seconds", "histogram",
                "The part of the lag in which a connection was free: our own lateness.");
    page.histogram("", moment.counts.generator_lag);
}

void put_client(Exposition& page, const LiveMoment& moment, const ProcessUsage& usage) {
    const auto& connections = moment.connections;
    page.family("pgtraffic_connections", "gauge", "Connections to the server by state.");
    page.sample("state=\"idle\"", connections.idle);
    page.sample("state=\"busy\"", connections.busy);
    page.sample("state=\"connecting\"", connections.connecting);
    page.sample("state=\"closed\"", connections.closed);
    page.single("pgtraffic_connections_wanted", "gauge", "Connections that the run asks for.",
                connections.wanted);
    page.single("pgtraffic_reconnects_total", "counter", "Connections lost and made again.",
                moment.reconnects);
    page.single("pgtraffic_loop_busy_ratio", "gauge",
                "Share of the last interval in which the program itself worked; near 1 its figures are not "
                "to be trusted.",
                moment.loop_busy_ratio);
    page.single("process_cpu_seconds_total", "counter", "User and system time of the process.", usage.cpu_s);
    page.single("process_resident_memory_bytes", "gauge", "Resident memory of the process.",
                usage.resident_bytes);
    page.single("process_start_time_seconds", "gauge", "Start of the process since 1970.",
                usage.start_time_s);
}

}  // namespace

std::string label_value(std::string_view text) {
    std::string escaped;
    for (const char c : printable_lines(text)) {
        if (c == '\n') {
            escaped += "\\n";
        } else {
            if (c == '\\' || c == '"') escaped += '\\';
            escaped += c;
        }
    }
    return escaped;
}

std::string prometheus_text(const metrics::LiveMoment& moment, const PrometheusContext& context,
                            const ProcessUsage& usage) {
    Exposition page;
    put_run(page, moment, context);
    put_arrivals(page, moment);
    put_latencies(page, moment);
    put_client(page, moment, usage);
    return page.take();
}

}  // namespace pgtraffic::report
