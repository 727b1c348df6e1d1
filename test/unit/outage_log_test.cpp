// The outage table in virtual time: what is an outage, how long it lasts, what it cost, and that a long list
// of them stays bounded.
#include "pgtraffic/metrics/outage_log.hpp"

#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::Completion;
using metrics::Outage;
using metrics::OutageLog;
using metrics::Outcome;
using test::kStart;

namespace {

constexpr std::uint32_t kSessions = 4;
constexpr base::SqlState kShutdown{{'5', '7', 'P', '0', '1'}};
constexpr base::SqlState kStarting{{'5', '7', 'P', '0', '3'}};

/// 100 arrivals a second.
std::uint64_t planned(base::Nanos at) {
    return static_cast<std::uint64_t>(at / 10ms);
}

Completion query(base::Nanos sent, base::Nanos done) {
    Completion completion;
    completion.due = completion.ready = completion.sent = kStart + sent;
    completion.done = kStart + done;
    return completion;
}

/// A log that is told offsets.
struct Told {
    explicit Told(std::uint32_t down = 0) { log.begin(kStart, kSessions, down); }

    void fails(base::Nanos sent, base::Nanos done, base::SqlState state, bool lost = false) {
        auto completion = query(sent, done);
        completion.outcome = Outcome::failed;
        completion.sqlstate = state;
        completion.lost = lost;
        log.query_failed(completion, planned(done));
    }
    void lost(base::Nanos at) { log.session_lost(kStart + at, std::nullopt, "", planned(at)); }
    void refused(base::Nanos at, base::SqlState state) {
        log.connect_failed(kStart + at, state, "refused", planned(at));
    }
    void up(base::Nanos at) { log.session_up(kStart + at, planned(at)); }
    void succeeds(base::Nanos sent, base::Nanos done) { log.succeeded(query(sent, done), planned(done)); }
    std::vector<Outage> finish(base::Nanos end = 60s) { return log.finish(kStart + end, planned(end)); }

    OutageLog log;
};

}  // namespace

TEST_CASE("how long there was no connection is not how long the outage lasted") {
    Told told;
    CHECK(told.log.disconnected_for(kStart + 1s) == 0s);
    for (int i = 0; i < 4; ++i) told.lost(1s);
    CHECK(told.log.disconnected_for(kStart + 3s) == 2s);
    told.up(3s);
    CHECK(told.log.disconnected_for(kStart + 4s) == 0s);
    told.lost(4s);
    CHECK(told.log.disconnected_for(kStart + 4s + 50ms) == 50ms);
    CHECK(told.finish(4s + 50ms).front().duration_s == Approx(3.05));

    const Told never{kSessions};
    CHECK(never.log.disconnected_for(kStart + 2s) == 2s);
}

TEST_CASE("a run without faults has no outage and wants to hear of no success") {
    Told told;
    CHECK_FALSE(told.log.silent());
    told.fails(1s, 2s, *base::SqlState::parse("23505"));
    CHECK_FALSE(told.log.silent());
    CHECK(told.finish().empty());
}

TEST_CASE("why idle sessions were lost is told with the outage") {
    OutageLog log;
    log.begin(kStart, kSessions, 0);
    log.session_lost(kStart + 1s, kShutdown, "by an administrator", 7);
    log.session_lost(kStart + 1s, kShutdown, "by another", 7);
    log.session_lost(kStart + 1s, std::nullopt, "its query tells", 7);
    const auto outage = log.finish(kStart + 6s, 9).front();
    CHECK(outage.sessions_lost == 3);
    REQUIRE(outage.errors.size() == 1);
    CHECK(outage.errors[0].sqlstate == kShutdown);
    CHECK(outage.errors[0].sessions == 2);
    CHECK(outage.errors[0].sample == "by an administrator");
}

