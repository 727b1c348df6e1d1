// What a look-up found, as text.
#pragma once

#include <string>
#include <vector>

struct addrinfo;

namespace pgtraffic::base {

/// The IP addresses of the list in its order, with their scope, without which a link-local one leads nowhere.
/// `found` stays the caller's, and may be null.
[[nodiscard]] std::vector<std::string> numeric_addresses(const addrinfo* found);

}  // namespace pgtraffic::base
