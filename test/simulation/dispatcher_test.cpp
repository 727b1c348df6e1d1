// The dispatcher's decisions: who is next, when to look again, what counts where.
#include <cmath>

#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/simulation/loop_load.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using base::Nanos;
using simulation::Decision;
using simulation::Dispatcher;
using simulation::IndexList;
using test::kStart;

TEST_CASE("an index list is a queue that can be left from the middle") {
    IndexList list{5};
    for (const std::uint32_t i : {3U, 1U, 4U, 0U}) list.push_back(i);
    list.remove(4);
    list.remove(4);
    list.remove(3);
    CHECK(list.size() == 2);
    CHECK(list.front() == 1);
    list.push_back(3);
    list.remove(1);
    CHECK(list.front() == 0);
    list.remove(0);
    CHECK(list.front() == 3);
    list.remove(3);
    CHECK(list.empty());
    CHECK_FALSE(list.contains(3));
    list.push_back(2);
    CHECK(list.front() == 2);
    list.push_back(4);
    CHECK(list.pop_front() == 2);
    CHECK_FALSE(list.contains(2));
    CHECK(list.front() == 4);
    CHECK(list.pop_front() == 4);
    CHECK(list.empty());
    list.push_back(2);
    CHECK(list.front() == 2);
    CHECK(list.back() == 2);
}

TEST_CASE("the session that was free for longest goes first and a lost one never goes") {
    Dispatcher dispatcher{3};
    dispatcher.begin(traffic::TokenBucket::unlimited(kStart, 10s));
    dispatcher.session_free(2, kStart);
    dispatcher.session_free(0, kStart + 1ms);
    dispatcher.session_free(1, kStart + 2ms);
    dispatcher.session_gone(0);
    const auto first = dispatcher.next(kStart + 3ms);
    CHECK(first.kind == Decision::Kind::start);
    CHECK(first.session == 2);
    CHECK(first.ready == kStart);
    CHECK(dispatcher.next(kStart + 3ms).session == 1);
    CHECK(dispatcher.next(kStart + 3ms).kind == Decision::Kind::none);
    CHECK(dispatcher.wake_at() == Mono::max());
    CHECK(dispatcher.in_flight() == 2);
}

TEST_CASE("with room for several queries each, sessions take turns until none has any") {
    Dispatcher dispatcher{2, 3};
    dispatcher.begin(traffic::TokenBucket::unlimited(kStart, 10s));
    for (int i = 0; i < 3; ++i) {
        dispatcher.session_free(0, kStart + i * 1ms);
        dispatcher.session_free(1, kStart + i * 1ms);
    }
    std::string order;
    for (int i = 0; i < 6; ++i) {
        const auto decision = dispatcher.next(kStart + 5ms);
        REQUIRE(decision.kind == Decision::Kind::start);
        order += std::to_string(decision.session);
        CHECK(decision.ready == kStart + i / 2 * 1ms);
    }
    CHECK(order == "010101");
    CHECK(dispatcher.next(kStart + 5ms).kind == Decision::Kind::none);
    dispatcher.session_free(1, kStart + 6ms);
    dispatcher.session_free(1, kStart + 7ms);
    dispatcher.session_free(0, kStart + 8ms);
    dispatcher.session_gone(1);
    CHECK(dispatcher.next(kStart + 9ms).session == 0);
    CHECK(dispatcher.next(kStart + 9ms).kind == Decision::Kind::none);
    dispatcher.session_free(1, kStart + 10ms);
    const auto back = dispatcher.next(kStart + 11ms);
    CHECK(back.session == 1);
    CHECK(back.ready == kStart + 10ms);
}

TEST_CASE("what waits for a session behind a stall of ours waits for us, behind one of the server's for it") {
    const auto schedule = traffic::PhaseScheduler::constant(100, 10s);
    for (const bool ours : {true, false}) {
        CAPTURE(ours);
        Dispatcher dispatcher{1};
        dispatcher.begin(traffic::TokenBucket::scheduled(schedule, traffic::Arrivals::uniform, kStart, 1));
        dispatcher.session_free(0, kStart - 1s);
        // One session, a query of a millisecond each ten; all stands still for a second.
        Mono now = ours ? kStart + 1s : kStart;
        auto worst_pool = 0ns;
        auto worst_ours = 0ns;
        for (int i = 0; i < 200; ++i) {
            const auto decision = dispatcher.next(now);
            REQUIRE(decision.kind == Decision::Kind::start);
            metrics::Completion query;
            query.due = decision.token.due;
            query.ready = decision.ready;
            query.sent = now;
            worst_pool = std::max(worst_pool, query.pool_wait());
            worst_ours = std::max(worst_ours, query.generator_lag());
            CHECK(query.pool_wait() + query.generator_lag() == query.sent - query.due);
            now += !ours && i == 0 ? 1s : 1ms;
            dispatcher.query_ended();
            dispatcher.session_free(0, now, query.generator_lag());
            now = std::max(now, dispatcher.wake_at());
        }
        CHECK((ours ? worst_ours : worst_pool) > 900ms);
        // Half a millisecond of each turn is the session's.
        CHECK((ours ? worst_pool : worst_ours) <= (ours ? 60ms : 0ms));
    }
}

