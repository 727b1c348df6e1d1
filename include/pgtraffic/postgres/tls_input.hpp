// What a TLS connection decrypts: bytes that its owner has read and hands over. Left to itself OpenSSL asks
// the kernel twice for each record, for its length and for the rest; handed over, all that came takes one
// read.
#pragma once

#include <span>

struct ssl_st;

namespace pgtraffic::postgres {

/// Neither copies nor moves: a TLS object reads from it, until it is freed.
class TlsInput {
 public:
    TlsInput() = default;
    TlsInput(const TlsInput&) = delete;
    TlsInput& operator=(const TlsInput&) = delete;

    /// From now on `tls` reads what is given, and what it writes goes the way it went. False, and nothing is
    /// changed, where there is no memory.
    [[nodiscard]] bool feed(ssl_st* tls) noexcept;

    /// What came next. Good until all of it is taken, which TLS does before it wants more.
    void give(std::span<const char> bytes) noexcept { bytes_ = bytes; }

    [[nodiscard]] bool used_up() const noexcept { return bytes_.empty(); }

    /// Up to `into.size()` bytes of it, none where it is used up. For TLS.
    [[nodiscard]] std::size_t take(std::span<char> into) noexcept;

 private:
    std::span<const char> bytes_;
};

}  // namespace pgtraffic::postgres
