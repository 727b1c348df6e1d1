#include "support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <vector>

namespace pgtraffic::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A client, the server behind it (none where it was accepted into the black hole).
struct Pair {
    int client = -1;
    int server = -1;
    bool swallowed = false;  // something was lost on it
};

class Relay {
 public:
    Relay(int listener, int control, std::uint16_t server_port)
        : listener_{listener}, control_{control}, server_port_{server_port} {}

    [[noreturn]] void run() {
        for (;;) {
            std::vector<pollfd> waits{{control_, POLLIN, 0}, {listener_, POLLIN, 0}};
            for (const auto& pair : pairs_) {
                waits.push_back({pair.client, POLLIN, 0});
                waits.push_back({pair.server, POLLIN, 0});
            }
            if (::poll(waits.data(), waits.size(), -1) < 0) continue;
            const std::size_t known = pairs_.size();
            for (std::size_t i = 0; i < known; ++i) {
                Pair& pair = pairs_[i];
                if (waits[2 + 2 * i].revents != 0) move(pair, pair.client, pair.server);
                if (pair.client >= 0 && waits[3 + 2 * i].revents != 0) move(pair, pair.server, pair.client);
            }
            if (waits[0].revents != 0) obey();
            if (waits[1].revents != 0) accept_one();
            std::erase_if(pairs_, [](const Pair& pair) { return pair.client < 0; });
        }
    }

 private:
    static void close_pair(Pair& pair) {
        if (pair.client >= 0) ::close(pair.client);
        if (pair.server >= 0) ::close(pair.server);
        pair.client = pair.server = -1;
    }

    void move(Pair& pair, int from, int to) {
        std::array<char, 65536> buffer{};
        const auto n = ::recv(from, buffer.data(), buffer.size(), 0);
        pair.swallowed = pair.swallowed || mode_ == 's';
        if (pair.swallowed) {
            // A black hole keeps even the farewell of one side from the other.
            if (n > 0) return;
            if (from == pair.client) return close_pair(pair);
            ::close(pair.server);
            pair.server = -1;
            return;
        }
        if (n <= 0) return close_pair(pair);
        for (ssize_t sent = 0; sent < n;) {
            const auto m = ::send(to, buffer.data() + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
            if (m <= 0) return close_pair(pair);
            sent += m;
        }
    }

    void accept_one() {
        Pair pair;
        pair.client = ::accept(listener_, nullptr, nullptr);
        if (pair.client < 0) return;
        pair.swallowed = mode_ == 's';
        if (mode_ == 'f') {
            pair.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const auto address = loopback(server_port_);
            const auto* generic = reinterpret_cast<const sockaddr*>(&address);
            if (::connect(pair.server, generic, sizeof address) != 0) return close_pair(pair);
            const int on = 1;
            ::setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ::setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        if (mode_ == 'c') return close_pair(pair);
        pairs_.push_back(pair);
    }

    void obey() {
        char mode = 0;
        if (::read(control_, &mode, 1) != 1) ::_exit(0);
        mode_ = mode;
        if (mode_ == 'c') std::for_each(pairs_.begin(), pairs_.end(), close_pair);
        if (::write(control_, &mode, 1) != 1) ::_exit(0);
    }

    int listener_;
    int control_;
    std::uint16_t server_port_;
    char mode_ = 'f';
    std::vector<Pair> pairs_;
};

}  // namespace

TcpProxy::TcpProxy(std::uint16_t server_port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    std::array<int, 2> ends{};
    if (listener < 0 || ::bind(listener, generic, length) != 0 || ::listen(listener, 128) != 0 ||
        ::getsockname(listener, generic, &length) != 0 ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error("no proxy on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
    child_ = ::fork();
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(ends[0]);
        Relay{listener, ends[1], server_port}.run();
    }
    ::close(listener);
    ::close(ends[1]);
    control_ = ends[0];
}

TcpProxy::~TcpProxy() {
    ::close(control_);
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
}

void TcpProxy::command(char mode) {
    char answer = 0;
    if (::write(control_, &mode, 1) != 1 || ::read(control_, &answer, 1) != 1 || answer != mode)
        throw std::runtime_error("the proxy is gone");
}

void TcpProxy::forward() {
    command('f');
}
void TcpProxy::swallow() {
    command('s');
}
void TcpProxy::cut() {
    command('c');
}

}  // namespace pgtraffic::test
