// Numbers are chosen, not drawn: a test that expects "4.47" must know where it comes from. Knows nothing
// of the reports that print them.
#include "support/sample_result.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "pgtraffic/base/random.hpp"

namespace pgtraffic::test {
namespace {

using namespace std::chrono_literals;
using base::Nanos;
using metrics::Counts;
using metrics::Latencies;
using metrics::RunResult;

metrics::SparseCounts sparse(Nanos d, int times) {
    metrics::CoarseHistogram dense;
    for (int i = 0; i < times; ++i) dense.record(d);
    return metrics::SparseCounts{dense};
}

void describe(RunResult& run) {
    run.id = "0123456789abcdef";
    run.started_at = base::Wall{1'790'000'000s};
    run.ended_at = run.started_at + 30'010ms;
    run.random_seed = 42;
    run.config = {{"duration_s", 30}, {"protocol", "extended"}, {"url", "postgresql://app:********@db/shop"}};
    run.argv = {"pgtraffic", "--duration", "30"};
    run.client_info = {"loadgen", "Debian GNU/Linux 12", "6.1.0-18-amd64", "Example CPU 3.0 GHz",
                       8,         16'000'000'000};
    run.server.version = "15.18 (Debian 15.18-0+deb12u1)";
    run.server.version_num = 150018;
    run.server.address_kind = "tcp";
    run.server.ssl = true;
    run.server.max_connections = 500;
    run.server.settings = {{"shared_buffers", "128MB"}, {"synchronous_commit", "on"}};
    run.libpq_version = "15.18";
    run.libuv_version = "1.44.2";
    run.planned_duration_s = 30;
    run.duration_s = 30.006;
    run.client = {.cpu_user_s = 2.5,
                  .cpu_system_s = 1.25,
                  .cpu_us_per_query = 5.96,
                  .loop_busy_ratio = 0.432,
                  .run_queue_wait_ratio = 0.004,
                  .max_rss_bytes = 25'165'824,
                  .context_switches_voluntary = 1200,
                  .context_switches_involuntary = 34,
                  .longest_clock_gap_s = 0,
                  .longest_loop_turn_ms = 3.25};
}

struct Share {
    Nanos response;
    std::uint64_t times;
    Nanos lag{0};
};

/// Successful queries: `empty` of them found nothing.
void succeed(Counts& counts, Latencies& latencies, const std::vector<Share>& shares,
             std::uint64_t empty = 0) {
    std::uint64_t n = 0;
    for (const auto& share : shares) {
        n += share.times;
        latencies.response.record(share.response, share.times);
        latencies.service.record(share.response - share.lag, share.times);
        latencies.lag.record(share.lag, share.times);
        latencies.pool_wait.record(share.lag, share.times);
        latencies.generator_lag.record(0ns, share.times);
    }
    counts.planned += n;
    counts.started += n;
    counts.ok += n - empty;
    counts.empty += empty;
    counts.rows += n - empty;
}

/// Queries without an answer, counted by `counter` and with their age in the response.
void leave(Counts& counts, Latencies& latencies, std::uint64_t Counts::*counter, std::uint64_t n, Nanos age) {
    counts.planned += n;
    if (counter == &Counts::timed_out || counter == &Counts::in_flight) counts.started += n;
    counts.*counter += n;
    latencies.response.record(age, n);
    latencies.unanswered.record(age, n);
}

void fail(Counts& counts, Latencies& latencies, std::uint64_t n, Nanos after) {
    counts.planned += n;
    counts.started += n;
    counts.failed += n;
    latencies.failed.record(after, n);
}

void sum_operations(RunResult& run) {
    for (const auto& operation : run.operations) {
        run.total.add(operation.counts);
        run.latencies.merge(operation.latencies);
    }
    for (auto& operation : run.operations) operation.succeeded_in_time = operation.counts.succeeded();
    run.succeeded_in_time = run.total.succeeded();
}

}  // namespace

RunResult sample_closed_run() {
    RunResult run;
    describe(run);
    run.name = "select";
    run.connections = run.connections_at_end = 150;
    metrics::OperationResult select;
    select.name = "select_order";
    succeed(select.counts, select.latencies,
            {{2'800us, 1}, {4'470us, 400'000}, {5'380us, 200'000}, {5'640us, 28'000}, {219'520us, 799}});
    select.statements = {{"by_key", select.counts.ok, 0, 0, "SELECT *\n  FROM orders\n WHERE order_id < $1"}};
    run.operations.push_back(std::move(select));
    sum_operations(run);
    metrics::PhaseResult phase;
    phase.name = "run";
    phase.duration_s = run.duration_s;
    phase.counts = run.total;
    phase.latencies = run.latencies;
    run.phases.push_back(std::move(phase));
    for (int second = 0; second < 3; ++second) {
        metrics::Interval interval;
        interval.start_s = second;
        interval.duration_s = 1;
        interval.phase = "run";
        interval.ok = 20'956;
        interval.in_flight = 150;
        interval.loop_busy_ratio = 0.43;
        interval.max = 6ms;
        interval.response = sparse(4'470us, 20'956);
        run.intervals.push_back(std::move(interval));
    }
    return run;
}

RunResult sample_searched_run() {
    RunResult run = sample_closed_run();
    auto& search = run.connection_search.emplace();
    const auto step = [](std::uint32_t connections, double per_s, base::Nanos p99) {
        return metrics::ConnectionStep{connections,
                                       2,
                                       per_s,
                                       0,
                                       false,
                                       metrics::ResponseFigures{static_cast<std::uint64_t>(2 * per_s),
                                                                p99 / 3, p99 / 3, p99 / 2, p99, p99 * 2}};
    };
    search.steps = {step(1, 2'100, 900us),      step(2, 4'150.5, 1ms),      step(3, 6'000, 1'100us),
                    step(4, 7'900, 1'200us),    step(6, 11'500, 1'400us),   step(150, 20'000, 5'400us),
                    step(200, 20'900, 9'800us), step(200, 20'950, 9'900us), step(150, 20'912, 5'300us)};
    search.steps[4].failed = 12;
    search.steps.insert(search.steps.begin() + 1, {2, 1.25, 310, 2, true, std::nullopt});
    search.found = {150, 20'456, 20'000, 20'912};
    search.best = {200, 20'925, 20'900, 20'950};
    run.config["connections"] = 150;
    return run;
}

RunResult sample_open_run() {
    RunResult run;
    describe(run);
    run.name = "mixed";
    run.labels = {{"commit", "1a2b3c"}, {"place", "a \"shed\" & <co>"}};
    run.open_loop = true;
    run.pattern = "business-hours";
    run.peak_rate_per_s = 600;
    run.peak_rate_origin = "given";
    run.connections = 20;
    run.connections_at_end = 19;
    run.reconnects = 2;
    run.waiting_at_middle = 3;

    metrics::OperationResult select;
    select.name = "select_order";
    succeed(select.counts, select.latencies,
            {{1'200us, 6'000, 100us}, {2'400us, 2'900, 300us}, {9'900us, 90, 5ms}});
    leave(select.counts, select.latencies, &Counts::missed, 4, 500ms);
    select.counts.late = 90;
    leave(select.counts, select.latencies, &Counts::waiting, 2, 10ms);
    metrics::OperationResult insert;
    insert.name = "insert_order";
    succeed(insert.counts, insert.latencies, {{3'100us, 3'700, 100us}});
    fail(insert.counts, insert.latencies, 40, 2ms);
    leave(insert.counts, insert.latencies, &Counts::in_flight, 1, 20ms);
    insert.counts.retries = 12;
    insert.counts.retried = 9;
    insert.counts.in_doubt = 5;
    metrics::OperationResult update;
    update.name = "update_order";
    succeed(update.counts, update.latencies, {{3'500us, 2'200, 100us}}, 500);
    leave(update.counts, update.latencies, &Counts::timed_out, 3, 2s);
    update.statements = {{"approve", 900, 200, 0}, {"fulfil", 500, 250, 2}, {"adjust", 300, 50, 1}};
    for (auto& statement : update.statements)
        statement.service.emplace().record(3'400us, statement.ok + statement.empty);
    run.operations = {std::move(select), std::move(insert), std::move(update)};
    sum_operations(run);
    run.operations[0].succeeded_in_time -= 5;
    run.succeeded_in_time -= 5;

    metrics::PhaseResult first;
    first.name = "ramp-up";
    first.duration_s = 10;
    first.planned_mean = 3'750.5;
    first.counts = run.operations[1].counts;
    first.counts.planned -= 1;
    first.counts.started -= 1;
    first.counts.in_flight = 0;
    first.latencies = run.operations[1].latencies;
    metrics::PhaseResult second;
    second.name = "steady";
    second.start_s = 10;
    second.duration_s = 20.006;
    second.planned_mean = 11'200;
    second.counts = run.operations[0].counts;
    second.counts.add(run.operations[2].counts);
    second.counts.planned += 1;
    second.counts.started += 1;
    second.counts.in_flight += 1;
    second.latencies = run.operations[0].latencies;
    second.latencies.merge(run.operations[2].latencies);
    run.phases = {std::move(first), std::move(second)};

    run.errors = {{*base::SqlState::parse("23505"), 40, 12, 0.31,
                   "duplicate key value violates unique constraint \"orders_order_number_key\""},
                  {base::kQueryCanceled, 3, 0, 12.5, "canceling statement due to statement timeout"}};
    metrics::Outage outage;
    outage.from_s = 12.25;
    outage.to_s = 14.5;
    outage.duration_s = 2.25;
    outage.over = true;
    outage.scope = metrics::Outage::Scope::service;
    outage.sessions_lost = 20;
    outage.failed_connects = 61;
    outage.arrivals_hit = 1'130;
    outage.silence_s = 2.1;
    outage.first_success_s = 2.125;
    outage.errors = {{*base::SqlState::parse("08001"), 0, 58, 0, "Connection refused"},
                     {*base::SqlState::parse("57P01"), 12, 3, 2, "terminating connection"}};
    run.outages.push_back(outage);
    using Verdict = metrics::SearchStep::Verdict;
    run.rate_search = metrics::RateSearch{
        "highest rate at which response.p99 < 10ms",
        {{0, 0, 2, 905.5, Verdict::closed_loop, {{1'811, 22ms, 21ms, 30ms, 44ms, 61ms}}},
         {0, 181.1, 2.5, 0, Verdict::disturbed, std::nullopt},
         {0, 181.1, 2.5, 180.25, Verdict::carried, {{451, 1'300us, 1'200us, 2ms, 9ms, 9'500us}}},
         {1, 543.3, 2.5, 541.5, Verdict::carried, {{1'354, 2'200us, 2ms, 4ms, 9'750us, 30ms}}},
         {1, 724.4, 2.5, 702.75, Verdict::not_carried, {{1'757, 9ms, 5ms, 31ms, 74ms, 102ms}}}},
        {620.5, 601.25, 633}};
    run.audit = {{"orders", "order_number", 80'000, 83'702, 3'700, 5, 2, 3, 0, 0}};
    run.warnings = {{"empty_updates", "23 % of the updates found no order in the state that they need."}};
    run.thresholds = {{"response.p99 < 10ms", 9.9, "9.9 ms", true},
                      {"failed_ratio < 0.1%", 0.29, "0.29 %", false}};
    run.outcome = metrics::RunOutcome::threshold_failed;
    run.exit_code = 99;
    run.network.emplace();
    run.network->method = "empty query on an idle connection";
    run.network->idle_rtt.record(400us, 200);
    run.network->tcp_rtt.record(350us, 60);
    run.network->database_ms = 0.8;
    run.network->network_ratio = 0.33;
    for (int second_index = 0; second_index < 3; ++second_index) {
        metrics::Interval interval;
        interval.start_s = 10.0 * second_index;
        interval.duration_s = 10;
        interval.phase = second_index == 0 ? "ramp-up" : "steady";
        interval.target_per_s = second_index == 0 ? 375.05 : 560;
        interval.ok = 4'800;
        interval.failed = 14;
        interval.timed_out = 1;
        interval.waiting = 3;
        interval.in_flight = 12;
        interval.loop_busy_ratio = 0.4;
        interval.max = 500ms;
        interval.response = sparse(2'400us, 4'800);
        interval.lag = sparse(100us, 4'800);
        interval.lag_max = 100us;
        run.intervals.push_back(std::move(interval));
    }
    run.verdict.status = metrics::VerdictStatus::suspect;
    run.verdict.reasons = {{"loop_busy", "the client's loop was busy 85 % of the time", 0.85, 0.8,
                            metrics::VerdictStatus::suspect}};
    return run;
}

std::vector<metrics::RunResult> sample_runs() {
    return {sample_closed_run(), sample_searched_run(), sample_open_run(), sample_overloaded_run(),
            sample_empty_run()};
}

RunResult sample_hour_run() {
    constexpr int kSeconds = 3'600;
    constexpr int kDrawn = 200;  // latencies of a second; each stands for several queries
    RunResult run;
    describe(run);
    run.name = "mixed";
    run.open_loop = true;
    run.pattern = "business-hours";
    run.duration_s = run.planned_duration_s = kSeconds;
    run.connections = run.connections_at_end = 100;
    metrics::OperationResult select;
    select.name = "select";
    base::Random random{7, base::Stream::jitter};
    for (int second = 0; second < kSeconds; ++second) {
        const bool down = second >= 1'800 && second < 1'812;
        metrics::Interval interval;
        interval.start_s = second;
        interval.duration_s = 1;
        interval.phase = second < 600 ? "ramp-up" : second < 3'000 ? "steady" : "wind-down";
        interval.target_per_s = 1'000 * (0.6 + 0.4 * std::sin(second * 3.14159 / kSeconds)) + random.unit();
        interval.loop_busy_ratio = 0.1 + 0.05 * random.unit();
        interval.in_flight = static_cast<std::uint32_t>(random.below(20));
        interval.waiting = down ? 900 * static_cast<std::uint64_t>(second - 1'799) : 0;
        if (down) interval.failed = 40 + random.below(30);
        metrics::CoarseHistogram responses;
        metrics::CoarseHistogram lags;
        for (int i = 0; i < kDrawn && !down; ++i) {
            const double ms = 0.4 * std::exp(1.3 * random.exponential() + 0.3 * std::sin(second / 300.0));
            const Nanos service = base::from_seconds(std::min(ms, 4e3) / 1e3);
            const Nanos lag = base::from_seconds(random.exponential() * 3e-5);
            const std::uint64_t times = 3 + random.below(5);
            responses.record(service + lag, static_cast<std::uint32_t>(times));
            lags.record(lag, static_cast<std::uint32_t>(times));
            interval.lag_max = std::max(interval.lag_max, lag);
            interval.max = std::max(interval.max, service + lag);
            interval.ok += times;
            succeed(select.counts, select.latencies, {{service + lag, times, lag}});
        }
        interval.response = metrics::SparseCounts{responses};
        interval.lag = metrics::SparseCounts{lags};
        fail(select.counts, select.latencies, interval.failed, 2ms);
        run.intervals.push_back(std::move(interval));
    }
    run.operations.push_back(std::move(select));
    sum_operations(run);
    for (const auto& [name, start_s, end_s] :
         {std::tuple{"ramp-up", 0, 600}, {"steady", 600, 3'000}, {"wind-down", 3'000, kSeconds}}) {
        metrics::PhaseResult phase;
        phase.name = name;
        phase.start_s = start_s;
        phase.duration_s = end_s - start_s;
        phase.planned_mean = 900.0 * (end_s - start_s);
        run.phases.push_back(std::move(phase));
    }
    run.errors = {{*base::SqlState::parse("57P01"), run.total.failed, 0, 1800.2,
                   "terminating connection due to administrator command"}};
    return run;
}

RunResult sample_hostile_run() {
    auto run = sample_open_run();
    const std::string evil =
        "</script><script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 2\"> ' & "
        "\xE2\x80\xAE\xE2\x80\xA8<!-- \xFF\xFE ]]> </style> ${1+1} {{2}}";
    run.name = evil;
    run.server.version = evil;
    run.server.settings.emplace_back(evil, evil);
    run.client_info.hostname = evil;
    run.argv.push_back(evil);
    run.config["pattern"] = evil;
    run.config[evil] = evil;
    run.warnings.push_back({"evil", evil});
    run.rate_search->wanted = evil;
    run.verdict.reasons.front().message = evil;
    run.thresholds.front().expression = evil;
    run.operations.front().name = evil;
    run.operations.back().statements.front().name = evil;
    run.phases.front().name = evil;
    run.intervals.front().phase = evil;
    run.errors.front().sample = evil;
    return run;
}

RunResult sample_overloaded_run() {
    RunResult run;
    describe(run);
    run.name = "select";
    run.open_loop = true;
    run.connections = run.connections_at_end = 10;
    metrics::OperationResult select;
    select.name = "select_order";
    succeed(select.counts, select.latencies, {{6s, 10'000, 5'990ms}});
    leave(select.counts, select.latencies, &Counts::waiting, 20'000, 12s);
    run.operations.push_back(std::move(select));
    run.waiting_at_middle = 9'994;
    run.middle_s = run.duration_s / 2;
    sum_operations(run);
    run.verdict.status = metrics::VerdictStatus::invalid;
    run.verdict.reasons = {
        {"offered_load", "only 33.33 % of the planned arrivals were started: lower the rate", 0.3333, 0.9,
         metrics::VerdictStatus::invalid},
        {"backlog", "20,000 arrivals were waiting at the end and the queue was still growing", 20'000, 1'000,
         metrics::VerdictStatus::invalid}};
    return run;
}

RunResult sample_empty_run() {
    RunResult run;
    run.outcome = metrics::RunOutcome::interrupted;
    run.exit_code = 130;
    return run;
}

}  // namespace pgtraffic::test
