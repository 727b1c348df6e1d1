// What a signal means for a run, with a number for a clock, and what is said while the run ends.
#include "pgtraffic/simulation/ending.hpp"

#include <csignal>

#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::Stage;
using simulation::Ending;
using Step = simulation::Ending::Step;
using test::kStart;

TEST_CASE("a signal before the end of the load ends the load") {
    for (const auto stage : {Stage::connecting, Stage::warming_up, Stage::calibrating, Stage::measuring}) {
        Ending ending;
        CHECK(ending.signal() == 0);
        CHECK(ending.told(SIGTERM, kStart, stage) == Step::end_load);
        CHECK(ending.signal() == SIGTERM);
        CHECK(ending.waits_for_answers());
        CHECK_FALSE(ending.aborted());
    }
}

TEST_CASE("behind the load of a rehearsal a signal ends the wait, and what would follow") {
    Ending ending{true};
    CHECK(ending.told(SIGINT, kStart, Stage::draining) == Step::hurry);
    CHECK(ending.signal() == SIGINT);
    CHECK_FALSE(ending.waits_for_answers());
    CHECK(ending.told(SIGINT, kStart + 1s, Stage::draining) == Step::abort);
}

TEST_CASE("two signals of one number within a tenth of a second are one") {
    Ending ending;
    CHECK(ending.told(SIGINT, kStart, Stage::measuring) == Step::end_load);
    CHECK(ending.told(SIGINT, kStart + 99ms, Stage::draining) == Step::nothing);
    CHECK_FALSE(ending.aborted());
    CHECK(ending.told(SIGINT, kStart + 100ms, Stage::draining) == Step::abort);
    CHECK(ending.aborted());
}

TEST_CASE("of two signals of different numbers the second aborts at once, and the first is told") {
    Ending ending;
    CHECK(ending.told(SIGTERM, kStart, Stage::measuring) == Step::end_load);
    CHECK(ending.told(SIGINT, kStart, Stage::draining) == Step::abort);
    CHECK(ending.aborted());
    CHECK(ending.signal() == SIGTERM);
}

TEST_CASE("a signal behind the end of the load hurries, which ends nothing, and the next one aborts") {
    Ending ending;
    CHECK(ending.told(SIGINT, kStart, Stage::draining) == Step::hurry);
    CHECK_FALSE(ending.waits_for_answers());
    CHECK(ending.signal() == 0);
    CHECK(ending.told(SIGINT, kStart + 50ms, Stage::draining) == Step::nothing);
    CHECK(ending.told(SIGINT, kStart + 1s, Stage::draining) == Step::abort);
    CHECK(ending.aborted());
    CHECK(ending.signal() == SIGINT);
}

TEST_CASE("a signal when all is over does nothing") {
    Ending ending;
    CHECK(ending.told(SIGINT, kStart, Stage::done) == Step::nothing);
    CHECK(ending.signal() == 0);
    CHECK(ending.told(SIGTERM, kStart + 1s, Stage::done) == Step::nothing);
    CHECK_FALSE(ending.aborted());
}

TEST_CASE("answers are waited for until they took too long, and a signal then still only hurries") {
    Ending ending;
    CHECK(ending.waits_for_answers());
    ending.answers_took_too_long();
    CHECK_FALSE(ending.waits_for_answers());
    CHECK(ending.told(SIGINT, kStart, Stage::draining) == Step::hurry);
}

TEST_CASE("who waits for the end of a run is told for what, and what another Ctrl-C does") {
    Ending by_itself;
    CHECK(by_itself.waiting_for_answers(5s, 2) ==
          "waiting at most 5.00 s for 2 queries under way; Ctrl-C ends the wait");
    CHECK(
        by_itself.counting_unstarted(1'234'567) ==
        "counting 1,234,567 queries that were never started; Ctrl-C twice leaves at once, without a report");

    Ending hurried;
    (void)hurried.told(SIGINT, kStart, Stage::draining);
    CHECK(hurried.counting_unstarted(1000) ==
          "counting 1,000 queries that were never started; Ctrl-C again leaves at once, without a report");

    Ending by_signal;
    (void)by_signal.told(SIGINT, kStart, Stage::measuring);
    CHECK(by_signal.waiting_for_answers(5s, 1) ==
          "waiting at most 5.00 s for 1 query under way; Ctrl-C again leaves at once, without a report");
    CHECK(by_signal.counting_unstarted(1000) ==
          "counting 1,000 queries that were never started; Ctrl-C again leaves at once, without a report");
}
