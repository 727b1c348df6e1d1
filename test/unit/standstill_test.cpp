// A server that stood still, told from slow queries, few queries and outages.
#include "pgtraffic/metrics/standstill.hpp"

#include "pgtraffic/metrics/result.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::RunResult;
using metrics::stood_still_for;

namespace {

/// Ten seconds on eight sessions, 400 queries of 20 ms in each but those from the third to the sixth, in
/// which eight took four seconds.
RunResult stopped_run() {
    RunResult run;
    run.duration_s = 10;
    run.connections = 8;
    auto& operation = run.operations.emplace_back();
    for (int i = 0; i < 10; ++i) {
        auto& interval = run.intervals.emplace_back();
        interval.start_s = i;
        interval.duration_s = 1;
        interval.in_flight = 8;
        if (i < 3 || i > 6) interval.ok = 400;
    }
    for (int i = 0; i < 2400; ++i) operation.latencies.service.record(20ms);
    for (int i = 0; i < 8; ++i) operation.latencies.service.record(4s);
    operation.counts.ok = run.succeeded_in_time = run.total.planned = run.total.started = run.total.ok = 2408;
    run.latencies.service = run.latencies.response = operation.latencies.service;
    return run;
}

}  // namespace

TEST_CASE(
    "seconds in which nothing ended though queries were under way are told, and judged in a closed loop") {
    auto run = stopped_run();
    CHECK(stood_still_for(run) == 4s);
    CHECK(metrics::stood_still(run));
    const auto verdict = metrics::judge(run);
    REQUIRE(verdict.reasons.size() == 1);
    CHECK(verdict.reasons[0].code == "stood_still");
    CHECK(verdict.status == metrics::VerdictStatus::suspect);
    // The next one is charged its wait.
    run.open_loop = true;
    CHECK(metrics::judge(run).reasons.empty());
}

TEST_CASE("a server that did not go on before the end stood still, too") {
    auto run = stopped_run();
    run.intervals.resize(7);
    auto& service = run.operations[0].latencies.service;
    service = {};
    for (int i = 0; i < 2400; ++i) service.record(20ms);
    run.latencies.service = service;
    run.operations[0].counts.in_flight = 8;
    CHECK(stood_still_for(run) == 4s);
}

TEST_CASE(
    "one query that did not come back explains one stretch, not each in which slow ones were under way") {
    // A single session: a report of four seconds again and again, and a look-up of a millisecond in between.
    metrics::RunResult run;
    run.duration_s = 50;
    run.operations.resize(2);
    auto& reports = run.operations[0];
    auto& lookups = run.operations[1];
    for (int i = 0; i < 50; ++i) {
        auto& interval = run.intervals.emplace_back();
        interval.start_s = i;
        interval.duration_s = 1;
        interval.in_flight = 1;
        if (i % 5 == 4) interval.ok = 2;
    }
    for (int i = 0; i < 10; ++i) {
        reports.latencies.service.record(5s);
        lookups.latencies.service.record(1ms);
    }
    reports.counts.ok = lookups.counts.ok = 10;
    run.latencies.service = reports.latencies.service;
    run.latencies.service.merge(lookups.latencies.service);
    run.latencies.response = run.latencies.service;
    CHECK(stood_still_for(run) == 0s);
    lookups.counts.timed_out = 1;
    CHECK(stood_still_for(run) == 4s);
}

TEST_CASE("slow queries, pauses between queries and outages are no server that stood still") {
    auto slow = stopped_run();  // as long as others of their operation
    for (int i = 0; i < 400; ++i) slow.operations[0].latencies.service.record(4s);
    CHECK(stood_still_for(slow) == 0s);

    auto idle = stopped_run();
    for (auto& interval : idle.intervals) interval.in_flight = 0;
    CHECK(stood_still_for(idle) == 0s);

    auto answered = stopped_run();
    for (auto& interval : answered.intervals) interval.failed = 1;
    CHECK(stood_still_for(answered) == 0s);

    auto away = stopped_run();
    auto& outage = away.outages.emplace_back();
    outage.from_s = 3;  // its connections were lost then
    outage.to_s = 7.3;
    outage.without_service_s = 4;
    CHECK(stood_still_for(away) == 0s);
    outage.from_s = 9;  // another time
    outage.to_s = 9.3;
    CHECK(stood_still_for(away) == 4s);

    // One so short does not tell of four seconds, nor of what was lost behind them.
    auto given_up = stopped_run();
    given_up.operations[0].latencies.service = {};
    for (int i = 0; i < 2400; ++i) given_up.operations[0].latencies.service.record(20ms);
    given_up.latencies.service = given_up.operations[0].latencies.service;
    for (int i = 0; i < 8; ++i) given_up.operations[0].latencies.failed.record(4s);
    CHECK(stood_still_for(given_up) == 4s);
    auto& reconnected = given_up.outages.emplace_back();
    reconnected.from_s = 7;
    reconnected.to_s = 7.5;
    reconnected.without_service_s = 0.5;
    CHECK(stood_still_for(given_up) == 3s);  // a second lies beside the outage

    auto client_stopped = stopped_run();
    client_stopped.client.longest_clock_gap_s = 4;
    CHECK(stood_still_for(client_stopped) == 0s);

    auto backed_off = stopped_run();
    backed_off.operations[0].counts.retried = 8;
    for (int i = 0; i < 8; ++i) backed_off.operations[0].latencies.failed.record(4s);
    CHECK(stood_still_for(backed_off) == 0s);

    auto short_one = stopped_run();
    for (auto& interval : short_one.intervals) interval.duration_s = 0.2;
    CHECK(stood_still_for(short_one) == 0s);
}
