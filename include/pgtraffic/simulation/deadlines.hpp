// When a session's query is given up (--timeout): in a pipeline its oldest, since the server works on one
// after the other. All have the same limit, so the one that was waited for first is the first to be late: a
// queue instead of a heap, every step in constant time, nothing allocated after construction. A value; told
// the time.
#pragma once

#include <cstdint>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/simulation/index_list.hpp"

namespace pgtraffic::simulation {

/// After which time without an answer the client gives a query up: the server's own limit first, ours a
/// little later, because the server's keeps the connection. Behind a pooler there is only ours.
[[nodiscard]] base::Nanos client_limit(base::Nanos timeout, bool pooled) noexcept;

class Deadlines {
 public:
    Deadlines(std::uint32_t sessions, base::Nanos limit)
        : limit_{limit}, waiting_{sessions}, deadline_(sessions) {}

    /// From now on an answer is waited for, which is not so yet.
    void begin(std::uint32_t session, base::Mono now) noexcept {
        deadline_[session] = now + limit_;
        waiting_.push_back(session);
    }
    /// Does nothing where none is waited for.
    void end(std::uint32_t session) noexcept { waiting_.remove(session); }

    /// When the first one will be late; Mono::max() where none is waited for.
    [[nodiscard]] base::Mono next() const noexcept {
        return waiting_.empty() ? base::Mono::max() : deadline_[waiting_.front()];
    }
    /// The session that next() speaks of; stays until end(). Not where none is waited for.
    [[nodiscard]] std::uint32_t first() const noexcept { return waiting_.front(); }

 private:
    base::Nanos limit_;
    IndexList waiting_;  // in the order in which they began
    std::vector<base::Mono> deadline_;
};

}  // namespace pgtraffic::simulation
