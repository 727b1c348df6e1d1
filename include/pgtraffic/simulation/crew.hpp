// All sessions of a run as one: begins queries on them, gives up what takes too long, wakes those that pause,
// and says what is under way. Which session starts what, and when, is decided elsewhere (Dispatcher).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/live.hpp"
#include "pgtraffic/simulation/deadlines.hpp"
#include "pgtraffic/simulation/pauses.hpp"
#include "pgtraffic/simulation/session.hpp"

namespace pgtraffic::simulation {

struct SimulationPlan;

/// Neither copies nor moves. Refers to the context, which outlives it.
class Crew {
 public:
    Crew(event_loop::Loop& loop, const SimulationPlan& plan, SessionContext& context);
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    [[nodiscard]] const std::vector<std::unique_ptr<Session>>& sessions() const noexcept { return sessions_; }

    /// Starts the arrival on its session, as Session::begin().
    void begin(const Decision& start, std::uint32_t load, base::Mono now) noexcept;
    /// Sends what was begun since the last call; nothing is left to send where sessions have no pipeline.
    void flush() noexcept;

    // Told by the owner of the sessions' callbacks.
    void query_ended(const Session& session) noexcept { limit_next(session); }
    /// Its oldest query is tried again, behind the others of its pipeline.
    void requeued(const Session& session) noexcept { limit_next(session); }
    void backing_off(const Session& session, base::Mono until) noexcept;
    /// Nothing is tried again from now on.
    void stop_retrying(base::Mono now) noexcept;
    /// The time-out holds for a ROLLBACK, too, although nothing is measured of it.
    void rolling_back(const Session& session) noexcept {
        if (deadlines_) begin_time(session, base::mono_now());
    }
    void free_or_down(const Session& session) noexcept {
        if (deadlines_ && !session.in_query()) deadlines_->end(session.number());
    }

    /// Calls with each query of `load` that is under way, and the number of its session.
    template <class Visit>
    void each_query(std::uint32_t load, Visit&& visit) const {
        for (const auto& session : sessions_) {
            session->each_query([&](const Query& query) {
                if (query.load == load) visit(query, session->number());
            });
        }
    }
    /// How many sessions hold a query of another load, such as the warm-up, that was sent before `then`.
    [[nodiscard]] std::size_t held_by_other_loads(std::uint32_t load, base::Mono then) const noexcept {
        const auto held = [&](const std::unique_ptr<Session>& session) {
            bool found = false;
            session->each_query([&](const Query& query) {
                found = found || (query.load != load && query.completion.sent < then);
            });
            return found;
        };
        return static_cast<std::size_t>(std::ranges::count_if(sessions_, held));
    }
    /// Calls with each query, of whatever load, that may be done for good although no answer came.
    template <class Visit>
    void each_in_doubt(Visit&& visit) const {
        for (const auto& session : sessions_) session->each_in_doubt(visit);
    }
    /// Of the queries of `load` under way; Mono::max() where there are none.
    [[nodiscard]] base::Mono oldest_due(std::uint32_t load) const noexcept {
        auto oldest = base::Mono::max();
        each_query(load, [&](const Query& query, std::uint32_t) {
            oldest = std::min(oldest, query.completion.due);
        });
        return oldest;
    }

    /// Asks the server to cancel all that is under way, because the run is over. Waits until that is sent, at
    /// most `limit`. Whether it was; none where nothing was under way.
    std::optional<bool> cancel(base::Nanos limit) const;

    [[nodiscard]] metrics::ConnectionStates states() const noexcept;

    /// The kernel's round-trip times of a few connections, of others at each call: no traffic, and a bounded
    /// cost for any number of them.
    void sample_round_trips(metrics::Histogram& into) noexcept;

 private:
    /// The oldest query is another one, or none is left: its time begins. Asked of every query, and mostly
    /// there is no time-out.
    void limit_next(const Session& session) noexcept {
        if (deadlines_) end_time(session);
    }
    // Only where there is a time-out.
    void begin_time(const Session& session, base::Mono now) noexcept;
    void end_time(const Session& session) noexcept;
    void on_deadline() noexcept;
    void on_pause_over() noexcept;

    SessionContext& context_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::optional<Deadlines> deadlines_;
    Pauses pauses_;                      // of sessions that back off
    std::vector<std::uint32_t> unsent_;  // sessions of a pipeline with something to send
    std::size_t next_sample_ = 0;
    event_loop::Timer deadline_timer_;
    event_loop::Timer pause_timer_;
};

}  // namespace pgtraffic::simulation
