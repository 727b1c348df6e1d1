#include "pgtraffic/event_loop/signal.hpp"

namespace pgtraffic::event_loop {
namespace {

bool ignored(int number) noexcept {
    struct sigaction action {};
    return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Signal::Signal(Loop& loop, int number, base::Callback<int> on_signal)
    : number_{number},
      on_signal_{on_signal},
      handle_{make_handle<uv_signal_t>("cannot watch for signals", &on_signal_,
                                       [&](uv_signal_t* h) { return uv_signal_init(loop.raw(), h); })} {
    ::sigaction(number, nullptr, &before_);
    throw_if(uv_signal_start(
                 handle_.get(),
                 [](uv_signal_t* raw, int received) {
                     if (auto* callback = static_cast<base::Callback<int>*>(raw->data)) (*callback)(received);
                 },
                 number),
             "cannot watch for signals");
    uv_unref(as_handle(handle_.get()));
}

Signal::~Signal() {
    handle_.reset();
    ::sigaction(number_, &before_, nullptr);
}

EndingSignals::EndingSignals(Loop& loop, base::Callback<int> on_signal)
    : interrupt_{loop, SIGINT, on_signal}, terminate_{loop, SIGTERM, on_signal} {
    if (!ignored(SIGHUP)) hang_up_.emplace(loop, SIGHUP, on_signal);
}

}  // namespace pgtraffic::event_loop
