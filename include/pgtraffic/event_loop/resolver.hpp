// Host names to addresses on libuv's own thread pool, because libpq would block the loop over them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/event_loop/loop.hpp"

namespace pgtraffic::event_loop {

/// The answer to one question. Addresses as text ("127.0.0.1", "::1"), in the resolver's order.
struct Resolved {
    std::vector<std::string> addresses;
    std::string error;  ///< empty where it worked
};

/// One look-up at a time. Neither copies nor moves; may die while a look-up is under way, which then ends by
/// itself.
class Resolver {
 public:
    Resolver(Loop& loop, base::Callback<const Resolved*> on_resolved)
        : loop_{&loop}, on_resolved_{on_resolved} {}
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// True: it will answer through the callback, later. False: the name cannot even be looked up.
    [[nodiscard]] bool resolve(const std::string& host);

 private:
    struct Request;
    static void on_answer(uv_getaddrinfo_t* raw, int status, struct addrinfo* found) noexcept;

    Loop* loop_;
    base::Callback<const Resolved*> on_resolved_;
    Request* request_ = nullptr;  // owned by libuv until it answers
};

}  // namespace pgtraffic::event_loop
