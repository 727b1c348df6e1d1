// When the client wakes, which is most of what a query costs it at moderate rates: at once for whatever
// comes, or for several things together where nobody waits for them. A value.
#pragma once

#include <cstdint>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::workload {
class Workload;
}

namespace pgtraffic::simulation {

struct SimulationPlan;

/// At steps (--pacing), queries start and answers are read only then. Without, in an open loop over TCP,
/// whose kernel tells when an answer came, an answer may lie until the next query is due: one wake for both.
/// In either case, where somebody waits for an answer it is read when it comes.
class Wakes {
 public:
    Wakes(const SimulationPlan& plan, const workload::Workload& workload);

    /// Whether answers shall have the kernel's times. Not in a pipeline: what is answered together has the
    /// time of the last byte.
    [[nodiscard]] bool wants_stamps() const noexcept { return wants_stamps_; }

    // What sessions tell.

    /// Of a connection that is made the kernel tells no times.
    void connection_without_stamps() noexcept { may_lie_ = false; }
    /// A statement was answered, with or without the kernel's time. Only where wants_stamps().
    void answered(bool stamped) noexcept {
        last_stamped_ = stamped;
        ++(stamped ? stamped_ : unstamped_);
    }
    /// An answer is so long that, unread, it keeps the server from sending on.
    void long_answer() noexcept {
        may_lie_ = false;
        any_long_ = true;
    }
    /// A session has read a part of an answer, or sent a part of a query, and waits for the rest, or does no
    /// longer.
    void waits_for_rest(bool waits) noexcept { waits ? ++unfinished_ : --unfinished_; }
    /// A query is tried again.
    void tried_again() noexcept { ++tried_again_; }
    /// Another load begins: the warm-up, a step of the search for the peak, the measured one.
    void load_begins() noexcept { tried_again_ = 0; }

    /// Whether anything may lie unread as things are: else reads_at() is now.
    [[nodiscard]] bool lets_lie() const noexcept { return step_.count() > 0 || (may_lie_ && last_stamped_); }

    /// How things stand before the loop waits.
    struct Moment {
        base::Mono now;
        base::Mono next_due;             ///< Mono::max() where none is to come
        base::Mono stage_end;            ///< of the load
        std::uint64_t started = 0;       ///< of this load
        std::uint32_t in_flight = 0;     ///< of this load
        bool waits_for_session = false;  ///< a query that is due
        bool all_connected = false;      ///< a session that is not waits for its server
    };

    /// Until when what comes may lie unread; now, where somebody waits for it.
    [[nodiscard]] base::Mono reads_at(const Moment& moment) const noexcept;

    /// When to wake for a query that is due then.
    [[nodiscard]] base::Mono starts_at(base::Mono due) const noexcept;

    /// Whether the times of answers are the kernel's, but for one in a hundred at most.
    [[nodiscard]] bool timed_by_kernel() const noexcept;

 private:
    base::Nanos step_;
    bool wants_stamps_;
    bool may_lie_;
    bool last_stamped_ = false;
    bool any_long_ = false;
    std::uint32_t unfinished_ = 0;  // sessions that wait for a rest
    std::uint64_t stamped_ = 0;     // answers
    std::uint64_t unstamped_ = 0;
    std::uint64_t tried_again_ = 0;  // attempts of this load
};

}  // namespace pgtraffic::simulation
