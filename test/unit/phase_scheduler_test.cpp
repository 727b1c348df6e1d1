// N(t) and its inverse, as properties over arbitrary patterns and against closed forms. The tolerance of a
// way there and back is 1e-9 of the arrivals, and what a last bit of the time is worth at the highest rate.
#include "pgtraffic/traffic/phase_scheduler.hpp"

#include <rapidcheck/catch.h>

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "unit/traffic_generators.hpp"

namespace pgtraffic::traffic {

using namespace std::chrono_literals;

namespace {

using std::chrono::hours;
using std::chrono::seconds;

Phase level(const char* name, double share, double intensity) {
    return {.name = name, .share = share, .from = {intensity, intensity}, .to = {intensity, intensity}};
}

Pattern ramp(double from, double to) {
    return {.name = "ramp",
            .description = "",
            .phases = {{.name = "ramp", .share = 1, .from = {from, from}, .to = {to, to}}}};
}

double tolerance(const PhaseScheduler& schedule, double n, double t_s) {
    return 1e-9 * n + 4 * std::numeric_limits<double>::epsilon() * t_s * schedule.max_rate();
}

/// N⁻¹(n), by a cursor that has not moved yet.
double time_of(const PhaseScheduler& schedule, double n) {
    return PhaseScheduler::Cursor{}.time_of(schedule, n);
}

TEST_CASE("A constant rate plans rate times duration") {
    const auto schedule = PhaseScheduler::constant(500, seconds{5});
    CHECK(schedule.total() == 2500);
    CHECK(schedule.duration_s() == 5);
    CHECK(schedule.max_rate() == 500);
    CHECK(schedule.arrivals_until(-1) == 0);
    CHECK(schedule.arrivals_until(2.5) == 1250);
    CHECK(schedule.arrivals_until(7) == 2500);
    CHECK(time_of(schedule, -1) == 0);
    CHECK(time_of(schedule, 250) == 0.5);
    CHECK(time_of(schedule, 9999) == 5);
    CHECK(schedule.rate_at(-0.1) == 0);
    CHECK(schedule.rate_at(0) == 500);
    CHECK(schedule.rate_at(5) == 0);
    REQUIRE(schedule.phases().size() == 1);
    CHECK(schedule.phases()[0].name == "steady");
    CHECK(schedule.phases()[0].planned == 2500);
}

TEST_CASE("A ramp plans and inverts as its closed form says") {
    rc::prop("ramps", [] {
        const double from = any_level();
        const double to = any_level();
        RC_PRE(from + to > 0);
        const double peak = any_peak_rate();
        const auto duration = any_duration();
        const double length_s = base::to_seconds(duration);
        const auto schedule = PhaseScheduler::follow(ramp(from, to), peak, duration, 1);
        const double a = from * peak;
        const double b = to * peak;
        RC_ASSERT(std::abs(schedule.total() - length_s * (a + b) / 2) <= 1e-12 * schedule.total());
        const double t = length_s * any_level();
        const double expected = a * t + (b - a) * t * t / (2 * length_s);
        RC_ASSERT(std::abs(schedule.arrivals_until(t) - expected) <= 1e-12 * schedule.total());
        RC_ASSERT(std::abs(schedule.rate_at(t) - (t < length_s ? a + (b - a) * t / length_s : 0)) <=
                  1e-9 * peak);
    });
}

TEST_CASE("A ramp from zero is inverted by a square root") {
    const auto up = PhaseScheduler::follow(ramp(0, 1), 100, seconds{10}, 1);  // N(t) = 5 t²
    for (const double n : {1e-12, 0.5, 5.0, 20.0, 125.0, 499.999}) {
        CHECK(time_of(up, n) == Approx(std::sqrt(n / 5)).epsilon(1e-14));
    }
    const auto down = PhaseScheduler::follow(ramp(1, 0), 100, seconds{10}, 1);  // what is left: 5 (10 − t)²
    for (const double left : {1e-6, 0.5, 5.0, 20.0, 125.0}) {
        CHECK(time_of(down, 500 - left) == Approx(10 - std::sqrt(left / 5)).epsilon(1e-9));
    }
    const auto nearly_level = PhaseScheduler::follow(ramp(0.5, 0.5 + 1e-13), 100, seconds{10}, 1);
    CHECK(time_of(nearly_level, 333) == Approx(6.66).epsilon(1e-11));
}

TEST_CASE("N never falls, begins at zero and ends at the total") {
    rc::prop("monotone", [] {
        const auto schedule = PhaseScheduler::follow(any_pattern(), any_peak_rate(), any_duration(),
                                                     *rc::gen::arbitrary<std::uint64_t>());
        RC_ASSERT(schedule.arrivals_until(0) == 0);
        double before = 0;
        for (int i = 1; i <= 1000; ++i) {
            const double n = schedule.arrivals_until(schedule.duration_s() * i / 1000.0);
            RC_ASSERT(n >= before);
            before = n;
        }
        RC_ASSERT(schedule.arrivals_until(schedule.duration_s()) == schedule.total());
        RC_ASSERT(schedule.total() >= before);
    });
}

TEST_CASE("The inverse leads back to where it came from") {
    rc::prop("N(N⁻¹(n)) = n", [] {
        const auto schedule = PhaseScheduler::follow(any_pattern(), any_peak_rate(), any_duration(),
                                                     *rc::gen::arbitrary<std::uint64_t>());
        for (int i = 0; i < 50; ++i) {
            const double n = schedule.total() * any_level();
            const double t = time_of(schedule, n);
            RC_ASSERT(t >= 0);
            RC_ASSERT(t <= schedule.duration_s());
            RC_ASSERT(std::abs(schedule.arrivals_until(t) - n) <= tolerance(schedule, n, t));
        }
    });
}

TEST_CASE("A cursor on its way finds the very times that a new one finds, and never goes back") {
    rc::prop("cursor", [] {
        const auto schedule = PhaseScheduler::follow(any_pattern(), any_peak_rate(), any_duration(),
                                                     *rc::gen::arbitrary<std::uint64_t>());
        PhaseScheduler::Cursor cursor;
        double before = 0;
        for (int i = 0; i <= 1000; ++i) {
            const double n = schedule.total() * i / 999.0;  // the last step leads past the end
            const double t = cursor.time_of(schedule, n);
            RC_ASSERT(t == time_of(schedule, n));
            RC_ASSERT(t >= before);
            before = t;
        }
        RC_ASSERT(before == schedule.duration_s());
    });
}

TEST_CASE("Phases lie end to end, share the duration as asked, and add up to the total") {
    rc::prop("phases", [] {
        const auto pattern = any_pattern();
        const auto schedule = PhaseScheduler::follow(pattern, any_peak_rate(), any_duration(),
                                                     *rc::gen::arbitrary<std::uint64_t>());
        RC_ASSERT(schedule.phases().size() == pattern.phases.size());
        double sum = 0;
        double end_s = 0;
        for (std::size_t i = 0; i < pattern.phases.size(); ++i) {
            const PlannedPhase& phase = schedule.phases()[i];
            const double length_s = phase.end_s - phase.start_s;
            RC_ASSERT(phase.name == pattern.phases[i].name);
            RC_ASSERT(phase.start_s == end_s);
            RC_ASSERT(std::abs(length_s - pattern.phases[i].share * schedule.duration_s()) <=
                      1e-12 * schedule.duration_s() + 1e-9);
            const double difference =
                schedule.arrivals_until(phase.end_s) - schedule.arrivals_until(phase.start_s);
            RC_ASSERT(std::abs(phase.planned - difference) <= 1e-12 * schedule.total());
            RC_ASSERT(phase.planned >= phase.lowest_rate_per_s * length_s - 1e-12 * schedule.total());
            RC_ASSERT(phase.planned <= phase.highest_rate_per_s * length_s + 1e-12 * schedule.total());
            end_s = phase.end_s;
            sum += phase.planned;
        }
        RC_ASSERT(end_s == schedule.duration_s());
        RC_ASSERT(std::abs(sum - schedule.total()) <= 1e-12 * schedule.total());
    });
}

TEST_CASE("Borders lie on the nanosecond that they mean, whatever the sum of shares rounds to") {
    traffic::Pattern pattern{"tenths", "", {}};
    for (int i = 0; i < 10; ++i) {
        auto& phase = pattern.phases.emplace_back();
        phase.name = "p" + std::to_string(i);
        phase.share = 0.1;
    }
    const auto schedule = PhaseScheduler::follow(pattern, 100, 20s, 1);
    for (std::size_t i = 0; i < 10; ++i) CHECK(schedule.phases()[i].start_s == static_cast<double>(2 * i));
}

TEST_CASE("The rate wanders inside its moving band and never leaves it") {
    rc::prop("bands", [] {
        const auto pattern = any_pattern();
        const double peak = any_peak_rate();
        const auto schedule =
            PhaseScheduler::follow(pattern, peak, any_duration(), *rc::gen::arbitrary<std::uint64_t>());
        const double slack = 1e-12 * peak;
        for (std::size_t i = 0; i < pattern.phases.size(); ++i) {
            const Phase& phase = pattern.phases[i];
            const PlannedPhase& planned = schedule.phases()[i];
            for (int step = 0; step < 200; ++step) {
                const double x = step / 200.0;
                const double rate = schedule.rate_at(planned.start_s + x * (planned.end_s - planned.start_s));
                const double low = peak * (phase.from.low + (phase.to.low - phase.from.low) * x);
                const double high = peak * (phase.from.high + (phase.to.high - phase.from.high) * x);
                const double half_reach = phase.variance * (high - low) / 2;
                RC_ASSERT(std::abs(rate - (low + high) / 2) <= half_reach + 1e-9 * peak);
                RC_ASSERT(rate >= planned.lowest_rate_per_s - slack);
                RC_ASSERT(rate <= planned.highest_rate_per_s + slack);
            }
        }
    });
}

TEST_CASE("Full variance uses the width of the band, and another seed wanders elsewhere") {
    const Pattern pattern{
        .name = "spike",
        .description = "",
        .phases = {{.name = "spike", .share = 1, .from = {0, 1}, .to = {0, 1}, .variance = 1}}};
    const auto one = PhaseScheduler::follow(pattern, 1000, hours{1}, 1);
    CHECK(one.phases()[0].lowest_rate_per_s < 20);
    CHECK(one.phases()[0].highest_rate_per_s > 980);
    CHECK(one.total() == Approx(500 * 3600).epsilon(0.1));
    const auto same = PhaseScheduler::follow(pattern, 1000, hours{1}, 1);
    const auto other = PhaseScheduler::follow(pattern, 1000, hours{1}, 2);
    CHECK(one.total() == same.total());
    CHECK(one.rate_at(1000) == same.rate_at(1000));
    CHECK(one.rate_at(1000) != other.rate_at(1000));
}

TEST_CASE("Two phases of one band wander each in its own way") {
    const Phase wandering{.name = "half", .share = 0.5, .from = {0, 1}, .to = {0, 1}, .variance = 1};
    const Pattern pattern{.name = "twins", .description = "", .phases = {wandering, wandering}};
    const auto schedule = PhaseScheduler::follow(pattern, 1000, seconds{60}, 1);
    for (const double t : {0.0, 7.0, 20.0}) CHECK(schedule.rate_at(t) != Approx(schedule.rate_at(30 + t)));
}

TEST_CASE("No arrival is due in a stretch without load") {
    const Pattern pattern{.name = "pauses",
                          .description = "",
                          .phases = {level("wait", 0.2, 0), level("on", 0.2, 1), level("off", 0.2, 0),
                                     level("again", 0.2, 1), level("rest", 0.2, 0)}};
    const auto schedule = PhaseScheduler::follow(pattern, 100, seconds{5}, 1);
    CHECK(schedule.total() == Approx(200).epsilon(1e-14));
    CHECK(time_of(schedule, 0) == 1);
    CHECK(time_of(schedule, 50) == Approx(1.5).epsilon(1e-14));
    CHECK(time_of(schedule, 100) == Approx(3).epsilon(1e-14));
    CHECK(time_of(schedule, 150) == Approx(3.5).epsilon(1e-14));
    CHECK(time_of(schedule, 200) == 5);
    CHECK(schedule.arrivals_until(0.9) == 0);
    CHECK(schedule.arrivals_until(2.5) == Approx(100).epsilon(1e-14));
    CHECK(schedule.rate_at(2.5) == 0);
    CHECK(schedule.phases()[2].planned == 0);
}

TEST_CASE("A schedule of a nanosecond and one of a century are schedules too") {
    const auto pattern = load_pattern("business-hours");
    const auto shortest = PhaseScheduler::follow(pattern, 1e9, base::Nanos{1}, 1);
    CHECK(shortest.duration_s() == 1e-9);
    CHECK(shortest.total() == Approx(0.6).margin(0.3));
    const auto longest = PhaseScheduler::follow(pattern, 1e5, hours{24 * 36525}, 1);
    const double n = longest.total() / 3;
    CHECK(longest.arrivals_until(time_of(longest, n)) == Approx(n).epsilon(1e-9));
}

}  // namespace
}  // namespace pgtraffic::traffic