TEST_CASE("the service is not away while connections are there and nothing is due") {
    OutageLog log;
    const auto lose_all = [&log](base::Mono at) {
        for (std::uint32_t i = 0; i < kSessions; ++i) log.session_lost(at, std::nullopt, "", 7);
    };
    const auto due = [](base::Mono at, base::Nanos response) {
        Completion completion;
        completion.due = completion.ready = completion.sent = at;
        completion.done = at + response;
        return completion;
    };
    log.begin(kStart, kSessions, 0);
    lose_all(kStart + 1s);
    log.session_up(kStart + 1s + 50ms, 7);
    log.succeeded(due(kStart + 4s, 10ms), 8);  // the first one since
    const auto quiet = log.finish(kStart + 6s, 9).front();
    CHECK(quiet.scope == Outage::Scope::service);
    CHECK(quiet.without_service_s == Approx(0.06));
    CHECK(quiet.silence_s == Approx(3.01));

    log.begin(kStart, kSessions, 0);
    lose_all(kStart + 1s);
    log.session_up(kStart + 1s + 50ms, 7);
    CHECK(log.finish(kStart + 6s, 7).front().without_service_s == Approx(0.05));

    log.begin(kStart, kSessions, 0);  // one that was due waits until then
    lose_all(kStart + 1s);
    log.session_up(kStart + 2s, 8);
    log.connect_failed(kStart + 3s, kStarting, "refused", 8);
    log.session_up(kStart + 4s, 8);
    log.succeeded(due(kStart + 1500ms, 3s), 8);
    CHECK(log.finish(kStart + 6s, 9).front().without_service_s == Approx(3.5));

    log.begin(kStart, kSessions, 0);  // connections are there, and no answer to what is asked
    lose_all(kStart + 1s);
    log.session_up(kStart + 2s, 7);
    CHECK(log.finish(kStart + 6s, 8).front().without_service_s == Approx(5.0));
}

TEST_CASE("a server that goes and comes back") {
    Told told;
    told.fails(9'990ms, 10s, kShutdown, true);
    for (std::uint32_t i = 0; i < kSessions; ++i) told.lost(10s);
    CHECK(told.log.silent());
    told.refused(11s, base::kCannotConnect);
    told.refused(12s, kStarting);
    told.refused(12s, kStarting);
    told.up(13s);
    told.succeeds(10s - 1ms, 13s);  // an answer from before says nothing
    CHECK(told.log.silent());
    told.succeeds(13s, 13'500ms);
    CHECK_FALSE(told.log.silent());
    for (const auto at : {14s, 15s, 16s}) told.up(at);

    const auto outages = told.finish();
    REQUIRE(outages.size() == 1);
    const auto& outage = outages[0];
    CHECK(outage.from_s == 10);
    CHECK(outage.to_s == 16);
    CHECK(outage.duration_s == 6);
    CHECK(outage.over);
    CHECK(outage.scope == Outage::Scope::service);
    CHECK(outage.sessions_lost == kSessions);
    CHECK(outage.failed_connects == 3);
    CHECK(outage.silence_s == 3.5);
    CHECK(outage.first_success_s == 3.5);
    // 350 came due in the silence; one was under way before.
    CHECK(outage.arrivals_hit == 351);
    REQUIRE(outage.errors.size() == 3);
    CHECK(outage.errors[0].sqlstate == kStarting);
    CHECK(outage.errors[0].connects == 2);
}

TEST_CASE("one backend killed among several is an affair of its session") {
    Told told;
    told.fails(4'990ms, 5s, kShutdown, true);
    told.lost(5s);
    told.succeeds(5s + 1ms, 5s + 2ms);  // another session
    told.up(5s + 40ms);
    const auto outages = told.finish();
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].scope == Outage::Scope::sessions);
    CHECK(outages[0].silence_s == 0.002);
    CHECK(outages[0].duration_s == 0.04);
    CHECK(outages[0].arrivals_hit == 1);
}

TEST_CASE("a read-only server is an outage without a lost session, whatever reads go on between") {
    SECTION("only writes: as many in a row as there are sessions") {
        Told told;
        for (int i = 0; i < 100; ++i) told.fails(1s + i * 10ms, 1s + i * 10ms + 1ms, base::kReadOnly);
        told.succeeds(2s, 2s + 1ms);
        const auto outages = told.finish();
        REQUIRE(outages.size() == 1);
        CHECK(outages[0].scope == Outage::Scope::service);
        CHECK(outages[0].errors[0].queries == 100);
        CHECK(outages[0].sessions_lost == 0);
        CHECK(outages[0].duration_s == 1);
    }
    SECTION("reads succeed between: one outage of some sessions, not a hundred") {
        Told told;
        for (int i = 0; i < 100; ++i) {
            told.fails(1s + i * 10ms, 1s + i * 10ms + 1ms, base::kReadOnly);
            told.succeeds(1s + i * 10ms + 2ms, 1s + i * 10ms + 3ms);
        }
        const auto outages = told.finish();
        REQUIRE(outages.size() == 1);
        CHECK(outages[0].scope == Outage::Scope::sessions);
        CHECK(outages[0].errors[0].queries == 100);
        CHECK(outages[0].duration_s == Approx(0.992));
        CHECK(outages[0].silence_s == Approx(0.002));
    }
}

TEST_CASE("what came due in one silence and fails in the next is hit once") {
    Told told;
    told.fails(1s, 1s, base::kReadOnly);          // itself
    told.succeeds(1s + 1ms, 1s + 500ms);          // 50 came due meanwhile
    told.fails(1s + 200ms, 2s, base::kReadOnly);  // one of them
    told.fails(1s + 800ms, 2s, base::kReadOnly);  // due between the two silences
    told.succeeds(2s + 1ms, 2s + 100ms);          // 10 more
    told.fails(2s + 50ms, 2s + 200ms, base::kReadOnly);
    told.fails(1s + 300ms, 2s + 200ms, base::kReadOnly);
    told.succeeds(2s + 300ms, 2s + 300ms);
    const auto outages = told.finish();
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].arrivals_hit == 1 + 50 + 1 + 10 + 10);
    CHECK(outages[0].silence_s == Approx(0.5));
    CHECK(outages[0].silences_s == Approx(0.5 + 0.1 + 0.1));
}

