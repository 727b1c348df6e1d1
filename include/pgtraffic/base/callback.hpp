// A method of an object as a plain pair of pointers: what a C callback can carry, without allocation. The
// object must outlive whatever holds the callback; handles detach from it before they close.
#pragma once

#include <utility>

namespace pgtraffic::base {

template <class... Args>
class Callback {
 public:
    Callback() = default;

    /// Callback<int>::to<&Session::on_poll>(session). The method must be noexcept: C code calls it.
    template <auto kMethod, class Object>
    [[nodiscard]] static Callback to(Object& object) noexcept {
        static_assert(noexcept((object.*kMethod)(std::declval<Args>()...)),
                      "a callback from C must not throw");
        Callback callback;
        callback.object_ = &object;
        callback.call_ = [](void* self, Args... args) noexcept {
            (static_cast<Object*>(self)->*kMethod)(args...);
        };
        return callback;
    }

    /// There is somebody to call.
    explicit operator bool() const noexcept { return call_ != nullptr; }

    void operator()(Args... args) const noexcept {
        if (call_ != nullptr) call_(object_, args...);
    }

 private:
    void* object_ = nullptr;
    void (*call_)(void*, Args...) noexcept = nullptr;
};

}  // namespace pgtraffic::base
