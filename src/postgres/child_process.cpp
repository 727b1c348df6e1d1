// Between fork and exec only calls that are safe after a fork. The order matters: the death signal comes
// after setuid, which would clear it, and after it a look whether the parent died before.
#include "pgtraffic/postgres/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/time.hpp"

extern char** environ;

namespace pgtraffic::postgres {
namespace {

constexpr int kRefused = 126;
constexpr base::Nanos kBetweenLooks = std::chrono::milliseconds{2};

std::vector<std::string> clean_environment() {
    std::vector<std::string> result;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text{*variable};
        // Neither a target nor its password is the child's business, whose user may be another one.
        const bool ours = text.starts_with("PG") || text.starts_with("DATABASE_URL=") ||
                          text.starts_with("DB_") || text.starts_with("LC_ALL=");
        if (!ours) result.emplace_back(text);
    }
    result.emplace_back("LC_ALL=C");  // its messages are read by us
    return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

[[noreturn]] void give_up(const char* what, int code) noexcept {
    const char* reason = strerrordesc_np(errno);
    for (const char* part : {what, ": ", reason != nullptr ? reason : "unknown error", "\n"}) {
        if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
    }
    _exit(code);
}

bool become(const SystemUser& user) noexcept {
    return setgroups(1, &user.gid) == 0 && setgid(user.gid) == 0 && setuid(user.uid) == 0;
}

/// Of this process. The limit alone may say a thousand million.
int highest_descriptor() {
    int highest = STDERR_FILENO;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", none})
        highest = std::max(highest, std::atoi(entry.path().filename().c_str()));
    return none ? static_cast<int>(std::max(sysconf(_SC_OPEN_MAX), 1024L)) : highest;
}

void close_all(int first, int last) noexcept {
    if (close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
    for (int fd = first; fd <= last; ++fd) close(fd);  // a kernel before 5.9, or a filter of system calls
}

void default_signals() noexcept {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Command& command, char** arguments, char** environment, pid_t parent,
                            int highest) noexcept {
    const int null = open("/dev/null", O_RDWR);
    const int output = command.output >= 0 ? command.output : null;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0) {
        _exit(kRefused);
    }
    close_all(STDERR_FILENO + 1, highest);
    default_signals();
    setsid();
    if (command.processors) base::keep_to(*command.processors);
    if (command.user && !become(*command.user)) give_up("cannot change to the unprivileged user", kRefused);
    if (prctl(PR_SET_PDEATHSIG, SIGQUIT) != 0)
        give_up("cannot ask for a signal when the parent dies", kRefused);
    if (getppid() != parent) _exit(kRefused);
    if (chdir(command.directory.c_str()) != 0) give_up(command.directory.c_str(), kRefused);
    execve(arguments[0], arguments, environment);
    give_up(arguments[0], ChildProcess::kNotExecuted);
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) : owner_{getpid()} {
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = clean_environment();
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    const int highest = highest_descriptor();
    pid_ = fork();
    if (pid_ < 0) {
        throw base::Error(fmt::format("cannot start {}: {}", arguments.front(), std::strerror(errno)));
    }
    if (pid_ == 0) {
        run_child(command, const_cast<char**>(argument_pointers.data()),
                  const_cast<char**>(environment_pointers.data()), owner_, highest);
    }
}

ChildProcess::~ChildProcess() {
    if (!ours() || ended()) return;
    signal(SIGKILL);
    while (!ended()) base::nap(kBetweenLooks);
}

bool ChildProcess::ours() const noexcept {
    return getpid() == owner_;
}

bool ChildProcess::ended() noexcept {
    if (ended_) return true;
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno == EINTR)) return false;
    ended_ = true;  // or somebody else has reaped it
    if (reaped == pid_) exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

bool ChildProcess::wait_for(base::Nanos patience) {
    const base::Mono deadline = base::mono_now() + patience;
    while (!ended()) {
        if (base::mono_now() >= deadline) return false;
        base::nap(kBetweenLooks);
    }
    return true;
}

void ChildProcess::signal(int number) const noexcept {
    if (!ended_ && pid_ > 0) kill(pid_, number);
}

bool may_use(const std::optional<SystemUser>& user, const std::string& directory) {
    if (!user) return access(directory.c_str(), W_OK | X_OK) == 0;
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) _exit(become(*user) && access(directory.c_str(), W_OK | X_OK) == 0 ? 0 : 1);
    int status = 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string output_of(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    std::string result;
    int exit_code = ChildProcess::kNotExecuted;
    try {
        Command command;
        command.arguments = arguments;
        command.output = ends[1];
        ChildProcess child{command};
        close(ends[1]);
        ends[1] = -1;
        std::array<char, 4096> piece{};
        for (ssize_t got = 0; (got = read(ends[0], piece.data(), piece.size())) > 0;) {
            result.append(piece.data(), static_cast<std::size_t>(got));
        }
        if (child.wait_for(std::chrono::seconds{10})) exit_code = child.exit_code();
    } catch (const base::Error&) {
        if (ends[1] >= 0) close(ends[1]);
    }
    close(ends[0]);
    return exit_code == 0 ? result : std::string{};
}

}  // namespace pgtraffic::postgres
