#include "pgtraffic/simulation/peak_search.hpp"

#include <algorithm>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {
namespace {

/// Of the closed loop's throughput: between these lies what an open loop carries.
constexpr double kLowest = 0.2;
constexpr double kHighest = 1.1;

bool carried(const StepOutcome& step) {
    const double unfelt_s = base::to_seconds(PeakSearch::kUnfeltWait) * static_cast<double>(step.ended);
    return step.ended > 0 && static_cast<double>(step.started) >= 0.98 * static_cast<double>(step.planned) &&
           step.succeeded * 2 >= step.ended &&
           step.wait_s <= std::max(PeakSearch::kTolerableWait * step.service_s, unfelt_s);
}

}  // namespace

void PeakSearch::begin_round() noexcept {
    step_ = 0;
    low_ = closed_loop_ * kLowest;
    high_ = closed_loop_ * kHighest;
}

void PeakSearch::step_done(const StepOutcome& outcome) {
    PGTRAFFIC_CHECK(!finished(), "the search goes on");
    if (closed_loop_ == 0) {
        closed_loop_ = std::max(1.0, static_cast<double>(outcome.succeeded) / outcome.length_s);
        return begin_round();
    }
    (carried(outcome) ? low_ : high_) = next_rate();
    if (++step_ < kStepsInRound) return;
    rounds_.push_back(low_);
    begin_round();
}

PeakRate PeakSearch::result() const {
    PGTRAFFIC_CHECK(finished(), "the search is over");
    auto sorted = rounds_;
    std::sort(sorted.begin(), sorted.end());
    return {sorted[sorted.size() / 2], sorted.front(), sorted.back(), closed_loop_};
}

}  // namespace pgtraffic::simulation