TEST_CASE("of silences without end a query is hit at most once") {
    Told told;
    std::uint64_t queries = 0;
    for (base::Nanos at = 1s; at < 30s; at += 20ms) {
        told.fails(at - 500ms, at, base::kReadOnly);
        told.succeeds(at + 1ms, at + 10ms);
        queries += 2;
    }
    const auto outages = told.finish(30s);
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].arrivals_hit <= planned(30s));
    CHECK(outages[0].arrivals_hit >= queries / 2);
}

TEST_CASE("a fault long after the last one is another outage, a soon one the same") {
    Told told;
    for (const auto at : {1s, 10s}) {
        told.lost(at);
        told.succeeds(at + 1ms, at + 2ms);
        told.up(at + 20ms);
        told.lost(at + 500ms);
        told.succeeds(at + 501ms, at + 510ms);
        told.up(at + 600ms);
    }
    const auto outages = told.finish();
    REQUIRE(outages.size() == 2);
    CHECK(outages[0].from_s == 1);
    CHECK(outages[0].to_s == 1.6);
    CHECK(outages[1].from_s == 10);
    CHECK(outages[1].sessions_lost == 2);
    CHECK(outages[1].silence_s == 0.01);
    CHECK(outages[1].first_success_s == 0.51);  // where the longest silence ended
}

TEST_CASE("an outage that outlives the run is not over, and one before it begins with it") {
    Told told{2};
    told.succeeds(10ms, 20ms);
    told.up(1s);
    told.lost(1'500ms);
    const auto outages = told.finish(5s);
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].from_s == 0);
    CHECK(outages[0].to_s == 5);
    CHECK_FALSE(outages[0].over);
    CHECK(outages[0].sessions_lost == 3);
    CHECK(outages[0].silence_s == 3.5);
    CHECK_FALSE(outages[0].first_success_s);
    CHECK(outages[0].arrivals_hit == 2 + 350);
    CHECK(told.finish().empty());
}

