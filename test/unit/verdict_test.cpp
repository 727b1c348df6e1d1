// The verdict's table: each sign alone, below, between and above its limits.
#include <algorithm>

#include "pgtraffic/metrics/result.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::RunResult;
using metrics::VerdictStatus;

namespace {

/// An open-loop run of 10 s at 100/s in which all went well.
RunResult good_run() {
    RunResult run;
    run.open_loop = true;
    run.duration_s = 10;
    run.connections = 10;
    run.total.planned = run.total.started = run.total.ok = run.succeeded_in_time = 1000;
    for (int i = 0; i < 1000; ++i) {
        run.latencies.response.record(4ms);
        run.latencies.service.record(4ms);
        run.latencies.generator_lag.record(20us);
    }
    run.intervals.resize(9);
    run.client.loop_busy_ratio = 0.1;
    run.client.run_queue_wait_ratio = 0.01;
    return run;
}

void wait_at_the_end(RunResult& run, std::uint64_t waiting) {
    run.total.waiting = waiting;
    run.total.planned += waiting;
}

VerdictStatus status_with(const char* code, const RunResult& run) {
    const auto verdict = metrics::judge(run);
    for (const auto& reason : verdict.reasons) {
        if (reason.code == code) {
            CHECK_FALSE(reason.message.empty());
            return reason.severity;
        }
    }
    return VerdictStatus::valid;
}

}  // namespace

TEST_CASE("a run in which all went well is valid, without reasons") {
    const auto verdict = metrics::judge(good_run());
    CHECK(verdict.status == VerdictStatus::valid);
    CHECK(verdict.reasons.empty());
}

TEST_CASE("offered load below 99 and 90 per cent of the plan") {
    auto run = good_run();
    wait_at_the_end(run, 5);
    CHECK(status_with("offered_load", run) == VerdictStatus::valid);
    wait_at_the_end(run, 45);
    CHECK(status_with("offered_load", run) == VerdictStatus::suspect);
    wait_at_the_end(run, 100);
    CHECK(status_with("offered_load", run) == VerdictStatus::invalid);
    // What came due within the last step of --pacing was to wait.
    run = good_run();
    wait_at_the_end(run, 150);
    const double per_s = static_cast<double>(run.total.planned) / run.duration_s;
    run.chosen_lag = base::from_seconds(60 / per_s);
    CHECK(status_with("offered_load", run) == VerdictStatus::suspect);
    run.chosen_lag = base::from_seconds(static_cast<double>(run.total.waiting) / per_s);
    CHECK(status_with("offered_load", run) == VerdictStatus::valid);
}

TEST_CASE("our own lateness against the service time and the response") {
    auto run = good_run();
    run.latencies.generator_lag = {};
    run.latencies.generator_lag.record(900us, 1000);
    CHECK(status_with("generator_lag", run) == VerdictStatus::valid);
    run.latencies.generator_lag.record(2ms, 15);
    CHECK(status_with("generator_lag", run) == VerdictStatus::suspect);
    run.latencies.generator_lag.record(9ms, 20);
    CHECK(status_with("generator_lag", run) == VerdictStatus::invalid);
    const auto message = [&] { return metrics::judge(run).reasons.front().message; };
    CHECK_THAT(message(), Catch::EndsWith("give it more CPU, or lower the rate"));
    run.reconnects = 150;
    CHECK_THAT(
        message(),
        Catch::EndsWith("150 connections were made again meanwhile, so run again, or give it more CPU"));
    run.open_loop = false;
    CHECK(status_with("generator_lag", run) == VerdictStatus::valid);
}

TEST_CASE("of a few queries one that was late is no percentile of theirs") {
    auto run = good_run();
    run.latencies.generator_lag = {};
    run.latencies.generator_lag.record(20us, 56);
    run.latencies.generator_lag.record(28ms);
    CHECK(status_with("generator_lag", run) == VerdictStatus::valid);
    run.latencies.generator_lag.record(28ms, 60);
    CHECK(status_with("generator_lag", run) == VerdictStatus::invalid);
    CHECK(metrics::judge(run).reasons.front().message.starts_with("one query in ten left"));
    run.latencies.generator_lag = {};
    run.latencies.generator_lag.record(28ms, 19);
    CHECK(status_with("generator_lag", run) == VerdictStatus::valid);
}

