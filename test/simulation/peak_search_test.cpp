// The search for the peak rate against modelled servers, in virtual time.
#include "pgtraffic/simulation/peak_search.hpp"

#include <algorithm>
#include <vector>

#include "support/catch.hpp"
#include "support/virtual_pipeline.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using simulation::PeakSearch;

namespace {

simulation::PeakRate search(std::uint32_t sessions,
                            std::function<test::ModelledAnswer(base::Nanos, base::Random&)> server) {
    PeakSearch search;
    std::uint64_t seed = 1;
    while (!search.finished()) {
        test::VirtualPlan plan;
        plan.duration = search.step_length();
        if (search.next_rate() > 0)
            plan.schedule = traffic::PhaseScheduler::constant(search.next_rate(), plan.duration);
        plan.sessions = sessions;
        plan.seed = seed++;
        plan.server = server;
        // What ends behind a step belongs to none.
        plan.observe = [&](const metrics::Completion& completion) {
            if (completion.done - test::VirtualPlan::kStart < plan.duration) search.query_ended(completion);
        };
        const auto result = run_virtually(plan);
        search.end_step(plan.duration, result.total.planned, result.total.started);
    }
    return search.result();
}

}  // namespace

TEST_CASE("the peak is where waiting begins: near 90 per cent of ten exponential servers' capacity") {
    const auto peak = search(10, [](base::Nanos, base::Random& random) {
        return test::ModelledAnswer{base::from_seconds(0.005 * random.exponential())};
    });
    CHECK(peak.closed_loop_per_s == Approx(2000).epsilon(0.05));
    // M/M/10 has a mean wait of half a service time at 88 % load.
    CHECK(peak.rate_per_s > 0.78 * 2000);
    CHECK(peak.rate_per_s < 0.98 * 2000);
    CHECK(peak.lowest_per_s <= peak.rate_per_s);
    CHECK(peak.highest_per_s >= peak.rate_per_s);
    CHECK(peak.highest_per_s - peak.lowest_per_s < 0.25 * peak.rate_per_s);
}

namespace {

/// Whatever is sent waits inside of it: so many at a time.
std::function<test::ModelledAnswer(base::Nanos, base::Random&)> shared_server(std::size_t places,
                                                                              double service_s) {
    return [free_at = std::vector<base::Nanos>(places), before = base::Nanos{0}, service_s](
               base::Nanos at, base::Random& random) mutable {
        if (at < before) std::ranges::fill(free_at, base::Nanos{0});  // another step
        before = at;
        auto& next = *std::ranges::min_element(free_at);
        next = std::max(next, at) + base::from_seconds(service_s * random.exponential());
        return test::ModelledAnswer{next - at};
    };
}

}  // namespace

TEST_CASE("the peak is what the server carries, however many sessions would hold what is more") {
    for (const std::uint32_t sessions : {20U, 100U, 500U}) {
        const auto peak = search(sessions, shared_server(3, 0.010));
        CAPTURE(sessions);
        CHECK(peak.closed_loop_per_s == Approx(300).epsilon(0.1));
        // M/M/3 answers in twice its service time at 80 % load.
        CHECK(peak.rate_per_s > 0.55 * 300);
        CHECK(peak.rate_per_s < 0.95 * 300);
        CHECK_FALSE(peak.at_floor);
    }
    // What piles up behind longer services takes longer to show.
    const auto slow = search(100, shared_server(32, 0.100));
    CHECK(slow.rate_per_s > 0.7 * 320);
    CHECK(slow.rate_per_s < 1.06 * 320);
}

TEST_CASE("a light step in which nothing ended is made longer") {
    metrics::Completion completion;
    completion.done = completion.sent + 1s;
    PeakSearch search;
    for (const auto length : {2s, 4s}) search.end_step(length, 0, 0);
    for (int i = 0; i < 8; ++i) search.query_ended(completion);
    search.end_step(8s, 0, 0);
    const double light = search.next_rate();
    CHECK(light == Approx(0.2 * 1));
    CHECK(search.step_length() == 10s);
    search.end_step(10s, 0, 0);
    CHECK(search.next_rate() == light);
    CHECK(search.step_length() == 20s);
    search.query_ended(completion);
    search.end_step(20s, 2, 2);
    CHECK(search.next_rate() > light);
    CHECK(search.step_length() == 5s);
}

