#include "pgtraffic/simulation/peak_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::simulation {
namespace {

/// Of the closed loop's throughput: between these lies what an open loop carries.
constexpr double kLowest = 0.2;
constexpr double kHighest = 1.1;

}  // namespace

std::string to_string(const PeakRate& peak) {
    const auto rate = [](double per_s) { return base::with_thousands(per_s, per_s < 10 ? 2 : 0); };
    return fmt::format("peak rate {} queries/s, between {} and {} in {} searches (a closed loop reached {})",
                       rate(peak.rate_per_s), rate(peak.lowest_per_s), rate(peak.highest_per_s),
                       PeakSearch::kRounds, rate(peak.closed_loop_per_s));
}

double PeakSearch::next_rate() const noexcept {
    if (closed_loop_ == 0) return 0;
    return light_service_ ? (low_ + high_) / 2 : closed_loop_ * kLowest;
}

/// Of those that succeeded: what fails, at once or after a time-out, says nothing of the service. Those that
/// had not ended when the step did count by their number: as many are under way at any time as come due in a
/// response (Little, A Proof for the Queuing Formula L = λW, 1961), and what is more has piled up.
bool PeakSearch::carried(const Step& step, base::Nanos length, std::uint64_t planned,
                         std::uint64_t started) const noexcept {
    if (step.succeeded == 0 || step.succeeded * 2 < step.ended) return false;
    const double light_s = base::to_seconds(light_service_.value_or(step.mean_service()));
    const double tolerable_s = std::max(kTolerable * light_s, light_s + base::to_seconds(kUnfelt));
    const auto due = static_cast<double>(planned);
    const double chance = std::max(0.02 * due, 3.0);  // one may come due in the last instant
    const double under_way = due * tolerable_s / base::to_seconds(length);
    return base::to_seconds(step.mean_response()) <= tolerable_s &&
           due - static_cast<double>(started) <= chance &&
           due - static_cast<double>(step.ended) <= chance + under_way;
}

void PeakSearch::query_ended(const metrics::Completion& completion) noexcept {
    ++present_.ended;
    if (!metrics::succeeded(completion.outcome)) return;
    ++present_.succeeded;
    present_.response += completion.done - completion.due;
    present_.service += completion.done - completion.sent;
}

void PeakSearch::carried_over(const metrics::Completion& completion) noexcept {
    if (metrics::succeeded(completion.outcome)) ++present_.carried_over;
}

void PeakSearch::begin_round() noexcept {
    step_ = 0;
    low_ = closed_loop_ * kLowest;
    high_ = closed_loop_ * kHighest;
}

void PeakSearch::end_step(base::Nanos length, std::uint64_t planned, std::uint64_t started) {
    PGTRAFFIC_CHECK(!finished(), "the search goes on");
    const Step step = std::exchange(present_, {});
    if (closed_loop_ == 0) return end_closed_loop(step, length);
    if (step.succeeded > 0) blind_ = false;
    const bool is_carried = carried(step, length, planned, started);
    if (!light_service_) {
        light_service_ = step.mean_service();
        floor_carried_ = is_carried;
        return;
    }
    (is_carried ? low_ : high_) = next_rate();
    if (++step_ < kStepsInRound) return;
    at_floor_ = at_floor_ || (!floor_carried_ && low_ == closed_loop_ * kLowest);
    rounds_.push_back(low_);
    begin_round();
}

void PeakSearch::end_closed_loop(const Step& step, base::Nanos length) noexcept {
    const bool too_short = step.ended == 0 || step.mean_service() * kQueriesInClosedLoop > length;
    if (too_short && length < kLongestStep) {
        length_ = std::min(2 * length, kLongestStep);
        return;
    }
    blind_ = step.succeeded == 0;
    const auto answered = static_cast<double>(step.succeeded + step.carried_over);
    closed_loop_ = answered > 0 ? answered / base::to_seconds(length) : 1.0;
    // Where nothing but what had begun before was answered, a step that began later may have it.
    const bool only_older = step.ended == 0 && answered > 0;
    // Of a server that says nothing a longer step would show no more.
    const base::Nanos for_arrivals =
        answered > 0 ? std::min(base::from_seconds(kArrivalsInStep / closed_loop_), kLongestForArrivals)
                     : base::Nanos{0};
    length_ = only_older ? kLongestStep
                         : std::clamp(std::max(step.mean_service() * kQueriesInStep, for_arrivals), kStep,
                                      kLongestStep);
    begin_round();
}

PeakRate PeakSearch::result() const {
    PGTRAFFIC_CHECK(finished(), "the search is over");
    auto sorted = rounds_;
    std::sort(sorted.begin(), sorted.end());
    return {sorted[sorted.size() / 2], sorted.front(), sorted.back(), closed_loop_, blind_, at_floor_};
}

}  // namespace pgtraffic::simulation
