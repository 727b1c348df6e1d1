#include "pgtraffic/event_loop/signal.hpp"

namespace pgtraffic::event_loop {

Signal::Signal(Loop& loop, int number, Callback<int> on_signal)
    : on_signal_{on_signal},
      handle_{make_handle<uv_signal_t>("cannot watch for signals", &on_signal_,
                                       [&](uv_signal_t* h) { return uv_signal_init(loop.raw(), h); })} {
    throw_if(uv_signal_start(
                 handle_.get(),
                 [](uv_signal_t* raw, int received) {
                     if (auto* callback = static_cast<Callback<int>*>(raw->data)) (*callback)(received);
                 },
                 number),
             "cannot watch for signals");
    uv_unref(as_handle(handle_.get()));
}

}  // namespace pgtraffic::event_loop
