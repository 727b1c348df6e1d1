#include "pgtraffic/base/numeric_addresses.hpp"

#include <netdb.h>
#include <sys/socket.h>

namespace pgtraffic::base {

std::vector<std::string> numeric_addresses(const addrinfo* found) {
    std::vector<std::string> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
        char text[NI_MAXHOST] = {};
        if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
            0)
            addresses.emplace_back(text);
    }
    return addresses;
}

}  // namespace pgtraffic::base