TEST_CASE("last in, first out keeps to few sessions, and an arrival's wait is told all the same") {
    const auto schedule = traffic::PhaseScheduler::constant(10, 10s);
    Dispatcher dispatcher{3, 1, simulation::SessionOrder::lifo};
    dispatcher.begin(traffic::TokenBucket::scheduled(schedule, traffic::Arrivals::uniform, kStart, 1));
    for (std::uint32_t i = 0; i < 3; ++i) dispatcher.session_free(i, kStart - 1s);
    for (int i = 0; i < 4; ++i) {
        const auto decision = dispatcher.next(kStart + i * 100ms + 50ms);
        CHECK(decision.session == 2);
        CHECK(decision.ready <= decision.token.due);  // somebody was free all the time: we were late
        dispatcher.session_free(decision.session, kStart + i * 100ms + 60ms);
    }
}

TEST_CASE("with a session free it asks to be woken for the next arrival") {
    const auto schedule = traffic::PhaseScheduler::constant(10, 10s);
    Dispatcher dispatcher{1};
    dispatcher.begin(traffic::TokenBucket::scheduled(schedule, traffic::Arrivals::uniform, kStart, 1));
    dispatcher.session_free(0, kStart);
    CHECK(dispatcher.next(kStart).token.due == kStart);
    CHECK(dispatcher.wake_at() == Mono::max());
    CHECK_FALSE(dispatcher.waits_for_session(kStart + 99ms));
    CHECK(dispatcher.waits_for_session(kStart + 100ms));
    dispatcher.query_ended();
    dispatcher.session_free(0, kStart + 5ms);
    CHECK_FALSE(dispatcher.waits_for_session(kStart + 100ms));
    CHECK(dispatcher.wake_at() == kStart + 100ms);
    CHECK(dispatcher.next(kStart + 99ms).kind == Decision::Kind::none);
    // Three were due meanwhile; the oldest one goes, the others wait.
    const auto late = dispatcher.next(kStart + 310ms);
    CHECK(late.token.due == kStart + 100ms);
    CHECK(dispatcher.planned(kStart + 310ms) == 4);
    CHECK(dispatcher.waiting(kStart + 310ms) == 2);
}

TEST_CASE("closing lets nothing in and hands out what was waiting") {
    const auto schedule = traffic::PhaseScheduler::constant(10, 10s);
    Dispatcher dispatcher{1};
    dispatcher.begin(traffic::TokenBucket::scheduled(schedule, traffic::Arrivals::uniform, kStart, 1));
    dispatcher.session_free(0, kStart);
    (void)dispatcher.next(kStart);
    dispatcher.close(kStart + 450ms);
    dispatcher.close(kStart + 2s);  // the first time counts
    CHECK(dispatcher.waiting(kStart + 5s) == 4);
    CHECK(dispatcher.next_due() == kStart + 100ms);  // it waits on, and so does what is counted of its time
    CHECK(dispatcher.wake_at() == Mono::max());
    CHECK_FALSE(dispatcher.waits_for_session(kStart + 5s));  // nothing starts any more
    int abandoned = 0;
    while (const auto token = dispatcher.next_abandoned()) {
        ++abandoned;
        CHECK(token->due == kStart + abandoned * 100ms);
    }
    CHECK(abandoned == 4);
    CHECK(dispatcher.next_due() == Mono::max());
}

TEST_CASE("in a closed loop a query is due since the answer before it, but for a session's first") {
    auto bucket = traffic::TokenBucket::unlimited(kStart, 10s);
    Dispatcher dispatcher{2};
    dispatcher.begin(bucket, 1ms);  // a limit that skips what is late in an open loop only
    dispatcher.session_free(0, kStart - 1s);
    dispatcher.session_free(1, kStart - 1s);
    CHECK(dispatcher.next(kStart + 2ms).token.due == kStart + 2ms);
    CHECK(dispatcher.next(kStart + 3ms).token.due == kStart + 3ms);
    dispatcher.session_free(1, kStart + 50ms);
    dispatcher.session_free(0, kStart + 51ms);
    const auto first = dispatcher.next(kStart + 90ms);
    REQUIRE(first.kind == Decision::Kind::start);
    CHECK(first.session == 1);
    CHECK(first.token.due == kStart + 50ms);
    CHECK(first.ready == first.token.due);
    CHECK(dispatcher.next(kStart + 91ms).token.due == kStart + 51ms);
    CHECK(dispatcher.missed() == 0);
}

