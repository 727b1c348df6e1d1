#include "support/private_network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
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

PrivateNetwork::PrivateNetwork() : before_{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)} {
    entered_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
    available_ = entered_ && raise_loopback();
}

PrivateNetwork::~PrivateNetwork() {
    if (entered_) ::setns(before_, CLONE_NEWNET);
    if (before_ >= 0) ::close(before_);
}

}  // namespace pgtraffic::test
