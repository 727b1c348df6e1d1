// Tokens under a clock that is a number: what they promise about counts and due times, and that arrivals
// have the distribution that their name says.
#include "pgtraffic/traffic/token_bucket.hpp"

#include <rapidcheck/catch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "unit/traffic_generators.hpp"

namespace pgtraffic::traffic {
namespace {

using base::Mono;
using base::Nanos;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Mono kStart{seconds{1000}};

/// All arrivals' times, taken at the end of the schedule.
std::vector<Mono> drain(TokenBucket bucket) {
    std::vector<Mono> due;
    while (const auto token = bucket.take(bucket.end())) due.push_back(token->due);
    return due;
}

Pattern two_ramps(double from, double to) {
    return {
        .name = "ramp",
        .description = "",
        .phases = {
            {.name = "first", .share = 0.5, .from = {from, from}, .to = {(from + to) / 2, (from + to) / 2}},
            {.name = "second", .share = 0.5, .from = {(from + to) / 2, (from + to) / 2}, .to = {to, to}}}};
}

TEST_CASE("Uniform arrival k is due at exactly k over the rate") {
    const auto schedule = PhaseScheduler::constant(500, seconds{5});
    const auto due = drain(TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1));
    REQUIRE(due.size() == 2500);
    for (std::size_t k = 0; k < due.size(); ++k) REQUIRE(due[k] == kStart + milliseconds{2} * k);
}

TEST_CASE("Uniform arrivals count exactly, whatever rate and duration") {
    rc::prop("all k below rate × duration", [] {
        const auto tenths_per_s = *rc::gen::inRange<std::int64_t>(1, 100'000);
        const auto length_ms = *rc::gen::inRange<std::int64_t>(1, 60'000);
        const std::int64_t expected = (tenths_per_s * length_ms + 9'999) / 10'000;
        const auto schedule =
            PhaseScheduler::constant(static_cast<double>(tenths_per_s) / 10, milliseconds{length_ms});
        const auto due = drain(TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1));
        RC_ASSERT(static_cast<std::int64_t>(due.size()) == expected);
        RC_ASSERT(due.front() == kStart);
        RC_ASSERT(due.back() < kStart + milliseconds{length_ms});
    });
}

TEST_CASE("Uniform arrivals follow a ramp without drift, and each phase gets its own") {
    const auto schedule = PhaseScheduler::follow(two_ramps(0, 1), 100, seconds{10}, 1);  // N(t) = 5 t²
    const auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    const auto due = drain(bucket);
    REQUIRE(due.size() == 500);
    for (std::size_t k = 0; k < due.size(); ++k) {
        const double expected_s = std::sqrt(static_cast<double>(k) / 5);
        REQUIRE(base::to_seconds(due[k] - kStart) == Approx(expected_s).margin(2e-9));
    }
    CHECK(arrivals_per_phase(schedule, bucket) == std::vector<std::uint64_t>{125, 375});
}

TEST_CASE("An arrival on a border belongs to the phase that begins there, a pause gets none") {
    Pattern pattern{.name = "pause", .description = "", .phases = {}};
    for (const double intensity : {1.0, 0.0, 1.0}) {
        pattern.phases.push_back({.name = "third",
                                  .share = 1.0 / 3,
                                  .from = {intensity, intensity},
                                  .to = {intensity, intensity}});
    }
    for (const double rate : {100.0, 70.0, 30.0, 0.5}) {
        const auto schedule = PhaseScheduler::follow(pattern, rate, seconds{30}, 1);
        const auto third = static_cast<std::uint64_t>(rate * 10);
        const auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
        CHECK(arrivals_per_phase(schedule, bucket) == std::vector<std::uint64_t>{third, 0, third});
        CHECK(drain(bucket)[third] == kStart + seconds{20});
    }
}

TEST_CASE("Counts of phases are exact on borders that no binary fraction meets") {
    rc::prop("run, pause, run", [] {
        const auto tenths_per_s = *rc::gen::inRange<std::uint64_t>(1, 50'000);
        std::array<std::uint64_t, 3> tens_of_s{};
        for (auto& length : tens_of_s) length = *rc::gen::inRange<std::uint64_t>(1, 50);
        const std::uint64_t total = tens_of_s[0] + tens_of_s[1] + tens_of_s[2];
        Pattern pattern{.name = "pause", .description = "", .phases = {}};
        for (std::size_t i = 0; i < 3; ++i) {
            const double intensity = i == 1 ? 0 : 1;
            pattern.phases.push_back({.name = "part",
                                      .share = static_cast<double>(tens_of_s[i]) / static_cast<double>(total),
                                      .from = {intensity, intensity},
                                      .to = {intensity, intensity}});
        }
        const auto schedule =
            PhaseScheduler::follow(pattern, static_cast<double>(tenths_per_s) / 10, seconds{10 * total}, 1);
        const auto counts =
            arrivals_per_phase(schedule, TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1));
        RC_ASSERT(counts[0] == tenths_per_s * tens_of_s[0]);
        RC_ASSERT(counts[1] == 0U);
        RC_ASSERT(counts[2] == tenths_per_s * tens_of_s[2]);
    });
}

TEST_CASE("Arrivals closer than a nanosecond still lie before the end") {
    const auto schedule = PhaseScheduler::constant(1e10, Nanos{100});
    const auto due = drain(TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1));
    CHECK(due.size() == 1000);
    CHECK(due.back() == kStart + Nanos{99});
}

TEST_CASE("After a stall of a second at 500/s, 500 tokens wait, each with its own due time") {
    const auto schedule = PhaseScheduler::constant(500, seconds{5});
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    Mono now = kStart;
    for (; now < kStart + seconds{2}; now += milliseconds{1}) {
        while (bucket.take(now)) continue;
    }
    REQUIRE(bucket.taken() == 1000);
    now = kStart + seconds{3} - Nanos{1};
    CHECK(bucket.planned_until(now) - bucket.taken() == 500);
    for (std::uint64_t k = 1000; k < 1500; ++k) {
        const auto token = bucket.take(now);
        REQUIRE(token);
        REQUIRE(token->index == k);
        REQUIRE(token->due == kStart + milliseconds{2} * k);
    }
    CHECK_FALSE(bucket.take(now));
    CHECK(bucket.next_due() == kStart + seconds{3});
}

TEST_CASE("The bucket conserves: planned is taken and waiting, however takes and stalls alternate") {
    rc::prop("conservation", [] {
        const auto schedule = PhaseScheduler::follow(any_pattern(), *rc::gen::inRange(1, 200), seconds{20},
                                                     *rc::gen::arbitrary<std::uint64_t>());
        const auto arrivals = *rc::gen::element(Arrivals::poisson, Arrivals::uniform);
        auto bucket =
            TokenBucket::scheduled(schedule, arrivals, kStart, *rc::gen::arbitrary<std::uint64_t>());
        const auto all = drain(bucket);
        Mono now = kStart;
        for (int i = 0; i < 30; ++i) {
            now += Nanos{*rc::gen::inRange<std::int64_t>(0, 2'000'000'000)};
            for (int wanted = *rc::gen::inRange(0, 200); wanted > 0; --wanted) {
                const auto expected = bucket.taken();
                const auto token = bucket.take(now);
                if (!token) break;
                RC_ASSERT(token->index == expected);
                RC_ASSERT(token->due == all[expected]);
                RC_ASSERT(token->due <= now);
            }
            const auto due = std::ranges::count_if(all, [now](Mono t) { return t <= now; });
            RC_ASSERT(bucket.planned_until(now) == static_cast<std::uint64_t>(due));
            RC_ASSERT(bucket.taken() <= bucket.planned_until(now));
            RC_ASSERT((bucket.next_due() <= now) == (bucket.taken() < bucket.planned_until(now)));
        }
        now = std::max(now, bucket.end());
        RC_ASSERT(bucket.planned_until(now) == all.size());
        while (bucket.take(now)) continue;
        RC_ASSERT(bucket.taken() == all.size());
        RC_ASSERT(bucket.next_due() == Mono::max());
        RC_ASSERT(std::ranges::is_sorted(all));
        for (const Mono due : all) RC_ASSERT((due >= kStart && due < bucket.end()));
    });
}

TEST_CASE("A limit ends the tokens and what is planned") {
    const auto schedule = PhaseScheduler::constant(100, seconds{10});
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    bucket.limit_to(30);
    CHECK(bucket.planned_until(kStart + milliseconds{95}) == 10);
    CHECK(bucket.planned_until(kStart + seconds{5}) == 30);
    for (int i = 0; i < 30; ++i) REQUIRE(bucket.take(kStart + seconds{5}));
    CHECK_FALSE(bucket.take(kStart + seconds{5}));
    CHECK(bucket.taken() == 30);
    CHECK(bucket.next_due() == Mono::max());

    auto late = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    CHECK(late.planned_until(kStart + seconds{1}) == 101);
    late.limit_to(50);
    CHECK(late.planned_until(kStart + seconds{2}) == 50);
    auto none = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    none.limit_to(0);
    CHECK(none.next_due() == Mono::max());
    CHECK_FALSE(none.take(kStart));
}

TEST_CASE("A bucket that was emptied stays empty at the end of time") {
    const auto schedule = PhaseScheduler::constant(10, seconds{1});
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    while (bucket.take(Mono::max())) continue;
    CHECK(bucket.taken() == 10);
    CHECK(bucket.planned_until(Mono::max()) == 10);
}

TEST_CASE("Nothing is due before the start, and a token not taken in time can be taken after the end") {
    const auto schedule = PhaseScheduler::constant(10, seconds{1});
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::uniform, kStart, 1);
    CHECK(bucket.next_due() == kStart);
    CHECK_FALSE(bucket.take(kStart - Nanos{1}));
    CHECK(bucket.planned_until(kStart - Nanos{1}) == 0);
    const auto token = bucket.take(kStart + seconds{60});
    REQUIRE(token);
    CHECK(token->due == kStart);
}

TEST_CASE("A closed loop always has a token due now, between start and end") {
    auto bucket = TokenBucket::unlimited(kStart, seconds{2});
    CHECK(bucket.next_due() == kStart);
    CHECK_FALSE(bucket.take(kStart - Nanos{1}));
    for (const auto now : {kStart, kStart, kStart + milliseconds{1999}, kStart + seconds{2} - Nanos{1}}) {
        const auto expected = bucket.taken();
        const auto token = bucket.take(now);
        REQUIRE(token);
        CHECK(token->index == expected);
        CHECK(token->due == now);
        CHECK(bucket.planned_until(now) == bucket.taken());
    }
    CHECK_FALSE(bucket.take(kStart + seconds{2}));
    CHECK(bucket.taken() == 4);

    auto limited = TokenBucket::unlimited(kStart, seconds{2});
    limited.limit_to(2);
    CHECK(limited.take(kStart));
    CHECK(limited.next_due() != Mono::max());
    CHECK(limited.take(kStart));
    CHECK_FALSE(limited.take(kStart));
    CHECK(limited.next_due() == Mono::max());
}

TEST_CASE("The same seed draws the same arrivals, another seed others, a copy goes on alike") {
    const auto schedule = PhaseScheduler::constant(100, seconds{10});
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 7);
    CHECK(drain(bucket) == drain(TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 7)));
    CHECK(drain(bucket) != drain(TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 8)));
    for (int i = 0; i < 100; ++i) REQUIRE(bucket.take(kStart + seconds{10}));
    auto copy = bucket;
    CHECK(copy.take(kStart + seconds{10})->due == bucket.take(kStart + seconds{10})->due);
    CHECK(drain(copy) == drain(bucket));
}

