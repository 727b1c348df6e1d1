// Ownership of a libuv handle: libuv may use its memory until the close callback ran, so the C struct lives
// on the heap and frees itself there, as its own type. After the owner let go no callback reaches it.
#pragma once

#include <uv.h>

#include <memory>

namespace pgtraffic::event_loop {

template <class Handle>
[[nodiscard]] uv_handle_t* as_handle(Handle* handle) noexcept {
    return reinterpret_cast<uv_handle_t*>(handle);
}

/// For the Loop whose this is: libuv waits for something else than before.
void libuv_changed(uv_loop_t* loop) noexcept;

/// Only for handles that were initialised: before that, plain `delete` is right.
template <class Handle>
struct CloseHandle {
    void operator()(Handle* handle) const noexcept {
        handle->data = nullptr;
        libuv_changed(handle->loop);
        uv_close(as_handle(handle), [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
    }
};

template <class Handle>
using HandlePtr = std::unique_ptr<Handle, CloseHandle<Handle>>;

/// Makes and initialises a handle; throws base::Error("<what>: …") where libuv refuses.
template <class Handle, class Init>
[[nodiscard]] HandlePtr<Handle> make_handle(const char* what, void* owner, Init&& init);

/// Throws base::Error("<what>: <libuv's reason>") where status is negative.
void throw_if(int status, const char* what);

template <class Handle, class Init>
HandlePtr<Handle> make_handle(const char* what, void* owner, Init&& init) {
    auto fresh = std::make_unique<Handle>();
    throw_if(init(fresh.get()), what);
    fresh->data = owner;
    return HandlePtr<Handle>{fresh.release()};
}

}  // namespace pgtraffic::event_loop
