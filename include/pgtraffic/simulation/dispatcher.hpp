// Decides which session starts which arrival, and when to look again. It decides only: who sends, what comes
// back and what time it is are told to it, so that a day of traffic runs in a unit test.
//
// By default the session that has been free for longest goes first: all connections carry load, as they would
// behind real users. Whichever goes, the n-th arrival is matched with the n-th time that there was room for
// one, in the order in which that was told, so its wait splits into "no session was free" and "we were late".
// A session that was busy because we had been late with its query before is no want of sessions: room counts
// from when it would have been there, had we not been, but for half a millisecond each time. So one stall of
// ours is our lateness in all that it held up, however few the sessions are.
//
// In a closed loop a session may think before each query: then it is free once it has thought.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/simulation/index_list.hpp"
#include "pgtraffic/simulation/thinkers.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"

namespace pgtraffic::simulation {

struct Decision {
    enum class Kind : std::uint8_t {
        none,   ///< nothing is due, or no session is free
        start,  ///< `session` starts `token`
        miss,   ///< `token` is older than the latency limit and is skipped
    };
    Kind kind = Kind::none;
    std::uint32_t session = 0;
    traffic::Token token;
    base::Mono ready;  ///< since when there had been room for this arrival, or would have been
};

/// Which of the sessions that have room goes next.
enum class SessionOrder : std::uint8_t {
    fifo,  ///< the one that had it for longest: every session is in use
    lifo,  ///< the one that got it last: few sessions, warm caches
};

/// A value, except that it grows to the number of sessions once.
class Dispatcher {
 public:
    /// `room` queries can be under way on a session at the same time.
    explicit Dispatcher(std::uint32_t sessions, std::uint32_t room = 1,
                        SessionOrder order = SessionOrder::fifo)
        : order_{order}, idle_(sessions), room_(sessions), freed_(std::size_t{sessions} * room) {}

    /// Sessions think from now on, before any is free. For closed loops, without pipelines.
    void think(base::Nanos mean, std::uint64_t seed) {
        thinkers_.emplace(static_cast<std::uint32_t>(room_.size()), mean, seed);
    }

    /// Starts a new load: counts begin at zero; what is still in flight belonged to the load before, and its
    /// ends are not told here.
    void begin(const traffic::TokenBucket& bucket, std::optional<base::Nanos> latency_limit = std::nullopt);

    /// The session has room for one query more. `late`: what we were late with the one that it had, which
    /// counts in an open loop; in a closed one our own time is in the response.
    void session_free(std::uint32_t session, base::Mono now, base::Nanos late = base::Nanos{0}) noexcept;
    /// It has no room any more, whatever it had.
    void session_gone(std::uint32_t session) noexcept;

    /// The next decision at `now`; to be repeated until Kind::none.
    [[nodiscard]] Decision next(base::Mono now) noexcept;

    /// A query of the present load ended, however it did.
    void query_ended() noexcept;

    /// No more arrivals are let in; those due before `end` and not started stay waiting. Of several times the
    /// first one counts.
    void close(base::Mono end) noexcept;

    /// After close(): the waiting arrivals one after the other, to be recorded as such.
    [[nodiscard]] std::optional<traffic::Token> next_abandoned() noexcept;

    /// When something will be due that a free session could start; Mono::max() where only an event can help.
    [[nodiscard]] base::Mono wake_at() const noexcept;

    /// Something is due, and no session is free to start it.
    [[nodiscard]] bool waits_for_session(base::Mono now) const noexcept {
        return open_ && idle_.empty() && bucket_->next_due() <= now;
    }

    /// Open loop: of the oldest arrival not started, which after close() waits for good; Mono::max() without
    /// one.
    [[nodiscard]] base::Mono next_due() const noexcept;

    [[nodiscard]] std::uint64_t planned(base::Mono now) noexcept;
    [[nodiscard]] std::uint64_t started() const noexcept { return started_; }
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }
    [[nodiscard]] std::uint64_t waiting(base::Mono now) noexcept {
        const std::uint64_t planned_by_now = planned(now);
        PGTRAFFIC_CHECK(planned_by_now >= started_ + missed_, "what was started had come due");
        return planned_by_now - started_ - missed_;
    }
    [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

 private:
    [[gnu::always_inline]] void give_room(std::uint32_t session, base::Mono since) noexcept;
    [[nodiscard]] std::uint32_t take_room() noexcept;
    // Who thinks has time; a loop at full speed shall not pay for it.
    [[gnu::cold]] void begin_pause(std::uint32_t session, base::Mono now) noexcept;
    [[gnu::cold]] void end_pauses(base::Mono now) noexcept;

    SessionOrder order_;
    IndexList idle_;                   // sessions with room
    std::vector<std::uint32_t> room_;  // a session
    // A ring of the times at which there came to be room, one for each query that could start.
    std::vector<base::Mono> freed_;
    std::size_t first_freed_ = 0;
    std::size_t freed_count_ = 0;
    std::optional<Thinkers> thinkers_;
    std::optional<traffic::TokenBucket> bucket_;
    std::optional<base::Nanos> latency_limit_;
    base::Mono closed_at_ = base::Mono::max();
    bool open_ = false;
    std::uint64_t started_ = 0;
    std::uint64_t missed_ = 0;
    std::uint32_t in_flight_ = 0;
};

}  // namespace pgtraffic::simulation
