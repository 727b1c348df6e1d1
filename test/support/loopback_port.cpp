#include "support/loopback_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace pgtraffic::test {

LoopbackPort::LoopbackPort(std::uint8_t host, std::uint16_t number)
    : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl((127U << 24U) + host);
    address.sin_port = htons(number);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_, generic, length) == 0);
    REQUIRE(::getsockname(fd_, generic, &length) == 0);
    number_ = ntohs(address.sin_port);
}

LoopbackPort::~LoopbackPort() {
    for (const int fd : {fd_, accepted_}) {
        if (fd >= 0) ::close(fd);
    }
}

void LoopbackPort::open() const {
    REQUIRE(::listen(fd_, 8) == 0);
}

void LoopbackPort::accept() {
    accepted_ = ::accept(fd_, nullptr, nullptr);
    REQUIRE(accepted_ >= 0);
}

}  // namespace pgtraffic::test
