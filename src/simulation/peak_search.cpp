#include "pgtraffic/simulation/peak_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::simulation {

using base::Nanos;
using Verdict = metrics::SearchStep::Verdict;

std::string PeakSearch::wanted() const {
    const auto rate = objectives_.empty()
                          ? fmt::format(
                                "highest rate that the server carries, its mean response up to {:.0f} times "
                                "that of a light load, or {} longer",
                                kTolerable, base::format_duration(kUnfelt))
                          : fmt::format("highest rate at which {}", objectives_.text());
    if (objectives_.others().empty()) return rate;
    return fmt::format("{}; {} is for the end", rate, objectives_.others());
}

double PeakSearch::next_rate() const noexcept {
    if (closed_loop_ == 0) return 0;
    if (proves()) return proof_per_s_;
    return light_service_ ? (low_ + high_) / 2 : closed_loop_ * floor_;
}

/// Of those that succeeded: what fails, at once or after a time-out, says nothing of the service. Those that
/// had not ended when the step did count by their number: on average as many are under way as come due in a
/// response (Little, A Proof for the Queuing Formula L = λW, 1961), and what is far more has piled up.
bool PeakSearch::carried(const Step& step, Nanos length, std::uint64_t planned,
                         std::uint64_t started) const noexcept {
    if (step.succeeded == 0 || step.succeeded * 2 < step.ended) return false;
    const double light_s = base::to_seconds(light_service_.value_or(step.mean_service()));
    const double response_s = base::to_seconds(step.mean_response());
    const auto due = static_cast<double>(planned);
    const double chance = std::max(0.02 * due, 3.0);  // one may come due in the last instant
    const double under_way = due * response_s / base::to_seconds(length);
    const bool tolerable = objectives_.limit_response() ||
                           response_s <= std::max(kTolerable * light_s, light_s + base::to_seconds(kUnfelt));
    return tolerable && due - static_cast<double>(started) <= chance &&
           due - static_cast<double>(step.ended) <= chance + under_way + 2 * std::sqrt(under_way);
}

void PeakSearch::query_ended(const metrics::Completion& completion) noexcept {
    ++present_.ended;
    objectives_.record(completion);
    if (!metrics::succeeded(completion.outcome)) return;
    ++present_.succeeded;
    present_.response += completion.done - completion.due;
    present_.service += completion.done - completion.sent;
}

void PeakSearch::carried_over(const metrics::Completion& completion) noexcept {
    if (metrics::succeeded(completion.outcome)) ++present_.carried_over;
}

void PeakSearch::begin_light_step() noexcept {
    length_ = std::max(search_length_, length_of_arrivals(next_rate(), 2 * kLongestForThese));
}

void PeakSearch::begin_round() noexcept {
    step_ = 0;
    low_ = closed_loop_ * floor_;
    high_ = closed_loop_ * ceiling_;
    begin_step();
}

void PeakSearch::begin_step() noexcept {
    length_ = std::max(search_length_, length_of_arrivals(next_rate(), kLongestForThese));
}

/// That enough come due. Of percentiles nobody can say anything from fewer: for them `longest` does not
/// count. Of a server that says nothing a longer step would show no more.
Nanos PeakSearch::length_of_arrivals(double rate_per_s, Nanos longest) const noexcept {
    if (blind_) return Nanos{0};
    const auto length = [&](double arrivals, Nanos most) {
        return base::from_seconds(std::min(arrivals / rate_per_s, base::to_seconds(most)));
    };
    return std::max(length(kArrivalsInStep, longest), length(objectives_.arrivals(), kLongestStep));
}

Nanos PeakSearch::takes_at_least() const noexcept {
    const double middle = closed_loop_ * (floor_ + ceiling_) / 2;
    const Nanos step = std::max(search_length_, length_of_arrivals(middle, kLongestForThese));
    return length_ + metrics::kRateSearches * kStepsInRound * step +
           (objectives_.empty() ? Nanos{0} : std::max(kProof, step));
}

metrics::SearchStep PeakSearch::figures_of(const Step& step, Nanos length) const noexcept {
    metrics::SearchStep figures;
    figures.search = light_service_ ? static_cast<int>(trace_.found_per_s.size()) + 1 : 0;
    figures.rate_per_s = next_rate();
    figures.duration_s = base::to_seconds(length);
    figures.throughput_per_s = static_cast<double>(step.succeeded + step.carried_over) / figures.duration_s;
    if (const auto& responses = objectives_.responses(); !responses.empty())
        figures.response = metrics::ResponseFigures::of(responses);
    return figures;
}

