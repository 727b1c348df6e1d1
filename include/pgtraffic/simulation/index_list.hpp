// A queue of small numbers (sessions) from whose middle one can leave: first in, first out, every step in
// constant time, no allocation after construction.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {

class IndexList {
 public:
    explicit IndexList(std::uint32_t capacity) : links_(capacity) {}

    [[nodiscard]] bool empty() const noexcept { return first_ == kNone; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t front() const noexcept { return first_; }  ///< not when empty
    [[nodiscard]] std::uint32_t back() const noexcept { return last_; }    ///< not when empty
    [[nodiscard]] bool contains(std::uint32_t i) const noexcept { return links_[i].listed; }

    /// `i` < capacity, not in the list.
    [[gnu::always_inline]] void push_back(std::uint32_t i) noexcept {
        Link& link = links_[i];
        PGTRAFFIC_CHECK(!link.listed, "an index is listed once");
        link = {last_, kNone, true};
        (last_ == kNone ? first_ : links_[last_].next) = i;
        last_ = i;
        ++size_;
    }

    /// Not when empty.
    std::uint32_t pop_front() noexcept {
        const std::uint32_t i = first_;
        Link& link = links_[i];
        first_ = link.next;
        (first_ == kNone ? last_ : links_[first_].previous) = kNone;
        link.listed = false;
        --size_;
        return i;
    }

    /// Does nothing where `i` is not in the list.
    void remove(std::uint32_t i) noexcept {
        Link& link = links_[i];
        if (!link.listed) return;
        (link.previous == kNone ? first_ : links_[link.previous].next) = link.next;
        (link.next == kNone ? last_ : links_[link.next].previous) = link.previous;
        link.listed = false;
        --size_;
    }

 private:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    struct Link {
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
        bool listed = false;
    };

    std::vector<Link> links_;
    std::uint32_t first_ = kNone;
    std::uint32_t last_ = kNone;
    std::uint32_t size_ = 0;
};

}  // namespace pgtraffic::simulation
