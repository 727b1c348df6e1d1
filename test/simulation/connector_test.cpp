// How connections are made beside a load.
#include "pgtraffic/simulation/connector.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/session_context.hpp"
#include "support/workload.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Callback;
using simulation::Session;

namespace {

constexpr std::uint32_t kSessions = 6;

/// A Unix socket at which nobody reads: what arrives can be counted.
class Listener {
 public:
    explicit Listener(const std::string& folder) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder + "/.s.PGSQL.5432";
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listening_, kSessions) == 0);
    }
    ~Listener() {
        hang_up();
        ::close(listening_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Connections over which something was said.
    [[nodiscard]] std::uint32_t greeted() {
        for (int fd = 0; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;)
            accepted_.push_back(fd);
        std::uint32_t n = 0;
        char byte = 0;
        for (const int fd : accepted_) n += ::recv(fd, &byte, 1, MSG_PEEK) == 1 ? 1U : 0U;
        return n;
    }
    void hang_up() {
        for (const int fd : accepted_) ::close(fd);
        accepted_.clear();
    }

 private:
    int listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    std::vector<int> accepted_;
};

/// Sessions that connect to a folder's socket, and what a run would do with them.
struct Connecting {
    explicit Connecting(base::Nanos handshakes_a_turn) {
        context.on_down = Callback<Session*>::to<&Connecting::on_down>(*this);
        context.on_handshake = Callback<Session*>::to<&Connecting::on_handshake>(*this);
        for (std::uint32_t i = 0; i < kSessions; ++i)
            sessions.push_back(std::make_unique<Session>(i, context));
        simulation::ConnectorOptions options;
        options.handshakes_a_turn = handshakes_a_turn;
        connector.emplace(loop,
                          postgres::Conninfo::parse("user=u dbname=d host=" + folder.path().string(), "test"),
                          sessions, options);
        loop.hook({.before_wait = Callback<>::to<&Connecting::before_wait>(*this),
                   .before_libuv = {},
                   .work_begins = {}});
        connector->connect_all();
    }
    ~Connecting() { connector->stop(); }
    Connecting(const Connecting&) = delete;
    Connecting& operator=(const Connecting&) = delete;

    /// Until all are waiting to go on.
    void run() {
        waiting = 0;
        loop.run();
    }

    void on_handshake(Session* session) noexcept {
        connector->handshake_wanted(session->number());
        ++waiting;
    }
    void on_down(Session* session) noexcept {
        connector->session_down(session->number());
        ++down;
    }
    void before_wait() noexcept {
        if (waiting == kSessions) loop.stop();
    }

    test::Folder folder;
    Listener listener{folder.path().string()};
    event_loop::Loop loop;
    simulation::SimulationPlan plan;
    workload::Workload workload = test::one_query();
    simulation::Wakes wakes{plan, workload};
    simulation::LoopLoad load{base::mono_now()};
    simulation::SessionContext context = test::session_context(loop, workload, wakes, load);
    std::vector<std::unique_ptr<Session>> sessions;
    std::optional<simulation::Connector> connector;
    std::uint32_t waiting = 0;
    std::uint32_t down = 0;
};

}  // namespace

TEST_CASE("a turn of the loop that has no time for handshakes makes one step of one") {
    Connecting it{0ns};
    it.run();
    CHECK(it.listener.greeted() == 0);
    for (std::uint32_t i = 1; i <= kSessions; ++i) {
        REQUIRE(it.connector->handshakes_wait());
        it.connector->shake_hands();
        CHECK(it.listener.greeted() == i);
    }
    CHECK_FALSE(it.connector->handshakes_wait());
}

TEST_CASE("a turn of the loop that has time for them goes on with all handshakes") {
    Connecting it{1min};
    it.run();
    it.connector->shake_hands();
    CHECK_FALSE(it.connector->handshakes_wait());
    CHECK(it.listener.greeted() == kSessions);
    CHECK(it.down == 0);

    // And with those that fail: here the server hangs up.
    it.listener.hang_up();
    it.run();
    it.connector->shake_hands();
    CHECK(it.down == kSessions);
}

TEST_CASE("a connection that is given up while it waits to go on is not gone on with") {
    Connecting it{0ns};
    it.run();
    it.sessions[0]->give_up("the test said so");
    CHECK(it.down == 1);
    for (std::uint32_t i = 1; i < kSessions; ++i) it.connector->shake_hands();
    CHECK_FALSE(it.connector->handshakes_wait());
    CHECK(it.listener.greeted() == kSessions - 1);
}

TEST_CASE("sessions that are lost before all of them stood together are counted, later ones are not") {
    Connecting connecting{1s};
    connecting.run();
    auto& connector = *connecting.connector;
    connector.session_up(0);
    connector.session_up(1);
    connector.session_down(0);
    CHECK(connector.lost_early() == 1);
    CHECK(connector.connected() == 1);
    CHECK(connector.failures().size() == 1);
    CHECK(connector.attempts(0) == 0);  // it had connected
    for (std::uint32_t i = 0; i < kSessions; ++i) connector.session_up(i);
    connector.session_down(2);
    CHECK(connector.lost_early() == 1);
}

TEST_CASE("who was given up by ourselves is away for a reason of ours, until it fails to come back") {
    Connecting connecting{1s};
    connecting.run();
    auto& connector = *connecting.connector;
    CHECK(connector.away() == kSessions);
    for (std::uint32_t i = 0; i < kSessions; ++i) connector.session_up(i);
    CHECK(connector.away() == 0);
    connector.session_down(0);  // by the server
    CHECK(connector.away() == 1);
    connector.session_up(0);
    connecting.sessions[1]->give_up("a time-out, say");
    CHECK(connector.connected() == kSessions - 1);
    CHECK(connector.away() == 0);
    connector.session_up(1);
    CHECK(connector.away() == 0);
    CHECK(connector.connected() == kSessions);
}
