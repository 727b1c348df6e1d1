// Lists of hosts, as a conninfo's "host", "hostaddr" and "port" hold them: commas between, the same place in
// each list for the same host. Knows no resolver.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/postgres/conninfo.hpp"

struct pg_conn;

namespace pgtraffic::postgres {

/// One of them, as the settings name it.
struct ListedHost {
    std::string name;
    std::string port;
    std::string address;

    [[nodiscard]] bool operator==(const ListedHost&) const = default;
};

/// The one that libpq is at.
[[nodiscard]] ListedHost current_host(const pg_conn* connection);

/// How many there are.
[[nodiscard]] std::size_t host_count(const Conninfo& conninfo);

/// Where `host` stands in the lists; none where it does not.
[[nodiscard]] std::optional<std::size_t> place_of(const ListedHost& host, const Conninfo& conninfo);

/// The same without the hosts from `first` to the one before `end`; not all of them.
[[nodiscard]] Conninfo without_hosts(const Conninfo& conninfo, std::size_t first, std::size_t end);

/// "a,b" -> {"a", "b"}; "" -> {""}.
[[nodiscard]] std::vector<std::string> split_list(const std::string& list);

/// Whether `host` needs a look-up: not a directory, not an address already.
[[nodiscard]] bool needs_lookup(const std::string& host);

/// For each of the conninfo's hosts the address that its "hostaddr" has for it; nothing where it has none, or
/// where the lists do not match, of which libpq complains.
[[nodiscard]] std::vector<std::vector<std::string>> given_addresses(const Conninfo& conninfo);

/// Those of the conninfo's hosts that need a look-up and have no address of their own, by their places. None
/// where hosts and addresses are lists of different lengths, which libpq refuses before it looks anything up.
[[nodiscard]] std::vector<std::size_t> hosts_to_look_up(const Conninfo& conninfo);

/// Whether some host needs no look-up or has an address in its place of `addresses`.
[[nodiscard]] bool any_reachable(const std::vector<std::string>& hosts,
                                 const std::vector<std::vector<std::string>>& addresses);

/// `conninfo` with "hostaddr" beside "host": a host of several addresses appears once for each, with its
/// port, as libpq's lists want it. `addresses` has an entry for each of the conninfo's hosts; one that needs
/// a look-up and has an empty entry is left out unless no host has an address.
[[nodiscard]] Conninfo with_addresses(const Conninfo& conninfo,
                                      const std::vector<std::vector<std::string>>& addresses);

}  // namespace pgtraffic::postgres
