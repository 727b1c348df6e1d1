// A PgBouncer in front of the tests' PostgreSQL, as a child of the test: an unprivileged user where we are
// root, a private directory, a free port of 127.0.0.1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pgtraffic/postgres/child_process.hpp"
#include "pgtraffic/postgres/marked_directory.hpp"
#include "support/test_server.hpp"

namespace pgtraffic::test {

/// Neither copies nor moves; ends with its owner.
class PgBouncer {
 public:
    /// `mode` is "session" or "transaction". Throws base::Error where it does not come up.
    PgBouncer(const Database& database, const std::string& mode, std::uint32_t server_connections,
              std::uint32_t most_clients = 2000);
    ~PgBouncer();
    PgBouncer(const PgBouncer&) = delete;
    PgBouncer& operator=(const PgBouncer&) = delete;

    /// Whether it is installed, and the server ours; otherwise says that the test is not run.
    [[nodiscard]] static bool available();

    /// Of `database` through the pooler, as a user would pass it to --database-url.
    [[nodiscard]] std::string dsn() const;

 private:
    void wait_until_ready();

    std::string database_;
    std::string user_name_;
    std::string port_;
    int log_ = -1;                                          // our end of its pipe
    std::unique_ptr<postgres::MarkedDirectory> directory_;  // outlives the process in it
    std::unique_ptr<postgres::ChildProcess> process_;
};

}  // namespace pgtraffic::test
