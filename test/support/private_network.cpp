#include "support/private_network.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace pgtraffic::test {
namespace {

bool raise_loopback() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    ifreq alias{};
    std::strcpy(alias.ifr_name, "lo:1");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, PrivateNetwork::kAddress, &address.sin_addr);
    std::memcpy(&alias.ifr_addr, &address, sizeof address);
    const bool named = up && ::ioctl(fd, SIOCSIFADDR, &alias) == 0;
    ::close(fd);
    return named;
}

}  // namespace

PrivateNetwork::PrivateNetwork() : available_{network_.entered() && raise_loopback()} {}

}  // namespace pgtraffic::test
