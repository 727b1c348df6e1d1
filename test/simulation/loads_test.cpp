// Which arrivals each stage of a run has.
#include "pgtraffic/simulation/loads.hpp"

#include <algorithm>
#include <vector>

#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"
#include "support/clock.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Mono;
using simulation::Loads;
using simulation::SimulationPlan;
using test::kStart;

namespace {

SimulationPlan plan_at(std::optional<double> rate_per_s) {
    SimulationPlan plan;
    plan.rate_per_s = rate_per_s;
    plan.arrivals = traffic::Arrivals::uniform;
    plan.warmup = 2s;
    plan.duration = 10s;
    return plan;
}

/// From 20 to 80 % of the peak rate.
traffic::Pattern ramp() {
    return {"ramp", "", {{"up", 1, {0.2, 0.2}, {0.8, 0.8}, 0}}};
}

std::uint64_t planned(traffic::TokenBucket bucket) {
    return bucket.planned_until(bucket.end());
}

}  // namespace

TEST_CASE("a rate holds for the warm-up and the measurement, each for its own time") {
    const auto plan = plan_at(100);
    Loads loads{plan};
    CHECK_FALSE(loads.wants_peak());
    CHECK(planned(loads.warm_up(kStart)) == 200);
    CHECK(loads.schedule() == nullptr);
    loads.prepare_measured();
    const auto measured = loads.measured(kStart + 2s);
    CHECK(planned(measured) == 1000);
    CHECK(measured.next_due() == kStart + 2s);
    REQUIRE(loads.schedule() != nullptr);
    CHECK(loads.schedule()->rate_at(5) == Approx(100));
}

TEST_CASE("a warm-up and a calibration have no arrivals in common with what is measured") {
    auto plan = plan_at(100);
    plan.arrivals = traffic::Arrivals::poisson;
    Loads loads{plan};
    std::vector<base::Nanos> firsts;
    firsts.push_back(loads.warm_up(kStart).next_due() - kStart);
    firsts.push_back(loads.calibration(kStart, 100, 1s).next_due() - kStart);
    firsts.push_back(loads.calibration(kStart, 100, 1s).next_due() - kStart);
    loads.prepare_measured();
    firsts.push_back(loads.measured(kStart).next_due() - kStart);
    std::sort(firsts.begin(), firsts.end());
    CHECK(std::adjacent_find(firsts.begin(), firsts.end()) == firsts.end());
}

TEST_CASE("a rehearsal and the run behind it have no arrivals in common") {
    auto plan = plan_at(std::nullopt);
    plan.rehearsal = true;
    std::vector<std::uint64_t> firsts;
    for (int step = 0; step < 40; ++step) {
        Loads rehearsal{plan};
        (void)rehearsal.warm_up(kStart);
        firsts.push_back(rehearsal.first_arrival());
        rehearsal.prepare_measured();
        (void)rehearsal.measured(kStart);
        firsts.push_back(rehearsal.first_arrival());
        plan.loads_before = rehearsal.number();
    }
    plan.rehearsal = false;
    Loads loads{plan};
    (void)loads.warm_up(kStart);
    firsts.push_back(loads.first_arrival());
    loads.prepare_measured();
    (void)loads.measured(kStart);
    CHECK(loads.first_arrival() == 0);
    firsts.push_back(loads.first_arrival());
    std::sort(firsts.begin(), firsts.end());
    CHECK(std::adjacent_find(firsts.begin(), firsts.end()) == firsts.end());
    CHECK(firsts[1] > (1ULL << 31U));  // the measured load has room
}

TEST_CASE("without a rate or a pattern every load is a closed loop, and may have a last query") {
    auto plan = plan_at(std::nullopt);
    plan.total_queries = 3;
    Loads loads{plan};
    auto warmup = loads.warm_up(kStart);
    CHECK(warmup.next_due() <= kStart);
    CHECK(warmup.end() == kStart + 2s);
    loads.prepare_measured();
    auto measured = loads.measured(kStart);
    CHECK(loads.schedule() == nullptr);
    for (int i = 0; i < 3; ++i) CHECK(measured.take(kStart));
    CHECK_FALSE(measured.take(kStart));
    CHECK(measured.next_due() == Mono::max());
    for (int i = 0; i < 10; ++i) CHECK(warmup.take(kStart));  // the limit is the measurement's
}

TEST_CASE("a pattern is warmed up at its first rate, of its peak once that is found") {
    auto plan = plan_at(std::nullopt);
    plan.pattern = ramp();
    Loads loads{plan};
    CHECK(loads.wants_peak());
    CHECK(loads.warm_up(kStart).next_due() <= kStart);  // a closed loop meanwhile
    CHECK(planned(loads.calibration(kStart, 50, 900ms)) == 45);
    CHECK(loads.calibration(kStart, 0, 2s).end() == kStart + 2s);
    loads.set_peak(1000);
    CHECK_FALSE(loads.wants_peak());
    loads.prepare_measured();
    CHECK(planned(loads.measured(kStart)) == Approx(5000).margin(1));

    plan.peak_rate_per_s = 1000;
    Loads given{plan};
    CHECK_FALSE(given.wants_peak());
    CHECK(planned(given.warm_up(kStart)) == Approx(400).margin(1));
}

TEST_CASE("a rate that is looked for holds once it is found") {
    auto plan = plan_at(std::nullopt);
    plan.find_rate = true;
    CHECK(plan.open_loop());
    Loads loads{plan};
    CHECK(loads.wants_peak());
    CHECK(loads.warm_up(kStart).next_due() <= kStart);  // a closed loop meanwhile
    loads.set_peak(70);
    CHECK_FALSE(loads.wants_peak());
    loads.prepare_measured();
    REQUIRE(loads.schedule() != nullptr);
    CHECK(loads.schedule()->rate_at(5) == Approx(70));
}

TEST_CASE("a load that begins with nothing is warmed up at a hundredth of its highest rate") {
    auto plan = plan_at(std::nullopt);
    plan.pattern = traffic::Pattern{"late", "", {{"up", 1, {0, 0}, {1, 1}, 0}}};
    plan.peak_rate_per_s = 1000;
    Loads loads{plan};
    CHECK(planned(loads.warm_up(kStart)) == 20);
}

TEST_CASE("no two loads share an arrival's number, and the measured one begins at 0") {
    const auto plan = plan_at(100);
    Loads loads{plan};
    CHECK(loads.number() == 0);
    std::vector<std::uint64_t> firsts;
    (void)loads.warm_up(kStart);
    firsts.push_back(loads.first_arrival());
    (void)loads.calibration(kStart, 10, 900ms);
    firsts.push_back(loads.first_arrival());
    loads.prepare_measured();
    (void)loads.measured(kStart);
    CHECK(loads.number() == 3);
    CHECK(loads.first_arrival() == 0);
    CHECK(firsts == std::vector<std::uint64_t>{127ULL << 31U, 126ULL << 31U});
}
