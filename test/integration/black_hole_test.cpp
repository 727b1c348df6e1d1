// A network that loses every packet, between real TCP stacks: what nobody's farewell tells, the limits that
// the program sets on its sockets do, or the user's own. Needs root (network namespaces), and says so
// without.
#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/faulty_load.hpp"
#include "support/not_run.hpp"
#include "support/routed_network.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using postgres::Client;
using test::FaultyLoad;
using test::RoutedNetwork;

namespace {

/// One that notices within two seconds that its client is gone, so that what stays in its list is alive.
postgres::TemporaryServerOptions reachable() {
    postgres::TemporaryServerOptions options;
    options.max_connections = 30;
    options.tcp = true;
    options.settings = {fmt::format("listen_addresses=127.0.0.1,{}", RoutedNetwork::kServer),
                        "tcp_user_timeout=2000", "tcp_keepalives_idle=1", "tcp_keepalives_interval=1"};
    options.hba = {"host all all 0.0.0.0/0 trust"};
    return options;
}

/// The first is for what was sent and not acknowledged, the others for who waits, also for an answer.
constexpr const char* kQuickKeepalives = "tcp_user_timeout=1500 keepalives_idle=1 keepalives_interval=1";

struct Hole {
    const char* name;
    const char* settings;           ///< of the connections
    std::vector<std::string> more;  ///< options of the load
    double rate = FaultyLoad::kRate;
};

/// The load's network is a black hole until all its sessions have been given up, and then one no longer.
nlohmann::json fall_into(const Hole& hole, RoutedNetwork& network) {
    network.enter_server();
    postgres::TemporaryServer server{reachable()};
    test::make_orders(server.conninfo());
    Client client{server.conninfo()};
    auto far = server.tcp_conninfo();
    far.set("host", RoutedNetwork::kServer);
    network.enter_client();
    auto more = hole.more;
    more.insert(more.end(), {"--audit", "--confirm", far.get("dbname")});
    FaultyLoad load{test::dsn_of(far, fmt::format("sslmode=disable connect_timeout=2 {}", hole.settings)),
                    more, hole.rate};
    network.swallow();
    load.wait_for("/0 of 8");  // nobody is connected
    load.wait_for_lines(4);
    network.forward();
    load.wait_until_back(client);
    load.wait_for_lines(4 + static_cast<int>(4 / hole.rate));  // an arrival more, by which the outage is over
    return load.finish();
}

/// Seconds of the series in which nothing came: an outage begins when a connection is lost, and until then
/// nobody knows of the hole.
double standstill_s(const nlohmann::json& result) {
    double sum = 0;
    for (const auto& interval : result["intervals"]) {
        if (interval["throughput_per_s"].get<double>() == 0) sum += interval["duration_s"].get<double>();
    }
    return sum;
}

/// What the kernel was told of the connections of `pid` to `port`: one line for each of their sockets.
std::map<std::string, int> limits_of(pid_t pid, std::uint16_t port) {
    std::map<std::string, int> found;
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    REQUIRE(process >= 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> fds{::opendir(fmt::format("/proc/{}/fd", pid).c_str()),
                                                  &::closedir};
    REQUIRE(fds);
    while (const dirent* entry = ::readdir(fds.get())) {
        if (entry->d_name[0] == '.') continue;
        const int fd = static_cast<int>(::syscall(SYS_pidfd_getfd, process, std::atoi(entry->d_name), 0));
        sockaddr_in peer{};
        socklen_t length = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0 &&
            peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
            const auto value = [fd](int level, int option) {
                int set = -1;
                socklen_t size = sizeof set;
                ::getsockopt(fd, level, option, &set, &size);
                return set;
            };
            ++found[fmt::format("user timeout {} ms, keep-alive {}: {} s, {} s, {}",
                                value(IPPROTO_TCP, TCP_USER_TIMEOUT), value(SOL_SOCKET, SO_KEEPALIVE),
                                value(IPPROTO_TCP, TCP_KEEPIDLE), value(IPPROTO_TCP, TCP_KEEPINTVL),
                                value(IPPROTO_TCP, TCP_KEEPCNT))];
        }
        if (fd >= 0) ::close(fd);
    }
    ::close(process);
    return found;
}

}  // namespace

