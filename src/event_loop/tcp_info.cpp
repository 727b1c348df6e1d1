#include "pgtraffic/event_loop/tcp_info.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace pgtraffic::event_loop {

std::optional<base::Nanos> tcp_round_trip(int socket) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (socket < 0 || getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_rtt == 0)
        return std::nullopt;
    return std::chrono::microseconds{info.tcpi_rtt};
}

}  // namespace pgtraffic::event_loop
