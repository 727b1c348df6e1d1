#include "pgtraffic/postgres/tcp_counters.hpp"

#include <linux/tcp.h>  // newer fields than netinet/tcp.h has, and not to be included beside it
#include <netinet/in.h>
#include <sys/socket.h>

namespace pgtraffic::postgres {

std::optional<TcpCounters> tcp_counters(int socket) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    return TcpCounters{info.tcpi_bytes_received, info.tcpi_rcv_ooopack};
}

}  // namespace pgtraffic::postgres
