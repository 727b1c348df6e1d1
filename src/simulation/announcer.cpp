#include "pgtraffic/simulation/announcer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/simulation/events.hpp"
#include "pgtraffic/simulation/plan.hpp"

namespace pgtraffic::simulation {

using base::Mono;

namespace {

constexpr std::size_t kFailuresTold = 5;  // kinds: the report has all

}  // namespace

void Announcer::say(const std::string& text) const {
    if (events_.stage) events_.stage(text);
}

bool Announcer::knows_failure(base::SqlState state) const noexcept {
    return failures_told_.size() >= kFailuresTold ||
           std::ranges::find(failures_told_, state) != failures_told_.end();
}

void Announcer::failed(base::SqlState state, const std::string& why) {
    failures_told_.push_back(state);
    say(fmt::format("first failure with SQLSTATE {}: {}", state.text(), why));
}

void Announcer::connecting(std::uint32_t connected) const {
    if (events_.preparing) events_.preparing(fmt::format("connected {} of {}", connected, plan_.connections));
}

void Announcer::begin_unmeasured(Mono now, base::Nanos length) noexcept {
    unmeasured_since_ = unmeasured_told_ = now;
    unmeasured_length_ = length;
    succeeded_until_then_ = 0;
}

void Announcer::unmeasured(Mono now, std::string_view what, const Unmeasured& so_far) {
    if (!events_.preparing || now - unmeasured_told_ < plan_.progress) return;
    const double seconds = base::to_seconds(now - std::exchange(unmeasured_told_, now));
    const auto succeeded = so_far.succeeded - std::exchange(succeeded_until_then_, so_far.succeeded);
    events_.preparing(fmt::format("{}, {:.0f} of {:.3g} s  {}/s  fail {}  in flight {}", what,
                                  base::to_seconds(now - unmeasured_since_),
                                  base::to_seconds(unmeasured_length_),
                                  base::rate_text(static_cast<double>(succeeded) / seconds),
                                  base::with_thousands(so_far.failed), so_far.in_flight));
}

void Announcer::intervals_closed(std::span<const metrics::Interval> joined) const {
    if (events_.intervals_closed && !joined.empty()) events_.intervals_closed(joined);
}

void Announcer::begin_progress(Mono now) noexcept {
    next_progress_ = now + plan_.progress;
}

void Announcer::progress(Mono now, Measurement& measurement, const metrics::Gauges& gauges,
                         std::uint32_t connected) {
    if (!events_.progress || now < next_progress_) return;
    next_progress_ = std::max(next_progress_ + plan_.progress, now);
    const metrics::Interval recent = measurement.take_recent();
    if (recent.duration_s <= 0) return;
    events_.progress(recent, {measurement.elapsed_s(now), base::to_seconds(plan_.duration), connected,
                              plan_.connections, measurement.schedule(), &gauges});
}

Onlookers Announcer::onlookers() const noexcept {
    return {
        .look = tells_moments(), .follow = static_cast<bool>(events_.progress), .queries = events_.queries};
}

bool Announcer::tells_moments() const noexcept {
    return static_cast<bool>(events_.moment);
}

void Announcer::moment(Mono now, const Standing& standing) const {
    if (!tells_moments()) return;
    metrics::LiveMoment moment;
    moment.stage = standing.stage;
    moment.open_loop = plan_.open_loop();
    moment.duration_s = base::to_seconds(plan_.duration);
    moment.planned = standing.gauges.planned;
    moment.started = standing.gauges.started;
    moment.waiting = standing.gauges.waiting;
    moment.in_flight = standing.gauges.in_flight;
    moment.reconnects = standing.reconnects;
    moment.loop_busy_ratio = standing.gauges.loop_busy_ratio;
    moment.connections = standing.connections;
    if (standing.measurement != nullptr) {
        moment.elapsed_s = standing.measurement->elapsed_s(now);
        const auto* schedule = standing.measurement->schedule();
        if (schedule != nullptr && standing.stage == metrics::Stage::measuring) {
            moment.target_per_s = schedule->rate_at(moment.elapsed_s);
            const auto& phases = schedule->phases();
            moment.phase =
                phases[metrics::phase_at(phases, moment.elapsed_s, &traffic::PlannedPhase::end_s)].name;
        }
        standing.measurement->look(moment);
    } else {
        // Counters that are there from the beginning: whoever asks seldom would not see what the first ones
        // grew by.
        for (const auto& operation : workload_.operations())
            moment.counts.operations.emplace_back().name = operation.name;
    }
    events_.moment(moment);
}

}  // namespace pgtraffic::simulation
