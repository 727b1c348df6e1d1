// SIGINT, SIGTERM and SIGHUP held back or let through for a scope: what must be undone (a temporary server)
// is not left behind, a report is written, and what was held back is delivered to the loop as soon as that
// listens. Who waits meanwhile asks for what is held back and ends its wait.
#pragma once

#include <array>
#include <csignal>
#include <ctime>

namespace pgtraffic::base {

inline constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGHUP};

[[nodiscard]] inline sigset_t ending_signals() noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : kEndingSignals) sigaddset(&set, number);
    return set;
}

/// Neither copies nor moves. Restores the mask that it found.
class SignalMask {
 public:
    enum class Ending : unsigned char { held_back, let_through };

    explicit SignalMask(Ending wanted) noexcept {
        const sigset_t ending = ending_signals();
        sigprocmask(wanted == Ending::held_back ? SIG_BLOCK : SIG_UNBLOCK, &ending, &before_);
    }
    ~SignalMask() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    SignalMask(const SignalMask&) = delete;
    SignalMask& operator=(const SignalMask&) = delete;

 private:
    sigset_t before_{};
};

/// What a wait says that ended for a signal that is held back.
inline constexpr const char* kInterrupted = "interrupted";

/// The ending signal that came while it was held back, and waits; 0 without. One that is ignored (nohup) asks
/// for nothing, but waits as well while it is held back.
[[nodiscard]] inline int held_back_signal() noexcept {
    sigset_t waiting;
    if (sigpending(&waiting) != 0) return 0;
    for (const int number : kEndingSignals) {
        struct sigaction action {};
        if (sigismember(&waiting, number) == 1 && sigaction(number, nullptr, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            return number;
    }
    return 0;
}

/// The same, and takes it away with whatever waits beside it: it ends nobody any more.
inline int take_held_back_signal() noexcept {
    const int number = held_back_signal();
    const sigset_t ending = ending_signals();
    constexpr timespec kNoWait{0, 0};
    if (number != 0) {
        while (sigtimedwait(&ending, nullptr, &kNoWait) > 0) {
        }
    }
    return number;
}

}  // namespace pgtraffic::base