void PeakSearch::end_step(Nanos length, std::uint64_t planned, std::uint64_t started, bool disturbed) {
    PGTRAFFIC_CHECK(!finished(), "the search goes on");
    const Step step = std::exchange(present_, {});
    auto& told = trace_.steps.emplace_back(figures_of(step, length));
    const bool met = objectives_.met();
    objectives_.clear();
    if (disturbed) {
        told.verdict = Verdict::disturbed;
        given_up_ = in_vain_ = ++disturbed_ > kMostDisturbed;
        return;
    }
    if (closed_loop_ == 0) return end_closed_loop(step, length);
    if (step.succeeded > 0) blind_ = false;
    const bool is_carried = met && carried(step, length, planned, started);
    told.verdict = is_carried ? Verdict::carried : Verdict::not_carried;
    if (proves()) return end_proof(is_carried);  // whose run may meet with a stall as well
    // One stall of the machine spoils a step at any rate: what fails is tried once more.
    tried_again_ = !is_carried && step.succeeded > 0 && !tried_again_;
    if (tried_again_) return;
    if (!light_service_) return end_light_step(step, length, is_carried);
    (is_carried ? low_ : high_) = next_rate();
    if (++step_ < kStepsInRound) return begin_step();
    at_floor_ = at_floor_ || (!floor_carried_ && low_ == closed_loop_ * floor_);
    trace_.found_per_s.push_back(low_);
    highest_ = std::max(highest_, high_);
    if (proves()) return begin_proof(*std::ranges::min_element(trace_.found_per_s));
    begin_round();
}

void PeakSearch::begin_proof(double rate_per_s) noexcept {
    proof_per_s_ = rate_per_s;
    length_ = std::max({kProof, search_length_, length_of_arrivals(rate_per_s, kLongestForThese)});
}

void PeakSearch::end_proof(bool is_carried) noexcept {
    proven_ = is_carried || ++proofs_ == kMostProofs;
    if (!is_carried) highest_ = proof_per_s_;
    if (!proven_) begin_proof(proof_per_s_ * kLess);
}

std::string PeakSearch::last_step() const {
    const auto& step = trace_.steps.back();
    const auto load = step.rate_per_s > 0 ? fmt::format("{} queries/s", base::rate_text(step.rate_per_s))
                                          : std::string{"closed loop"};
    // That by which it was judged.
    std::string felt;
    if (step.response)
        felt = objectives_.empty() ? fmt::format(", mean {}", base::format_duration(step.response->mean))
                                   : fmt::format(", p99 {}", base::format_duration(step.response->p99));
    switch (step.verdict) {
        case Verdict::disturbed:
            return fmt::format("{}: connections were lost", load);
        case Verdict::closed_loop:
            if (closed_loop_ > 0)
                return fmt::format("{}: {} queries/s{}", load, base::rate_text(closed_loop_), felt);
            [[fallthrough]];
        case Verdict::too_short:
            return fmt::format("{}: queries take long, once more", load);
        case Verdict::carried:
            return fmt::format("{}: carried{}", load, felt);
        case Verdict::not_carried:
            break;
    }
    return fmt::format("{}: not carried{}{}", load, felt, tried_again_ ? ", once more" : "");
}

void PeakSearch::end_closed_loop(const Step& step, Nanos length) noexcept {
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
    const Nanos shortest = objectives_.empty() ? kStep : kStepForObjectives;
    search_length_ =
        only_older ? kLongestStep : std::clamp(closed_loop_service_ * kQueriesInStep, shortest, kLongestStep);
    begin_light_step();
}

void PeakSearch::end_light_step(const Step& step, Nanos length, bool is_carried) noexcept {
    // Few are due in it: by chance none was, or none had ended yet.
    if (step.succeeded == 0 && !blind_ && length < kLongestStep) {
        trace_.steps.back().verdict = Verdict::too_short;
        length_ = std::min(2 * length, kLongestStep);
        return;
    }
    if (!is_carried && !objectives_.empty() && !blind_) {
        if (floor_ == kLowestFloor) {
            at_floor_ = in_vain_ = true;
            return;
        }
        ceiling_ = std::exchange(floor_, kLowestFloor);
        return begin_light_step();
    }
    light_service_ = step.succeeded > 0 ? step.mean_service() : closed_loop_service_;
    floor_carried_ = is_carried;
    search_length_ = std::max(search_length_, std::min(*light_service_ * kServicesInStep, kLongestForThese));
    begin_round();
}

metrics::Warning PeakSearch::broken_off() const {
    std::string so_far =
        closed_loop_ > 0 ? fmt::format("; a closed loop reached {} queries/s", base::rate_text(closed_loop_))
                         : std::string{};
    if (!trace_.found_per_s.empty())
        so_far += fmt::format(", the first search found {}", base::rate_text(trace_.found_per_s.front()));
    const auto where = proves() ? std::string{"the proof of its rate"}
                                : fmt::format("search {} of {} for its rate", trace_.found_per_s.size() + 1,
                                              metrics::kRateSearches);
    return {"peak_disturbed",
            fmt::format("the run ended in {}, before anything was measured{}", where, so_far)};
}

PeakRate PeakSearch::result() const {
    PGTRAFFIC_CHECK(finished(), "the search is over");
    const double floor = closed_loop_ * floor_;
    if (in_vain_) {
        const double guess = closed_loop_ > 0 ? floor : 1.0;
        return {guess, guess, guess, closed_loop_, blind_, at_floor_, floor, given_up_, false, false};
    }
    auto sorted = trace_.found_per_s;
    std::sort(sorted.begin(), sorted.end());
    return {sorted[sorted.size() / 2],
            objectives_.empty() ? sorted.front() : proof_per_s_,
            highest_,
            closed_loop_,
            blind_,
            at_floor_,
            floor,
            given_up_,
            proven_ && proofs_ < kMostProofs,
            proofs_ == kMostProofs};
}

}  // namespace pgtraffic::simulation
