#include "support/fake_server/fake_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "pgtraffic/base/error.hpp"
#include "support/fake_server/messages.hpp"

namespace pgtraffic::test {

using base::Mono;
using base::Nanos;

namespace {

constexpr std::uint32_t kProtocol3 = 196608;
constexpr std::uint32_t kCancelRequest = 80877102;
constexpr std::uint32_t kSslRequest = 80877103;
constexpr std::uint32_t kGssRequest = 80877104;
constexpr std::size_t kEndlessPiece = 256 * 1024;
constexpr std::string_view kRepeat = "repeat('x', ";

/// What is asked before a load has a meaning that its asker relies on; everything else gets an order's row.
struct Canned {
    std::size_t columns;
    std::string rows;
};

Canned canned_answer(std::string_view sql) {
    if (sql.find("pg_settings") != std::string_view::npos) return {2, complete("SELECT 0")};
    if (sql.find("min(") != std::string_view::npos)
        return {3, data_row({"1", "1000000", "integer"}) + complete("SELECT 1")};
    if (sql.find("max_connections") != std::string_view::npos)
        return {10,
                data_row({"1", "f", "100000", "0", "0", "-1", "0", "-1", "0", "off"}) + complete("SELECT 1")};
    if (sql.find("state <> 'idle'") != std::string_view::npos)
        return {1, data_row({"0"}) + complete("SELECT 1")};  // nobody is at work
    if (const auto at = sql.find(kRepeat); at != std::string_view::npos) {
        const auto count = std::strtoul(std::string{sql.substr(at + kRepeat.size())}.c_str(), nullptr, 10);
        return {1, data_row({std::string(count, 'x')}) + complete("SELECT 1")};
    }
    if (sql.find("FROM orders") == std::string_view::npos) return {1, data_row({"1"}) + complete("SELECT 1")};
    return {4, data_row({"123456", "ORD123456", "fulfilled", "24"}) + complete("SELECT 1")};
}

/// What a client asks about the server before its load: answered at once, and not counted as a query.
bool is_preparation(std::string_view sql) {
    return sql.find("pg_") != std::string_view::npos || sql.find("min(") != std::string_view::npos ||
           sql.find("current_setting") != std::string_view::npos;
}

/// The highest $n of a statement.
std::size_t parameters_of(std::string_view sql) {
    std::size_t highest = 0;
    for (std::size_t at = sql.find('$'); at != std::string_view::npos; at = sql.find('$', at + 1)) {
        std::size_t n = 0;
        for (std::size_t i = at + 1; i < sql.size() && sql[i] >= '0' && sql[i] <= '9'; ++i) {
            n = n * 10 + static_cast<std::size_t>(sql[i] - '0');
        }
        highest = std::max(highest, n);
    }
    return highest;
}

}  // namespace

struct CannedAnswer {
    std::string description;  // a RowDescription
    std::string rows;         // DataRow … CommandComplete
    bool preparation = false;
};

struct FakeServer::Client {
    int fd = -1;
    std::uint64_t generation = 0;
    bool started = false;
    bool writing = false;
    bool failed = false;    // until the next Sync
    bool executed = false;  // since the last Sync
    bool closing = false;   // once `out` is sent
    bool silent = false;    // hears everything and says nothing
    std::uint64_t number = 0;
    std::uint64_t answered = 0;
    const Evil* struck = nullptr;          // instead of the answer under construction
    const std::string* endless = nullptr;  // sent again and again
    std::size_t parsed = 0;                // of `in`
    std::string in;
    std::string out;       // goes out at the next flush
    std::string held;      // the answer under construction, or waiting for its time
    bool waiting = false;  // `held` has a time
    std::unordered_map<std::string, std::string> statements;
    std::string bound;                                      // name of the statement that the portal executes
    std::unordered_map<std::string, CannedAnswer> answers;  // by statement
};

FakeServer::FakeServer(const FakeServerOptions& options)
    : options_{options}, random_{options.seed, base::Stream::data} {
    const bool tcp = options.socket.empty();
    listener_ = ::socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed = 0;
    if (tcp) {
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(options.port);
        failed = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    } else {
        ::unlink(options.socket.c_str());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, options.socket.c_str(), sizeof address.sun_path - 1);
        failed = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    if (failed != 0 || ::listen(listener_, 4096) != 0)
        throw base::Error(std::string("cannot listen: ") + std::strerror(errno));
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    for (const int fd : {listener_, timer_}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
}

FakeServer::~FakeServer() {
    for (const auto& client : clients_) {
        if (client) ::close(client->fd);
    }
    ::close(listener_);
    ::close(timer_);
    ::close(epoll_);
    if (!options_.socket.empty()) ::unlink(options_.socket.c_str());
}

void FakeServer::run(const volatile bool& stopped) {
    std::array<epoll_event, 1024> events{};
    while (!stopped) {
        const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        const Mono now = base::mono_now();
        for (int i = 0; i < n; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            const int fd = event.data.fd;
            if (fd == listener_) {
                accept_all();
            } else if (fd != timer_ && static_cast<std::size_t>(fd) < clients_.size() &&
                       clients_[static_cast<std::size_t>(fd)]) {
                Client& client = *clients_[static_cast<std::size_t>(fd)];
                if ((event.events & EPOLLOUT) != 0 && !flush(client)) continue;
                if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_from(client);
            }
        }
        send_due(now);
    }
}

void FakeServer::accept_all() {
    for (;;) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (clients_.size() <= static_cast<std::size_t>(fd))
            clients_.resize(static_cast<std::size_t>(fd) + 1);
        auto client = std::make_unique<Client>();
        client->fd = fd;
        client->generation = ++generation_;
        client->number = generation_;
        clients_[static_cast<std::size_t>(fd)] = std::move(client);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
}

void FakeServer::drop(int fd) {
    ::close(fd);
    clients_[static_cast<std::size_t>(fd)].reset();
}

void FakeServer::read_from(Client& client) {
    std::array<char, 16384> buffer;
    const ssize_t n = ::recv(client.fd, buffer.data(), buffer.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(client.fd);
    if (n < 0) return;
    client.in.append(buffer.data(), static_cast<std::size_t>(n));
    client.parsed = 0;
    bool going = true;
    while (going) {
        const std::string_view rest{client.in.data() + client.parsed, client.in.size() - client.parsed};
        if (!client.started) {
            if (rest.size() < 8 || rest.size() < read_u32(rest.data())) break;
            going = handle_startup(client);
        } else {
            if (rest.size() < 5 || rest.size() < read_u32(rest.data() + 1) + 1) break;
            const std::size_t size = read_u32(rest.data() + 1);
            client.parsed += size + 1;
            going = handle_message(client, rest[0], rest.substr(5, size - 4));
        }
    }
    if (!going) return drop(client.fd);
    client.in.erase(0, client.parsed);
    flush(client);  // may have dropped it
}

bool FakeServer::handle_startup(Client& client) {
    const char* p = client.in.data() + client.parsed;
    const std::uint32_t size = read_u32(p);
    const std::uint32_t code = read_u32(p + 4);
    client.parsed += size;
    if (code == kSslRequest || code == kGssRequest) {
        client.out += 'N';
        return true;
    }
    if (code == kCancelRequest || code != kProtocol3) return false;
    client.started = true;
    if (const Evil* evil = evil_for(client, Moment::greeting)) {
        strike(client, *evil);
        return true;
    }
    client.out += authentication(0) + server_parameters() +
                  backend_key(4711 + static_cast<std::uint32_t>(client.generation)) + ready_for_query();
    return true;
}

bool FakeServer::handle_message(Client& client, char type, std::string_view body) {
    static const std::string kReady = ready_for_query();
    if (client.silent) return type != 'X';
    if (client.failed && type != 'S' && type != 'X') return true;
    switch (type) {
        case 'Q':
            answer_simple(client, body.substr(0, body.find('\0')));
            return true;
        case 'P': {
            const std::string name{body.substr(0, body.find('\0'))};
            const auto rest = body.substr(name.size() + 1);
            const auto sql = rest.substr(0, rest.find('\0'));
            auto& known = client.statements[name];
            if (known != sql || client.answers.find(name) == client.answers.end()) {
                known = sql;
                const auto canned = canned_answer(sql);
                client.answers[name] = {row_description(canned.columns), canned.rows, is_preparation(sql)};
            }
            put_message(client.held, '1', "");
            return true;
        }
        case 'B': {
            const auto portal = body.substr(0, body.find('\0'));
            const auto rest = body.substr(portal.size() + 1);
            client.bound = rest.substr(0, rest.find('\0'));
            put_message(client.held, '2', "");
            return true;
        }
        case 'D': {
            const std::string name =
                body[0] == 'S' ? std::string{body.substr(1, body.find('\0', 1) - 1)} : client.bound;
            if (body[0] == 'S') {
                std::string types;
                const std::size_t n = parameters_of(client.statements[name]);
                put_u16(types, static_cast<std::uint16_t>(n));
                for (std::size_t i = 0; i < n; ++i) put_u32(types, kInt4);
                put_message(client.held, 't', types);
            }
            client.held += client.answers[name].description;
            return true;
        }
        case 'E':
            answer_execute(client);
            return true;
        case 'S':
            if (client.struck != nullptr) {
                strike(client, *std::exchange(client.struck, nullptr));
                return true;
            }
            client.held += kReady;
            client.failed = false;
            end_of_query(client);
            return true;
        case 'C':
            put_message(client.held, '3', "");
            return true;
        case 'X':
            return false;
        default:
            return true;
    }
}

void FakeServer::answer_simple(Client& client, std::string_view sql) {
    if (sql.empty()) {
        put_message(client.held, 'I', "");
    } else if (sql.substr(0, 6) == "SELECT") {
        const auto canned = canned_answer(sql);
        client.held += row_description(canned.columns) + canned.rows;
    } else {
        client.held += complete(sql.substr(0, sql.find(' ')));
    }
    client.held += ready_for_query();
    client.out += client.held;
    client.held.clear();
}

void FakeServer::answer_execute(Client& client) {
    const auto& answer = client.answers[client.bound];
    if (const Evil* evil = evil_for(client, answer.preparation ? Moment::preparation : Moment::query)) {
        client.struck = evil;
        return;
    }
    if (answer.preparation) {
        client.held += answer.rows;
        return;
    }
    ++queries_;
    client.executed = true;
    if (options_.stall_after != 0 && queries_ == options_.stall_after)
        stalled_until_ = base::mono_now() + options_.stall_for;
    const bool may_fail = options_.fail_ratio > 0 &&
                          client.statements[client.bound].find(options_.fail_only) != std::string::npos;
    if (may_fail && random_.unit() < options_.fail_ratio) {
        client.held = error_response("40001", "could not serialize access, the fake server says");
        client.failed = true;
        return;
    }
    client.held += answer.rows;
}

const Evil* FakeServer::evil_for(const Client& client, Moment moment) const {
    for (const auto& [evil, connection] : options_.evil) {
        if (evil->moment == moment && client.number >= connection) return evil;
    }
    return nullptr;
}

void FakeServer::strike(Client& client, const Evil& evil) {
    if (evil.begins_well) client.out += client.held;
    client.held.clear();
    client.executed = false;
    client.out += evil.bytes;
    client.silent = evil.then != Then::ready && evil.then != Then::go_on;
    client.closing = evil.then == Then::close;
    if (evil.then == Then::repeat) client.endless = &evil.again;
    if (evil.then == Then::ready) client.out += ready_for_query();
}

Nanos FakeServer::draw_delay() {
    if (!options_.delay.exponential) return options_.delay.mean;
    return base::from_seconds(base::to_seconds(options_.delay.mean) * random_.exponential());
}

void FakeServer::end_of_query(Client& client) {
    const bool failed = client.held.front() == 'E';
    const bool at_once = options_.delay.mean.count() == 0 || failed || !client.executed;
    if (at_once && stalled_until_ == Mono::min()) return answer(client);
    const Mono now = base::mono_now();
    const Mono at = std::max(at_once ? now : now + draw_delay(), stalled_until_);
    if (now >= stalled_until_) stalled_until_ = Mono::min();
    due_.push({at, client.fd, client.generation});
    client.waiting = true;
    arm_timer();
}

void FakeServer::answer(Client& client) {
    const bool query = std::exchange(client.executed, false);
    if (query && options_.record) answered_.push_back(base::mono_now());
    if (query && ++client.answered == options_.close_after) client.closing = true;
    client.out += client.held;
    client.held.clear();
}

void FakeServer::arm_timer() {
    itimerspec when{};
    const auto ns = due_.top().at.time_since_epoch().count();
    when.it_value.tv_sec = ns / 1'000'000'000;
    when.it_value.tv_nsec = ns % 1'000'000'000;
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void FakeServer::send_due(Mono now) {
    bool sent = false;
    while (!due_.empty() && due_.top().at <= now) {
        const Due due = due_.top();
        due_.pop();
        sent = true;
        auto& client = clients_[static_cast<std::size_t>(due.fd)];
        if (!client || client->generation != due.generation) continue;
        client->waiting = false;
        answer(*client);
        flush(*client);
    }
    if (!due_.empty()) {
        arm_timer();
    } else if (sent) {
        const itimerspec never{};
        timerfd_settime(timer_, 0, &never, nullptr);
    }
}

bool FakeServer::flush(Client& client) {
    if (client.closing && client.out.empty()) {  // it says nothing before it goes
        drop(client.fd);
        return false;
    }
    while (client.endless != nullptr && client.out.size() < kEndlessPiece) client.out += *client.endless;
    if (client.out.empty()) return true;
    const ssize_t n = ::send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        drop(client.fd);
        return false;
    }
    client.out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (client.closing && client.out.empty()) {
        drop(client.fd);
        return false;
    }
    const bool writing = !client.out.empty() || client.endless != nullptr;
    if (writing != client.writing) {
        client.writing = writing;
        epoll_event event{};
        event.events = static_cast<std::uint32_t>(writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
        event.data.fd = client.fd;
        epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
    }
    return true;
}

}  // namespace pgtraffic::test
