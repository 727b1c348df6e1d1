// When a query is given up and a pause ends, with a number for a clock.
#include "pgtraffic/simulation/deadlines.hpp"

#include "pgtraffic/simulation/pauses.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using simulation::Deadlines;
using simulation::Pauses;

namespace {

const Mono kStart{1h};

}  // namespace

TEST_CASE("the client gives a query up a little after the server would, behind a pooler at once") {
    CHECK(simulation::client_limit(1s, false) == 1250ms);
    CHECK(simulation::client_limit(100ms, false) == 150ms);  // at least 50 ms later
    CHECK(simulation::client_limit(60s, false) == 61s);      // at most a second
    CHECK(simulation::client_limit(60s, true) == 60s);
}

TEST_CASE("the query that was sent first is late first, unless it has ended") {
    Deadlines deadlines{2, 3, 100ms};
    CHECK(deadlines.next() == Mono::max());
    deadlines.sent({1, 2}, kStart);
    deadlines.sent({0, 0}, kStart + 10ms);
    deadlines.sent({1, 0}, kStart + 20ms);
    CHECK(deadlines.next() == kStart + 100ms);
    CHECK(deadlines.first().session == 1);
    CHECK(deadlines.first().slot == 2);
    deadlines.ended({1, 2});
    deadlines.ended({1, 2});  // also told of those that were not waited for
    CHECK(deadlines.next() == kStart + 110ms);
    CHECK(deadlines.first().session == 0);
    deadlines.ended({0, 0});
    deadlines.sent({1, 2}, kStart + 30ms);  // the same slot again
    CHECK(deadlines.next() == kStart + 120ms);
    deadlines.ended({1, 0});
    CHECK(deadlines.first().slot == 2);
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
