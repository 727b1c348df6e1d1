// A namespace of the kernel's that is the test's own.
#pragma once

#include <cstdint>

namespace pgtraffic::test {

/// While it lives this thread, and what it starts, is in a new network; or the next process that it starts is
/// the first one of a new process namespace, as a container has one (when that has ended, no other can
/// follow). Needs root: entered() is false without. Neither copies nor moves.
class PrivateNamespace {
 public:
    enum class Of : std::uint8_t { network, processes };

    explicit PrivateNamespace(Of kind);
    ~PrivateNamespace();
    PrivateNamespace(const PrivateNamespace&) = delete;
    PrivateNamespace& operator=(const PrivateNamespace&) = delete;

    [[nodiscard]] bool entered() const noexcept { return entered_; }

 private:
    int kind_;  // as the kernel calls it
    int before_;
    bool entered_;
};

}  // namespace pgtraffic::test
