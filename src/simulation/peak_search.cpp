#include "pgtraffic/simulation/peak_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
/// had not ended when the step did count by their number: on average as many are under way as come due in a
/// response (Little, A Proof for the Queuing Formula L = λW, 1961), and what is far more has piled up.
bool PeakSearch::carried(const Step& step, base::Nanos length, std::uint64_t planned,
                         std::uint64_t started) const noexcept {
    if (step.succeeded == 0 || step.succeeded * 2 < step.ended) return false;
    const double light_s = base::to_seconds(light_service_.value_or(step.mean_service()));
    const double response_s = base::to_seconds(step.mean_response());
    const auto due = static_cast<double>(planned);
    const double chance = std::max(0.02 * due, 3.0);  // one may come due in the last instant
    const double under_way = due * response_s / base::to_seconds(length);
    return response_s <= std::max(kTolerable * light_s, light_s + base::to_seconds(kUnfelt)) &&
           due - static_cast<double>(started) <= chance &&
           due - static_cast<double>(step.ended) <= chance + under_way + 2 * std::sqrt(under_way);
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
    if (!light_service_) return end_light_step(step, length, is_carried);
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
    closed_loop_service_ = step.mean_service();
    search_length_ =
        only_older ? kLongestStep : std::clamp(closed_loop_service_ * kQueriesInStep, kStep, kLongestStep);
    length_ = search_length_;
    // Of a server that says nothing a longer step would show no more.
    if (answered > 0) {
        const auto arrivals = base::from_seconds(kArrivalsInStep / (closed_loop_ * kLowest));
        length_ = std::max(length_, std::min(arrivals, 2 * kLongestForThese));
        search_length_ = std::max(
            search_length_, std::min(base::from_seconds(kArrivalsInStep / closed_loop_), kLongestForThese));
    }
    begin_round();
}

void PeakSearch::end_light_step(const Step& step, base::Nanos length, bool is_carried) noexcept {
    // Few are due in it: by chance none was, or none had ended yet.
    if (step.succeeded == 0 && !blind_ && length < kLongestStep) {
        length_ = std::min(2 * length, kLongestStep);
        return;
    }
    light_service_ = step.succeeded > 0 ? step.mean_service() : closed_loop_service_;
    floor_carried_ = is_carried;
    length_ = std::max(search_length_, std::min(*light_service_ * kServicesInStep, kLongestForThese));
}

PeakRate PeakSearch::result() const {
    PGTRAFFIC_CHECK(finished(), "the search is over");
    auto sorted = rounds_;
    std::sort(sorted.begin(), sorted.end());
    return {sorted[sorted.size() / 2], sorted.front(), sorted.back(), closed_loop_, blind_, at_floor_};
}

}  // namespace pgtraffic::simulation
