// A signal as an event of the loop.
#pragma once

#include "pgtraffic/event_loop/callback.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

/// Neither copies nor moves. Does not keep the loop alive; gives the signal back when it dies.
class Signal {
 public:
    Signal(Loop& loop, int number, Callback<int> on_signal);

 private:
    Callback<int> on_signal_;
    HandlePtr<uv_signal_t> handle_;
};

}  // namespace pgtraffic::event_loop
