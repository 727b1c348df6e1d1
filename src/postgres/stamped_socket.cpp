#include "pgtraffic/postgres/stamped_socket.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

namespace pgtraffic::postgres {
namespace {

int read_for_tls(BIO* bio, char* into, int size) {
    auto& socket = *static_cast<StampedSocket*>(BIO_get_data(bio));
    const auto n = static_cast<int>(socket.read({into, static_cast<std::size_t>(size)}));
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return n;
}

/// What the library asks of any source of bytes. It keeps none back, so there is little to tell.
long control(BIO* /*bio*/, int command, long /*number*/, void* /*more*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Lives as long as the program, as the kinds of the library do. Null where there is no memory.
const BIO_METHOD* kind() noexcept {
    static const BIO_METHOD* const made = [] {
        BIO_METHOD* method =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket whose reads are stamped");
        if (method != nullptr) {
            BIO_meth_set_read(method, read_for_tls);
            BIO_meth_set_ctrl(method, control);
        }
        return method;
    }();
    return made;
}

/// What it writes goes the way it went.
bool read_by(StampedSocket& socket, ssl_st* tls) noexcept {
    BIO* bio = kind() != nullptr ? BIO_new(kind()) : nullptr;
    if (bio == nullptr) return false;
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    SSL_set0_rbio(tls, bio);
    return true;
}

}  // namespace

bool StampedSocket::stamp(int socket, ssl_st* tls) noexcept {
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    const int on = 1;
    if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
        (family != AF_INET && family != AF_INET6) ||
        ::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        return false;
    socket_ = socket;
    return tls == nullptr || read_by(*this, tls);
}

void StampedSocket::forget() noexcept {
    socket_ = -1;
    received_at_.reset();
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
    return n;
}

}  // namespace pgtraffic::postgres
