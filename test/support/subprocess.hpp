// A program run as a user runs it: its own arguments, environment and streams, and a limit after which it is
// killed. Everything waits in poll() for what the program does; nothing sleeps.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgtraffic::test {

using Environment = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// What the program finds as its stdout.
enum class Stdout : std::uint8_t {
    collected,    ///< a pipe to the test
    not_waiting,  ///< the same, of one page and non-blocking: a write that finds it full fails with EAGAIN
    terminal,     ///< a pseudo-terminal to the test
    full_disk,    ///< /dev/full
    broken_pipe,  ///< a pipe whose reader has gone
    closed,       ///< none
};

struct ProcessOptions {
    Environment environment;  ///< set over the test's own; an empty optional removes the variable
    std::string input;        ///< its stdin, then end of file
    bool more_input = false;  ///< no end of file after it: say() follows
    Stdout out = Stdout::collected;
    bool stderr_terminal = false;  ///< stderr is a pseudo-terminal
    std::chrono::seconds limit{60};
};

struct ProcessResult {
    std::string out;
    std::string err;
    int exit_code = -1;      ///< -1 where a signal ended it
    int signal = 0;          ///< that ended it
    bool timed_out = false;  ///< we killed it at the limit
};

/// A running program. Neither copies nor moves; the destructor kills what still runs.
class Process {
 public:
    explicit Process(const std::vector<std::string>& argv, const ProcessOptions& options = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// Waits until the text has been printed. False where the program ended, or met its limit, without it.
    [[nodiscard]] bool wait_for_stdout(std::string_view text) { return wait_for(out_, result_.out, text); }
    [[nodiscard]] bool wait_for_stderr(std::string_view text) { return wait_for(err_, result_.err, text); }
    /// Waits until anything more is printed there. False where the program ended first.
    [[nodiscard]] bool wait_for_more_stderr();

    /// One more line on the stdin of a program started with `more_input`; false where it has ended. Returns
    /// once the line is written.
    [[nodiscard]] bool say(std::string_view line);
    /// The next whole line of stdout that nobody has asked for; none where the program ended.
    [[nodiscard]] std::optional<std::string> next_stdout_line();

    void type(std::string_view keys) const;  ///< on the terminal that is its stderr
    void send_signal(int number) const;
    void close_stdout();  ///< as a reader that has seen enough
    [[nodiscard]] std::string_view stdout_so_far() const noexcept { return result_.out; }
    [[nodiscard]] std::string_view stderr_so_far() const noexcept { return result_.err; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Waits for its end and returns all that it printed.
    ProcessResult wait();

 private:
    [[nodiscard]] bool wait_for(const int& stream, const std::string& seen, std::string_view text);
    bool
    step();  // waits for one event; false at the limit, or once the program is gone and its streams are read
    void drain(int& fd, std::string& text);
    void feed();

    ProcessResult result_;
    std::string input_;
    bool more_input_ = false;
    std::size_t lines_read_ = 0;  // bytes of stdout that next_stdout_line() has given
    std::chrono::steady_clock::time_point deadline_;
    pid_t pid_ = -1;
    int pidfd_ = -1;
    int in_ = -1;
    int out_ = -1;
    int err_ = -1;
    bool ended_ = false;
};

[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& argv,
                                        const ProcessOptions& options = {});

/// The built pgtraffic with these arguments, as argv for Process.
[[nodiscard]] std::vector<std::string> pgtraffic_argv(const std::vector<std::string>& arguments);

/// `options` with every variable removed that names a database or chooses colours, unless it is set there.
[[nodiscard]] ProcessOptions without_target(ProcessOptions options = {});

/// The built pgtraffic in an environment that names no database.
[[nodiscard]] ProcessResult run_pgtraffic(const std::vector<std::string>& arguments,
                                          const ProcessOptions& options = {});

}  // namespace pgtraffic::test
