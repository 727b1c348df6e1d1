// The floor: what a query costs when nothing is done but what the protocol and the kernel ask for. One epoll,
// blocking start-up, and per query one send() and one recv(); no library, no histogram, and of times only how
// late a query of the open loop left. Whatever a real client costs beyond this is its own.
//   raw_client HOST PORT USER DATABASE CONNECTIONS prepared|extended seconds|queries AMOUNT LOW HIGH SQL
//   [RATE]
// With RATE, queries a second, it is an open loop with Poisson arrivals: a timerfd in the epoll, and nothing
// but a queue of free connections beside it. HOST is a directory with a Unix socket or an IPv4 address; the
// server must let the user in without a password. SQL has one parameter, a key between LOW and HIGH, sent as
// text. Prints one line of JSON. Message formats: PostgreSQL documentation, "Frontend/Backend Protocol",
// section "Message Formats".
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lag.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

void put_u32(std::string& out, std::uint32_t n) {
    n = htonl(n);
    out.append(reinterpret_cast<const char*>(&n), 4);
}

std::string message(char type, const std::string& body) {
    std::string out(type == 0 ? 0 : 1, type);
    put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    return out + body;
}

/// Finds the ReadyForQuery in a stream of messages that may be cut anywhere. A value, one a connection.
class Answers {
 public:
    /// How many ReadyForQuery end in these bytes.
    int take(const char* bytes, std::size_t size) {
        int ready = 0;
        while (size > 0) {
            if (header_size_ == 0 && size >= header_.size()) {  // the usual case: nothing is copied
                begin(bytes);
                bytes += header_.size();
                size -= header_.size();
            } else if (header_size_ < header_.size()) {
                header_[header_size_++] = *bytes++;
                --size;
                if (header_size_ < header_.size()) continue;
                begin(header_.data());
            }
            const std::size_t body = size < left_ ? size : left_;
            bytes += body;
            size -= body;
            left_ -= body;
            if (left_ > 0) break;
            header_size_ = 0;
            if (type_ == 'E') {
                std::fputs("raw_client: the server answered with an error\n", stderr);
                std::exit(1);
            }
            ready += type_ == 'Z' ? 1 : 0;
        }
        return ready;
    }

 private:
    void begin(const char* header) {
        header_size_ = header_.size();
        type_ = header[0];
        std::uint32_t length = 0;
        std::memcpy(&length, header + 1, 4);
        left_ = ntohl(length) - 4;
    }

    std::array<char, 5> header_{};
    std::size_t header_size_ = 0;  // 5: the header is complete, the body follows
    std::size_t left_ = 0;         // of the body
    char type_ = 0;
};

struct Plan {
    std::string host;
    std::uint16_t port = 0;
    std::string user;
    std::string database;
    int connections = 0;
    bool prepared = false;
    bool timed = false;
    double amount = 0;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::string sql;
    double rate = 0;  // 0: closed loop
};

/// Bind, Execute, Sync around the key's digits, with the Parse of an unnamed statement before them where the
/// statement is not prepared. Only the two lengths and the digits differ from query to query.
class Query {
 public:
    explicit Query(const Plan& plan) : plan_{plan} {
        if (!plan.prepared) head_ = message('P', std::string(1, '\0') + plan.sql + std::string(3, '\0'));
        bind_at_ = head_.size();
        // Portal "", the statement, no format codes (text), one value of a length still to be told.
        head_ += 'B';
        put_u32(head_, 0);
        head_ += '\0';
        if (plan.prepared) head_ += 's';
        head_ += std::string(
            "\0"
            "\0\0"
            "\0\1",
            5);
        put_u32(head_, 0);
        tail_ = std::string(2, '\0') + message('E', std::string(5, '\0')) + message('S', "");
        std::copy(head_.begin(), head_.end(), buffer_.begin());
    }

    std::string_view next() {
        state_ ^= state_ << 13;  // xorshift64 (Marsaglia 2003)
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        char* digits = buffer_.data() + head_.size();
        char* end = std::to_chars(digits, digits + 20, plan_.low + state_ % (plan_.high - plan_.low + 1)).ptr;
        const auto value = static_cast<std::size_t>(end - digits);
        std::memcpy(end, tail_.data(), tail_.size());
        // Bind's length counts itself and everything behind it, the two result-format bytes included.
        set_u32(bind_at_ + 1, head_.size() - bind_at_ - 1 + value + 2);
        set_u32(head_.size() - 4, value);
        return {buffer_.data(), head_.size() + value + tail_.size()};
    }