TEST_CASE("a session that thinks is free, and its next query due, when it has thought") {
    Dispatcher dispatcher{2};
    dispatcher.think(100ms, 1);
    dispatcher.begin(traffic::TokenBucket::unlimited(kStart, 1h));
    CHECK(dispatcher.wake_at() == Mono::max());
    dispatcher.session_free(0, kStart);
    const auto thought = dispatcher.wake_at();
    CHECK(thought > kStart);
    CHECK(dispatcher.next(thought - 1ns).kind == Decision::Kind::none);
    const auto first = dispatcher.next(thought + 3ms);  // we were late
    REQUIRE(first.kind == Decision::Kind::start);
    CHECK(first.token.due == thought);
    CHECK(dispatcher.wake_at() == Mono::max());
    // One whose connection goes while it thinks asks for nothing; back again, it thinks anew.
    dispatcher.query_ended();
    dispatcher.session_free(0, kStart + 1s);
    dispatcher.session_gone(0);
    CHECK(dispatcher.next(kStart + 1h - 1s).kind == Decision::Kind::none);
    dispatcher.session_free(0, kStart + 2s);
    const auto again = dispatcher.next(kStart + 1h - 1s);
    REQUIRE(again.kind == Decision::Kind::start);
    CHECK(again.token.due > kStart + 2s);
    CHECK(dispatcher.next(kStart + 1h - 1s).kind == Decision::Kind::none);
}

TEST_CASE("who thinks beyond the border of two loads asks in the second, and nobody is woken for no query") {
    auto first = traffic::TokenBucket::unlimited(kStart, 1s);
    Dispatcher dispatcher{1};
    dispatcher.think(1h, 1);
    dispatcher.begin(first);
    dispatcher.session_free(0, kStart);
    auto second = traffic::TokenBucket::unlimited(kStart + 1s, 100h);
    second.limit_to(1);
    dispatcher.begin(second);
    const auto thought = dispatcher.wake_at();
    REQUIRE(thought > kStart + 1s);
    CHECK(dispatcher.next(thought).token.due == thought);
    dispatcher.query_ended();
    dispatcher.session_free(0, thought + 1s);
    CHECK(dispatcher.wake_at() == Mono::max());  // that was the last one
}

TEST_CASE("pauses are exponential: their mean, and how many are longer than that") {
    constexpr int kPauses = 20'000;
    simulation::Thinkers thinkers{1, 10ms, 7};
    Nanos sum{0};
    int longer = 0;
    for (int i = 0; i < kPauses; ++i) {
        thinkers.begin(0, kStart);
        CHECK(thinkers.thinks(0));
        const auto pause = thinkers.take(Mono::max() - 1ns);
        REQUIRE(pause);
        sum += pause->until - kStart;
        longer += pause->until - kStart > 10ms ? 1 : 0;
    }
    CHECK(base::to_millis(sum) / kPauses == Approx(10).epsilon(5 / std::sqrt(kPauses)));
    CHECK(longer == Approx(kPauses * std::exp(-1)).margin(5 * std::sqrt(kPauses * 0.37 * 0.63)));
    CHECK_FALSE(thinkers.thinks(0));
    CHECK(thinkers.next() == Mono::max());
}

TEST_CASE("a closed loop abandons nothing") {
    Dispatcher dispatcher{1};
    dispatcher.begin(traffic::TokenBucket::unlimited(kStart, 10s));
    dispatcher.session_free(0, kStart);
    (void)dispatcher.next(kStart);
    dispatcher.close(kStart + 1s);
    CHECK_FALSE(dispatcher.next_abandoned());
    CHECK(dispatcher.waiting(kStart + 1s) == 0);
}

TEST_CASE("the loop's load is the time between waking and waiting") {
    simulation::LoopLoad load{kStart};
    load.waits(kStart + 1s);
    load.wakes(kStart + 4s);
    load.wakes(kStart + 5s);  // a later callback of the same batch
    CHECK(load.take_ratio(kStart + 5s) == Approx(0.4));
    load.waits(kStart + 6s);
    CHECK(load.take_ratio(kStart + 7s) == Approx(0.5));
    CHECK(load.total_ratio() == Approx(3.0 / 7));
    load.restart(kStart + 8s);
    load.wakes(kStart + 9s);
    load.waits(kStart + 10s);
    CHECK(load.take_ratio(kStart + 12s) == Approx(0.25));
}