TEST_CASE("an outage is told by its share of the run, and explains what was not started") {
    auto run = good_run();
    metrics::Outage outage;
    outage.scope = metrics::Outage::Scope::service;
    outage.silences_s = outage.without_service_s = 0.1;
    run.outages = {outage};
    CHECK(status_with("no_service", run) == VerdictStatus::valid);
    run.outages[0].without_service_s = 0.2;
    CHECK(status_with("no_service", run) == VerdictStatus::suspect);
    run.outages[0].without_service_s = 6;
    CHECK(status_with("no_service", run) == VerdictStatus::invalid);
    for (std::size_t i = 0; i < run.intervals.size(); ++i) run.intervals[i].waiting = 50 * i;
    wait_at_the_end(run, 600);
    for (const auto& reason : metrics::judge(run).reasons) {
        INFO(reason.message);
        CHECK(reason.message.find("there was no service for 6.00 s of 10.00 s") != std::string::npos);
        CHECK(reason.message.find("lower the rate") == std::string::npos);
    }
    run.outages[0].without_service_s = 0;  // of sessions, while others went on
    CHECK(status_with("no_service", run) == VerdictStatus::valid);
}

TEST_CASE("sessions that are missing make the load of a closed loop smaller, not that of an open one") {
    auto run = good_run();
    run.open_loop = false;
    run.sessions_away_ratio = 0.01;
    CHECK(status_with("sessions_missing", run) == VerdictStatus::valid);
    run.sessions_away_ratio = 0.02;
    CHECK(status_with("sessions_missing", run) == VerdictStatus::suspect);
    run.sessions_away_ratio = 0.51;
    CHECK(status_with("sessions_missing", run) == VerdictStatus::invalid);
    run.outages.emplace_back().without_service_s = 5.05;  // that is told as what it is
    CHECK(status_with("sessions_missing", run) == VerdictStatus::valid);
    CHECK(status_with("no_service", run) == VerdictStatus::invalid);
    run = good_run();
    run.sessions_away_ratio = 0.51;
    CHECK(status_with("sessions_missing", run) == VerdictStatus::valid);
}

TEST_CASE("the lag that was asked for is not held against the client") {
    auto run = good_run();
    run.latencies.generator_lag = {};
    run.latencies.generator_lag.record(1900us, 1000);
    CHECK(status_with("generator_lag", run) == VerdictStatus::suspect);
    run.chosen_lag = 1ms;
    CHECK(status_with("generator_lag", run) == VerdictStatus::valid);
    run.latencies.generator_lag.record(2200us, 15);
    CHECK(status_with("generator_lag", run) == VerdictStatus::suspect);
}

TEST_CASE("why a client was late is said as far as it is known") {
    auto run = good_run();
    run.latencies.generator_lag = {};
    run.latencies.generator_lag.record(1s, 100);
    const auto said = [&](const char* words) {
        const auto verdict = metrics::judge(run);
        return std::ranges::any_of(verdict.reasons, [&](const auto& reason) {
            return reason.code == "generator_lag" && reason.message.find(words) != std::string::npos;
        });
    };
    run.client.loop_busy_ratio = 0.4;
    run.client.run_queue_wait_ratio = 0.01;
    CHECK(said("because this client was busy at times, or its machine was:"));
    run.client.run_queue_wait_ratio = 0.06;
    CHECK(said("because this client had no processor when it needed one:"));
    run.client.loop_busy_ratio = 0.9;
    CHECK(said("because this client was busy:"));
    run.client.run_queue_wait_ratio = 0.7;
    CHECK(said("because this client had no processor when it needed one:"));
}

