#include "pgtraffic/postgres/host_list.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace pgtraffic::postgres {
namespace {

constexpr std::array kLists{"host", "hostaddr", "port"};

void append(std::string& list, const std::string& item, bool first) {
    if (!first) list += ',';
    list += item;
}

/// A user's may be written otherwise than libpq tells it: "::0001".
bool same_address(const std::string& a, const std::string& b) {
    for (const int family : {AF_INET, AF_INET6}) {
        std::array<unsigned char, sizeof(in6_addr)> x{};
        std::array<unsigned char, sizeof(in6_addr)> y{};
        if (inet_pton(family, a.c_str(), x.data()) == 1 && inet_pton(family, b.c_str(), y.data()) == 1)
            return x == y;
    }
    return a == b;
}

/// As the system's resolver may read more than that: 127.1.
bool is_plain_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
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

std::vector<std::vector<std::string>> given_addresses(const Conninfo& conninfo) {
    const auto hosts = split_list(conninfo.effective("host"));
    std::vector<std::vector<std::string>> given(hosts.size());
    const auto addresses = split_list(conninfo.effective("hostaddr"));
    for (std::size_t i = 0; addresses.size() == hosts.size() && i < hosts.size(); ++i) {
        if (!addresses[i].empty()) given[i].push_back(addresses[i]);
    }
    return given;
}

std::vector<std::size_t> hosts_to_look_up(const Conninfo& conninfo) {
    const auto hosts = split_list(conninfo.effective("host"));
    const auto addresses = conninfo.effective("hostaddr");
    std::vector<std::size_t> unknown;
    if (!addresses.empty() && split_list(addresses).size() != hosts.size()) return unknown;
    const auto given = given_addresses(conninfo);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (given[i].empty() && needs_lookup(hosts[i])) unknown.push_back(i);
    }
    return unknown;
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

ListedHost current_host(const pg_conn* connection) {
    const auto text = [](const char* s) { return std::string{s != nullptr ? s : ""}; };
    return {text(PQhost(connection)), text(PQport(connection)), text(PQhostaddr(connection))};
}

std::size_t host_count(const Conninfo& conninfo) {
    std::size_t hosts = 1;
    for (const char* keyword : kLists)
        hosts = std::max(hosts, split_list(conninfo.effective(keyword)).size());
    return hosts;
}

std::optional<std::size_t> place_of(const ListedHost& host, const Conninfo& conninfo) {
    const auto item = [&](const char* keyword, std::size_t i) {
        const auto parts = split_list(conninfo.effective(keyword));
        return parts.size() == 1 ? parts.front() : i < parts.size() ? parts[i] : std::string{};
    };
    const auto port_of = [](const std::string& port) { return port.empty() ? std::string{"5432"} : port; };
    std::vector<std::size_t> alike;  // in name and port, and of an address that only the resolver can read
    for (std::size_t i = 0; i < host_count(conninfo); ++i) {
        const auto address = item("hostaddr", i);
        const auto name = item("host", i).empty() ? address : item("host", i);
        if (name != host.name || port_of(item("port", i)) != port_of(host.port)) continue;
        if (address.empty() || same_address(address, host.address)) return i;
        if (!is_plain_address(address)) alike.push_back(i);
    }
    return alike.size() == 1 ? std::optional{alike.front()} : std::nullopt;
}

Conninfo without_hosts(const Conninfo& conninfo, std::size_t first, std::size_t end) {
    Conninfo result = conninfo;
    for (const char* keyword : kLists) {
        auto parts = split_list(conninfo.effective(keyword));
        if (parts.size() == 1) continue;  // the same for all
        const auto gone_until = std::min(end, parts.size());
        if (first < gone_until) {
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(first),
                        parts.begin() + static_cast<std::ptrdiff_t>(gone_until));
        }
        std::string list;
        for (std::size_t i = 0; i < parts.size(); ++i) append(list, parts[i], i == 0);
        result.set(keyword, list);
    }
    return result;
}

}  // namespace pgtraffic::postgres