 private:
    void set_u32(std::size_t at, std::size_t n) {
        const std::uint32_t big = htonl(static_cast<std::uint32_t>(n));
        std::memcpy(buffer_.data() + at, &big, 4);
    }

    const Plan& plan_;
    std::string head_;
    std::string tail_;
    std::size_t bind_at_ = 0;
    std::array<char, 4096> buffer_{};
    std::uint64_t state_ = 88172645463325252;
};

void send_all(int fd, std::string_view bytes) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(bytes.size())) fail("raw_client: send");
}

void wait_ready(int fd) {
    Answers answers;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) fail("raw_client: recv at start-up");
        if (answers.take(buffer.data(), static_cast<std::size_t>(n)) > 0) return;
    }
}

int connect_to(const Plan& plan) {
    const bool local = plan.host.front() == '/';
    const int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("raw_client: socket");
    if (local) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = plan.host + "/.s.PGSQL." + std::to_string(plan.port);
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail(path.c_str());
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(plan.port);
        if (inet_pton(AF_INET, plan.host.c_str(), &address.sin_addr) != 1) fail("raw_client: HOST");
        if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail(plan.host.c_str());
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    std::string startup;
    put_u32(startup, 196608);  // protocol 3.0
    for (const auto& word : {std::string{"user"}, plan.user, std::string{"database"}, plan.database})
        startup += word + '\0';
    send_all(fd, message(0, startup + '\0'));
    wait_ready(fd);
    if (plan.prepared) {
        // Parse, and Bind, which plans: as pgtraffic does it, before the load.
        std::string bind{"\0s\0\0\0\0\1", 7};
        const std::string value = std::to_string(plan.low);
        put_u32(bind, static_cast<std::uint32_t>(value.size()));
        bind += value + std::string(2, '\0');
        send_all(fd, message('P', std::string{"s"} + '\0' + plan.sql + std::string(3, '\0')) +
                         message('B', bind) + message('S', ""));
        wait_ready(fd);
    }
    return fd;
}

struct Tally {
    std::uint64_t queries = 0;
    double seconds = 0;
    Lag lag;  // of the open loop
};

/// Told of once: what comes is read at once and as a whole, and a timer that has run out while no connection
/// is free must not wake anybody again.
int watch(const std::vector<int>& descriptors) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.u64 = i;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptors[i], &event) != 0) fail("raw_client: epoll_ctl");
    }
    return epoll;
}

/// Queries are due at times of their own; the free connection that waited longest takes the next. The last
/// socket is the timer, which is set anew for each and never read.
Tally load_at_rate(const Plan& plan, const std::vector<int>& sockets) {
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0) fail("raw_client: timerfd_create");
    std::vector<int> watched = sockets;
    watched.push_back(timer);
    const int epoll = watch(watched);
    std::vector<Answers> answers(sockets.size());
    std::deque<std::size_t> idle(sockets.size());
    for (std::size_t i = 0; i < sockets.size(); ++i) idle[i] = i;
    std::mt19937_64 random{std::random_device{}()};
    std::exponential_distribution<double> gap{plan.rate};
    Query query{plan};
    Tally tally;
    tally.lag = Lag{1.5 * (plan.timed ? plan.rate * plan.amount : plan.amount) + 100};
    const auto start = Clock::now();
    const auto end = plan.timed ? start + std::chrono::nanoseconds{std::llround(1e9 * plan.amount)}
                                : Clock::time_point::max();
    const auto limit = plan.timed ? UINT64_MAX : static_cast<std::uint64_t>(plan.amount);
    auto due = start + std::chrono::nanoseconds{std::llround(1e9 * gap(random))};
    std::uint64_t sent = 0;
    const auto open = [&] { return due < end && sent < limit; };
    std::array<epoll_event, 1024> events;
    std::array<char, 16384> buffer;
    auto armed = start;
    while (open() || tally.queries < sent) {
        auto now = Clock::now();
        while (open() && due <= now && !idle.empty()) {
            send_all(sockets[idle.front()], query.next());
            idle.pop_front();
            tally.lag.add(due, now);
            ++sent;
            due += std::chrono::nanoseconds{std::llround(1e9 * gap(random))};
            now = Clock::now();
        }
        if (due != armed && !idle.empty()) {
            armed = due;
            const auto ns = due.time_since_epoch().count();
            itimerspec when{};
            when.it_value.tv_sec = ns / 1'000'000'000;
            when.it_value.tv_nsec = ns % 1'000'000'000;
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr);
        }
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int e = 0; e < n; ++e) {
            const auto i = events[static_cast<std::size_t>(e)].data.u64;
            if (i == sockets.size()) continue;
            const ssize_t size = recv(sockets[i], buffer.data(), buffer.size(), 0);
            if (size <= 0) fail("raw_client: recv");
            if (answers[i].take(buffer.data(), static_cast<std::size_t>(size)) == 0) continue;
            ++tally.queries;
            idle.push_back(i);
        }
    }
    tally.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return tally;
}

