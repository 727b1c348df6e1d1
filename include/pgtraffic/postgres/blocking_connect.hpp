// Connecting while nothing else is to be done, as PQconnectdbParams does it, but bounded whatever the server
// says: libpq looks at its time limit only where it has to wait, so one that talks without end holds it for
// ever, and keeps what it says.
#pragma once

#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

struct pg_conn;

namespace pgtraffic::postgres {

struct BlockingConnect {
    pg_conn* connection = nullptr;  ///< the caller's; connected exactly where `trouble` is empty
    std::string trouble;            ///< libpq's words or ours, possibly of several lines; base::kInterrupted
                                    ///< alone for an ending signal that was held back
};

/// Tries the hosts of a list one after the other, each for as long as `limit`. Blocks in name look-ups, too.
[[nodiscard]] BlockingConnect connect_blocking(const Conninfo& conninfo, base::Nanos limit);

}  // namespace pgtraffic::postgres
