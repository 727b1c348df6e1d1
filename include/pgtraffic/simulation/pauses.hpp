// Sessions that wait, by the end of their pauses, so that one timer serves them all. A value; told the time.
// A session may be in it twice: whoever ends a pause by other means finds the old one still in the queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::simulation {

class Pauses {
 public:
    struct Pause {
        base::Mono until;
        std::uint32_t session;
        bool operator>(const Pause& other) const noexcept { return until > other.until; }
    };

    Pauses() = default;
    /// With room for so many sessions from the beginning.
    explicit Pauses(std::size_t sessions) : queue_{{}, with_room(sessions)} {}

    void add(Pause pause) { queue_.push(pause); }
    /// When the first one ends; Mono::max() where nobody waits.
    [[nodiscard]] base::Mono next() const noexcept {
        return queue_.empty() ? base::Mono::max() : queue_.top().until;
    }
    /// Takes the first one; not when nobody waits.
    [[nodiscard]] Pause take() {
        const Pause first = queue_.top();
        queue_.pop();
        return first;
    }

 private:
    static std::vector<Pause> with_room(std::size_t sessions) {
        std::vector<Pause> room;
        room.reserve(sessions);
        return room;
    }

    std::priority_queue<Pause, std::vector<Pause>, std::greater<>> queue_;
};

}  // namespace pgtraffic::simulation
