// A program run as our child, without a shell, that cannot outlive us. The one decision: everything that can
// fail or allocate is done before the fork; the child only makes system calls until it is another program.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/processors.hpp"
#include "pgtraffic/base/time.hpp"

namespace pgtraffic::postgres {

/// Whom to become; PostgreSQL refuses to run as root.
struct SystemUser {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};

struct Command {
    std::vector<std::string> arguments;  ///< the program's path first
    std::optional<SystemUser> user;      ///< none: as we are
    std::string directory = "/";         ///< to run in
    int output = -1;                     ///< a descriptor for stdout and stderr, borrowed; -1: /dev/null
    std::optional<base::Processors> processors;  ///< to run on; none: those that we may use
};

/// Neither copies nor moves. The child has its own session (the terminal's Ctrl-C is ours alone), no variable
/// PG* and no descriptor of ours, default signals, and gets SIGQUIT when we die.
class ChildProcess {
 public:
    /// Throws base::Error where there is no process to be had. A program that could not be executed ends
    /// with kNotExecuted and says so in its output.
    explicit ChildProcess(const Command& command);
    /// Kills and reaps what still runs; does nothing in a process that was forked from its owner.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    static constexpr int kNotExecuted = 127;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool ours() const noexcept;  ///< false in a process forked from the owner
    [[nodiscard]] bool ended() noexcept;       ///< asks the kernel without waiting
    bool wait_for(base::Nanos patience);       ///< true once it has ended
    void signal(int number) const noexcept;
    /// The exit code, or 128 + signal; 0 before the end.
    [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
    pid_t owner_;
    pid_t pid_ = -1;
    bool ended_ = false;
    int exit_code_ = 0;
};

/// Whether `user` (none: we) may write into the directory, seen with that user's eyes.
[[nodiscard]] bool may_use(const std::optional<SystemUser>& user, const std::string& directory);

/// What a program prints, run as we are; empty where it fails.
[[nodiscard]] std::string output_of(const std::vector<std::string>& arguments);

}  // namespace pgtraffic::postgres