TEST_CASE("a thousand outages are a hundred, and nothing of them is lost") {
    Told told;
    for (int i = 0; i < 1000; ++i) {
        const auto at = i * 10s;
        told.fails(at - 10ms, at, kShutdown, true);
        told.lost(at);
        told.succeeds(at + 1ms, at + 100ms);
        told.up(at + 200ms);
    }
    const auto outages = told.finish(20'000s);
    CHECK(outages.size() == OutageLog::kMaxOutages);
    std::uint64_t episodes = 0;
    std::uint64_t lost = 0;
    std::uint64_t queries = 0;
    std::uint64_t hit = 0;
    double seconds = 0;
    double last = -1;
    for (const auto& outage : outages) {
        episodes += outage.episodes;
        lost += outage.sessions_lost;
        queries += outage.errors.at(0).queries;
        hit += outage.arrivals_hit;
        seconds += outage.duration_s;
        CHECK(outage.from_s > last);
        CHECK(outage.silence_s == 0.1);
        last = outage.to_s;
    }
    CHECK(episodes == 1000);
    CHECK(lost == 1000);
    CHECK(queries == 1000);
    CHECK(hit == 1000 * 11);
    CHECK(seconds == Approx(200));
}

TEST_CASE("silences of some sessions stay theirs, also where they are merged with an outage of the service") {
    Told told;
    double without_service_s = 0;
    double silences_s = 0;
    for (int i = 0; i < 500; ++i) {
        const auto at = i * 10s;
        const bool all = i % 2 == 0;
        for (std::uint32_t s = 0; s < (all ? kSessions : 1); ++s) told.lost(at);
        told.succeeds(at + 1ms, at + 100ms);
        for (std::uint32_t s = 0; s < (all ? kSessions : 1); ++s) told.up(at + 200ms);
    }
    for (const auto& outage : told.finish(10'000s)) {
        silences_s += outage.silences_s;
        without_service_s += outage.without_service_s;
    }
    CHECK(silences_s == Approx(500 * 0.1));
    CHECK(without_service_s == Approx(250 * 0.1));
}

TEST_CASE("what tells of the server's state is a fault, what tells of the query is none") {
    for (const char* state : {"08006", "08P01", "57P01", "57P02", "57P03", "57P05", "53300", "25006"})
        CHECK(metrics::is_fault(*base::SqlState::parse(state)));
    for (const char* state : {"57014", "40001", "40P01", "23505", "42P01", "53100", "25001", "XX000"})
        CHECK_FALSE(metrics::is_fault(*base::SqlState::parse(state)));
}

TEST_CASE("sessions that cannot come back are no outage of the service while others go on") {
    Told told;
    for (std::uint32_t s = 0; s < kSessions - 1; ++s) told.lost(1s);
    // Each attempt fails, more of them between two answers than there are sessions.
    for (auto at = base::Nanos{1s}; at < 9s; at += 100ms) {
        for (int i = 0; i < 6; ++i) told.refused(at + i * 1ms, kStarting);
        told.succeeds(at + 10ms, at + 50ms);
    }
    CHECK(told.log.sessions_away_s(kStart + 9s) == Approx(8 * (kSessions - 1)));
    const auto outages = told.finish(9s);
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].scope == Outage::Scope::sessions);
    CHECK(outages[0].without_service_s == 0);
    CHECK(outages[0].silences_s > 3);
    REQUIRE(outages[0].errors.size() == 1);
    CHECK(outages[0].errors[0].sample == "refused");
}

TEST_CASE("very many sessions may be away for very long") {
    constexpr std::uint32_t kMany = 65'535;
    metrics::OutageLog log;
    log.begin(kStart, kMany, kMany);
    CHECK(log.sessions_away_s(kStart + 365 * 24h) == Approx(365.0 * 86'400 * kMany));
}

TEST_CASE("of an outage only that part is without service in which no session was connected") {
    Told told;
    for (std::uint32_t s = 0; s < kSessions; ++s) told.lost(1s);
    told.up(1500ms);
    told.succeeds(1500ms, 2s);
    for (auto at = base::Nanos{2s}; at < 5s; at += 200ms) {
        told.refused(at + 100ms, kStarting);
        told.succeeds(at + 110ms, at + 150ms);
    }
    for (std::uint32_t s = 1; s < kSessions; ++s) told.up(5s);
    CHECK(told.log.sessions_away_s(kStart + 6s) == Approx(0.5 + 4 * (kSessions - 1)));
    const auto outages = told.finish(6s);
    REQUIRE(outages.size() == 1);
    CHECK(outages[0].scope == Outage::Scope::service);
    CHECK(outages[0].without_service_s == Approx(1));
    CHECK(outages[0].silences_s == Approx(1 + 15 * 0.05));
}
