// A port of 127.0.0.1 (or another loopback address) that is ours, behind which there is no server: nobody
// else can take it, whoever connects is refused, or, once it is open, waits for an answer that never comes.
#pragma once

#include <cstdint>
#include <string>

namespace pgtraffic::test {

/// Neither copies nor moves.
class LoopbackPort {
 public:
    /// The port `number` of 127.0.0.`host`; any that is free for 0.
    explicit LoopbackPort(std::uint8_t host = 1, std::uint16_t number = 0);
    ~LoopbackPort();
    LoopbackPort(const LoopbackPort&) = delete;
    LoopbackPort& operator=(const LoopbackPort&) = delete;

    [[nodiscard]] std::string number() const { return std::to_string(number_); }

    /// Whoever connects from now on is not refused any more.
    void open() const;
    /// Waits until somebody has connected, and keeps that connection. Once, after open().
    void accept();

 private:
    int fd_;
    int accepted_ = -1;
    std::uint16_t number_ = 0;
};

}  // namespace pgtraffic::test
