// Connecting while nothing else is to be done, as PQconnectdbParams does it, but bounded whatever the server
// says: libpq looks at its time limit only where it has to wait, so one that talks without end holds it for
// ever, and keeps what it says.
#pragma once

#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

struct pg_conn;

namespace pgtraffic::postgres {

struct BlockingConnect {
    pg_conn* connection = nullptr;  ///< the caller's; connected exactly where `trouble` is empty
    std::string trouble;            ///< libpq's words or ours, possibly of several lines; base::kInterrupted
                                    ///< alone for an ending signal that was held back
};

/// The addresses of a host name, as text, in the order in which they are to be tried; none, and a line added
/// to `trouble`, where there are none.
using LookUp = std::vector<std::string> (*)(const std::string& host, std::string& trouble);

/// By the system's resolver. Blocks.
[[nodiscard]] std::vector<std::string> look_up(const std::string& host, std::string& trouble);

/// Tries the hosts of a list and the addresses of each one after the other, each for as long as `limit`.
/// Blocks in name look-ups, too.
[[nodiscard]] BlockingConnect connect_blocking(const Conninfo& conninfo, base::Nanos limit,
                                               LookUp look_up_names = look_up);

}  // namespace pgtraffic::postgres
