#include "pgtraffic/metrics/outage_log.hpp"

#include <algorithm>
#include <utility>

namespace pgtraffic::metrics {

using base::Mono;
using base::Nanos;

namespace {

constexpr std::size_t kSilences = 64;               // that are remembered
constexpr std::size_t kMaxErrorKindsOfOutage = 20;  // of an outage; the rest share the last one's place

OutageError& error_of(Outage& outage, base::SqlState state) {
    const auto known = std::find_if(outage.errors.begin(), outage.errors.end(),
                                    [&](const OutageError& error) { return error.sqlstate == state; });
    if (known != outage.errors.end()) return *known;
    if (outage.errors.size() < kMaxErrorKindsOfOutage) outage.errors.push_back({state, 0, 0, 0, {}});
    return outage.errors.back();
}

/// Takes the outage behind `first` into it.
void merge(Outage& first, const Outage& next) {
    if (next.silence_s > first.silence_s) {
        first.silence_s = next.silence_s;
        first.first_success_s = next.first_success_s;
        if (first.first_success_s) *first.first_success_s += next.from_s - first.from_s;
    }
    first.silences_s += next.silences_s;
    first.without_service_s += next.without_service_s;
    first.to_s = next.to_s;
    first.duration_s += next.duration_s;
    first.over = next.over;
    first.scope = std::max(first.scope, next.scope);
    first.episodes += next.episodes;
    first.sessions_lost += next.sessions_lost;
    first.failed_connects += next.failed_connects;
    first.arrivals_hit += next.arrivals_hit;
    for (const auto& error : next.errors) {
        auto& mine = error_of(first, error.sqlstate);
        mine.queries += error.queries;
        mine.connects += error.connects;
        mine.sessions += error.sessions;
        if (mine.sample.empty()) mine.sample = error.sample;
    }
}

}  // namespace

bool is_fault(base::SqlState state) noexcept {
    const auto code = state.text();
    return state.error_class() == "08" || code.starts_with("57P0") || code == "53300" ||
           state == base::kReadOnly;
}

void OutageLog::begin(Mono start, std::uint32_t sessions, std::uint32_t down) {
    *this = OutageLog{};
    start_ = start;
    sessions_ = sessions;
    down_changed_ = start;
    if (down > 0) {
        auto& outage = fault(start, 0);
        lose(start, down);
        outage.sessions_lost = down_;
    }
}

Outage& OutageLog::fault(Mono now, std::uint64_t planned) {
    if (current_ && recovered_ && now - *recovered_ > kQuiet) keep_current(*recovered_);
    recovered_.reset();
    if (!current_) {
        current_.emplace();
        from_ = now;
        current_->from_s = base::to_seconds(now - start_);
    }
    back_.reset();
    if (!std::exchange(silent_, true)) {
        silent_since_ = now;
        planned_at_silence_ = planned;
        faults_in_silence_ = 0;
        of_service_ = false;
        if (down_ == sessions_) note_service();
    }
    return *current_;
}

void OutageLog::query_failed(const Completion& completion, std::uint64_t planned) {
    if (!completion.lost && !is_fault(completion.sqlstate)) return;
    Outage& outage = fault(completion.done, planned);
    ++error_of(outage, completion.sqlstate).queries;
    if (completion.due <= silent_since_ && !due_in_silence(completion.due)) ++outage.arrivals_hit;
    // That of a lost session is counted by session_lost().
    if (!completion.lost && ++faults_in_silence_ >= sessions_) note_service();
}

/// Whether an arrival was counted as one of an earlier silence. What is older than all that are remembered
/// is taken for one: rather one too few than one twice.
bool OutageLog::due_in_silence(Mono due) const noexcept {
    if (silences_.size() == kSilences && due <= silences_.front().from) return true;
    return std::any_of(silences_.begin(), silences_.end(),
                       [due](const Silence& silence) { return silence.from < due && due <= silence.to; });
}

void OutageLog::session_lost(Mono now, std::optional<base::SqlState> idle, std::string_view error,
                             std::uint64_t planned) {
    Outage& outage = fault(now, planned);
    ++outage.sessions_lost;
    if (idle) {
        auto& counted = error_of(outage, *idle);
        ++counted.sessions;
        if (counted.sample.empty()) counted.sample = error;
    }
    lose(now, 1);
    if (++faults_in_silence_ >= sessions_) note_service();
}

void OutageLog::lose(Mono now, std::uint32_t sessions) noexcept {
    change_down(now, down_ + sessions);
    if (down_ < sessions_) return;
    all_down_since_ = now;
    note_service();
}

void OutageLog::change_down(Mono now, std::uint32_t to) noexcept {
    away_s_ = sessions_away_s(now);
    down_changed_ = now;
    down_ = to;
}

/// The silence, and with it the outage, is one of the whole service.
void OutageLog::note_service() noexcept {
    of_service_ = true;
    current_->scope = Outage::Scope::service;
}

/// That sessions which are down stay so says nothing of the others.
void OutageLog::connect_failed(Mono now, base::SqlState state, std::string_view error,
                               std::uint64_t planned) {
    Outage& outage = fault(now, planned);
    ++outage.failed_connects;
    auto& counted = error_of(outage, state);
    ++counted.connects;
    if (counted.sample.empty()) counted.sample = error;
}

void OutageLog::session_up(Mono now, std::uint64_t planned) {
    if (down_ == 0) return;
    change_down(now, down_ - 1);
    if (silent_ && !back_) {
        back_ = now;
        planned_at_back_ = planned;
    }
    look_for_the_end(now);
}

void OutageLog::succeeded(const Completion& completion, std::uint64_t planned) {
    // An answer to what was sent before the fault says nothing of the server after it.
    if (!silent_ || completion.sent < silent_since_) return;
    const bool was_asked = !back_ || completion.due < *back_;
    end_silence(completion.done, planned, true, was_asked ? Nanos{0} : completion.due - *back_);
    look_for_the_end(completion.done);
}

void OutageLog::end_silence(Mono now, std::uint64_t planned, bool success, Nanos unasked) {
    silent_ = false;
    current_->arrivals_hit += planned - std::min(planned, planned_at_silence_);
    if (silences_.size() == kSilences) silences_.erase(silences_.begin());
    silences_.push_back({silent_since_, now});
    const double length = base::to_seconds(now - silent_since_);
    current_->silences_s += length;
    // What nobody asked for was not refused.
    if (of_service_) current_->without_service_s += length - base::to_seconds(unasked);
    if (length < current_->silence_s) return;
    current_->silence_s = length;
    current_->first_success_s.reset();
    if (success) current_->first_success_s = base::to_seconds(now - from_);
}

void OutageLog::look_for_the_end(Mono now) {
    if (current_ && !silent_ && down_ == 0) recovered_ = now;
}

void OutageLog::keep_current(Mono end) {
    current_->to_s = base::to_seconds(end - start_);
    current_->duration_s = base::to_seconds(end - from_);
    current_->over = recovered_.has_value();
    kept_.push_back(std::move(*current_));
    current_.reset();
    recovered_.reset();
    if (kept_.size() > kMaxOutages) merge_closest();
}

void OutageLog::merge_closest() {
    const auto gap = [&](std::size_t i) { return kept_[i + 1].from_s - kept_[i].to_s; };
    std::size_t closest = 0;
    for (std::size_t i = 1; i + 1 < kept_.size(); ++i) {
        if (gap(i) < gap(closest)) closest = i;
    }
    merge(kept_[closest], kept_[closest + 1]);
    kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
}

std::vector<Outage> OutageLog::finish(Mono end, std::uint64_t planned) {
    if (current_) {
        const bool was_asked = !back_ || planned > planned_at_back_;
        if (silent_) end_silence(end, planned, false, was_asked ? Nanos{0} : end - *back_);
        keep_current(recovered_.value_or(end));
    }
    auto outages = std::move(kept_);
    *this = OutageLog{};
    for (auto& outage : outages) {
        std::stable_sort(outage.errors.begin(), outage.errors.end(), [](const auto& a, const auto& b) {
            return a.queries + a.connects + a.sessions > b.queries + b.connects + b.sessions;
        });
    }
    return outages;
}

}  // namespace pgtraffic::metrics
