// A PostgreSQL for the tests: one server a test program, started when first asked for, and a database of its
// own for each test. PGTRAFFIC_TEST_DSN names another server; then databases are made there, none is started.
#pragma once

#include <cstdint>
#include <string>

#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"

namespace pgtraffic::test {

/// A database that vanishes at the end of its scope, whoever is still connected to it.
class Database {
 public:
    /// A copy of `from`, empty where that is empty.
    explicit Database(const std::string& from = "");
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] const postgres::Conninfo& conninfo() const noexcept { return conninfo_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// As a user would pass it to --database-url.
    [[nodiscard]] std::string dsn() const;

 private:
    std::string name_;
    postgres::Conninfo conninfo_;
};

/// The rows of the model at kScale and kSeed in a database of their own (init runs once a program).
[[nodiscard]] Database filled_database();
[[nodiscard]] Database fresh_database();

inline constexpr double kScale = 0.02;
inline constexpr std::uint64_t kSeed = 7;

/// Of the server that is used; connects to a database for administration.
[[nodiscard]] postgres::Conninfo server_conninfo();

/// The one value that the query gives, a whole number; 0 where it is NULL.
[[nodiscard]] std::int64_t number(postgres::Client& client, const std::string& sql);

/// The server that this program started (fsync off, 300 connections, also on TCP); none with
/// PGTRAFFIC_TEST_DSN.
[[nodiscard]] postgres::TemporaryServer* own_server();

/// The pgbench to start: a server's, wherever Debian has it, else that of the path.
[[nodiscard]] std::string pgbench();

}  // namespace pgtraffic::test
