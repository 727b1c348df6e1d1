#include "pgtraffic/event_loop/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"

namespace pgtraffic::event_loop {
namespace {

/// A target may be a whole "http://host:port/path" (RFC 9112, 3.2.2), as a proxy's is.
std::string_view path_of(std::string_view target) noexcept {
    constexpr std::string_view kScheme = "http://";
    if (!target.starts_with(kScheme)) return target;
    const auto slash = target.find('/', kScheme.size());
    return slash == std::string_view::npos ? "/" : target.substr(slash);
}

constexpr int kBacklog = 16;
constexpr std::size_t kRequestMemory =
    16 * 1024;  // of a connection: a request line and headers beyond are refused
constexpr std::size_t kMostPending = 256 * 1024;  // of a listener
constexpr std::size_t kStreamBlock = 16 * 1024;
constexpr int kLastRounds = 32;  // enough for what may be pending
/// How long to rest after work, as a multiple of it: at most a twentieth of the loop's time is ours.
constexpr int kRest = 20;
constexpr base::Nanos kWatchAgain = std::chrono::seconds{1};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const HttpAddress& address) {
    SocketAddress found;
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (inet_pton(AF_INET, address.host.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(address.port);
        std::memcpy(&found.storage, &four, sizeof four);
        found.length = sizeof four;
    } else if (inet_pton(AF_INET6, address.host.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(address.port);
        std::memcpy(&found.storage, &six, sizeof six);
        found.length = sizeof six;
    } else {
        throw base::Error(fmt::format("\"{}\" is not an IPv4 or IPv6 address", address.host));
    }
    return found;
}

std::uint16_t port_of(int socket) {
    SocketAddress bound;
    bound.length = sizeof bound.storage;
    getsockname(socket, bound.raw(), &bound.length);
    if (bound.storage.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port);
    }
    return ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

/// A listening socket. Ours rather than the library's, for the sake of the message.
int listen_at(const HttpAddress& address) {
    auto where = to_socket_address(address);
    const int fd = ::socket(where.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) {
        // Only what is left of earlier connections may be there: a live listener still refuses.
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (where.storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (::bind(fd, where.raw(), where.length) == 0 && ::listen(fd, kBacklog) == 0) return fd;
    }
    const int error = errno;
    if (fd >= 0) ::close(fd);
    throw base::Error(fmt::format("cannot listen on {}: {}", address.text(), std::strerror(error)));
}

}  // namespace

std::string HttpAddress::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

/// Somebody to whom an answer goes on. The library frees it together with the answer.
struct HttpServer::Listener {
    HttpServer* server;
    MHD_Connection* connection;
    std::string pending;
    std::size_t beginning;  // of it, at first: what is published behind that is bounded
    bool suspended = false;
    bool leaving = false;
};

/// A connection whose request is not whole yet; the library tells when it goes.
struct HttpServer::Asker {
    MHD_Connection* connection;
    base::Mono since;
};

struct HttpServer::Calls {
    static void on_connection(void* self, MHD_Connection* connection, void**,
                              MHD_ConnectionNotificationCode what) noexcept {
        auto& askers = static_cast<HttpServer*>(self)->askers_;
        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
            askers.push_back({connection, base::mono_now()});
        } else {
            forget(askers, connection);
        }
    }

    static void forget(std::vector<Asker>& askers, const MHD_Connection* connection) noexcept {
        std::erase_if(askers, [&](const Asker& asker) { return asker.connection == connection; });
    }

    static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                                 const char*, const char*, std::size_t*, void**) noexcept {
        return static_cast<HttpServer*>(self)->answer(connection, path, method) == 0 ? MHD_NO : MHD_YES;
    }

    static ssize_t on_read(void* raw, std::uint64_t, char* buffer, std::size_t most) noexcept {
        auto& listener = *static_cast<Listener*>(raw);
        const std::size_t n = std::min(most, listener.pending.size());
        if (n == 0 && listener.leaving) return MHD_CONTENT_READER_END_OF_STREAM;
        if (n == 0) {
            listener.suspended = true;
            MHD_suspend_connection(listener.connection);
            return 0;
        }
        std::memcpy(buffer, listener.pending.data(), n);
        listener.pending.erase(0, n);
        return static_cast<ssize_t>(n);
    }

    static void on_gone(void* raw) noexcept {
        auto* listener = static_cast<Listener*>(raw);
        listener->server->listeners_.remove_if([&](const Listener& other) { return &other == listener; });
    }

    static void wake(Listener& listener) noexcept {
        if (std::exchange(listener.suspended, false)) MHD_resume_connection(listener.connection);
    }
};

HttpServer::HttpServer(Loop& loop, const HttpAddress& address, Answer answer, std::chrono::seconds patience)
    : loop_{&loop},
      address_{address},
      answer_{std::move(answer)},
      patience_{patience},
      poll_{loop, Poll::OnReady::to<&HttpServer::on_ready>(*this)},
      timer_{loop, base::Callback<>::to<&HttpServer::on_time>(*this)} {
    askers_.reserve(kConnections);
    const int socket = listen_at(address);
    address_.port = port_of(socket);
    daemon_ =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Calls::on_request,
                         this, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT, kConnections,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, kRequestMemory, MHD_OPTION_CONNECTION_TIMEOUT,
                         static_cast<unsigned>(patience.count()), MHD_OPTION_NOTIFY_CONNECTION,
                         &Calls::on_connection, this, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (daemon_ == nullptr) {
        ::close(socket);
        throw base::Error(fmt::format("cannot serve on {}", address.text()));
    }
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    PGTRAFFIC_CHECK(info != nullptr, "the server waits by epoll");
    epoll_ = info->epoll_fd;
    wait();
}

HttpServer::~HttpServer() {
    closing_ = true;
    for (auto& listener : listeners_) {
        listener.leaving = true;
        Calls::wake(listener);
    }
    MHD_run(daemon_);  // takes the woken ones back, without which stopping is not allowed
    // What they have not been told yet, as far as they take it now.
    const auto anything_left = [this] {
        return std::ranges::any_of(listeners_,
                                   [](const auto& listener) { return !listener.pending.empty(); });
    };
    for (int i = 0; i < kLastRounds && anything_left(); ++i) MHD_run(daemon_);
    poll_.stop();
    MHD_stop_daemon(daemon_);
}

void HttpServer::publish(std::string_view text) {
    if (listeners_.empty()) return;
    for (auto& listener : listeners_) {
        if (listener.leaving) continue;
        if (listener.pending.size() + text.size() > listener.beginning + kMostPending) {
            // It would lack this for good. Whoever asks again is told all from the beginning.
            listener.pending.clear();
            listener.leaving = true;
        } else {
            listener.pending += text;
        }
        Calls::wake(listener);
    }
    published_ = true;
    if (!resting_) work();
}

void HttpServer::on_time() noexcept {
    resting_ = false;
    if (published_ || again_)
        return work();  // of a connection taken back the library's timeout does not tell
    MHD_UNSIGNED_LONG_LONG in_ms = 0;
    if (MHD_get_timeout(daemon_, &in_ms) == MHD_YES && in_ms == 0) return work();
    wait();
}

void HttpServer::work() noexcept {
    if (working_) return;
    const base::Mono begin = base::mono_now();
    loop_->work_begins(begin);
    working_ = true;
    published_ = false;
    drop_slow_askers(begin);
    const unsigned before = connections();
    MHD_run(daemon_);
    // With all places taken the library does not listen, and does so again in the run behind the one in which
    // a place came free.
    again_ = connections() < before;
    working_ = false;
    resting_ = true;
    poll_.stop();
    timer_.start((base::mono_now() - begin) * kRest);
}

unsigned HttpServer::connections() const noexcept {
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != nullptr ? info->num_connections : 0;
}

/// The library's own patience begins anew with each byte. Whoever needs that long for a request takes
/// somebody else's place.
void HttpServer::drop_slow_askers(base::Mono now) noexcept {
    for (const auto& asker : askers_) {
        if (now - asker.since < patience_) continue;
        const auto* info = MHD_get_connection_info(asker.connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != nullptr) ::shutdown(info->connect_fd, SHUT_RDWR);
    }
}

void HttpServer::wait() noexcept {
    try {
        poll_.watch(epoll_, true, false);
    } catch (const base::Error&) {
        // The kernel has no room for it now: whoever asks waits, and the load goes on.
        return timer_.start(kWatchAgain);
    }
    MHD_UNSIGNED_LONG_LONG in_ms = 0;
    if (MHD_get_timeout(daemon_, &in_ms) != MHD_YES) return timer_.stop();
    timer_.start(std::chrono::milliseconds{std::max<std::int64_t>(1, static_cast<std::int64_t>(in_ms))});
}

int HttpServer::answer(MHD_Connection* connection, std::string_view target, std::string_view method) {
    Calls::forget(askers_, connection);
    const std::string_view path = path_of(target);
    if (closing_) return 0;  // a request that came meanwhile: one more listener would be suspended for ever
    const bool known = method == MHD_HTTP_METHOD_GET || method == MHD_HTTP_METHOD_HEAD;
    HttpAnswer found = known
                           ? answer_(path)
                           : HttpAnswer{.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "GET and HEAD only\n"};
    if (found.goes_on && listeners_.size() >= kListeners) {
        found = {.status = MHD_HTTP_SERVICE_UNAVAILABLE, .body = "too many listeners\n"};
    }
    MHD_Response* response = nullptr;
    if (found.goes_on && method == MHD_HTTP_METHOD_GET) {
        listeners_.push_back({this, connection, std::string{found.body}, found.body.size()});
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &Calls::on_read,
                                                     &listeners_.back(), &Calls::on_gone);
        if (response == nullptr) listeners_.pop_back();
    } else {
        // The library copies; its signature only lacks the const.
        response = MHD_create_response_from_buffer(found.body.size(), const_cast<char*>(found.body.data()),
                                                   MHD_RESPMEM_MUST_COPY);
    }
    if (response == nullptr) return 0;
    const auto add = [&](const char* name, std::string_view value) {
        MHD_add_response_header(response, name, std::string{value}.c_str());
    };
    add(MHD_HTTP_HEADER_CONTENT_TYPE, found.content_type);
    add(MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add("X-Content-Type-Options", "nosniff");
    add("Content-Security-Policy", found.policy);
    if (!known) add(MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    const auto queued = MHD_queue_response(connection, found.status, response);
    MHD_destroy_response(response);
    return queued == MHD_YES ? 1 : 0;
}

}  // namespace pgtraffic::event_loop
