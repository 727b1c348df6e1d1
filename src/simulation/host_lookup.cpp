#include "pgtraffic/simulation/host_lookup.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace pgtraffic::simulation {
namespace {

constexpr base::Nanos kFresh = std::chrono::seconds{1};

void append(std::string& list, const std::string& item, bool first) {
    if (!first) list += ',';
    list += item;
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

postgres::Conninfo with_addresses(const postgres::Conninfo& conninfo,
                                  const std::vector<std::vector<std::string>>& addresses) {
    const auto hosts = split_list(conninfo.effective("host"));
    const auto ports = split_list(conninfo.effective("port"));
    std::string host_list;
    std::string address_list;
    std::string port_list;
    bool first = true;
    const auto reachable = [&](std::size_t i) {
        return !needs_lookup(hosts[i]) || (i < addresses.size() && !addresses[i].empty());
    };
    bool any_reachable = false;
    for (std::size_t i = 0; i < hosts.size(); ++i) any_reachable = any_reachable || reachable(i);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        // libpq would look it up itself, and everything would wait for that.
        if (any_reachable && !reachable(i)) continue;
        const std::string& port = ports.size() == 1 ? ports.front() : ports[std::min(i, ports.size() - 1)];
        const bool known = i < addresses.size() && !addresses[i].empty();
        for (std::size_t a = 0; a < (known ? addresses[i].size() : 1); ++a) {
            append(host_list, hosts[i], first);
            append(address_list, known ? addresses[i][a] : "", first);
            append(port_list, port, first);
            first = false;
        }
    }
    postgres::Conninfo with = conninfo;
    with.set("host", host_list);
    with.set("hostaddr", address_list);
    with.set("port", port_list);
    return with;
}

postgres::Conninfo beginning_with(const postgres::Conninfo& conninfo, std::size_t first) {
    postgres::Conninfo result = conninfo;
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

HostLookup::HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, event_loop::Callback<> on_ready)
    : conninfo_{std::move(conninfo)},
      on_ready_{on_ready},
      hosts_{split_list(conninfo_.effective("host"))},
      addresses_(hosts_.size()),
      needed_{conninfo_.effective("hostaddr").empty() &&
              std::any_of(hosts_.begin(), hosts_.end(), needs_lookup)},
      resolver_{loop,
                event_loop::Callback<const event_loop::Resolved*>::to<&HostLookup::on_resolved>(*this)} {
    if (!needed_) set_parameters(conninfo_);
}

void HostLookup::set_password(const std::string& password) {
    conninfo_.set("password", password);
    conninfo_.also_hide(password);
    if (!parameters_.empty()) set_parameters(needed_ ? with_addresses(conninfo_, addresses_) : conninfo_);
}

void HostLookup::refresh(base::Mono now) {
    if (!needed_ || under_way_ || (last_ != base::Mono::min() && now - last_ < kFresh)) return;
    under_way_ = true;
    last_ = now;
    error_.clear();
    look_up_from(0);
}

void HostLookup::look_up_from(std::size_t first) {
    for (current_ = first; current_ < hosts_.size(); ++current_) {
        if (!needs_lookup(hosts_[current_])) continue;
        if (resolver_.resolve(hosts_[current_])) return;
        error_ = fmt::format("\"{}\" is no host name", hosts_[current_]);
    }
    under_way_ = false;
    set_parameters(with_addresses(conninfo_, addresses_));
    on_ready_();
}

void HostLookup::set_parameters(const postgres::Conninfo& conninfo) {
    const auto hosts = std::max(split_list(conninfo.effective("host")).size(),
                                split_list(conninfo.effective("hostaddr")).size());
    parameters_.clear();
    for (std::size_t first = 0; first < hosts; ++first)
        parameters_.emplace_back(beginning_with(conninfo, first));
}

void HostLookup::on_resolved(const event_loop::Resolved* resolved) noexcept {
    // A name that cannot be found any more keeps the addresses that it had.
    if (resolved->error.empty()) {
        addresses_[current_] = resolved->addresses;
    } else {
        error_ = fmt::format("cannot find the host \"{}\": {}", hosts_[current_], resolved->error);
    }
    look_up_from(current_ + 1);
}

}  // namespace pgtraffic::simulation
