// What of a load is counted, and what those who look on are told of it, in virtual time.
#include "pgtraffic/simulation/measurement.hpp"

#include <fmt/format.h>

#include "pgtraffic/simulation/announcer.hpp"
#include "pgtraffic/simulation/events.hpp"
#include "pgtraffic/simulation/loads.hpp"
#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"
#include "support/workload.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using metrics::Outcome;
using metrics::Stage;
using simulation::Measurement;
using test::kStart;

namespace {

/// Two sessions at 10 a second for ten seconds.
struct Load {
    simulation::SimulationPlan plan;
    workload::Workload workload = test::one_query();
    simulation::Dispatcher dispatcher{2};
    std::optional<simulation::Loads> loads;
    std::optional<Measurement> measurement;
    simulation::LoopLoad loop{kStart};
    metrics::RunResult result;

    /// What the log of queries was told, a word each.
    std::vector<std::string> told;
    void tell(const metrics::QueryRecord& query) noexcept {
        told.push_back(fmt::format("{} {} {} ms{}", query.arrival, query.outcome(),
                                   (query.until - query.start) / 1ms,
                                   query.session ? fmt::format(" on {}", *query.session) : ""));
    }

    explicit Load(const std::string& abort_if = "", std::optional<base::Nanos> latency_limit = {}) {
        plan.connections = 2;
        plan.rate_per_s = 10;
        plan.arrivals = traffic::Arrivals::uniform;
        plan.duration = 10s;
        plan.abort_window = 2s;
        if (!abort_if.empty()) plan.abort_if.push_back(metrics::parse_abort_condition(abort_if, {}));
        loads.emplace(plan);
        loads->prepare_measured();
        dispatcher.begin(loads->measured(kStart), latency_limit);
        measurement.emplace(
            plan, workload, dispatcher, loads->schedule(),
            simulation::Onlookers{true, true,
                                  base::Callback<const metrics::QueryRecord&>::to<&Load::tell>(*this)});
        measurement->begin(kStart, 0);
        for (std::uint32_t i = 0; i < 2; ++i) dispatcher.session_free(i, kStart);
    }

    /// Starts what is due at `at`; what ends, ends a millisecond later.
    void query(base::Nanos at, Outcome outcome = Outcome::ok, base::SqlState state = {}) {
        const auto decision = start(at);
        metrics::Completion completion;
        completion.outcome = outcome;
        completion.sqlstate = state;
        completion.due = decision.token.due;
        completion.ready = decision.ready;
        completion.sent = kStart + at;
        completion.done = kStart + at + 1ms;
        dispatcher.query_ended();
        measurement->query_ended(completion, {decision.token.index, decision.session});
        if (!metrics::succeeded(outcome)) measurement->query_failed(completion, "message");
        dispatcher.session_free(decision.session, completion.done);
    }
    simulation::Decision start(base::Nanos at) {
        const auto decision = dispatcher.next(kStart + at);
        REQUIRE(decision.kind == simulation::Decision::Kind::start);
        return decision;
    }

    metrics::Gauges gauges(base::Nanos at) {
        metrics::Gauges gauges;
        gauges.planned = dispatcher.planned(kStart + at);
        gauges.started = dispatcher.started();
        gauges.waiting = dispatcher.waiting(kStart + at);
        gauges.in_flight = dispatcher.in_flight();
        gauges.oldest_pending = dispatcher.next_due();
        return gauges;
    }
    void close(base::Nanos at, const simulation::ClientUsage& usage = {}) {
        measurement->close(kStart + at, loop, usage, result);
    }
};

}  // namespace

TEST_CASE("what is due and not begun, or begun and not answered, is accounted for at the end") {
    Load load;
    for (int i = 0; i < 5; ++i) load.query(i * 100ms);
    metrics::Completion unanswered;
    unanswered.due = load.start(500ms).token.due;
    load.close(950ms);
    load.measurement->unfinished(unanswered, kStart + 2s);
    load.measurement->finish(load.gauges(2s), load.result);
    CHECK(load.result.total.planned == 10);
    CHECK(load.result.total.ok == 5);
    CHECK(load.result.total.in_flight == 1);
    CHECK(load.result.total.waiting == 4);
    CHECK(load.result.total.conserved());
    CHECK(load.result.duration_s == Approx(0.95));
    REQUIRE(load.result.operations.size() == 1);
    CHECK(load.result.operations[0].name == "read");
}

