// The pipeline in virtual time: schedules kept, stalls charged to the last query, queues as the closed
// forms of queueing theory say.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "pgtraffic/metrics/verdict.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "support/catch.hpp"
#include "support/queueing.hpp"
#include "support/virtual_pipeline.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Nanos;
using test::ModelledAnswer;
using test::VirtualPlan;

namespace {

VirtualPlan steady(double rate, Nanos duration, std::uint32_t sessions) {
    VirtualPlan plan;
    plan.schedule = traffic::PhaseScheduler::constant(rate, duration);
    plan.duration = duration;
    plan.sessions = sessions;
    return plan;
}

auto always(Nanos service) {
    return [service](Nanos, base::Random&) { return ModelledAnswer{service}; };
}

}  // namespace

#ifdef __SANITIZE_ADDRESS__
constexpr double kLongestS = 60;  // every access is looked at
#else
constexpr double kLongestS = 5;
#endif

TEST_CASE("a business day of traffic takes under a second and attains its plan") {
    const auto pattern = traffic::load_pattern("business-hours");
    VirtualPlan plan;
    plan.schedule = traffic::PhaseScheduler::follow(pattern, 50, 24h, 7);
    plan.duration = 24h;
    plan.sessions = 50;
    plan.interval = 60s;
    plan.server = always(2ms);
    const auto begin = std::clock();
    const auto result = run_virtually(plan);
    CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < kLongestS);  // ~0.6 s alone
    CHECK(result.total.ok + result.total.in_flight == result.total.planned);
    REQUIRE(result.phases.size() == 3);
    for (const auto& phase : result.phases) {
        const double mean = phase.planned_mean.value();
        CHECK(std::abs(static_cast<double>(phase.counts.planned) - mean) < 4 * std::sqrt(mean));
    }
    CHECK(result.latencies.lag.max() == 0ns);
    CHECK(result.intervals.size() == 24 * 60);
}

TEST_CASE("a stalled server is charged to the last query that it delayed") {
    auto plan = steady(500, 10s, 10);
    plan.arrivals = traffic::Arrivals::uniform;
    plan.server = test::stalling_server(1ms, 4s, 1s);
    std::vector<Nanos> exact;
    plan.observe = [&](const metrics::Completion& c) { exact.push_back(c.done - c.due); };
    const auto result = run_virtually(plan);
    REQUIRE(result.total.planned == 5000);
    REQUIRE(result.total.ok + result.total.in_flight == 5000);

    // 490 arrivals fall due while all ten sessions hang; each is charged its wait, service sees ten slow
    // ones.
    std::sort(exact.begin(), exact.end());
    const auto slow = std::count_if(exact.begin(), exact.end(), [](Nanos r) { return r > 2ms; });
    CHECK(slow >= 500);
    CHECK(slow <= 600);
    for (const double q : {0.5, 0.9, 0.95, 0.99, 0.999}) {
        const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(exact.size())));
        const auto truth = base::to_millis(exact[rank - 1]);
        CHECK(base::to_millis(result.latencies.response.quantile(q)) == Approx(truth).epsilon(0.01));
    }
    const auto slow_services = result.latencies.service.count() - result.latencies.service.count_up_to(2ms);
    CHECK(slow_services == 10);
    CHECK(result.latencies.pool_wait.max() > 900ms);
    CHECK(result.latencies.generator_lag.max() == 0ns);
}

TEST_CASE("a stall shows in the interval in which its queries were due, and in no other") {
    auto plan = steady(500, 10s, 10);
    plan.arrivals = traffic::Arrivals::uniform;
    plan.server = test::stalling_server(1ms, 4s, 1s);
    const auto result = run_virtually(plan);
    REQUIRE(result.intervals.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
        const auto& interval = result.intervals[i];
        CHECK(interval.response.count() == 500);
        CHECK(interval.target_per_s == Approx(500));
        if (i == 4) {
            CHECK(interval.max > 990ms);
            CHECK(interval.ok < 20);  // answered in it
        } else {
            CHECK(interval.max < (i == 5 ? 200ms : 2ms));
        }
    }
}

TEST_CASE("waits behind k sessions are those of M/M/k") {
    constexpr int kSessions = 5;
    constexpr double kServiceRate = 100;  // per session and second
    for (const double load : {0.5, 0.8, 0.9}) {
        const double rate = load * kSessions * kServiceRate;
        auto plan = steady(rate, 4000s, kSessions);
        plan.seed = 11;
        plan.server = [](Nanos, base::Random& random) {
            return ModelledAnswer{base::from_seconds(random.exponential() / kServiceRate)};
        };
        const auto result = run_virtually(plan);
        const double exact_s =
            test::erlang_c(kSessions, rate / kServiceRate) / (kSessions * kServiceRate - rate);
        INFO("load " << load);
        CHECK(result.latencies.pool_wait.mean_ns() * 1e-9 == Approx(exact_s).epsilon(0.05));
        CHECK(result.latencies.lag.mean_ns() == Approx(result.latencies.pool_wait.mean_ns()).epsilon(1e-9));
    }
}

