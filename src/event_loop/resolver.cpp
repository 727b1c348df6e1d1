#include "pgtraffic/event_loop/resolver.hpp"

#include <netdb.h>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/numeric_addresses.hpp"

namespace pgtraffic::event_loop {

struct Resolver::Request {
    uv_getaddrinfo_t raw{};
    Resolver* owner = nullptr;  // null once the owner is gone
};

Resolver::~Resolver() {
    if (request_ == nullptr) return;
    request_->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&request_->raw));
}

bool Resolver::resolve(const std::string& host) {
    PGTRAFFIC_CHECK(request_ == nullptr, "one look-up at a time");
    auto request = std::make_unique<Request>();
    request->owner = this;
    request->raw.data = request.get();
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (uv_getaddrinfo(loop_->raw(), &request->raw, on_answer, host.c_str(), nullptr, &hints) != 0)
        return false;
    request_ = request.release();
    return true;
}

void Resolver::on_answer(uv_getaddrinfo_t* raw, int status, addrinfo* found) noexcept {
    const std::unique_ptr<Request> request{static_cast<Request*>(raw->data)};
    Resolved resolved;
    if (status < 0) resolved.error = uv_strerror(status);
    resolved.addresses = base::numeric_addresses(found);  // libuv's names of them lack the scope
    uv_freeaddrinfo(found);
    if (resolved.addresses.empty() && resolved.error.empty()) resolved.error = "no address";
    if (request->owner == nullptr) return;
    request->owner->request_ = nullptr;
    request->owner->on_resolved_(&resolved);
}

}  // namespace pgtraffic::event_loop
