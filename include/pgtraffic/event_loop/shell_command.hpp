// A command for the shell, run beside the loop: its output is taken, it has a time limit, and whatever it
// started ends with it. What it prints on stderr goes nowhere: it may be as secret as its output.
#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/handle.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/timer.hpp"

namespace pgtraffic::event_loop {

/// How a command ended.
struct CommandEnd {
    std::string output;  ///< all of stdout
    std::string error;   ///< empty where it exited with 0, within its limits; never holds the output
};

/// One command at a time. Neither copies nor moves; kills what still runs when it dies.
class ShellCommand {
 public:
    ShellCommand(Loop& loop, base::Callback<const CommandEnd*> on_end);
    ~ShellCommand();
    ShellCommand(const ShellCommand&) = delete;
    ShellCommand& operator=(const ShellCommand&) = delete;

    /// Runs `/bin/sh -c command` in our environment, with nothing to read. The callback comes later, always.
    void start(const std::string& command, base::Nanos time_limit) noexcept;
    [[nodiscard]] bool running() const noexcept { return running_; }

    static constexpr std::size_t kMaxOutput = 64 * 1024;  ///< bytes; more is an error

 private:
    void on_output(ssize_t size) noexcept;
    void on_exit(std::int64_t status, int signal) noexcept;
    void on_time() noexcept;
    void fail(const std::string& why) noexcept;
    void kill_group() noexcept;
    void end_if_over() noexcept;

    Loop* loop_;
    base::Callback<const CommandEnd*> on_end_;
    Timer timer_;
    CommandEnd end_;
    std::array<char, 4096> piece_{};
    bool running_ = false;
    bool exited_ = true;
    bool output_open_ = false;
    HandlePtr<uv_process_t> process_;
    HandlePtr<uv_pipe_t> output_;
};

}  // namespace pgtraffic::event_loop