TEST_CASE("a busy loop, a wait for the CPU, a machine that stood still") {
    auto run = good_run();
    run.client.loop_busy_ratio = 0.81;
    CHECK(status_with("loop_busy", run) == VerdictStatus::suspect);
    run.client.loop_busy_ratio = 0.96;
    CHECK(status_with("loop_busy", run) == VerdictStatus::invalid);
    run.client.run_queue_wait_ratio = 0.06;
    CHECK(status_with("run_queue_wait", run) == VerdictStatus::suspect);
    run.client.run_queue_wait_ratio = 0.21;
    CHECK(status_with("run_queue_wait", run) == VerdictStatus::invalid);
    CHECK(status_with("loop_busy", run) == VerdictStatus::valid);  // told once: it waited
    run.client.longest_clock_gap_s = 0.9;
    CHECK(status_with("clock_gap", run) == VerdictStatus::valid);
    run.client.longest_clock_gap_s = 1.1;
    CHECK(status_with("clock_gap", run) == VerdictStatus::invalid);
    run.client.stood_still_s = 5;  // told by that already
    CHECK(status_with("client_paused", run) == VerdictStatus::valid);
    run.client.longest_clock_gap_s = 0.5;
    run.client.stood_still_s = 0.009 * run.duration_s;
    CHECK(status_with("client_paused", run) == VerdictStatus::valid);
    run.client.stood_still_s = 0.011 * run.duration_s;
    CHECK(status_with("client_paused", run) == VerdictStatus::suspect);
    run.client.stood_still_s = 0.11 * run.duration_s;
    CHECK(status_with("client_paused", run) == VerdictStatus::invalid);
}

TEST_CASE(
    "a backlog that grows is suspect, one of more than a second of load invalid, one that shrinks neither") {
    auto run = good_run();
    for (std::size_t i = 0; i < run.intervals.size(); ++i) run.intervals[i].waiting = 8 * i;
    wait_at_the_end(run, 80);
    CHECK(status_with("backlog", run) == VerdictStatus::suspect);
    wait_at_the_end(run, 160);
    CHECK(status_with("backlog", run) == VerdictStatus::invalid);
    run.intervals[5].waiting = 500;
    CHECK(status_with("backlog", run) == VerdictStatus::valid);
    run.intervals.resize(3);  // the fewest that have thirds: the ends of all are looked at
    for (std::size_t i = 0; i < 3; ++i) run.intervals[i].waiting = 40 * (i + 2);
    CHECK(status_with("backlog", run) == VerdictStatus::invalid);
}

TEST_CASE("failures above one and fifty per cent, and a run in which nothing ended") {
    auto run = good_run();
    run.total.failed = 5;
    CHECK(status_with("failures", run) == VerdictStatus::valid);
    run.total.failed = 50;
    CHECK(status_with("failures", run) == VerdictStatus::suspect);
    run.total.failed = 1100;
    CHECK(status_with("failures", run) == VerdictStatus::invalid);
    CHECK(status_with("nothing_measured", RunResult{}) == VerdictStatus::invalid);
    auto late = good_run();
    late.succeeded_in_time = 0;
    CHECK(status_with("nothing_in_time", late) == VerdictStatus::suspect);
}

TEST_CASE("a run of a handful of queries tells nothing of the next") {
    auto run = good_run();
    run.latencies.response.clear();
    run.latencies.response.record(1ms, 20);
    CHECK(metrics::judge(run).status == metrics::VerdictStatus::valid);
    run.latencies.response.clear();
    run.latencies.response.record(1ms, 19);
    const auto verdict = metrics::judge(run);
    CHECK(verdict.status == metrics::VerdictStatus::suspect);
    REQUIRE(verdict.reasons.size() == 1);
    CHECK(verdict.reasons[0].code == "few_queries");
    CHECK(verdict.reasons[0].message.starts_with("19 queries are too few"));
}

TEST_CASE("where nearly all failed, a longer run is no cure") {
    auto run = good_run();
    run.latencies.response.clear();
    run.latencies.service.clear();
    run.total.failed = run.total.ended();
    run.total.ok = run.total.empty = 0;
    run.succeeded_in_time = 0;
    const auto verdict = metrics::judge(run);
    REQUIRE(verdict.reasons.size() == 1);
    CHECK(verdict.reasons[0].code == "failures");
}

TEST_CASE("a run whose rate was looked for in vain speaks of nothing") {
    auto run = good_run();
    run.rate_search.emplace();
    CHECK(metrics::judge(run).status == VerdictStatus::valid);
    run.rate_search->in_vain = true;
    const auto verdict = metrics::judge(run);
    CHECK(verdict.status == VerdictStatus::invalid);
    CHECK(verdict.says("rate_search"));
}

TEST_CASE("the gravest reason comes first") {
    auto run = good_run();
    run.client.loop_busy_ratio = 0.85;
    run.total.failed = 5000;
    const auto verdict = metrics::judge(run);
    REQUIRE(verdict.reasons.size() == 2);
    CHECK(verdict.status == VerdictStatus::invalid);
    CHECK(verdict.reasons.front().code == "failures");
}
