// The temporary server in the circumstances that break such things: root, a long path, a killed owner, a
// hostile environment, leftovers and lookalikes.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/marked_directory.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "support/catch.hpp"
#include "support/not_run.hpp"

using namespace pgtraffic;
using postgres::Client;
using postgres::TemporaryServer;
using postgres::TemporaryServerOptions;
namespace fs = std::filesystem;

namespace {

TemporaryServerOptions fast() {
    TemporaryServerOptions options;
    options.fsync = false;
    options.max_connections = 20;
    return options;
}

/// A directory of this test's own, named by TMPDIR for the length of a scope: no other run's is swept or
/// seen.
class TemporaryBase {
 public:
    explicit TemporaryBase(std::size_t name_length = 0) {
        std::string name = "/tmp/pgtraffic_base_XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        top_ = name;
        path_ = name_length == 0 ? top_ : top_ + "/" + std::string(name_length, 'x');
        fs::create_directories(path_);
        for (const auto& directory : {top_, path_})
            fs::permissions(directory, fs::perms::all | fs::perms::sticky_bit);
        if (const char* before = std::getenv("TMPDIR")) before_ = before;
        setenv("TMPDIR", path_.c_str(), 1);
    }
    ~TemporaryBase() {
        if (before_) {
            setenv("TMPDIR", before_->c_str(), 1);
        } else {
            unsetenv("TMPDIR");
        }
        std::error_code ignored;
        fs::remove_all(top_, ignored);
    }
    TemporaryBase(const TemporaryBase&) = delete;
    TemporaryBase& operator=(const TemporaryBase&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool empty() const { return fs::is_empty(path_); }

 private:
    std::string top_;
    std::string path_;
    std::optional<std::string> before_;
};

/// glibc 2.36 declares its pidfd_open without C linkage.
int open_process(pid_t pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

bool runs(pid_t pid) {
    return kill(pid, 0) == 0;
}

/// Waits for the end of a process that is not our child.
bool ends_within(int pidfd, int milliseconds) {
    pollfd entry{pidfd, POLLIN, 0};
    return poll(&entry, 1, milliseconds) == 1;
}

struct Report {
    pid_t postmaster = 0;
    std::array<char, 256> directory{};
    std::array<char, 256> socket{};
};

/// A process that owns a server and tells of it.
struct Owner {
    explicit Owner(const TemporaryServerOptions& options) {
        std::array<int, 2> ends{};
        REQUIRE(pipe(ends.data()) == 0);
        pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            try {
                const TemporaryServer server{options};
                Report mine;
                mine.postmaster = server.postmaster();
                server.directory().copy(mine.directory.data(), mine.directory.size() - 1);
                server.conninfo().get("host").copy(mine.socket.data(), mine.socket.size() - 1);
                if (::write(ends[1], &mine, sizeof mine) != sizeof mine) _exit(1);
                pause();
            } catch (const base::Error& error) {
                fmt::print(stderr, "{}\n", error.what());
            }
            _exit(1);
        }
        close(ends[1]);
        const bool told = read(ends[0], &report, sizeof report) == sizeof report;
        close(ends[0]);
        REQUIRE(told);
    }
    ~Owner() { end(); }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    void end() {
        if (pid <= 0) return;
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        pid = 0;
    }

    pid_t pid = 0;
    Report report;
};

}  // namespace

TEST_CASE("a temporary server is private, unprivileged, answers, and leaves nothing") {
    const TemporaryBase base;
    pid_t postmaster = 0;
    {
        TemporaryServerOptions options = fast();
        options.settings = {"work_mem=5MB"};
        const TemporaryServer server{options};
        postmaster = server.postmaster();
        CHECK(server.directory().starts_with(base.path() + "/pgtraffic-"));
        struct stat info {};
        REQUIRE(stat(server.directory().c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0700);
        REQUIRE(stat(fmt::format("/proc/{}", postmaster).c_str(), &info) == 0);
        CHECK(info.st_uid != 0);
        // A terminal's Ctrl-C goes to the foreground process group, never into another session.
        CHECK(getsid(postmaster) == postmaster);
        CHECK(getsid(0) != postmaster);
        Client client{server.conninfo()};
        CHECK(client.database() == "pgtraffic");
        CHECK(client.user() == "pgtraffic");
        CHECK(client.over_unix_socket());
        CHECK(client.server_version().starts_with(server.version()));
        CHECK(client.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "t");
        const auto setting = [&client](const std::string& name) {
            return client.value("SHOW " + name).value();
        };
        CHECK(setting("listen_addresses").empty());
        CHECK(setting("max_connections") == "20");
        CHECK(setting("restart_after_crash") == "off");
        CHECK(setting("server_encoding") == "UTF8");
        CHECK(setting("fsync") == "off");
        CHECK(setting("work_mem") == "5MB");
    }
    CHECK_FALSE(runs(postmaster));
    CHECK(base.empty());
}

TEST_CASE("fsync stays on unless asked for otherwise") {
    const TemporaryBase base;
    const TemporaryServer server{TemporaryServerOptions{}};
    Client client{server.conninfo()};
    for (const char* name : {"fsync", "synchronous_commit", "full_page_writes"}) {
        CHECK(client.value(fmt::format("SHOW {}", name)) == "on");
    }
}

TEST_CASE("a server that is to keep to some processors does, and what it starts") {
    const auto shared = base::share_processors();
    if (!shared) {
        // A build server cannot be given another one.
        WARN("one processor, and nothing to share out: not run");
        return;
    }
    const TemporaryBase base;
    TemporaryServerOptions options = fast();
    options.processors = shared->server;
    const TemporaryServer server{options};
    Client client{server.conninfo()};
    for (const pid_t process :
         {server.postmaster(),
          static_cast<pid_t>(std::stoi(client.value("SELECT pg_backend_pid()").value()))}) {
        base::Processors found{};
        REQUIRE(sched_getaffinity(process, sizeof found, &found) == 0);
        CHECK(CPU_EQUAL(&found, &shared->server));
    }
    CHECK(base::share_processors()->count == shared->count);  // ours are as before
}

TEST_CASE("no descriptor and no PG variable of ours reaches the server") {
    const TemporaryBase base;
    setenv("PGHOSTADDR", "192.0.2.1", 1);
    setenv("PGDATA", "/nonexistent", 1);
    setenv("PGREQUIREPEER", "somebody", 1);
    setenv("DATABASE_URL", "postgresql://app:geheim@db/shop", 1);
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    {
        const TemporaryServer server{fast()};
        unsetenv("PGDATA");
        unsetenv("DATABASE_URL");
        CHECK(std::getenv("PGHOSTADDR") == nullptr);
        std::ifstream environment{fmt::format("/proc/{}/environ", server.postmaster())};
        std::string variable;
        bool found = false;
        while (std::getline(environment, variable, '\0'))
            found = found || variable.starts_with("PGHOST") || variable.starts_with("DATABASE_URL");
        CHECK_FALSE(found);
        // The writing end is ours alone, so closing it here is the end of the file.
        close(ends[1]);
        char byte = 0;
        pollfd entry{ends[0], POLLIN, 0};
        CHECK(poll(&entry, 1, 0) == 1);
        CHECK(read(ends[0], &byte, 1) == 0);
    }
    close(ends[0]);
}

TEST_CASE("a TMPDIR too long for a socket is used for the data, and the socket lives elsewhere") {
    const TemporaryBase base{150};
    std::string socket;
    {
        const TemporaryServer server{fast()};
        CHECK(server.directory().starts_with(base.path()));
        socket = server.conninfo().get("host");
        CHECK_FALSE(socket.starts_with(base.path()));
        struct stat info {};
        REQUIRE(stat(socket.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0700);
        Client client{server.conninfo()};
        CHECK(client.value("SELECT 1") == "1");
    }
    CHECK_FALSE(fs::exists(socket));
    CHECK(base.empty());
}

TEST_CASE("a TMPDIR that the server's user cannot reach is passed over") {
    if (geteuid() != 0) return test::not_run("the server's user is another one for root alone");
    const TemporaryBase base;
    fs::permissions(base.path(), fs::perms::owner_all);
    const TemporaryServer server{fast()};
    CHECK_FALSE(server.directory().starts_with(base.path()));
    CHECK(base.empty());
}

TEST_CASE("stop and start keep data and address") {
    const TemporaryBase base;
    TemporaryServerOptions options = fast();
    options.tcp = true;
    TemporaryServer server{options};
    Client{server.tcp_conninfo()}.execute("CREATE TABLE kept AS SELECT 1 AS a");
    const std::string port = server.tcp_conninfo().get("port");
    for (const bool immediate : {false, true}) {
        const pid_t before = server.postmaster();
        server.stop(immediate);
        CHECK_FALSE(runs(before));
        CHECK_THROWS_AS(Client{server.conninfo()}, base::Error);
        server.start();
        CHECK(server.tcp_conninfo().get("port") == port);
        CHECK(Client{server.tcp_conninfo()}.value("SELECT a FROM kept") == "1");
    }
}

TEST_CASE("a server that cannot start says why and leaves nothing") {
    const TemporaryBase base;
    TemporaryServerOptions options = fast();
    options.settings = {"shared_buffers=nonsense"};
    CHECK_THROWS_WITH(TemporaryServer{options},
                      Catch::Contains("did not start") && Catch::Contains("shared_buffers"));
    CHECK(base.empty());
}

TEST_CASE("the server dies with an owner that was killed, and the next start sweeps what it left") {
    const TemporaryBase base{120};
    std::string directory;
    std::string socket;
    {
        Owner owner{fast()};
        directory = owner.report.directory.data();
        socket = owner.report.socket.data();
        const int postmaster = open_process(owner.report.postmaster);
        REQUIRE(postmaster >= 0);
        owner.end();
        CHECK(ends_within(postmaster, 20'000));
        close(postmaster);
    }
    CHECK(fs::exists(directory + "/data"));
    CHECK(fs::exists(socket));
    const TemporaryServer next{fast()};
    CHECK_FALSE(fs::exists(directory));
    CHECK_FALSE(fs::exists(socket));
}

TEST_CASE("a postmaster that outlived its owner is ended by the sweep") {
    const TemporaryBase base;
    Owner owner{fast()};
    const pid_t pid = owner.report.postmaster;
    const int postmaster = open_process(pid);
    REQUIRE(postmaster >= 0);
    // Stopped, it cannot act on the signal that its owner's death sends: SIGKILL alone ends it.
    kill(pid, SIGSTOP);
    owner.end();
    CHECK_FALSE(ends_within(postmaster, 0));
    const TemporaryServer next{fast()};
    CHECK(ends_within(postmaster, 20'000));
    CHECK_FALSE(fs::exists(owner.report.directory.data()));
    close(postmaster);
}

TEST_CASE("the sweep leaves the living, the foreign and the target of a link alone") {
    const TemporaryBase base;
    const TemporaryServer living{fast()};
    const std::string foreign = base.path() + "/pgtraffic-foreign";
    const std::string lookalike = base.path() + "/pgtraffic-lookalike";
    const std::string link = base.path() + "/pgtraffic-link";
    fs::create_directories(foreign + "/data");
    fs::create_directory(lookalike);
    std::ofstream{lookalike + "/pgtraffic.lock"}
        << "something else that is long enough to hold a mark, but is none\n";
    fs::create_directory_symlink(foreign, link);
    { const TemporaryServer other{fast()}; }
    CHECK(Client{living.conninfo()}.value("SELECT 1") == "1");
    CHECK(fs::exists(foreign + "/data"));
    CHECK(fs::exists(lookalike + "/pgtraffic.lock"));
    CHECK(fs::is_symlink(link));
}

TEST_CASE("an exception on the way leaves nothing, and no link leads out of what is removed") {
    const TemporaryBase base;
    const std::string outside = base.path() + "/outside";
    fs::create_directory(outside);
    std::ofstream{outside + "/kept"} << "x";
    std::string directory;
    try {
        const TemporaryServer server{fast()};
        directory = server.directory();
        fs::create_directory_symlink(outside, directory + "/link");
        throw std::runtime_error("a run that broke off");
    } catch (const std::runtime_error&) {
        CHECK_FALSE(fs::exists(directory));
        CHECK(fs::exists(outside + "/kept"));
    }
}

TEST_CASE("what was put in the place of a temporary directory is left alone") {
    const TemporaryBase base;
    const std::string outside = base.path() + "/outside";
    fs::create_directory(outside);
    std::ofstream{outside + "/kept"} << "x";
    {
        const postgres::MarkedDirectory directory{base.path(), std::nullopt};
        fs::rename(directory.path(), base.path() + "/moved");
        fs::create_directory_symlink(outside, directory.path());
    }
    CHECK(fs::exists(outside + "/kept"));
}

TEST_CASE("a forked process that ends does not take its parent's server along") {
    const TemporaryBase base;
    auto server = std::make_unique<TemporaryServer>(fast());
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        server.reset();
        _exit(0);
    }
    waitpid(child, nullptr, 0);
    CHECK(Client{server->conninfo()}.value("SELECT 1") == "1");
}
