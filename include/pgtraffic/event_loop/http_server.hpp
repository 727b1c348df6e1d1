// A small HTTP server inside the loop, by libmicrohttpd without a thread. It is a guest there: connections,
// sizes and listeners are bounded, and after each piece of work it rests twenty times as long, so that
// whoever floods it waits, and the loop's own work does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/poll.hpp"
#include "pgtraffic/event_loop/timer.hpp"

struct MHD_Daemon;
struct MHD_Connection;

namespace pgtraffic::event_loop {

/// Where to listen: a numeric address, and 0 for any free port.
struct HttpAddress {
    std::string host = "127.0.0.1";  ///< IPv4 or IPv6, without brackets
    std::uint16_t port = 0;

    [[nodiscard]] std::string text() const;  ///< "127.0.0.1:9187", "[::1]:9187"
};

/// What a path gives. The views must hold until the next question.
struct HttpAnswer {
    unsigned status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string_view body;
    std::string_view policy = "default-src 'none'";  ///< Content-Security-Policy
    /// The body is only the beginning: what is published follows, until the listener leaves.
    bool goes_on = false;
};

/// Answers GET and HEAD. Neither copies nor moves.
class HttpServer {
 public:
    static constexpr unsigned kConnections = 16;
    static constexpr std::size_t kListeners = 8;  ///< of what goes on: a scraper finds a place beside them
    /// With one that neither asks nor reads.
    static constexpr std::chrono::seconds kPatience{10};

    /// Called with the path alone, for each request.
    using Answer = std::function<HttpAnswer(std::string_view path)>;

    /// Listens from now on, though it answers only while the loop runs. Throws base::Error saying where and
    /// why not.
    HttpServer(Loop& loop, const HttpAddress& address, Answer answer,
               std::chrono::seconds patience = kPatience);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Sends `text` to every listener; one that does not read is sent away, rather than left without it.
    void publish(std::string_view text);

    [[nodiscard]] const HttpAddress& address() const noexcept { return address_; }  ///< with the port it got
    [[nodiscard]] std::size_t listeners() const noexcept { return listeners_.size(); }

 private:
    struct Asker;
    struct Listener;
    struct Calls;  // what the library calls
    friend struct Calls;

    void on_ready(Readiness) noexcept { work(); }
    void on_time() noexcept;
    void work() noexcept;
    void wait() noexcept;
    [[nodiscard]] unsigned connections() const noexcept;
    void drop_slow_askers(base::Mono now) noexcept;
    [[nodiscard]] int answer(MHD_Connection* connection, std::string_view target, std::string_view method);

    Loop* loop_;
    HttpAddress address_;
    Answer answer_;
    std::chrono::seconds patience_;
    std::list<Listener> listeners_;
    std::vector<Asker> askers_;
    MHD_Daemon* daemon_ = nullptr;
    int epoll_ = -1;  // the library's
    Poll poll_;
    Timer timer_;
    bool resting_ = false;
    bool working_ = false;
    bool closing_ = false;
    bool published_ = false;  // and not passed on yet
    bool again_ = false;      // the library has more to do than it tells
};

}  // namespace pgtraffic::event_loop
