#include "pgtraffic/event_loop/hook.hpp"

namespace pgtraffic::event_loop {
namespace {

template <class Handle>
void forward(Handle* raw) noexcept {
    if (auto* callback = static_cast<Callback<>*>(raw->data)) (*callback)();
}

}  // namespace

BeforeWait::BeforeWait(Loop& loop, Callback<> callback)
    : callback_{callback},
      handle_{make_handle<uv_prepare_t>("cannot hook into the loop", &callback_,
                                        [&](uv_prepare_t* h) { return uv_prepare_init(loop.raw(), h); })} {
    uv_prepare_start(handle_.get(), forward<uv_prepare_t>);
    uv_unref(as_handle(handle_.get()));
}

AfterBatch::AfterBatch(Loop& loop, Callback<> callback)
    : callback_{callback},
      handle_{make_handle<uv_check_t>("cannot hook into the loop", &callback_,
                                      [&](uv_check_t* h) { return uv_check_init(loop.raw(), h); })} {
    uv_check_start(handle_.get(), forward<uv_check_t>);
    uv_unref(as_handle(handle_.get()));
}

}  // namespace pgtraffic::event_loop
