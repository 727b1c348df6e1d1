// The kernel's time of an answer over a network that loses packets: the time of its last segment is not that
// of an answer of which another one came later. Needs root (network namespaces), and says so without.
#include "pgtraffic/postgres/stamped_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include "pgtraffic/postgres/tcp_counters.hpp"
#include "support/catch.hpp"
#include "support/not_run.hpp"
#include "support/routed_network.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;

namespace {

/// Closes what it holds.
struct Socket {
    explicit Socket(int fd) : number{fd} { REQUIRE(number >= 0); }
    ~Socket() { ::close(number); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int number;
};

/// Of one answer, read as it came.
struct Heard {
    base::Nanos age{0};  ///< of its stamp when the last byte was read
    bool stamped = false;
    bool in_order = false;  ///< its segments came so
};

/// Of a server that lost much and dares to send little, what is lost may be the last that is under way, and
/// nothing overtakes it. So often an answer with a gap is asked for, and so many have to come.
constexpr int kTries = 10;
constexpr int kGaps = 2;

}  // namespace

TEST_CASE("an answer of which a segment came behind the last one has no time of the kernel's") {
    test::LossyLink link;
    if (!link.available()) return test::not_run("no network namespaces here");
    sockaddr_in at{};
    at.sin_family = AF_INET;
    ::inet_pton(AF_INET, test::LossyLink::kServer, &at.sin_addr);
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    const Socket listener{::socket(AF_INET, SOCK_STREAM, 0)};
    REQUIRE(::bind(listener.number, address, size) == 0);
    REQUIRE(::listen(listener.number, 1) == 0);
    REQUIRE(::getsockname(listener.number, address, &size) == 0);
    link.enter_client();
    const Socket client{::socket(AF_INET, SOCK_STREAM, 0)};
    REQUIRE(::connect(client.number, address, size) == 0);
    const Socket server{::accept(listener.number, nullptr, nullptr)};
    const int on = 1;
    ::setsockopt(server.number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    postgres::StampedSocket stamped;
    REQUIRE(stamped.stamp(client.number));
    const std::string answer(4000, 'x');  // three segments
    const std::string piece(100, 'x');
    std::array<char, 65536> room;
    const auto count_out_of_order = [&] {
        return postgres::tcp_counters(client.number).value_or(postgres::TcpCounters{}).out_of_order;
    };
    auto out_of_order = count_out_of_order();
    const auto heard = [&] {
        const auto before = std::exchange(out_of_order, count_out_of_order());
        const auto received = stamped.received_at();
        return Heard{received ? base::wall_now() - *received : 0ns, received.has_value(),
                     out_of_order == before};
    };
    const auto ask = [&](bool wait_for_a_gap = false) {
        char request = '?';
        REQUIRE(::send(client.number, &request, 1, 0) == 1);
        REQUIRE(::recv(server.number, &request, 1, 0) == 1);
        REQUIRE(::send(server.number, answer.data(), answer.size(), 0) ==
                static_cast<ssize_t>(answer.size()));
        if (wait_for_a_gap) {
            const auto give_up = base::mono_now() + 500ms;
            while (count_out_of_order() == out_of_order && base::mono_now() < give_up) {
            }
        }
        for (std::size_t got = 0; got < answer.size();) {
            const auto n = stamped.read(room);
            REQUIRE(n > 0);
            got += static_cast<std::size_t>(n);
        }
        return heard();
    };
    (void)ask();  // the kernel begins when it is asked to, which takes it a moment
    (void)ask();
    for (const bool begun_when_the_rest_had_come : {false, true}) {
        int gaps = 0;
        for (int i = 0; i < kTries && gaps < kGaps; ++i) {
            const auto whole = ask();
            CHECK(whole.stamped);
            CHECK(whole.age >= 0ns);
            const auto lossy = ask(begun_when_the_rest_had_come);
            CHECK(lossy.stamped == lossy.in_order);
            gaps += lossy.in_order ? 0 : 1;
        }
        CHECK(gaps == kGaps);
    }

    // An error, and what follows it, is as little as that, and not sent at once.
    const auto ask_for_pieces = [&] {
        char request = '?';
        REQUIRE(::send(client.number, &request, 1, 0) == 1);
        REQUIRE(::recv(server.number, &request, 1, 0) == 1);
        for (int i = 0; i < 3; ++i) REQUIRE(::send(server.number, piece.data(), piece.size(), 0) == 100);
        for (std::size_t got = 0; got < 3 * piece.size();) {
            const auto n = stamped.read(room);
            REQUIRE(n > 0);
            got += static_cast<std::size_t>(n);
        }
        stamped.look_at_order();
        return heard();
    };
    int gaps = 0;
    for (int i = 0; i < kTries && gaps < kGaps; ++i) {
        CHECK(ask_for_pieces().stamped);
        const auto lossy = ask_for_pieces();
        CHECK(lossy.stamped == lossy.in_order);
        gaps += lossy.in_order ? 0 : 1;
    }
    CHECK(gaps == kGaps);
}
