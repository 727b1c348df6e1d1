// What the HTTP server does with clients that no request makes: the rest of it is tested through the program
// (cli/endpoint_test, cli/live_test).
#include "pgtraffic/event_loop/http_server.hpp"

#include "pgtraffic/event_loop/timer.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using event_loop::HttpServer;

namespace {

/// Sends a request a byte at a time, faster than anybody loses patience over one of them.
class Trickle {
 public:
    Trickle(event_loop::Loop& loop, std::uint16_t port)
        : loop_{loop}, client_{port}, timer_{loop, base::Callback<>::to<&Trickle::on_time>(*this)} {
        client_.send("GET / HTTP/1.1\r\nX-Long: ");
        timer_.start(50ms);
    }

    [[nodiscard]] base::Nanos lasted() const noexcept { return lasted_; }
    [[nodiscard]] bool dropped() const noexcept { return dropped_; }

 private:
    void on_time() noexcept {
        lasted_ = base::mono_now() - start_;
        dropped_ = !client_.send("x");
        if (dropped_ || lasted_ > 15s) return loop_.stop();
        timer_.start(50ms);
    }

    event_loop::Loop& loop_;
    test::HttpClient client_;
    event_loop::Timer timer_;
    base::Mono start_ = base::mono_now();
    base::Nanos lasted_{};
    bool dropped_ = false;
};

/// Asks for what goes on, and is told more in one moment than is kept for anybody.
class Flooded {
 public:
    Flooded(event_loop::Loop& loop, HttpServer& server)
        : loop_{loop},
          server_{server},
          client_{server.address().port},
          timer_{loop, base::Callback<>::to<&Flooded::on_time>(*this)} {
        client_.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        timer_.start(10ms);
    }

    [[nodiscard]] bool sent_away() const noexcept { return published_ && server_.listeners() == 0; }

 private:
    void on_time() noexcept {
        if (!published_ && server_.listeners() == 1) {
            for (int i = 0; i < 10; ++i) server_.publish("data: " + std::string(1 << 16, 'x') + "\n\n");
            published_ = true;
        }
        if (sent_away() || base::mono_now() - start_ > 10s) return loop_.stop();
        timer_.start(10ms);
    }

    event_loop::Loop& loop_;
    HttpServer& server_;
    test::HttpClient client_;
    event_loop::Timer timer_;
    base::Mono start_ = base::mono_now();
    bool published_ = false;
};

}  // namespace

TEST_CASE("a client that asks a byte at a time is dropped like one that does not ask") {
    event_loop::Loop loop;
    const HttpServer server{
        loop, {}, [](std::string_view) { return event_loop::HttpAnswer{.body = "ok"}; }, 1s};
    const Trickle trickle{loop, server.address().port};
    loop.run();
    CHECK(trickle.dropped());
    CHECK(trickle.lasted() >= 1s);
}

TEST_CASE("a listener that would lack something is sent away, and may ask again") {
    event_loop::Loop loop;
    HttpServer server{
        loop,
        {},
        [](std::string_view) { return event_loop::HttpAnswer{.body = "hello", .goes_on = true}; },
        60s};
    const Flooded flooded{loop, server};
    loop.run();
    CHECK(flooded.sent_away());
}
