// The two places of a loop's round where a program can look around without a system call: just before it
// waits, and just after all callbacks of what it waited for. Between them lies the batch of events.
#pragma once

#include "pgtraffic/event_loop/callback.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

/// Called before the loop waits. Does not keep the loop alive. Neither copies nor moves.
class BeforeWait {
 public:
    BeforeWait(Loop& loop, Callback<> callback);

 private:
    Callback<> callback_;
    HandlePtr<uv_prepare_t> handle_;
};

/// Called after a batch of events. Does not keep the loop alive. Neither copies nor moves.
class AfterBatch {
 public:
    AfterBatch(Loop& loop, Callback<> callback);

 private:
    Callback<> callback_;
    HandlePtr<uv_check_t> handle_;
};

}  // namespace pgtraffic::event_loop