/// Mean and index of dispersion (variance over mean) of counts, each of which is Poisson where the latter
/// is 1.
struct Moments {
    double mean = 0;
    double dispersion = 0;
};

Moments moments_of(const std::vector<double>& counts) {
    double sum = 0;
    for (const double n : counts) sum += n;
    const double mean = sum / static_cast<double>(counts.size());
    double squares = 0;
    for (const double n : counts) squares += (n - mean) * (n - mean);
    return {mean, squares / static_cast<double>(counts.size() - 1) / mean};
}

TEST_CASE("Poisson counts have the planned mean and a variance equal to it, in each part of a ramp") {
    constexpr std::uint64_t kSeeds = 2000;
    const auto schedule = PhaseScheduler::follow(two_ramps(0, 1), 100, seconds{4}, 1);
    std::vector<double> first;
    std::vector<double> second;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        const auto counts =
            arrivals_per_phase(schedule, TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, seed));
        first.push_back(static_cast<double>(counts[0]));
        second.push_back(static_cast<double>(counts[1]));
    }
    const Moments in_first = moments_of(first);
    const Moments in_second = moments_of(second);
    CHECK(in_first.mean == Approx(50).margin(4 * std::sqrt(50.0 / kSeeds)));
    CHECK(in_second.mean == Approx(150).margin(4 * std::sqrt(150.0 / kSeeds)));
    CHECK(in_first.dispersion == Approx(1).margin(0.1));
    CHECK(in_second.dispersion == Approx(1).margin(0.1));

    double covariance = 0;
    for (std::size_t i = 0; i < kSeeds; ++i)
        covariance += (first[i] - in_first.mean) * (second[i] - in_second.mean);
    const double correlation = covariance / kSeeds / std::sqrt(in_first.mean * in_second.mean);
    CHECK(std::abs(correlation) < 4 / std::sqrt(double{kSeeds}));
}

