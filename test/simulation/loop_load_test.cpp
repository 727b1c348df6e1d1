// The loop's busy share, told the time.
#include "pgtraffic/simulation/loop_load.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;

TEST_CASE("busy is what lies between an event and the next wait") {
    const base::Mono start{1h};
    simulation::LoopLoad load{start};
    load.waits(start + 100ms);
    load.wakes(start + 900ms);
    CHECK(load.take_ratio(start + 1s) == Approx(0.2));
    CHECK(load.total_ratio() == Approx(0.2));
}

TEST_CASE("two waits without an event between them are one") {
    const base::Mono start{1h};
    simulation::LoopLoad load{start};
    load.waits(start + 100ms);
    load.waits(start + 800ms);
    load.wakes(start + 900ms);
    CHECK(load.take_ratio(start + 1s) == Approx(0.2));
    CHECK(load.longest_turn() == 100ms);
}

TEST_CASE("a border before the last event makes nobody less than idle") {
    // The end of a run is when it was to end, and the loop woke a little later.
    const base::Mono start{1h};
    simulation::LoopLoad load{start};
    load.waits(start);
    load.wakes(start + 1002ms);
    CHECK(load.take_ratio(start + 1s) == 0);
    CHECK(load.total_ratio() == 0);
    load.waits(start + 1102ms);
    CHECK(load.take_ratio(start + 1200ms) == Approx(0.5));
}
