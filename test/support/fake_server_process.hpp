// The fake server as a child process of a test.
#pragma once

#include <string>
#include <vector>

#include "support/subprocess.hpp"

namespace pgtraffic::test {

/// Listens on a free port of 127.0.0.1 from construction on; ends with its owner. Neither copies nor moves.
class FakeServerProcess {
 public:
    /// Options as in test/support/fake_server/main.cpp.
    explicit FakeServerProcess(const std::vector<std::string>& options = {});

    /// As a user would pass it to --database-url.
    [[nodiscard]] std::string dsn() const;

    /// Ends it. When it answered each query, in ms of the monotonic clock, where started with --record.
    [[nodiscard]] std::vector<double> stop();
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

 private:
    Process process_;
    std::string port_;
};

}  // namespace pgtraffic::test
