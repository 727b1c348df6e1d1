#include "support/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace pgtraffic::test {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::runtime_error(std::string{what} + ": " + std::strerror(errno));
}

/// Our end and the program's end of a stream.
struct Ends {
    int ours = -1;
    int theirs = -1;
};

Ends make_pipe(bool program_reads) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe2");
    return program_reads ? Ends{ends[1], ends[0]} : Ends{ends[0], ends[1]};
}

Ends make_terminal() {
    Ends ends;
    ends.ours = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends.ours < 0 || ::grantpt(ends.ours) != 0 || ::unlockpt(ends.ours) != 0) fail("posix_openpt");
    ends.theirs = ::open(::ptsname(ends.ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends.theirs < 0) fail("open of a pseudo-terminal");
    return ends;
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

Ends make_stdout(Stdout kind) {
    if (kind == Stdout::closed) return {};
    if (kind == Stdout::terminal) return make_terminal();
    if (kind == Stdout::full_disk) {
        const int fd = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
        if (fd < 0) fail("/dev/full");
        return {-1, fd};
    }
    Ends pipe = make_pipe(false);
    if (kind == Stdout::not_waiting) {
        ::fcntl(pipe.theirs, F_SETPIPE_SZ, 4096);
        ::fcntl(pipe.theirs, F_SETFL, O_NONBLOCK);
    }
    if (kind == Stdout::broken_pipe) close_fd(pipe.ours);
    return pipe;
}

void set_environment(const Environment& environment) {
    for (const auto& [name, value] : environment) {
        if (value) {
            ::setenv(name.c_str(), value->c_str(), 1);
        } else {
            ::unsetenv(name.c_str());
        }
    }
}

[[noreturn]] void become(const std::vector<std::string>& argv, const ProcessOptions& options, int in, int out,
                         int err) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed test leaves nothing behind
    ::signal(SIGPIPE, SIG_DFL);          // the runner ignores it, a shell does not
    set_environment(options.environment);
    ::dup2(in, STDIN_FILENO);
    if (out >= 0) {
        ::dup2(out, STDOUT_FILENO);
    } else {
        ::close(STDOUT_FILENO);
    }
    ::dup2(err, STDERR_FILENO);
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, const ProcessOptions& options)
    : input_{options.input},
      more_input_{options.more_input},
      deadline_{std::chrono::steady_clock::now() + options.limit} {
    Ends in = make_pipe(true);
    Ends out = make_stdout(options.out);
    Ends err = options.stderr_terminal ? make_terminal() : make_pipe(false);
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) become(argv, options, in.theirs, out.theirs, err.theirs);
    close_fd(in.theirs);
    close_fd(out.theirs);
    close_fd(err.theirs);
    in_ = in.ours;
    out_ = out.ours;
    err_ = err.ours;
    for (const int fd : {in_, out_, err_}) {
        if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) fail("pidfd_open");
    feed();
}

Process::~Process() {
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (int* fd : {&in_, &out_, &err_, &pidfd_}) close_fd(*fd);
}

void Process::type(std::string_view keys) const {
    if (::write(err_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
        fail("write to a terminal");
}

void Process::send_signal(int number) const {
    if (!ended_) ::kill(pid_, number);
}

void Process::close_stdout() {
    close_fd(out_);
}

void Process::feed() {
    while (!input_.empty()) {
        const auto n = ::write(in_, input_.data(), input_.size());
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) {
            input_.clear();
            return close_fd(in_);
        }
        input_.erase(0, static_cast<std::size_t>(n));
    }
    if (!more_input_) close_fd(in_);
}

bool Process::say(std::string_view line) {
    input_.append(line).append("\n");
    feed();
    while (!input_.empty()) {
        if (!step()) return false;
    }
    return in_ >= 0;
}

std::optional<std::string> Process::next_stdout_line() {
    for (;;) {
        const auto end = result_.out.find('\n', lines_read_);
        if (end != std::string::npos) {
            auto line = result_.out.substr(lines_read_, end - lines_read_);
            lines_read_ = end + 1;
            return line;
        }
        if (!step()) return std::nullopt;
    }
}

void Process::drain(int& fd, std::string& text) {
    std::array<char, 65536> buffer{};
    while (fd >= 0) {
        const auto n = ::read(fd, buffer.data(), buffer.size());
        if (n > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(n));
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            close_fd(fd);  // end of file; a pseudo-terminal says EIO
        }
    }
}

bool Process::step() {
    if (ended_) return false;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    std::array<pollfd, 4> fds{
        {{pidfd_, POLLIN, 0}, {input_.empty() ? -1 : in_, POLLOUT, 0}, {out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    const int ready = left.count() > 0 ? ::poll(fds.data(), fds.size(), static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno != EINTR) fail("poll");
    if (ready == 0) {
        result_.timed_out = true;
        ::kill(pid_, SIGKILL);
    }
    if (in_ >= 0) feed();
    const bool gone = ready == 0 || (fds[0].revents & POLLIN) != 0;
    int status = 0;
    if (gone) ::waitpid(pid_, &status, 0);
    drain(out_, result_.out);
    drain(err_, result_.err);
    if (!gone) return true;
    ended_ = true;
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    return false;
}

bool Process::wait_for(const int& stream, const std::string& seen, std::string_view text) {
    while (seen.find(text) == std::string::npos) {
        if (!step() || stream < 0) break;
    }
    return seen.find(text) != std::string::npos;
}

bool Process::wait_for_more_stderr() {
    const auto seen = result_.err.size();
    while (result_.err.size() == seen) {
        if (!step()) return false;
    }
    return true;
}

ProcessResult Process::wait() {
    while (step()) {
    }
    return result_;
}

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
    return Process{argv, options}.wait();
}

std::vector<std::string> pgtraffic_argv(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{PGTRAFFIC_BINARY};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
}

ProcessOptions without_target(ProcessOptions options) {
    Environment environment;
    for (const char* name : {"DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER",
                             "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE",
                             "PGOPTIONS", "PGAPPNAME", "PGCONNECT_TIMEOUT", "NO_COLOR"}) {
        environment.emplace_back(name, std::nullopt);
    }
    environment.insert(environment.end(), options.environment.begin(), options.environment.end());
    options.environment = std::move(environment);
    return options;
}

ProcessResult run_pgtraffic(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    return run_process(pgtraffic_argv(arguments), without_target(options));
}

}  // namespace pgtraffic::test