TEST_CASE("under twice the capacity nothing is lost and the verdict is invalid") {
    auto plan = steady(2000, 20s, 10);
    plan.server = always(10ms);  // ten sessions: 1,000/s
    auto result = run_virtually(plan);
    CHECK(result.total.planned == Approx(40'000).epsilon(0.02));
    CHECK(result.total.ok == Approx(20'000).epsilon(0.01));
    CHECK(result.total.waiting > 19'000);
    CHECK(std::abs(static_cast<double>(result.waiting_at_middle) - 10'000) < 500);
    CHECK(result.throughput_per_s() == Approx(1000).epsilon(0.01));
    CHECK(result.latencies.response.count() == result.total.planned);
    result.verdict = metrics::judge(result);
    CHECK(result.verdict.status == metrics::VerdictStatus::invalid);
    CHECK(std::any_of(result.verdict.reasons.begin(), result.verdict.reasons.end(),
                      [](const auto& reason) { return reason.code == "backlog"; }));
}

TEST_CASE("a latency limit skips what is too old, counts it, and keeps it in the response times") {
    auto plan = steady(2000, 20s, 10);
    plan.server = always(10ms);
    plan.latency_limit = 100ms;
    const auto result = run_virtually(plan);
    CHECK(result.total.missed > 15'000);
    CHECK(result.total.waiting < 300);
    CHECK(result.total.ok == Approx(20'000).epsilon(0.01));
    CHECK(result.latencies.response.count() == result.total.planned);
    CHECK(result.latencies.lag.max() <= 100ms);
}

TEST_CASE("failing at once improves no success percentile") {
    auto honest = steady(500, 60s, 5);
    honest.server = [](Nanos, base::Random& random) {
        return ModelledAnswer{base::from_seconds(0.005 * random.exponential())};
    };
    auto failing = honest;
    failing.server = [](Nanos, base::Random& random) {
        const auto service = base::from_seconds(0.005 * random.exponential());
        return random.unit() < 0.1 ? ModelledAnswer{0ns, metrics::Outcome::failed} : ModelledAnswer{service};
    };
    // With failures left in, a tenth of all values would be zero and the median would fall by a ninth.
    const auto a = run_virtually(honest);
    const auto b = run_virtually(failing);
    CHECK(b.total.failed > 2500);
    CHECK(b.latencies.failed.count() == b.total.failed);
    for (const double q : {0.05, 0.5, 0.9}) {
        const double without = base::to_millis(a.latencies.service.quantile(q));
        CHECK(base::to_millis(b.latencies.service.quantile(q)) == Approx(without).epsilon(0.05));
    }
    CHECK(b.latencies.response.count() == b.total.planned - b.total.failed);
    CHECK(b.latencies.service.min() > 0ns);
}

TEST_CASE("users who think ask as often, and wait as long, as the closed form says") {
    constexpr double kThink_s = 0.1;
    constexpr double kService_s = 0.01;
    for (const int users : {1, 8, 20}) {  // hardly ever waiting, often, nearly always
        CAPTURE(users);
        VirtualPlan plan;
        plan.duration = 2000s;
        plan.sessions = static_cast<std::uint32_t>(users);
        plan.think_time = 100ms;
        plan.seed = 11;
        Nanos free_at{0};
        plan.server = [&free_at](Nanos sent, base::Random& random) {
            free_at = std::max(free_at, sent) + base::from_seconds(random.exponential() * kService_s);
            return ModelledAnswer{free_at - sent};
        };
        const auto result = run_virtually(plan);
        const double throughput = test::interactive_throughput(users, kThink_s, kService_s);
        CHECK(result.throughput_per_s() == Approx(throughput).epsilon(0.01));
        // The response-time law: users = throughput · (response + think time).
        CHECK(result.latencies.response.mean_ns() / 1e9 ==
              Approx(users / throughput - kThink_s).epsilon(0.02));
        CHECK(result.total.started == result.total.planned);
    }
}

TEST_CASE("a closed loop keeps every session busy and has no lag") {
    VirtualPlan plan;
    plan.duration = 10s;
    plan.sessions = 20;
    plan.server = always(4ms);
    const auto result = run_virtually(plan);
    CHECK(result.throughput_per_s() == Approx(5000).epsilon(0.01));
    CHECK(result.latencies.lag.max() == 0ns);
    CHECK(result.total.planned == result.total.started);
    CHECK_FALSE(result.open_loop);
}

TEST_CASE("a limited number of queries is started exactly") {
    auto plan = steady(1000, 10s, 4);
    plan.limit = 1234;
    plan.server = always(1ms);
    const auto result = run_virtually(plan);
    CHECK(result.total.planned == 1234);
    CHECK(result.total.ok == 1234);
}

TEST_CASE("memory for the time series does not grow with the run") {
    auto plan = steady(2, 5h, 2);
    plan.server = always(1ms);
    std::size_t closed = 0;
    plan.interval_closed = [&](const metrics::Interval&) { ++closed; };
    const auto result = run_virtually(plan);
    CHECK(closed >= 17'990);
    CHECK(result.intervals.size() <= metrics::TimeSeries::kMaxIntervals);
    std::uint64_t ok = 0;
    std::uint64_t responses = 0;
    double length = 0;
    for (const auto& interval : result.intervals) {
        ok += interval.ok;
        responses += interval.response.count();
        length += interval.duration_s;
    }
    CHECK(ok == result.succeeded_in_time);
    CHECK(responses == result.total.planned);
    CHECK(length == Approx(5 * 3600));
}