TEST_CASE("every packet lost: sessions are given up, the schedule goes on, and they come back",
          "[packets-lost]") {
    RoutedNetwork network;
    if (!network.available()) return test::not_run("no network namespaces to be had (not root, or no `ip`)");
    const auto hole =
        GENERATE(Hole{"packets lost, --timeout 500ms", "", {"--timeout", "500ms"}},
                 Hole{"packets lost, limits of the user's, all busy", kQuickKeepalives, {}},
                 Hole{"packets lost, limits of the user's, most idle", kQuickKeepalives, {}, 1});
    INFO(hole.name);
    const auto result = fall_into(hole, network);
    const auto& outage = test::whole_outage(result, hole.rate);
    const auto& q = result["summary"]["queries"];
    CHECK(outage["sessions_lost"].get<int>() >= FaultyLoad::kSessions);
    const int given_up = q["failed"].get<int>() + q["timed_out"].get<int>();
    CHECK(q[hole.more.empty() ? "timed_out" : "failed"] == 0);
    CHECK(q["in_doubt"] == given_up);
    if (hole.rate == FaultyLoad::kRate) {
        CHECK(given_up >= FaultyLoad::kSessions);
    } else {
        CHECK(given_up <
              FaultyLoad::kSessions);  // the others had nothing under way, and were missed all the same
    }
    test::check_sound_audit(result);
    test::report_recovery(fmt::format("{}, {:.0f} s without a success", hole.name, standstill_s(result)),
                          outage);
}

// Half a minute each: test/endurance/run.py starts it, ctest does not.
TEST_CASE("every packet lost, with the limits that the program sets itself", "[.default-limits]") {
    RoutedNetwork network;
    REQUIRE(network.available());
    const auto hole = GENERATE(Hole{"packets lost, default limits, all busy", "", {}},
                               Hole{"packets lost, default limits, most idle", "", {}, 0.1});
    INFO(hole.name);
    const auto result = fall_into(hole, network);
    const auto& outage = test::whole_outage(result, hole.rate);
    const auto& q = result["summary"]["queries"];
    CHECK(outage["sessions_lost"] == FaultyLoad::kSessions);
    CHECK(q["timed_out"] == 0);
    CHECK(q["in_doubt"] == q["failed"]);
    if (hole.rate == FaultyLoad::kRate) {
        CHECK(q["failed"] == FaultyLoad::kSessions);
        CHECK(standstill_s(result) >= 29);
        CHECK(standstill_s(result) < 45);
    } else {
        CHECK(q["failed"].get<int>() < FaultyLoad::kSessions);
    }
    test::check_sound_audit(result);
    test::report_recovery(fmt::format("{}, {:.0f} s without a success", hole.name, standstill_s(result)),
                          outage);
}

TEST_CASE("each socket of the load has the limits of the program, or those of the user") {
    auto* server = test::own_server();
    if (server == nullptr) return test::not_run("the server is not ours");
    const auto database = test::fresh_database();
    test::make_orders(database.conninfo());
    auto near = server->tcp_conninfo();
    near.set("dbname", database.name());
    const auto port = static_cast<std::uint16_t>(std::stoi(near.get("port")));
    const auto [settings, limits] = GENERATE(
        std::pair{"", "user timeout 30000 ms, keep-alive 1: 15 s, 5 s, 3"},
        std::pair{"tcp_user_timeout=1234 keepalives_idle=77 keepalives_interval=7 keepalives_count=9",
                  "user timeout 1234 ms, keep-alive 1: 77 s, 7 s, 9"},
        std::pair{"tcp_user_timeout=0", "user timeout 0 ms, keep-alive 1: 15 s, 5 s, 3"});
    FaultyLoad load{test::dsn_of(near, settings), {}};
    CHECK(limits_of(load.pid(), port) == std::map<std::string, int>{{limits, FaultyLoad::kSessions}});
    (void)load.finish();
}
