// Two machines and a router between them that can lose every packet, on this machine: three network
// namespaces of the kernel, so that what TCP does when nobody answers is what it does, not what a proxy does.
#pragma once

#include <memory>

namespace pgtraffic::test {

class Process;

/// Needs root and `ip` (iproute2); available() is false without. Only this thread, and what it starts, moves
/// between the machines; it stands at the server after construction, and where it came from after
/// destruction. Unix sockets do not care: from either machine they lead to the same server. Neither copies
/// nor moves.
class RoutedNetwork {
 public:
    RoutedNetwork();
    ~RoutedNetwork();
    RoutedNetwork(const RoutedNetwork&) = delete;
    RoutedNetwork& operator=(const RoutedNetwork&) = delete;

    [[nodiscard]] bool available() const noexcept { return available_; }
    /// The server's address, of TEST-NET-1 (RFC 5737), which is nobody's.
    static constexpr const char* kServer = "192.0.2.6";

    void enter_client();
    void enter_server();

    /// From now on no packet passes, in either direction, and nobody is told; until forward().
    void swallow();
    void forward();

 private:
    void let_pass(bool all);

    int before_ = -1;  // namespaces, held open
    int client_ = -1;
    int router_ = -1;
    int server_ = -1;
    int here_ = -1;  // one of them, where the thread stands
    bool available_ = false;
};

/// Two machines on a link that loses the second segment of every other answer, which is then sent again:
/// the rest of it has come before. Needs root, `ip` and python3; available() is false without. As the other
/// one otherwise.
class LossyLink {
 public:
    LossyLink();
    ~LossyLink();
    LossyLink(const LossyLink&) = delete;
    LossyLink& operator=(const LossyLink&) = delete;

    [[nodiscard]] bool available() const noexcept { return available_; }
    /// The server's address, of TEST-NET-1.
    static constexpr const char* kServer = "192.0.2.6";

    void enter_client();
    void enter_server();

 private:
    int before_ = -1;  // namespaces, held open
    int client_ = -1;
    int server_ = -1;
    int bridge_at_ = -1;
    std::unique_ptr<Process> bridge_;
    bool available_ = false;
};

}  // namespace pgtraffic::test
