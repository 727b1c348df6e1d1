// When a query is given up and a pause ends, with a number for a clock.
#include "pgtraffic/simulation/deadlines.hpp"

#include "pgtraffic/simulation/pauses.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using simulation::Deadlines;
using simulation::Pauses;
using test::kStart;

TEST_CASE("the client gives a query up a little after the server would, behind a pooler at once") {
    CHECK(simulation::client_limit(1s, false) == 1250ms);
    CHECK(simulation::client_limit(100ms, false) == 150ms);  // at least 50 ms later
    CHECK(simulation::client_limit(60s, false) == 61s);      // at most a second
    CHECK(simulation::client_limit(60s, true) == 60s);
}

TEST_CASE("the session that began to wait first is late first, unless it has its answer") {
    Deadlines deadlines{3, 100ms};
    CHECK(deadlines.next() == Mono::max());
    deadlines.begin(2, kStart);
    deadlines.begin(0, kStart + 10ms);
    deadlines.begin(1, kStart + 20ms);
    CHECK(deadlines.next() == kStart + 100ms);
    CHECK(deadlines.first() == 2);
    deadlines.end(2);
    deadlines.end(2);  // also told of those that were not waited for
    CHECK(deadlines.next() == kStart + 110ms);
    CHECK(deadlines.first() == 0);
    deadlines.end(0);
    deadlines.begin(2, kStart + 30ms);  // its next query
    CHECK(deadlines.next() == kStart + 120ms);
    deadlines.end(1);
    CHECK(deadlines.first() == 2);
    CHECK(deadlines.next() == kStart + 130ms);
}

TEST_CASE("pauses end in the order of their ends, not of their begins") {
    Pauses pauses;
    CHECK(pauses.next() == Mono::max());
    pauses.add({kStart + 30ms, 3});
    pauses.add({kStart + 10ms, 1});
    pauses.add({kStart + 20ms, 2});
    pauses.add({kStart + 40ms, 1});  // the same session's next one
    for (const std::uint32_t session : {1U, 2U, 3U, 1U}) CHECK(pauses.take().session == session);
    CHECK(pauses.next() == Mono::max());
}
