// A PostgreSQL of our own for trying things out and for tests: made in a private directory, reachable only
// through its Unix socket, gone when its owner goes, however that happens.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/postgres/child_process.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/postgres/marked_directory.hpp"

namespace pgtraffic::postgres {

struct TemporaryServerOptions {
    std::uint32_t max_connections = 100;
    bool fsync = true;  ///< off only for tests and --unsafe-fast: figures without it are not figures
    bool tcp = false;   ///< also listen on a free port of 127.0.0.1 (tests)
    std::string
        tcp_password;  ///< of the superuser: asked for over TCP (SCRAM), not on the socket; empty: never
    std::vector<std::string> settings;           ///< further "name=value"
    std::optional<base::Processors> processors;  ///< that its processes keep to; none: those that we may use
    /// Lines of pg_hba.conf in place of initdb's (tests); the Unix socket stays open to its owner.
    std::vector<std::string> hba;
    /// Name and text of files in the data directory, the server's own alone (tests: certificates and keys).
    std::vector<std::pair<std::string, std::string>> files;
};

/// Neither copies nor moves. The constructor runs initdb and starts the server (as an unprivileged user when
/// we are root); the destructor stops it (fast, then immediate) and removes the directory.
class TemporaryServer {
 public:
    /// Throws base::Error with the cure when there are no server programs, no unprivileged user, no room, or
    /// the server does not come up; with the last lines of its log. First removes what killed runs left:
    /// only directories with our marker whose owner is gone. Calls Conninfo::forget_environment().
    explicit TemporaryServer(const TemporaryServerOptions& options);
    ~TemporaryServer();
    TemporaryServer(const TemporaryServer&) = delete;
    TemporaryServer& operator=(const TemporaryServer&) = delete;

    /// Connects through the Unix socket, as a superuser, to the database "pgtraffic" (made by us, empty).
    [[nodiscard]] Conninfo conninfo() const;
    /// The same over TCP; options.tcp must have been set.
    [[nodiscard]] Conninfo tcp_conninfo() const;

    [[nodiscard]] const std::string& version() const noexcept { return version_; }  ///< "15.18"
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] pid_t postmaster() const noexcept { return postmaster_; }

    void stop(bool immediate = false);  ///< for tests; waits until it is gone
    /// Again, after stop(); waits until it accepts connections, unless it is not to (tests).
    void start(bool wait = true);

 private:
    void initialise();
    void create_database();
    void write_files();
    void wait_until_ready();
    void start_on_a_free_port();
    [[nodiscard]] Conninfo socket_conninfo(const std::string& database) const;
    [[nodiscard]] std::string log_tail() const;

    TemporaryServerOptions options_;
    std::string programs_;  // the directory of initdb and postgres
    std::optional<SystemUser> user_;
    std::unique_ptr<MarkedDirectory> home_;         // outlives the processes in it
    std::unique_ptr<MarkedDirectory> socket_home_;  // where home_ is too long for a socket
    std::unique_ptr<ChildProcess> process_;
    std::string directory_;
    std::string socket_directory_;
    std::string version_;
    std::uint16_t port_ = 5432;
    pid_t postmaster_ = 0;
};

}  // namespace pgtraffic::postgres
