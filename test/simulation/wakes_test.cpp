// When the client sends and reads, with a number for a clock.
#include "pgtraffic/simulation/wakes.hpp"

#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"
#include "support/workload.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using simulation::SimulationPlan;
using simulation::Wakes;
using test::kStart;

namespace {

constexpr const char* kOneStatement = R"({"name": "s", "operations": [
    {"name": "o", "statements": [{"sql": "SELECT 1"}]}]})";
constexpr const char* kTwoStatements = R"({"name": "s", "operations": [
    {"name": "o", "statements": [{"sql": "SELECT 1"}]},
    {"name": "p", "statements": [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}]}]})";
constexpr const char* kOneOfTwo = R"({"name": "s", "operations": [
    {"name": "o", "choose": "one", "statements": [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}]}]})";

SimulationPlan open_loop(base::Nanos step = 0ns) {
    SimulationPlan plan;
    plan.rate_per_s = 300;
    plan.wake_step = step;
    return plan;
}

/// Of that plan, after an answer with a stamp.
Wakes stamped(const SimulationPlan& plan = open_loop(), const char* scenario = kOneStatement) {
    const auto workload = test::workload_of(scenario);
    Wakes wakes{plan, workload};
    wakes.answered(true);
    return wakes;
}

/// A query is under way, the next one due in 3 ms, a session free for it.
constexpr Wakes::Moment kQuiet{.now = kStart,
                               .next_due = kStart + 3ms,
                               .stage_end = kStart + 1s,
                               .started = 1000,
                               .in_flight = 1,
                               .waits_for_session = false,
                               .all_connected = true};

Wakes::Moment but(void (*change)(Wakes::Moment&)) {
    Wakes::Moment moment = kQuiet;
    change(moment);
    return moment;
}

}  // namespace

TEST_CASE("an answer that the kernel stamps lies until the next query is due") {
    CHECK(stamped().reads_at(kQuiet) == kStart + 3ms);
    CHECK(stamped(open_loop(), kOneOfTwo).reads_at(kQuiet) == kStart + 3ms);
}

TEST_CASE("an answer is read when it comes where somebody or something waits for it") {
    using Moment = Wakes::Moment;
    const Wakes wakes = stamped();
    CHECK(wakes.reads_at(but([](Moment& m) { m.in_flight = 0; })) == kStart);
    CHECK(wakes.reads_at(but([](Moment& m) { m.waits_for_session = true; })) == kStart);
    CHECK(wakes.reads_at(but([](Moment& m) { m.all_connected = false; })) == kStart);
    CHECK(wakes.reads_at(but([](Moment& m) { m.next_due = kStart + 4ms; })) == kStart + 4ms);
    CHECK(wakes.reads_at(but([](Moment& m) { m.next_due = kStart + 4ms + 1ns; })) == kStart);
    CHECK(wakes.reads_at(but([](Moment& m) { m.next_due = Mono::max(); })) == kStart);
    CHECK(wakes.reads_at(but([](Moment& m) { m.stage_end = kStart + 2ms; })) == kStart);
    CHECK(stamped(open_loop(), kTwoStatements).reads_at(kQuiet) == kStart);
}

TEST_CASE("without the kernel's times an answer is read when it comes") {
    Wakes wakes = stamped();
    wakes.answered(false);
    CHECK(wakes.reads_at(kQuiet) == kStart);
    wakes.answered(true);
    CHECK(wakes.reads_at(kQuiet) == kStart + 3ms);
    wakes.connection_without_stamps();
    CHECK(wakes.reads_at(kQuiet) == kStart);
}

TEST_CASE("what is left of an answer is read when it comes, with steps, too") {
    for (const auto step : {0ns, base::Nanos{8ms}}) {
        Wakes wakes = stamped(open_loop(step));
        CHECK(wakes.reads_at(but([](auto& m) { m.now += 1ms; })) > kStart + 1ms);
        wakes.waits_for_rest(true);
        CHECK(wakes.reads_at(but([](auto& m) { m.now += 1ms; })) == kStart + 1ms);
        wakes.waits_for_rest(false);
        CHECK(wakes.reads_at(but([](auto& m) { m.now += 1ms; })) > kStart + 1ms);
    }
}

TEST_CASE("after an answer that may have kept the server waiting none lies any more") {
    Wakes wakes = stamped();
    wakes.long_answer();
    CHECK(wakes.reads_at(kQuiet) == kStart);
    CHECK(wakes.timed_by_kernel());  // it was read at once
    Wakes with_steps = stamped(open_loop(8ms));
    CHECK(with_steps.timed_by_kernel());
    with_steps.long_answer();
    CHECK_FALSE(with_steps.timed_by_kernel());
}

TEST_CASE(
    "answers are read when they come where more than one query in a thousand of this load is tried again") {
    Wakes wakes = stamped();
    wakes.tried_again();
    CHECK(wakes.reads_at(kQuiet) == kStart + 3ms);
    wakes.tried_again();
    CHECK(wakes.reads_at(kQuiet) == kStart);
    wakes.load_begins();
    CHECK(wakes.reads_at(kQuiet) == kStart + 3ms);
}

TEST_CASE("steps are multiples of their length, for queries and for answers") {
    const Wakes wakes = stamped(open_loop(8ms));
    CHECK(wakes.starts_at(kStart) == kStart);  // an hour is a multiple of 8 ms
    CHECK(wakes.starts_at(kStart + 1ns) == kStart + 8ms);
    CHECK(wakes.starts_at(kStart + 8ms) == kStart + 8ms);
    CHECK(wakes.starts_at(Mono::max()) == Mono::max());
    CHECK(wakes.reads_at(but([](auto& m) { m.now += 1ns; })) == kStart + 8ms);
    CHECK(wakes.reads_at(but([](auto& m) { m.waits_for_session = true; })) == kStart);
    CHECK(stamped().starts_at(kStart + 1ns) == kStart + 1ns);
}

TEST_CASE("stamps are wanted in an open loop of one query at a time") {
    const auto workload = test::workload_of(kOneStatement);
    CHECK(Wakes{open_loop(), workload}.wants_stamps());
    CHECK_FALSE(Wakes{SimulationPlan{}, workload}.wants_stamps());
    auto pipelined = open_loop();
    pipelined.pipeline = 4;
    CHECK_FALSE(Wakes{pipelined, workload}.wants_stamps());
}

TEST_CASE("times are called the kernel's where at most one answer in a hundred lacks one") {
    const auto workload = test::workload_of(kOneStatement);
    Wakes wakes{open_loop(), workload};
    CHECK_FALSE(wakes.timed_by_kernel());  // nothing was answered
    wakes.answered(false);
    for (int i = 0; i < 99; ++i) wakes.answered(true);
    CHECK_FALSE(wakes.timed_by_kernel());
    wakes.answered(true);
    CHECK(wakes.timed_by_kernel());
}
