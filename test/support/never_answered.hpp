// A statement that is not answered before its time-out, however slow the machine.
#pragma once

#include "pgtraffic/postgres/client.hpp"
#include "support/test_server.hpp"

namespace pgtraffic::test {

/// While it lives, "SELECT pg_advisory_lock(1)" waits in its database for a lock that this holds.
class NeverAnswered {
 public:
    explicit NeverAnswered(const Database& database) : holder_{database.conninfo()} {
        holder_.execute("SELECT pg_advisory_lock(1)");
    }

 private:
    postgres::Client holder_;
};

}  // namespace pgtraffic::test
