#include "pgtraffic/postgres/host_list.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace pgtraffic::postgres {
namespace {

void append(std::string& list, const std::string& item, bool first) {
    if (!first) list += ',';
    list += item;
}

bool reachable(std::size_t host, const std::vector<std::string>& hosts,
               const std::vector<std::vector<std::string>>& addresses) {
    return !needs_lookup(hosts[host]) || (host < addresses.size() && !addresses[host].empty());
}

}  // namespace

std::vector<std::string> split_list(const std::string& list) {
    std::vector<std::string> items;
    std::size_t begin = 0;
    for (std::size_t comma = list.find(','); comma != std::string::npos; comma = list.find(',', begin)) {
        items.push_back(list.substr(begin, comma - begin));
        begin = comma + 1;
    }
    items.push_back(list.substr(begin));
    return items;
}

bool needs_lookup(const std::string& host) {
    if (host.empty() || host.front() == '/' || host.front() == '@') return false;
    unsigned char address[sizeof(in6_addr)];
    return inet_pton(AF_INET, host.c_str(), address) != 1 && inet_pton(AF_INET6, host.c_str(), address) != 1;
}

bool any_reachable(const std::vector<std::string>& hosts,
                   const std::vector<std::vector<std::string>>& addresses) {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (reachable(i, hosts, addresses)) return true;
    }
    return false;
}

Conninfo with_addresses(const Conninfo& conninfo, const std::vector<std::vector<std::string>>& addresses) {
    const auto hosts = split_list(conninfo.effective("host"));
    const auto ports = split_list(conninfo.effective("port"));
    if (ports.size() != 1 && ports.size() != hosts.size()) return conninfo;  // libpq says what is wrong
    std::string host_list;
    std::string address_list;
    std::string port_list;
    bool first = true;
    const bool any = any_reachable(hosts, addresses);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        // libpq would look it up itself, and everything would wait for that.
        if (any && !reachable(i, hosts, addresses)) continue;
        const std::string& port = ports.size() == 1 ? ports.front() : ports[i];
        const bool known = i < addresses.size() && !addresses[i].empty();
        for (std::size_t a = 0; a < (known ? addresses[i].size() : 1); ++a) {
            append(host_list, hosts[i], first);
            append(address_list, known ? addresses[i][a] : "", first);
            append(port_list, port, first);
            first = false;
        }
    }
    Conninfo with = conninfo;
    with.set("host", host_list);
    with.set("hostaddr", address_list);
    with.set("port", port_list);
    return with;
}

Conninfo beginning_with(const Conninfo& conninfo, std::size_t first) {
    Conninfo result = conninfo;
    for (const char* keyword : {"host", "hostaddr", "port"}) {
        auto items = split_list(conninfo.effective(keyword));
        if (items.size() < 2) continue;
        const auto middle = items.begin() + static_cast<std::ptrdiff_t>(first % items.size());
        std::rotate(items.begin(), middle, items.end());
        std::string list;
        for (std::size_t i = 0; i < items.size(); ++i) append(list, items[i], i == 0);
        result.set(keyword, list);
    }
    return result;
}

}  // namespace pgtraffic::postgres
