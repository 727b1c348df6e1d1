// When queries under way are given up (--timeout). All have the same limit, so the one that was sent first is
// the first to be late: a queue instead of a heap, every step in constant time, nothing allocated after
// construction. A value; told the time.
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
    /// Of `sessions`, each of which can have queries in `slots` slots under way.
    Deadlines(std::uint32_t sessions, std::uint32_t slots, base::Nanos limit)
        : slots_{slots},
          limit_{limit},
          waiting_{sessions * slots},
          deadline_(std::size_t{sessions} * slots) {}

    struct Place {
        std::uint32_t session = 0;
        std::uint32_t slot = 0;
    };

    void sent(Place query, base::Mono now) noexcept {
        const std::uint32_t number = number_of(query);
        deadline_[number] = now + limit_;
        waiting_.push_back(number);
    }
    /// Does nothing where it is not waited for.
    void ended(Place query) noexcept { waiting_.remove(number_of(query)); }

    /// When the first one will be late; Mono::max() where none is under way.
    [[nodiscard]] base::Mono next() const noexcept {
        return waiting_.empty() ? base::Mono::max() : deadline_[waiting_.front()];
    }
    /// The one that next() speaks of; stays until it has ended. Not where none is under way.
    [[nodiscard]] Place first() const noexcept {
        return {waiting_.front() / slots_, waiting_.front() % slots_};
    }

 private:
    [[nodiscard]] std::uint32_t number_of(Place query) const noexcept {
        return query.session * slots_ + query.slot;
    }

    std::uint32_t slots_;
    base::Nanos limit_;
    IndexList waiting_;  // in the order in which they were sent
    std::vector<base::Mono> deadline_;
};

}  // namespace pgtraffic::simulation