TEST_CASE("one erratic server carries far less than its throughput in a closed loop") {
    // Two answers in a hundred take a hundred times as long: M/G/1 with a squared variation near 20.
    const auto peak = search(1, [](base::Nanos, base::Random& random) {
        return test::ModelledAnswer{random.unit() < 0.02 ? base::Nanos{50ms} : base::Nanos{500us}};
    });
    CHECK(peak.rate_per_s < 0.6 * peak.closed_loop_per_s);
    CHECK(peak.rate_per_s >= 0.2 * peak.closed_loop_per_s);
}

TEST_CASE("a search in which not even the lightest load is carried says so") {
    metrics::Completion completion;
    completion.done = completion.sent + 10ms;
    PeakSearch search;
    for (int i = 0; i < 100; ++i) search.query_ended(completion);
    search.end_step(2s, 0, 0);
    CHECK(search.step_length() == 10s);  // a hundred arrivals at a fifth of the rate
    while (!search.finished()) {
        search.query_ended(completion);
        search.end_step(search.step_length(), 100, 10);
    }
    CHECK(search.result().at_floor);
    CHECK(search.result().rate_per_s == Approx(0.2 * 50));
}

TEST_CASE("a wait is measured by what succeeds, not by the time-outs of what does not") {
    // Answers take no time, and yet many wait: for the sessions that time-outs keep. A half of the mean of
    // all would be eight milliseconds, and nearly all that a closed loop reached would be carried.
    const auto peak = search(2, [](base::Nanos, base::Random& random) {
        return random.unit() < 0.4 ? test::ModelledAnswer{40ms, metrics::Outcome::timed_out}
                                   : test::ModelledAnswer{100us};
    });
    CHECK(peak.rate_per_s < 0.5 * peak.closed_loop_per_s);
}

TEST_CASE("queries that take longer than a step of the search are waited for") {
    for (const auto service : {700ms, 3000ms}) {
        CAPTURE(service.count());
        const double capacity = 10 / base::to_seconds(service);
        const auto peak =
            search(10, [&](base::Nanos, base::Random&) { return test::ModelledAnswer{service}; });
        CHECK_FALSE(peak.blind);
        CHECK(peak.closed_loop_per_s > 0.7 * capacity);
        CHECK(peak.closed_loop_per_s <= capacity);
        CHECK(peak.rate_per_s > 0.5 * capacity);
        CHECK(peak.rate_per_s <= 1.1 * capacity);
    }
    CHECK(search(10, [](base::Nanos, base::Random&) { return test::ModelledAnswer{60s}; }).blind);
}

TEST_CASE("what a closed loop reaches has those in it that began before, and may be less than one a second") {
    metrics::Completion completion;
    completion.done = completion.sent + 4s;
    PeakSearch search;
    const auto closed_loop = [&](base::Nanos length, int began_before) {
        CHECK(search.step_length() == length);
        for (int i = 0; i < began_before; ++i) search.carried_over(completion);
        if (length >= 8s) search.query_ended(completion);
        search.end_step(length, 0, 0);
    };
    for (const auto length : {2s, 4s, 8s, 16s}) {
        closed_loop(length, 0);
        CHECK(search.next_rate() == 0);
    }
    closed_loop(32s, 3);
    CHECK(search.next_rate() == Approx(4.0 / 32 * 0.2));  // a light load first
    CHECK(search.step_length() == 12s);
    search.query_ended(completion);
    search.end_step(12s, 1, 1);
    CHECK(search.next_rate() == Approx(4.0 / 32 * (0.2 + 1.1) / 2));

    // Those of forty seconds end in a closed loop, and in no step after it.
    PeakSearch blind;
    for (const auto length : {2s, 4s, 8s, 16s}) blind.end_step(length, 0, 0);
    blind.carried_over(completion);
    CHECK(blind.step_length() == 32s);
    blind.end_step(32s, 0, 0);
    CHECK(blind.step_length() == PeakSearch::kLongestStep);
    while (!blind.finished()) blind.end_step(blind.step_length(), 10, 10);
    CHECK(blind.result().blind);

    // Of a server that says nothing a longer step would show no more.
    PeakSearch silent;
    for (const auto length : {2s, 4s, 8s, 16s, 32s}) silent.end_step(length, 0, 0);
    CHECK(silent.step_length() == PeakSearch::kStep);

    completion.outcome = metrics::Outcome::failed;
    PeakSearch failing;
    failing.carried_over(completion);
    failing.query_ended(completion);
    failing.end_step(2s, 0, 0);
    CHECK(failing.step_length() == PeakSearch::kStep);
}

TEST_CASE("a server that fails everything carries nothing, and the search still ends") {
    const auto peak = search(4, [](base::Nanos, base::Random&) {
        return test::ModelledAnswer{1ms, metrics::Outcome::failed};
    });
    CHECK(peak.rate_per_s <= 1);
}
