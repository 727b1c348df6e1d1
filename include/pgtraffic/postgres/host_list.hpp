// Lists of hosts, as a conninfo's "host", "hostaddr" and "port" hold them: commas between, the same place in
// each list for the same host. Knows no resolver.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::postgres {

/// "a,b" -> {"a", "b"}; "" -> {""}.
[[nodiscard]] std::vector<std::string> split_list(const std::string& list);

/// Whether `host` needs a look-up: not a directory, not an address already.
[[nodiscard]] bool needs_lookup(const std::string& host);

/// Whether some host needs no look-up or has an address in its place of `addresses`.
[[nodiscard]] bool any_reachable(const std::vector<std::string>& hosts,
                                 const std::vector<std::vector<std::string>>& addresses);

/// `conninfo` with "hostaddr" beside "host": a host of several addresses appears once for each, with its
/// port, as libpq's lists want it. `addresses` has an entry for each of the conninfo's hosts; one that needs
/// a look-up and has an empty entry is left out unless no host has an address.
[[nodiscard]] Conninfo with_addresses(const Conninfo& conninfo,
                                      const std::vector<std::vector<std::string>>& addresses);

/// The same hosts beginning with the one numbered `first`, which wraps around.
[[nodiscard]] Conninfo beginning_with(const Conninfo& conninfo, std::size_t first);

}  // namespace pgtraffic::postgres
