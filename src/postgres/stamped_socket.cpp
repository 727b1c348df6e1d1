#include "pgtraffic/postgres/stamped_socket.hpp"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>

#include "pgtraffic/postgres/tcp_counters.hpp"

namespace pgtraffic::postgres {
namespace {

/// What TCP takes without asking (RFC 9293, section 3.7.1): what was sent at once, and is no more, came in
/// one segment.
constexpr ssize_t kSmallestSegment = 536;

std::uint32_t out_of_order(int socket) noexcept {
    const auto counters = tcp_counters(socket);
    return counters ? counters->out_of_order : 0;
}

}  // namespace

bool StampedSocket::stamp(int socket) noexcept {
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    const int on = 1;
    if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
        (family != AF_INET && family != AF_INET6) ||
        ::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        return false;
    socket_ = socket;
    out_of_order_ = out_of_order(socket);
    return true;
}

void StampedSocket::forget() noexcept {
    *this = {};
}

std::int64_t StampedSocket::read(std::span<char> into) noexcept {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
    iovec bytes{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(socket_, &message, 0);
    received_at_.reset();
    if (n <= 0) return n;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS) {
        timespec at{};
        std::memcpy(&at, CMSG_DATA(header), sizeof at);
        received_at_ = base::Wall{std::chrono::seconds{at.tv_sec} + base::Nanos{at.tv_nsec}};
    }
    if (n > kSmallestSegment) look_at_order();
    return n;
}

void StampedSocket::look_at_order() noexcept {
    // The kernel tells of the last segment when that came, though one before it may have come later. One that
    // is counted now may still lie behind a gap, to be read when that is filled.
    const std::uint32_t before = std::exchange(out_of_order_, out_of_order(socket_));
    if (out_of_order_ != before) doubtful_until_ = base::wall_now();
}

}  // namespace pgtraffic::postgres
