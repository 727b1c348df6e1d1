// Readiness of one descriptor: for as long as it lasts, or once for all that came.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "pgtraffic/base/callback.hpp"

namespace pgtraffic::event_loop {

class Loop;

/// An error, and an end in both directions, are all three: whoever tries hears of them.
class Readiness {
 public:
    constexpr Readiness() = default;
    explicit constexpr Readiness(std::uint32_t events) noexcept : events_{events} {}  ///< epoll's
    [[nodiscard]] static constexpr Readiness to_read() noexcept { return Readiness{EPOLLIN}; }

    [[nodiscard]] constexpr bool readable() const noexcept { return (events_ & (EPOLLIN | kEnd)) != 0; }
    [[nodiscard]] constexpr bool writable() const noexcept {
        return (events_ & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
    }
    /// By Trigger::edge, of the other side, too: behind what can be read nothing comes.
    [[nodiscard]] constexpr bool ended() const noexcept { return (events_ & kEnd) != 0; }

 private:
    static constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLERR | EPOLLHUP;

    std::uint32_t events_ = 0;
};

/// When a readiness is told of (epoll(7)).
enum class Trigger : std::uint8_t {
    level,  ///< in each turn in which there is some
    /// Once for what came; what is left of it, or that it ended, is told where again() is asked for, or with
    /// what comes next. The kernel does not look at a socket a second time that was read empty, which is
    /// nearly all of them.
    edge,
};

/// Watches nothing at first. Neither copies nor moves. The descriptor stays its owner's, who stops the poll
/// before closing it: its number may be given out again, and the kernel forgets what was watched without a
/// word.
class Poll {
 public:
    using OnReady = base::Callback<Readiness>;

    Poll(Loop& loop, OnReady on_ready) noexcept : loop_{&loop}, on_ready_{on_ready} {}
    ~Poll() { stop(); }
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    /// Until stop(); another descriptor, or other events, take the place of what was watched. One system
    /// call, none where nothing changes. Throws base::Error where the kernel refuses.
    void watch(int descriptor, bool readable, bool writable, Trigger trigger = Trigger::level);
    /// While it watches, by Trigger::edge: what is ready now is told of in the next turn, although it was
    /// before. One system call.
    void again() noexcept;
    /// Nothing is told any more, not even what this turn of the loop has already heard of.
    void stop() noexcept;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }  ///< -1: none

    /// For the loop: these events of epoll's came.
    void tell(std::uint32_t events) const noexcept { on_ready_(Readiness{events}); }

 private:
    Loop* loop_;
    OnReady on_ready_;
    int descriptor_ = -1;
    std::uint32_t events_ = 0;
};

}  // namespace pgtraffic::event_loop
