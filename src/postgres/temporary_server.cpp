// initdb, then `postgres` itself as our child, so that nothing stands between us and it: its death is seen by
// waitpid, ours by its death signal. Ready is what accepts a connection, not what a log line says.
#include "pgtraffic/postgres/temporary_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/descriptor.hpp"
#include "pgtraffic/base/double_quoted.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::postgres {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* kName = "pgtraffic";  // of the superuser and of the database
constexpr seconds kStartLimit{60};
constexpr seconds kStopLimit{15};
constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;  // 107

std::optional<SystemUser> server_user() {
    if (geteuid() != 0) return std::nullopt;
    for (const char* name : {"postgres", "nobody"}) {
        if (const passwd* entry = getpwnam(name); entry != nullptr && entry->pw_uid != 0) {
            return SystemUser{entry->pw_uid, entry->pw_gid, name};
        }
    }
    throw base::Error(
        "a temporary PostgreSQL does not run as root, and there is no user \"postgres\" or \"nobody\": "
        "run as another user, or name a server with --database-url");
}

bool has_programs(const std::string& directory) {
    return access((directory + "/initdb").c_str(), X_OK) == 0 &&
           access((directory + "/postgres").c_str(), X_OK) == 0;
}

/// "/usr/lib/postgresql/15/bin" -> 15; 0 for what is no version.
int major_version(const fs::path& installation) {
    const std::string name = installation.filename().string();
    int version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    return version;
}

std::string newest_debian_programs() {
    std::string best;
    int best_version = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", ignored}) {
        const std::string programs = (entry.path() / "bin").string();
        if (major_version(entry.path()) > best_version && has_programs(programs)) {
            best_version = major_version(entry.path());
            best = programs;
        }
    }
    return best;
}

std::string in_path(const std::string& program) {
    const char* variable = std::getenv("PATH");
    std::string_view path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        std::string directory{path.substr(0, end)};
        path.remove_prefix(std::min(end + 1, path.size()));
        const std::string candidate = fmt::format("{}/{}", directory, program);
        if (directory.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return directory;
    }
    return {};
}

std::string server_programs() {
    if (std::string found = newest_debian_programs(); !found.empty()) return found;
    if (const std::string config = in_path("pg_config"); !config.empty()) {
        std::string found = output_of({config + "/pg_config", "--bindir"});
        while (!found.empty() && found.back() == '\n') found.pop_back();
        if (has_programs(found)) return found;
    }
    if (std::string found = in_path("initdb"); !found.empty() && has_programs(found)) return found;
    throw base::Error(
        "no PostgreSQL server programs (initdb, postgres) for a temporary server in /usr/lib/postgresql, by "
        "pg_config or in PATH: install them (apt-get install postgresql), or name a server with "
        "--database-url");
}

/// Where directories of ours may be. The last, memory of a few megabytes, may hold a socket and no data.
std::vector<std::string> base_directories(bool for_sockets) {
    std::vector<std::string> result;
    for (const char* value :
         {static_cast<const char*>(std::getenv("TMPDIR")), "/tmp",
          static_cast<const char*>(for_sockets ? std::getenv("XDG_RUNTIME_DIR") : nullptr)}) {
        std::error_code failed;
        if (value == nullptr || *value == '\0') continue;
        std::string path = fs::absolute(value, failed).string();
        while (path.size() > 1 && path.back() == '/') path.pop_back();
        if (!failed && std::find(result.begin(), result.end(), path) == result.end()) result.push_back(path);
    }
    return result;
}

bool fits_a_socket(const std::string& directory) {
    // A comma would make two hosts of it for libpq.
    return directory.size() + std::strlen("/.s.PGSQL.65535") <= kLongestSocketPath &&
           directory.find(',') == std::string::npos;
}

template <class Accept>
std::unique_ptr<MarkedDirectory> make_directory(const std::vector<std::string>& bases,
                                                const std::optional<SystemUser>& user, const Accept& accept) {
    std::string complaints;
    for (const auto& base : bases) {
        try {
            auto made = std::make_unique<MarkedDirectory>(base, user);
            if (accept(made->path())) return made;
            complaints += fmt::format("; {} is not usable", base);
        } catch (const base::Error& error) {
            complaints += fmt::format("; {}", error.what());
        }
    }
    throw base::Error(
        fmt::format("no room for a temporary PostgreSQL{}: set TMPDIR to a directory that {} may use",
                    complaints, user ? "user " + user->name : "you"));
}

