#include "support/pgbouncer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/not_run.hpp"

namespace pgtraffic::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kProgram = "/usr/sbin/pgbouncer";

std::optional<postgres::SystemUser> unprivileged() {
    if (geteuid() != 0) return std::nullopt;
    const passwd* entry = getpwnam("postgres");
    if (entry == nullptr) throw base::Error("PgBouncer does not run as root, and there is no user postgres");
    return postgres::SystemUser{entry->pw_uid, entry->pw_gid, "postgres"};
}

std::string free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
    ::close(fd);
    if (!bound) throw base::Error("no free port on 127.0.0.1");
    return std::to_string(ntohs(address.sin_port));
}

}  // namespace

bool PgBouncer::available() {
    if (own_server() == nullptr) {
        not_run("the server is not ours");
        return false;
    }
    if (::access(kProgram, X_OK) == 0) return true;
    not_run("pgbouncer is not installed (apt-get install pgbouncer)");
    return false;
}

PgBouncer::PgBouncer(const Database& database, const std::string& mode, std::uint32_t server_connections,
                     std::uint32_t most_clients)
    : database_{database.name()}, port_{free_port()} {
    const auto user = unprivileged();
    directory_ = std::make_unique<postgres::MarkedDirectory>("/tmp", user);
    const auto server = own_server()->tcp_conninfo();
    user_name_ = server.get("user");
    const std::string config = directory_->path() + "/pgbouncer.ini";
    std::ofstream{config} << fmt::format(
        "[databases]\n"
        "* = host={} port={} user={}\n"
        "[pgbouncer]\n"
        "listen_addr = 127.0.0.1\n"
        "listen_port = {}\n"
        "unix_socket_dir =\n"
        "auth_type = any\n"
        "pool_mode = {}\n"
        "default_pool_size = {}\n"
        "max_client_conn = {}\n"
        "log_connections = 0\n"
        "log_disconnections = 0\n"
        "log_pooler_errors = 0\n"
        "log_stats = 0\n",
        server.get("host"), server.get("port"), user_name_, port_, mode, server_connections, most_clients);
    postgres::Command command;
    command.arguments = {kProgram, config};
    command.user = user;
    command.directory = directory_->path();
    // Its log goes through a pipe that nobody reads later on, so it says little.
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw base::Error("no pipe for PgBouncer's log");
    log_ = ends[0];
    command.output = ends[1];
    process_ = std::make_unique<postgres::ChildProcess>(command);
    ::close(ends[1]);
    wait_until_ready();
}

void PgBouncer::wait_until_ready() {
    const auto deadline = base::mono_now() + 20s;
    std::string log;
    while (log.find("process up") == std::string::npos) {
        pollfd watched{log_, POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::mono_now()).count();
        std::array<char, 4096> piece;
        if (left <= 0 || ::poll(&watched, 1, static_cast<int>(left)) <= 0)
            throw base::Error("PgBouncer does not come up:\n" + log);
        const ssize_t n = ::read(log_, piece.data(), piece.size());
        if (n <= 0) throw base::Error("PgBouncer ended:\n" + log);
        log.append(piece.data(), static_cast<std::size_t>(n));
    }
    postgres::Client client{postgres::Conninfo::parse(dsn(), "the pooler's test")};
    if (client.greeted_by(client.value("SELECT pg_backend_pid()").value_or("")))
        throw base::Error("what answers is no pooler");
}

PgBouncer::~PgBouncer() {
    process_.reset();
    if (log_ >= 0) ::close(log_);
}

std::string PgBouncer::dsn() const {
    return fmt::format("host=127.0.0.1 port={} user={} dbname={}", port_, user_name_, database_);
}

}  // namespace pgtraffic::test
