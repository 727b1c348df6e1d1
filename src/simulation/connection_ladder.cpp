#include "pgtraffic/simulation/connection_ladder.hpp"

#include <algorithm>
#include <numeric>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {

using base::Nanos;

namespace {

constexpr double kApart = 1.25;  // a rung and the one below it, at least

}  // namespace

/// Each power of two, and between two of them one and a half times the lower: 1, 2, 3, 4, 6, 8, 12, …
ConnectionLadder::ConnectionLadder(std::uint32_t most) {
    PGTRAFFIC_CHECK(most > 0, "a connection at least");
    for (std::uint64_t power = 1; power < most; power *= 2) {
        rungs_.push_back({static_cast<std::uint32_t>(power), {}});
        if (power > 1 && power + power / 2 < most)
            rungs_.push_back({static_cast<std::uint32_t>(power + power / 2), {}});
    }
    // Two that are nearly the same would not tell whether more bring more.
    if (!rungs_.empty() && most < kApart * rungs_.back().connections) rungs_.pop_back();
    rungs_.push_back({most, {}});
}

double ConnectionLadder::Rung::throughput_per_s() const noexcept {
    const double sum = std::accumulate(readings_per_s.begin(), readings_per_s.end(), 0.0);
    return readings_per_s.empty() ? 0 : sum / static_cast<double>(readings_per_s.size());
}

void ConnectionLadder::end_step(const metrics::ConnectionStep& step) {
    PGTRAFFIC_CHECK(!finished() && step.connections == next(), "the step that was asked for");
    trace_.steps.push_back(step);
    if (step.disturbed) {
        if (++disturbed_ > kMostDisturbed) finish();
        return;
    }
    const bool answered = step.throughput_per_s > 0;
    if (!answered && step.failed == 0 && length_ < kLongestStep) {
        length_ = std::min(2 * length_, kLongestStep);
        return;
    }
    if (!answered && rung_ == 0) return finish();
    rungs_[rung_].readings_per_s.push_back(step.throughput_per_s);
    return stage_ == Stage::climbing ? climb() : go_down();
}

void ConnectionLadder::no_room() {
    PGTRAFFIC_CHECK(!at_first_rung(), "fewer connections are left");
    if (stage_ == Stage::again) {
        metrics::ConnectionStep step;
        step.connections = next();
        step.disturbed = true;
        return end_step(step);
    }
    rungs_.resize(rung_);
    --rung_;
    begin_again();
}

double ConnectionLadder::highest_up_to(std::size_t rung) const noexcept {
    double highest = 0;
    for (std::size_t i = 0; i <= rung; ++i) highest = std::max(highest, rungs_[i].throughput_per_s());
    return highest;
}

/// The last rungs, the present one among them, got more done than any below them.
bool ConnectionLadder::gains() const noexcept {
    if (rung_ < kRungsWithoutGain) return true;
    return highest_up_to(rung_) >= kGain * highest_up_to(rung_ - kRungsWithoutGain);
}

void ConnectionLadder::climb() noexcept {
    if (rung_ + 1 == rungs_.size()) return begin_again();
    if (!gains()) {
        rungs_.resize(rung_ + 2);  // there would have been more of them
        return begin_again();
    }
    ++rung_;
    length_ = length_at(rung_);
}

void ConnectionLadder::begin_again() noexcept {
    stage_ = Stage::again;
    worth_again_ = kAgain * highest_up_to(rung_);
    ++rung_;
    go_down();
}

void ConnectionLadder::go_down() noexcept {
    while (rung_ > 0) {
        --rung_;
        if (rungs_[rung_].throughput_per_s() < worth_again_ || rungs_[rung_].readings_per_s.size() > 1)
            continue;
        length_ = length_at(rung_);
        return;
    }
    finish();
}

void ConnectionLadder::finish() noexcept {
    stage_ = Stage::done;
    const auto reach = [](const Rung& rung) {
        const auto [lowest, highest] = std::ranges::minmax(rung.readings_per_s);
        return metrics::ConnectionsReach{rung.connections, rung.throughput_per_s(), lowest, highest};
    };
    const auto best = std::ranges::max_element(rungs_, {}, &Rung::throughput_per_s);
    if (best->throughput_per_s() <= 0) return;
    const auto found = std::ranges::find_if(rungs_, [&](const Rung& rung) {
        return rung.throughput_per_s() >= kNearly * best->throughput_per_s();
    });
    trace_.best = reach(*best);
    trace_.found = reach(*found);
    trace_.grew_to_the_end = found + 1 == rungs_.end();
}

/// In a closed loop a query takes as long as the connections, shared by the throughput, say (Little, as in
/// PeakSearch); with more of them no less gets done.
Nanos ConnectionLadder::length_at(std::size_t rung) const noexcept {
    const double query_s = rungs_[rung].connections / highest_up_to(rungs_.size() - 1);
    const double wanted_s = std::min(kQueriesInStep * query_s, base::to_seconds(kLongestStep));
    return std::max(kStep, base::from_seconds(wanted_s));
}

}  // namespace pgtraffic::simulation
