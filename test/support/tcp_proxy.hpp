// A network that can fail, between pgtraffic and a server on 127.0.0.1: forwards, swallows what is sent (a
// black hole: connections stand and nothing arrives), or cuts. A process of its own, because tests have one
// thread and wait for the program meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pgtraffic::test {

class TcpProxy {
 public:
    /// Listens on a free port of 127.0.0.1 and forwards to `server_port`.
    explicit TcpProxy(std::uint16_t server_port);
    ~TcpProxy();
    TcpProxy(const TcpProxy&) = delete;
    TcpProxy& operator=(const TcpProxy&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    // Each is in force when it returns.
    void forward();  ///< what was swallowed stays lost, and its connections with it
    void swallow();  ///< of connections that stand, and of new ones, which are accepted
    void cut();      ///< closes all, and new ones as they come

 private:
    void command(char mode);

    pid_t child_ = -1;
    int control_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace pgtraffic::test