/// Each connection sends its next query as soon as the last one is answered, until the amount is reached.
Tally load(const Plan& plan, const std::vector<int>& sockets) {
    const int epoll = watch(sockets);
    std::vector<Answers> answers(sockets.size());
    Query query{plan};
    Tally tally;
    const auto start = Clock::now();
    const auto limit = plan.timed ? UINT64_MAX : static_cast<std::uint64_t>(plan.amount);
    bool open = true;
    std::uint64_t sent = 0;
    const auto send_next = [&](std::size_t i) {
        if (!open || sent == limit) return;
        send_all(sockets[i], query.next());
        ++sent;
    };
    for (std::size_t i = 0; i < sockets.size(); ++i) send_next(i);
    std::array<epoll_event, 1024> events;
    std::array<char, 16384> buffer;
    while (tally.queries < sent) {
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        if (plan.timed && std::chrono::duration<double>(Clock::now() - start).count() >= plan.amount)
            open = false;
        for (int e = 0; e < n; ++e) {
            const auto i = events[static_cast<std::size_t>(e)].data.u64;
            const ssize_t size = recv(sockets[i], buffer.data(), buffer.size(), 0);
            if (size <= 0) fail("raw_client: recv");
            if (answers[i].take(buffer.data(), static_cast<std::size_t>(size)) == 0) continue;
            ++tally.queries;
            send_next(i);
        }
    }
    tally.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return tally;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 12 && argc != 13) {
        std::fputs(
            "usage: raw_client HOST PORT USER DATABASE CONNECTIONS prepared|extended seconds|queries AMOUNT "
            "LOW HIGH SQL [RATE]\n",
            stderr);
        return 1;
    }
    Plan plan;
    plan.host = argv[1];
    plan.port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10));
    plan.user = argv[3];
    plan.database = argv[4];
    plan.connections = static_cast<int>(std::strtol(argv[5], nullptr, 10));
    plan.prepared = std::string_view{argv[6]} == "prepared";
    plan.timed = std::string_view{argv[7]} == "seconds";
    plan.amount = std::strtod(argv[8], nullptr);
    plan.low = std::strtoull(argv[9], nullptr, 10);
    plan.high = std::strtoull(argv[10], nullptr, 10);
    plan.sql = argv[11];
    if (argc == 13) plan.rate = std::strtod(argv[12], nullptr);
    if (plan.host.empty() || plan.connections < 1 || plan.high < plan.low || plan.sql.size() > 3000 ||
        plan.rate < 0) {
        std::fputs("raw_client: an argument is out of range\n", stderr);
        return 1;
    }
    std::vector<int> sockets;
    for (int i = 0; i < plan.connections; ++i) sockets.push_back(connect_to(plan));

    Tally tally = plan.rate > 0 ? load_at_rate(plan, sockets) : load(plan, sockets);
    std::printf("{\"queries\": %llu, \"seconds\": %.6f", static_cast<unsigned long long>(tally.queries),
                tally.seconds);
    tally.lag.print_member();
    std::puts("}");
    return 0;
}