std::uint16_t free_port() {
    const base::Descriptor listener{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener.raw() < 0 || bind(listener.raw(), generic, length) != 0 ||
        getsockname(listener.raw(), generic, &length) != 0) {
        throw base::Error(fmt::format("no free port on 127.0.0.1: {}", std::strerror(errno)));
    }
    return ntohs(address.sin_port);
}

void write_private_file(const std::string& path, const std::string& text,
                        const std::optional<SystemUser>& user) {
    const base::Descriptor file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.raw() < 0 || write(file.raw(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        (user && fchown(file.raw(), user->uid, user->gid) != 0)) {
        throw base::Error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
}

}  // namespace

TemporaryServer::TemporaryServer(const TemporaryServerOptions& options)
    : options_{options}, programs_{server_programs()}, user_{server_user()} {
    Conninfo::forget_environment();
    sweep_marked_directories(base_directories(true));
    home_ = make_directory(base_directories(false), user_,
                           [this](const std::string& path) { return may_use(user_, path); });
    directory_ = home_->path();
    socket_directory_ = directory_;
    if (!fits_a_socket(directory_)) {
        socket_home_ = make_directory(base_directories(true), user_, [this](const std::string& path) {
            return fits_a_socket(path) && may_use(user_, path);
        });
        socket_directory_ = socket_home_->path();
    }
    initialise();
    start_on_a_free_port();
    try {
        create_database();
    } catch (const base::Error&) {
        stop(true);  // the destructor is not reached, and what kills a child leaves shared memory behind
        throw;
    }
}

TemporaryServer::~TemporaryServer() {
    if (process_ && process_->ours()) stop(true);  // nobody needs what a checkpoint would save
}

void TemporaryServer::create_database() {
    Client client{socket_conninfo("postgres")};
    const std::string version = client.server_version();
    version_ = version.substr(0, version.find(' '));
    client.execute(fmt::format("CREATE DATABASE {}", kName));
}

void TemporaryServer::initialise() {
    const std::string password_file = directory_ + "/password";
    Command command;
    command.arguments = {programs_ + "/initdb",
                         "--pgdata=" + directory_ + "/data",
                         fmt::format("--username={}", kName),
                         "--encoding=UTF8",
                         "--locale=C",
                         "--no-sync",
                         "--auth-local=trust"};
    if (!options_.tcp_password.empty()) {
        write_private_file(password_file, options_.tcp_password + "\n", user_);
        command.arguments.emplace_back("--auth-host=scram-sha-256");
        command.arguments.emplace_back("--pwfile=" + password_file);
    } else {
        command.arguments.emplace_back(options_.tcp ? "--auth-host=trust" : "--auth-host=reject");
    }
    command.user = user_;
    command.directory = directory_;
    const base::Descriptor log{
        open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
    command.output = log.raw();
    ChildProcess initdb{command};
    const base::Mono deadline = base::mono_now() + kStartLimit;
    bool ended = false;
    while (!ended && base::held_back_signal() == 0 && base::mono_now() < deadline)
        ended = initdb.wait_for(std::chrono::milliseconds{100});
    unlink(password_file.c_str());
    if (!ended && base::held_back_signal() != 0) {
        initdb.signal(SIGINT);  // it takes its own children along
        (void)initdb.wait_for(seconds{5});
        throw base::Error(base::kInterrupted);
    }
    if (!ended || initdb.exit_code() != 0) {
        throw base::Error(fmt::format(
            "cannot make a temporary PostgreSQL in {} ({} {}; is there room? TMPDIR names another "
            "place):\n{}",
            directory_, command.arguments.front(),
            ended ? fmt::format("ended with {}", initdb.exit_code()) : "took too long", log_tail()));
    }
    write_files();
}

void TemporaryServer::write_files() {
    auto files = options_.files;
    if (!options_.hba.empty()) {
        files.emplace_back("pg_hba.conf",
                           fmt::format("local all all trust\n{}\n", fmt::join(options_.hba, "\n")));
    }
    for (const auto& [name, text] : files) {
        const auto path = fmt::format("{}/data/{}", directory_, name);
        unlink(path.c_str());  // initdb's
        write_private_file(path, text, user_);
    }
}

void TemporaryServer::start_on_a_free_port() {
    constexpr int kAttempts = 5;  // somebody else may take the port before the server does
    for (int attempt = 1;; ++attempt) {
        if (options_.tcp) port_ = free_port();
        try {
            start();
            return;
        } catch (const base::Error&) {
            if (!options_.tcp || attempt == kAttempts ||
                log_tail().find("Address already in use") == std::string::npos) {
                throw;
            }
        }
    }
}

void TemporaryServer::start(bool wait) {
    PGTRAFFIC_CHECK(!process_, "the temporary server runs already");
    Command command;
    command.arguments = {programs_ + "/postgres", "-D", directory_ + "/data"};
    const auto set = [&command](const std::string& setting) {
        command.arguments.emplace_back("-c");
        command.arguments.push_back(setting);
    };
    set(options_.tcp ? "listen_addresses=127.0.0.1" : "listen_addresses=");
    set(fmt::format("port={}", port_));
    // A list-valued setting: a name with commas or blanks stays one.
    set("unix_socket_directories=" + base::double_quoted(socket_directory_));
    set("unix_socket_permissions=0700");
    set("restart_after_crash=off");
    set("log_min_messages=log");  // a conflict that a workload provokes a thousand times is no news
    set(fmt::format("max_connections={}", options_.max_connections));
    if (!options_.fsync) {
        for (const char* setting : {"fsync=off", "synchronous_commit=off", "full_page_writes=off"})
            set(setting);
    }
    for (const auto& setting : options_.settings) set(setting);
    command.user = user_;
    command.directory = directory_;
    const base::Descriptor log{
        open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
    command.output = log.raw();
    command.processors = options_.processors;
    process_ = std::make_unique<ChildProcess>(command);
    postmaster_ = process_->pid();
    if (!wait) return;
    try {
        wait_until_ready();
    } catch (const base::Error&) {
        stop(true);
        throw;
    }
}

void TemporaryServer::wait_until_ready() {
    const base::Mono deadline = base::mono_now() + kStartLimit;
    const std::string port = std::to_string(port_);
    const std::array keywords{
        "host", "port", "dbname", "user", "connect_timeout", static_cast<const char*>(nullptr)};
    const std::array values{socket_directory_.c_str(),        port.c_str(), "postgres", kName, "2",
                            static_cast<const char*>(nullptr)};
    while (!process_->ended()) {
        // One that answers "no" is there, too: whoever connects then is told why.
        if (PQpingParams(keywords.data(), values.data(), 0) == PQPING_OK) return;
        if (base::held_back_signal() != 0) throw base::Error(base::kInterrupted);
        if (base::mono_now() >= deadline) {
            throw base::Error(
                fmt::format("the temporary PostgreSQL does not accept connections:\n{}", log_tail()));
        }
        base::nap(std::chrono::milliseconds{5});
    }
    throw base::Error(fmt::format("the temporary PostgreSQL did not start (exit code {}):\n{}",
                                  process_->exit_code(), log_tail()));
}

void TemporaryServer::stop(bool immediate) {
    if (!process_) return;
    const auto ends_by = [this](int signal, seconds limit) {
        process_->signal(signal);
        return process_->wait_for(limit);
    };
    if (immediate || !ends_by(SIGINT, kStopLimit)) ends_by(SIGQUIT, kQuitLimit);
    process_.reset();  // kills what is left
    postmaster_ = 0;
}

Conninfo TemporaryServer::socket_conninfo(const std::string& database) const {
    Conninfo result;
    result.set("host", socket_directory_);
    result.set("port", std::to_string(port_));
    result.set("dbname", database);
    result.set("user", kName);
    return result;
}

Conninfo TemporaryServer::conninfo() const {
    return socket_conninfo(kName);
}

Conninfo TemporaryServer::tcp_conninfo() const {
    PGTRAFFIC_CHECK(options_.tcp, "this temporary server does not listen on TCP");
    Conninfo result = conninfo();
    result.set("host", "127.0.0.1");
    if (!options_.tcp_password.empty()) result.set("password", options_.tcp_password);
    return result;
}

std::string TemporaryServer::log_tail() const {
    constexpr std::size_t kLines = 12;
    std::ifstream file{directory_ + "/log"};
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        if (lines.size() == kLines) lines.erase(lines.begin());
        if (!line.empty()) lines.push_back("    " + line);
    }
    return lines.empty() ? "    (its log is empty)" : fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace pgtraffic::postgres