TEST_CASE("Each phase of each built-in pattern draws within four sigma of its plan") {
    for (const auto name : pattern_names()) {
        const auto schedule = PhaseScheduler::follow(load_pattern(std::string{name}), 1000, seconds{60}, 42);
        const auto counts =
            arrivals_per_phase(schedule, TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 42));
        for (std::size_t i = 0; i < counts.size(); ++i) {
            const PlannedPhase& phase = schedule.phases()[i];
            INFO(name << ": " << phase.name);
            CHECK(std::abs(static_cast<double>(counts[i]) - phase.planned) < 4 * std::sqrt(phase.planned));
        }
    }
}

TEST_CASE("Steps between Poisson arrivals, measured along N, are exponential") {
    const auto schedule = PhaseScheduler::follow(load_pattern("ecommerce-rush"), 500, seconds{60}, 3);
    std::vector<double> uniform;  // 1 − e^(−step) is uniform where the steps are exponential
    double before = 0;
    for (const Mono due : drain(TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 3))) {
        const double n = schedule.arrivals_until(base::to_seconds(due - kStart));
        uniform.push_back(-std::expm1(before - n));
        before = n;
    }
    std::ranges::sort(uniform);
    const auto size = static_cast<double>(uniform.size());
    REQUIRE(size > 10'000);
    double distance = 0;
    for (std::size_t i = 0; i < uniform.size(); ++i) {
        const auto rank = static_cast<double>(i);
        distance = std::max({distance, (rank + 1) / size - uniform[i], uniform[i] - rank / size});
    }
    CHECK(distance * std::sqrt(size) < 1.63);  // Kolmogorov and Smirnov at 1 %
}

TEST_CASE("A day of business hours walks to its end with every arrival counted") {
    const auto schedule =
        PhaseScheduler::follow(load_pattern("business-hours"), 20, std::chrono::hours{24}, 42);
    auto bucket = TokenBucket::scheduled(schedule, Arrivals::poisson, kStart, 42);
    for (Mono now = kStart; now <= bucket.end(); now += seconds{60}) {
        while (bucket.take(now)) continue;
        REQUIRE(bucket.taken() == bucket.planned_until(now));
    }
    CHECK(bucket.next_due() == Mono::max());
    const double taken = static_cast<double>(bucket.taken());
    CHECK(std::abs(taken - schedule.total()) < 4 * std::sqrt(schedule.total()));
}

}  // namespace
}  // namespace pgtraffic::traffic
