// Signals as events of the loop.
#pragma once

#include <csignal>
#include <optional>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

/// Neither copies nor moves. Does not keep the loop alive; when it dies the signal does again what it did
/// before, where libuv would give it the system's default.
class Signal {
 public:
    Signal(Loop& loop, int number, base::Callback<int> on_signal);
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

 private:
    int number_;
    struct sigaction before_ {};
    base::Callback<int> on_signal_;
    HandlePtr<uv_signal_t> handle_;
};

/// What asks a program to end: SIGINT, SIGTERM, and SIGHUP unless somebody, such as nohup, had it ignored. As
/// base::SignalMask, which holds them back where nothing listens.
class EndingSignals {
 public:
    EndingSignals(Loop& loop, base::Callback<int> on_signal);

 private:
    Signal interrupt_;
    Signal terminate_;
    std::optional<Signal> hang_up_;
};

}  // namespace pgtraffic::event_loop
