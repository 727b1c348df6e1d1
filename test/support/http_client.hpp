// Just enough of an HTTP client: one request a connection, the answer as it came. And clients that behave
// badly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgtraffic::test {

/// A TCP connection to 127.0.0.1. Neither copies nor moves. Reading gives up after ten seconds.
class HttpClient {
 public:
    explicit HttpClient(std::uint16_t port);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// False where the other side has closed.
    bool send(std::string_view text);
    /// Until `end` has come, or the connection's end where it is empty. All that came so far.
    const std::string& read(std::string_view end = "");

 private:
    int fd_;
    std::string received_;
};

struct HttpReply {
    int status = 0;
    std::string head;  ///< with the status line
    std::string body;

    [[nodiscard]] std::string header(std::string_view name) const;
};

/// A request of its own connection; status 0 where no answer came.
[[nodiscard]] HttpReply http_get(std::uint16_t port, const std::string& path,
                                 const std::string& method = "GET");

}  // namespace pgtraffic::test
