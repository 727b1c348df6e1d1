// A process namespace of the test's own, as a container has one: its first process is treated otherwise by
// the kernel.
#pragma once

namespace pgtraffic::test {

/// The next process that this thread starts is the first one of a new namespace, as long as this lives; no
/// second one can follow once it has ended. Needs root; available() is false without. Neither copies nor
/// moves.
class PrivateProcesses {
 public:
    PrivateProcesses();
    ~PrivateProcesses();
    PrivateProcesses(const PrivateProcesses&) = delete;
    PrivateProcesses& operator=(const PrivateProcesses&) = delete;

    [[nodiscard]] bool available() const noexcept { return available_; }

 private:
    int before_ = -1;
    bool available_ = false;
};

}  // namespace pgtraffic::test