TEST_CASE("the log of queries is told of each that is counted, once, with its fate") {
    Load load{"", 50ms};
    load.query(0ms);
    load.query(100ms, Outcome::failed, base::kQueryCanceled);
    const auto late = load.dispatcher.next(kStart + 260ms);  // that of 200 ms
    REQUIRE(late.kind == simulation::Decision::Kind::miss);
    load.measurement->missed(late.token, kStart + 260ms);
    const auto hanging = load.start(300ms);
    metrics::Completion unanswered;
    unanswered.due = hanging.token.due;
    load.measurement->carried_over(unanswered);  // one of a load before, which is none of this one
    load.close(450ms);
    load.measurement->unfinished(unanswered, kStart + 2s, {hanging.token.index, hanging.session});
    load.measurement->finish(load.gauges(2s), load.result);
    CHECK(load.told == std::vector<std::string>{"0 ok 1 ms on 0", "1 failed 101 ms on 1", "2 missed 260 ms",
                                                "3 in_flight 2000 ms on 0", "4 waiting 450 ms"});
    CHECK(load.result.total.planned == load.told.size());
}

TEST_CASE("the last interval ends with what was under way then, although it is answered later") {
    Load load;
    for (int i = 0; i < 10; ++i) load.query(i * 100ms);
    (void)load.measurement->advance(kStart + 1s, load.gauges(1s));
    for (int i = 10; i < 15; ++i) load.query(i * 100ms);
    metrics::Completion late;
    late.due = late.ready = late.sent = kStart + 1500ms;
    (void)load.start(1500ms);
    load.close(1900ms);
    late.done = kStart + 2100ms;
    load.dispatcher.query_ended();
    load.measurement->query_ended(late);
    load.measurement->finish(load.gauges(2100ms), load.result);
    CHECK(load.result.total.in_flight == 0);
    REQUIRE(load.result.intervals.size() == 2);
    CHECK(load.result.intervals[1].in_flight == 1);
}

TEST_CASE("an outage lasts from the first fault to a success with all sessions, and costs what came due") {
    Load load;
    load.query(0ms);
    load.measurement->session_lost(kStart + 150ms, std::nullopt, "");
    load.measurement->connect_failed(kStart + 200ms, base::kConnectionFailure, "no");
    load.query(300ms);  // sent after the fault: the server is there again
    load.measurement->session_up(kStart + 400ms);
    load.query(400ms, Outcome::failed, base::kQueryCanceled);  // the query's own fault
    load.close(5s);
    REQUIRE(load.result.outages.size() == 1);
    const auto& outage = load.result.outages[0];
    CHECK(outage.over);
    CHECK(outage.from_s == Approx(0.15));
    CHECK(outage.to_s == Approx(0.4));
    CHECK(outage.sessions_lost == 1);
    CHECK(outage.failed_connects == 1);
    CHECK(outage.arrivals_hit == 2);  // those of 200 and 300 ms
    // While the last queries drain nothing is an outage any more.
    load.measurement->session_lost(kStart + 6s, std::nullopt, "");
    load.measurement->finish(load.gauges(6s), load.result);
    REQUIRE(load.result.errors.size() == 1);
    CHECK(load.result.errors[0].sample == "message");
}

TEST_CASE("what disturbs the load behind its planned end is no outage, although nobody closed it yet") {
    Load load;
    for (int i = 0; i < 2; ++i) load.measurement->session_lost(kStart + 9900ms, std::nullopt, "");
    load.measurement->connect_failed(kStart + 10s, base::kConnectionFailure, "no");
    load.measurement->session_up(kStart + 10001ms);
    load.close(10s);
    REQUIRE(load.result.outages.size() == 1);
    CHECK(load.result.outages[0].sessions_lost == 2);
    CHECK(load.result.outages[0].failed_connects == 0);
    CHECK(load.result.outages[0].duration_s == Approx(0.1));
    CHECK_FALSE(load.result.outages[0].over);
    CHECK(load.result.disconnected_s == Approx(0.1));
    Load untouched;
    untouched.measurement->session_lost(kStart + 10001ms, std::nullopt, "");
    untouched.close(10s);
    CHECK(untouched.result.outages.empty());
}

