#include "pgtraffic/simulation/dispatcher.hpp"

#include <algorithm>

namespace pgtraffic::simulation {

using base::Mono;

void Dispatcher::begin(const traffic::TokenBucket& bucket, std::optional<base::Nanos> latency_limit) {
    bucket_ = bucket;
    latency_limit_ = latency_limit;
    closed_at_ = Mono::max();
    open_ = true;
    started_ = missed_ = 0;
    in_flight_ = 0;
}

namespace {

/// From an answer to the next query on its session it always takes a little, which belongs to the session's
/// time: near saturation it would add up to a lateness that nothing but fewer queries could cure.
constexpr base::Nanos kUsualTurn = std::chrono::microseconds{500};

}  // namespace

inline void Dispatcher::give_room(std::uint32_t session, Mono since) noexcept {
    PGTRAFFIC_CHECK(freed_count_ < freed_.size(), "no more room than the sessions have");
    if (room_[session]++ == 0) idle_.push_back(session);
    const std::size_t behind = first_freed_ + freed_count_++;
    freed_[behind < freed_.size() ? behind : behind - freed_.size()] = since;
}

void Dispatcher::session_free(std::uint32_t session, Mono now, base::Nanos late) noexcept {
    if (thinkers_) [[unlikely]]
        return begin_pause(session, now);
    const bool open_loop = bucket_ && bucket_->scheduled();
    give_room(session, open_loop ? now - std::max(late - kUsualTurn, base::Nanos{0}) : now);
}

void Dispatcher::begin_pause(std::uint32_t session, Mono now) noexcept {
    thinkers_->begin(session, now);
}

void Dispatcher::end_pauses(Mono now) noexcept {
    while (const auto pause = thinkers_->take(now)) give_room(pause->session, pause->until);
}

void Dispatcher::session_gone(std::uint32_t session) noexcept {
    if (thinkers_) thinkers_->leave(session);
    freed_count_ -= room_[session];  // the latest times, whichever were its own: it is rare, and one will do
    room_[session] = 0;
    idle_.remove(session);
}

std::uint32_t Dispatcher::take_room() noexcept {
    --freed_count_;
    if (++first_freed_ == freed_.size()) first_freed_ = 0;
    if (order_ == SessionOrder::fifo) {
        const std::uint32_t session = idle_.pop_front();
        if (--room_[session] > 0) idle_.push_back(session);
        return session;
    }
    const std::uint32_t session = idle_.back();
    if (--room_[session] == 0) idle_.remove(session);
    return session;
}

Decision Dispatcher::next(Mono now) noexcept {
    if (thinkers_) [[unlikely]]
        end_pauses(now);
    if (!open_ || idle_.empty()) return {};
    auto token = bucket_->take(now);
    if (!token) return {};
    const Mono ready = freed_[first_freed_];
    if (!bucket_->scheduled()) {
        // Since the answer to the one before: what we take until we send is in its response. The first of a
        // session in this load waits for nobody.
        if (ready >= bucket_->start()) token->due = std::min(ready, now);
    } else if (latency_limit_ && now - token->due > *latency_limit_) {
        ++missed_;
        return {Decision::Kind::miss, 0, *token, {}};
    }
    ++started_;
    ++in_flight_;
    return {Decision::Kind::start, take_room(), *token, ready};
}

void Dispatcher::query_ended() noexcept {
    PGTRAFFIC_CHECK(in_flight_ > 0, "a query ended that was in flight");
    --in_flight_;
}

void Dispatcher::close(Mono end) noexcept {
    open_ = false;
    closed_at_ = std::min(closed_at_, end);
}

std::optional<traffic::Token> Dispatcher::next_abandoned() noexcept {
    // In a closed loop a token is always due, and none was waited for.
    if (open_ || !bucket_ || bucket_->taken() >= bucket_->planned_until(closed_at_)) return std::nullopt;
    return bucket_->take(closed_at_);
}

Mono Dispatcher::wake_at() const noexcept {
    if (!open_) return Mono::max();
    const Mono due = bucket_->next_due();
    if (!idle_.empty()) return due;
    return thinkers_ && due != Mono::max() ? thinkers_->next() : Mono::max();
}

Mono Dispatcher::next_due() const noexcept {
    if (!bucket_) return Mono::max();
    const Mono due = bucket_->next_due();
    return open_ || due <= closed_at_ ? due : Mono::max();
}

std::uint64_t Dispatcher::planned(Mono now) noexcept {
    return bucket_ ? bucket_->planned_until(std::min(now, closed_at_)) : 0;
}

}  // namespace pgtraffic::simulation
