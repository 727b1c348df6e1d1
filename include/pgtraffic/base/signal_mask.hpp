// SIGINT, SIGTERM and SIGHUP held back or let through for a scope: what must be undone (a temporary server)
// is not left behind, and what was held back is delivered to the loop as soon as that listens.
#pragma once

#include <csignal>

namespace pgtraffic::base {

/// Neither copies nor moves. Restores the mask that it found.
class SignalMask {
 public:
    enum class Ending : unsigned char { held_back, let_through };

    explicit SignalMask(Ending ending_signals) noexcept {
        sigset_t ending;
        sigemptyset(&ending);
        sigaddset(&ending, SIGINT);
        sigaddset(&ending, SIGTERM);
        sigaddset(&ending, SIGHUP);
        sigprocmask(ending_signals == Ending::held_back ? SIG_BLOCK : SIG_UNBLOCK, &ending, &before_);
    }
    ~SignalMask() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    SignalMask(const SignalMask&) = delete;
    SignalMask& operator=(const SignalMask&) = delete;

 private:
    sigset_t before_{};
};

}  // namespace pgtraffic::base