TEST_CASE("the client's cost is what was used and how long the machine stood still in the measured time") {
    Load load;
    simulation::ClientUsage before;
    before.at = kStart;
    before.user = 5s;
    before.run_queue_wait = 1s;
    load.measurement->count_cost_from(before);
    for (int i = 0; i < 4; ++i) load.query(i * 100ms);
    load.loop.waits(kStart + 2s);
    load.measurement->tick_was_late(3s);
    load.measurement->tick_was_late(1ms);
    simulation::ClientUsage after;
    after.at = kStart + 5s;  // a second late: it had no CPU
    after.user = 6s;
    after.run_queue_wait = 5s;
    load.close(4s, after);
    CHECK(load.result.client.cpu_user_s == Approx(1));
    CHECK(load.result.client.cpu_us_per_query.value() == Approx(250'000));
    CHECK(*load.result.client.run_queue_wait_ratio == Approx(0.8));
    CHECK(load.result.client.longest_clock_gap_s == Approx(3));
    CHECK(*load.result.client.loop_busy_ratio == Approx(0.5));
    CHECK(load.measurement->busy_ratio_at_close() == Approx(0.5));
}

TEST_CASE("a condition is looked at over its whole window, with what hangs in it") {
    CHECK_FALSE(Load{}.measurement->watches());
    Load load{"response.p90>500ms"};
    CHECK(load.measurement->watches());
    const auto condition_at = [&](base::Nanos at, const metrics::Unanswered& unanswered) {
        const auto closed = load.measurement->advance(kStart + at, load.gauges(at));
        return load.measurement->abort_condition(kStart + at, closed, unanswered);
    };
    for (int i = 0; i < 10; ++i) load.query(i * 100ms);
    CHECK_FALSE(condition_at(1s, {}));
    // Nothing is answered from here on.
    metrics::Unanswered hanging{{load.start(1s).token.due, load.start(1100ms).token.due}, 8, kStart + 1200ms};
    CHECK_FALSE(condition_at(2s, hanging));
    hanging.waiting = 18;
    const auto condition = condition_at(3s, hanging);
    REQUIRE(condition);
    CHECK(condition->expression == "response.p90>500ms");
}

TEST_CASE("who looks on is told the stage, the place in the pattern, and counts") {
    Load load;
    metrics::LiveMoment told;
    simulation::SimulationEvents events;
    events.moment = [&](const metrics::LiveMoment& moment) { told = moment; };
    const simulation::Announcer announcer{load.plan, load.workload, events};
    CHECK(announcer.tells_moments());
    metrics::ConnectionStates states;
    states.wanted = states.closed = 2;

    announcer.moment(kStart, {Stage::warming_up, {}, 0, states, nullptr});
    CHECK(told.stage == Stage::warming_up);
    CHECK(told.elapsed_s == 0);
    CHECK(told.target_per_s == 0);
    CHECK(told.connections.wanted == 2);
    CHECK(told.connections.closed == 2);

    load.query(0ms);
    announcer.moment(kStart + 500ms, {Stage::measuring, load.gauges(500ms), 3, states, &*load.measurement});
    CHECK(told.stage == Stage::measuring);
    CHECK(told.phase == "steady");
    CHECK(told.elapsed_s == Approx(0.5));
    CHECK(told.duration_s == Approx(10));
    CHECK(told.target_per_s == Approx(10));
    CHECK(told.reconnects == 3);
    CHECK(told.started == 1);
    REQUIRE(told.counts.operations.size() == 1);
    CHECK(told.counts.operations[0].ended(Outcome::ok) == 1);

    load.close(1s);
    announcer.moment(kStart + 3s, {Stage::draining, load.gauges(3s), 3, states, &*load.measurement});
    CHECK(told.stage == Stage::draining);
    CHECK(told.elapsed_s == Approx(1));  // of the measured time
    CHECK(told.target_per_s == 0);
    CHECK(metrics::to_string(Stage::done) == "finished");
}

TEST_CASE("progress keeps its own rhythm, whatever that of the ticks") {
    Load load;
    load.plan.progress = 2s;
    std::vector<double> told;
    simulation::SimulationEvents events;
    events.progress = [&](const metrics::Interval&, const simulation::ProgressState& state) {
        told.push_back(state.elapsed_s);
    };
    simulation::Announcer announcer{load.plan, load.workload, events};
    announcer.begin_progress(kStart);
    for (int i = 1; i <= 5; ++i) {
        const auto gauges = load.gauges(i * 1s);
        (void)load.measurement->advance(kStart + i * 1s, gauges);
        announcer.progress(kStart + i * 1s, *load.measurement, gauges, 2);
    }
    CHECK(told == std::vector<double>{2, 4});
}
