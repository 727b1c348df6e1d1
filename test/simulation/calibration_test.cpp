// The stage that looks for a rate, told its steps as a run tells them, in virtual time.
#include "pgtraffic/simulation/calibration.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "pgtraffic/simulation/events.hpp"
#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"
#include "support/virtual_pipeline.hpp"
#include "support/workload.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using simulation::Calibration;

namespace {

/// Ten servers of five milliseconds: 2,000 a second at most.
struct CalibratedRun {
    simulation::SimulationPlan plan;
    workload::Workload workload = test::one_query();
    std::vector<std::string> said;
    simulation::SimulationEvents events{.stage = [this](const std::string& text) { said.push_back(text); },
                                        .preparing = {},
                                        .progress = {},
                                        .intervals_closed = {},
                                        .moment = {}};
    simulation::Announcer announcer{plan, workload, events};
    std::optional<Calibration> calibration;
    std::uint64_t seed = 1;

    explicit CalibratedRun(bool find_rate) {
        plan.find_rate = find_rate;
        calibration.emplace(plan, workload, announcer);
        calibration->begin();
    }

    void step(bool none_away = true) {
        test::VirtualPlan load;
        load.duration = calibration->step_length();
        if (calibration->next_rate() > 0)
            load.schedule = traffic::PhaseScheduler::constant(calibration->next_rate(), load.duration);
        load.sessions = 10;
        load.seed = seed++;
        load.server = [](base::Nanos, base::Random& random) {
            return test::ModelledAnswer{base::from_seconds(0.005 * random.exponential())};
        };
        load.observe = [&](const metrics::Completion& completion) {
            if (completion.done - test::VirtualPlan::kStart < load.duration)
                calibration->query_ended(completion);
        };
        const auto result = run_virtually(load);
        calibration->end_step(load.duration, result.total.planned, result.total.started, none_away);
    }

    void to_the_end() {
        while (!calibration->finished()) {
            step();
            calibration->drained();
        }
    }

    [[nodiscard]] bool was_said(const std::string& part) const {
        return std::any_of(said.begin(), said.end(),
                           [&](const std::string& text) { return text.find(part) != std::string::npos; });
    }
};

}  // namespace

TEST_CASE("steps at a rate are followed by a wait for what they left, a closed loop by its first rate") {
    CalibratedRun stage{true};
    CHECK(stage.was_said("looking for the highest rate that the server carries"));
    CHECK(stage.calibration->present_step() == "trying a closed loop");
    CHECK_FALSE(stage.calibration->drains());
    stage.step();
    CHECK(stage.calibration->drains());
    CHECK(stage.calibration->next_rate() > 0);
    CHECK(stage.was_said("the search takes"));
    stage.calibration->drained();
    CHECK_FALSE(stage.calibration->drains());
    stage.step();
    CHECK(stage.calibration->drains());
}

TEST_CASE("a rate that shall hold is the least of the searches, a pattern's 100 % the middle one") {
    CalibratedRun rate{true};
    rate.to_the_end();
    CalibratedRun peak{false};
    peak.to_the_end();

    metrics::RunResult of_rate;
    rate.calibration->report(of_rate);
    REQUIRE(of_rate.rate_search);
    auto found = of_rate.rate_search->found_per_s;
    REQUIRE(found.size() == 3);
    CHECK(rate.calibration->found_per_s() == *std::min_element(found.begin(), found.end()));
    REQUIRE(of_rate.peak_rate_spread_per_s);
    CHECK(of_rate.peak_rate_spread_per_s->first == rate.calibration->found_per_s());
    CHECK_THAT(of_rate.rate_search->wanted, Catch::Matchers::StartsWith("highest rate that the server"));
    CHECK_FALSE(of_rate.rate_search->in_vain);
    CHECK(rate.was_said("search 3 of 3 found"));
    CHECK(rate.was_said("the least of 3 searches"));

    metrics::RunResult of_peak;
    peak.calibration->report(of_peak);
    found = of_peak.rate_search->found_per_s;
    std::sort(found.begin(), found.end());
    CHECK(peak.calibration->found_per_s() == found.at(1));
    CHECK(peak.was_said("peak rate"));
}

TEST_CASE("a step that connections were lost in tells nothing, and is made again") {
    for (const bool away : {false, true}) {
        CAPTURE(away);
        CalibratedRun stage{true};
        stage.step();
        stage.calibration->drained();
        const double rate = stage.calibration->next_rate();
        if (!away) stage.calibration->connection_lost();
        stage.step(!away);
        CHECK(stage.calibration->next_rate() == rate);
        stage.calibration->drained();
        stage.step();  // what was lost before it is not held against it
        CHECK(stage.calibration->next_rate() != rate);
        metrics::RunResult result;
        stage.calibration->report(result);
        CHECK(result.rate_search->steps.at(1).verdict == metrics::SearchStep::Verdict::disturbed);
    }
}

TEST_CASE("a search that the run's end breaks off is told as far as it came") {
    CalibratedRun stage{false};
    stage.step();
    metrics::RunResult result;
    stage.calibration->report(result);
    CHECK(result.rate_search->steps.size() == 1);
    CHECK_FALSE(result.peak_rate_spread_per_s);
    REQUIRE(result.warnings.size() == 1);
    CHECK_THAT(result.warnings[0].message, Catch::Matchers::Contains("ended in search 1 of 3"));
}
