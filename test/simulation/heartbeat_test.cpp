// How long a program stood still, told the time.
#include "pgtraffic/simulation/heartbeat.hpp"

#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using simulation::Heartbeat;
using test::kStart;

TEST_CASE("beats that come when they are due, or a busy loop's turn later, are no standstill") {
    Heartbeat heart;
    CHECK(heart.begin(kStart) == kStart + 100ms);
    CHECK(heart.beat(kStart + 101ms) == kStart + 201ms);
    CHECK(heart.beat(kStart + 300ms) == kStart + 400ms);
    heart.end(kStart + 499ms);
    CHECK(heart.stood_still() == 0s);
    CHECK(heart.longest() == 0s);
}

TEST_CASE("what beats are late by is what was stood still, each time, and never more than it was") {
    Heartbeat heart;
    auto due = heart.begin(kStart);
    due = heart.beat(due + 600ms);  // stopped for 600 to 700 ms
    due = heart.beat(due);
    due = heart.beat(due + 250ms);
    CHECK(heart.stood_still() == 850ms);
    CHECK(heart.longest() == 600ms);
}

TEST_CASE("a standstill that lasts beyond the end counts, once") {
    Heartbeat heart;
    const auto due = heart.begin(kStart);
    heart.end(due + 2s);
    heart.end(due + 5s);
    CHECK(heart.stood_still() == 2s);
    heart.begin(kStart + 1h);
    CHECK(heart.stood_still() == 0s);
}

TEST_CASE("what never began has stood still for no time") {
    Heartbeat heart;
    heart.end(kStart);
    CHECK(heart.stood_still() == 0s);
}
