// What the parts on a query's path cost by themselves, without a kernel: the histogram, the bucket, the
// parameters, the choice of an operation, and all of them in a row as a session would call them. Times are
// virtual, so nothing here waits.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "pgtraffic/workload/workload.hpp"

using namespace pgtraffic;
using base::Mono;
using base::Nanos;

namespace {

constexpr Mono kStart{std::chrono::hours{1000}};
constexpr Nanos kDay = std::chrono::hours{24};
constexpr double kRate = 100'000;

/// Service times as a server has them: exponential around 1 ms. Drawn beforehand, so that drawing is not
/// measured.
const std::vector<Nanos>& service_times() {
    static const std::vector<Nanos> kTimes = [] {
        base::Random random{1, base::Stream::data};
        std::vector<Nanos> times(4096);
        for (auto& time : times) time = base::from_seconds(1e-3 * random.exponential());
        return times;
    }();
    return kTimes;
}

/// A built-in workload as `pgtraffic init` fills its tables.
workload::Workload bound(const char* name) {
    const auto scenario = workload::built_in_scenario(name);
    std::vector<workload::DataRows> answers;
    for (const auto& query : workload::Workload::data_queries(scenario)) {
        if (query.range) {
            answers.push_back({{"1", "242293", "integer"}});
        } else {
            workload::DataRows rows;
            for (int i = 1; i <= 50; ++i) rows.push_back({std::to_string(i)});
            answers.push_back(rows);
        }
    }
    return {scenario, answers, workload::KeyDistribution::uniform, 1, 1};
}

void histogram_record(benchmark::State& state) {
    metrics::Histogram histogram;
    const auto& times = service_times();
    std::size_t i = 0;
    for (auto _ : state) histogram.record(times[i++ % times.size()]);
    benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(histogram_record);

void token_take(benchmark::State& state, traffic::TokenBucket bucket) {
    Mono now = kStart;
    for (auto _ : state) {
        // Two steps on a token: half of the questions are asked too early, as in a run.
        now += Nanos{static_cast<std::int64_t>(0.5e9 / kRate)};
        benchmark::DoNotOptimize(bucket.take(now));
    }
}

const traffic::PhaseScheduler& day_long() {
    static const auto kSchedule = traffic::PhaseScheduler::constant(kRate, kDay);
    return kSchedule;
}

BENCHMARK_CAPTURE(token_take, uniform,
                  traffic::TokenBucket::scheduled(day_long(), traffic::Arrivals::uniform, kStart, 1));
BENCHMARK_CAPTURE(token_take, poisson,
                  traffic::TokenBucket::scheduled(day_long(), traffic::Arrivals::poisson, kStart, 1));
BENCHMARK_CAPTURE(token_take, unlimited, traffic::TokenBucket::unlimited(kStart, kDay));

void parameter_fill(benchmark::State& state, const char* name) {
    const auto workload = bound(name);
    std::vector<char> values(workload.longest_values(0));
    std::uint64_t k = 0;
    for (auto _ : state) benchmark::DoNotOptimize(workload.fill(0, k++, 0, values.data()));
}
BENCHMARK_CAPTURE(parameter_fill, select_one_key, "select");
BENCHMARK_CAPTURE(parameter_fill, insert_six_values, "insert");

void workload_choose(benchmark::State& state, const char* name) {
    const auto workload = bound(name);
    std::uint64_t k = 0;
    for (auto _ : state) benchmark::DoNotOptimize(workload.choose(k++));
}
BENCHMARK_CAPTURE(workload_choose, select, "select");
BENCHMARK_CAPTURE(workload_choose, mixed, "mixed");

/// A run's heart in virtual time. Each arrival finds a free session, is chosen and filled, ends after a drawn
/// service time, and is recorded; a second's end closes its interval, as the timer of a run does.
class Dispatch {
 public:
    Dispatch(const traffic::TokenBucket& bucket, bool open_loop)
        : workload_{bound("mixed")},
          dispatcher_{kSessions},
          aggregator_{plan(workload_, open_loop)},
          open_loop_{open_loop} {
        dispatcher_.begin(bucket);
        for (std::uint32_t i = 0; i < kSessions; ++i) dispatcher_.session_free(i, kStart);
    }

    void one_query() {
        const Nanos step{static_cast<std::int64_t>(1e9 / kRate)};
        simulation::Decision decision;
        while ((decision = dispatcher_.next(now_)).kind != simulation::Decision::Kind::start) {
            now_ = std::max(now_ + Nanos{1}, dispatcher_.wake_at());
        }
        const auto choice = workload_.choose(decision.token.index);
        benchmark::DoNotOptimize(
            workload_.fill(workload_.statement_number(choice.operation, choice.statement),
                           decision.token.index, 0, values_.data()));

        metrics::Completion completion;
        completion.operation = choice.operation;
        completion.statement = choice.statement;
        completion.rows = 1;
        completion.due = decision.token.due;
        completion.ready = decision.ready;
        completion.sent = now_;
        completion.done = now_ + service_times()[decision.token.index % service_times().size()];
        dispatcher_.query_ended();
        aggregator_.record(completion);
        dispatcher_.session_free(decision.session, now_);
        if (!open_loop_) now_ += step;
        if (now_ >= tick_) close_interval();
    }

 private:
    static constexpr std::uint32_t kSessions = 150;

    static metrics::AggregatorPlan plan(const workload::Workload& workload, bool open_loop) {
        metrics::AggregatorPlan plan;
        for (const auto& operation : workload.operations()) {
            metrics::OperationShape shape{operation.name, {}};
            for (const auto& statement : operation.statements) shape.statements.push_back(statement.name);
            plan.operations.push_back(shape);
        }
        plan.phases = {{"steady", 0, base::to_seconds(kDay), std::nullopt}};
        plan.start = kStart;
        plan.open_loop = open_loop;
        return plan;
    }

    void close_interval() {
        metrics::Gauges gauges;
        gauges.planned = dispatcher_.planned(now_);
        gauges.started = dispatcher_.started();
        gauges.waiting = dispatcher_.waiting(now_);
        gauges.in_flight = dispatcher_.in_flight();
        gauges.oldest_pending = dispatcher_.next_due();
        if (!open_loop_) gauges.oldest_pending = now_;
        benchmark::DoNotOptimize(aggregator_.advance(now_, gauges).size());
        tick_ = now_ + std::chrono::seconds{1};
    }

    workload::Workload workload_;
    std::array<char, 1024> values_;  // the built-in workloads' statements have a few short ones
    simulation::Dispatcher dispatcher_;
    metrics::Aggregator aggregator_;
    Mono now_ = kStart;
    Mono tick_ = kStart + std::chrono::seconds{1};
    bool open_loop_;
};

void whole_dispatch(benchmark::State& state, const traffic::TokenBucket& bucket, bool open_loop) {
    Dispatch dispatch{bucket, open_loop};
    for (auto _ : state) dispatch.one_query();
}
BENCHMARK_CAPTURE(whole_dispatch, closed_loop, traffic::TokenBucket::unlimited(kStart, kDay), false);
BENCHMARK_CAPTURE(whole_dispatch, open_loop,
                  traffic::TokenBucket::scheduled(day_long(), traffic::Arrivals::poisson, kStart, 1), true);

}  // namespace

BENCHMARK_MAIN();
