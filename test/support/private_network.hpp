// A network of the test's own, in which an address that is not the loopback's leads to this machine and
// nowhere else: for what depends on an address without any packet leaving.
#pragma once

#include "support/private_namespace.hpp"

namespace pgtraffic::test {

/// Puts this thread, and what it starts, into a new network namespace while it lives. Needs root; available()
/// is false without. Neither copies nor moves.
class PrivateNetwork {
 public:
    PrivateNetwork();

    [[nodiscard]] bool available() const noexcept { return available_; }
    /// Of TEST-NET-1 (RFC 5737), which is nobody's.
    static constexpr const char* kAddress = "192.0.2.1";

 private:
    PrivateNamespace network_{PrivateNamespace::Of::network};
    bool available_ = false;
};

}  // namespace pgtraffic::test
