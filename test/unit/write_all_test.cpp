// Writing to readers that are slow or stand still, and the signals that are held back meanwhile.
#include "pgtraffic/base/write_all.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "pgtraffic/base/signal_mask.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::SignalMask;
using base::write_all;
using base::write_ready;

namespace {

/// A pipe of one page; neither copies nor moves.
class Pipe {
 public:
    explicit Pipe(bool blocks) {
        REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0);
        ::fcntl(ends_[1], F_SETPIPE_SZ, 4096);
        if (!blocks) ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    }
    ~Pipe() {
        close_reader();
        ::close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int in() const { return ends_[1]; }
    void close_reader() {
        if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
    }
    [[nodiscard]] bool full() const {
        pollfd writable{ends_[1], POLLOUT, 0};
        return ::poll(&writable, 1, 0) == 0;
    }
    /// Until `size` bytes have come.
    [[nodiscard]] std::string read(std::size_t size) const {
        std::string text;
        std::array<char, 1000> piece{};
        while (text.size() < size) {
            const auto n = ::read(ends_[0], piece.data(), piece.size());
            if (n <= 0) break;
            text.append(piece.data(), static_cast<std::size_t>(n));
        }
        return text;
    }

 private:
    std::array<int, 2> ends_{-1, -1};
};

std::string long_text() {
    std::string text;
    while (text.size() < 300'000) text += "line " + std::to_string(text.size()) + "\n";
    return text;
}

/// Has a signal ignored while it lives.
class Ignored {
 public:
    explicit Ignored(int number) : number_{number} { before_ = std::signal(number, SIG_IGN); }
    ~Ignored() { std::signal(number_, before_); }
    Ignored(const Ignored&) = delete;
    Ignored& operator=(const Ignored&) = delete;

 private:
    int number_;
    void (*before_)(int);
};

}  // namespace

TEST_CASE("a slow reader gets all of a text, whether or not its pipe blocks") {
    const std::string text = long_text();
    for (const bool blocks : {true, false}) {
        Pipe pipe{blocks};
        const pid_t writer = ::fork();
        if (writer == 0) ::_exit(write_all(pipe.in(), text) == 0 ? 0 : 1);
        // Its first write has filled the pipe, and the next one finds it full.
        while (!pipe.full()) ::sched_yield();
        CHECK(pipe.read(text.size()) == text);
        int status = -1;
        REQUIRE(::waitpid(writer, &status, 0) == writer);
        CHECK(status == 0);
    }
}

TEST_CASE("a reader that takes nothing is given up after the patience, one that has gone at once") {
    const std::string text = long_text();
    for (const bool blocks : {true, false}) {
        Pipe pipe{blocks};
        CHECK(write_all(pipe.in(), text, 20ms) == EAGAIN);
        pipe.close_reader();
        CHECK(write_all(pipe.in(), text, 20ms) == EPIPE);
    }
    constexpr int kNotOpen = 1'000'000;
    CHECK(write_all(kNotOpen, "text") == EBADF);
}

TEST_CASE("a pipe gets what it takes at once, and the rest when it takes more") {
    const std::string text = long_text();
    for (const bool blocks : {true, false}) {
        Pipe pipe{blocks};
        std::string_view rest{text};
        std::string got;
        int error = EAGAIN;
        while ((error = write_ready(pipe.in(), rest, 0ns)) == EAGAIN) {
            const auto written = text.size() - rest.size();
            REQUIRE(written > got.size());
            CHECK(pipe.full());
            got += pipe.read(written - got.size());
        }
        CHECK(error == 0);
        CHECK(rest.empty());
        got += pipe.read(text.size() - got.size());
        CHECK(got == text);
    }
}

TEST_CASE("what is left says where a pipe's reader went, and where a disk was full") {
    const std::string text = long_text();
    Pipe pipe{true};
    std::string_view rest{text};
    CHECK(write_ready(pipe.in(), rest, 0ns) == EAGAIN);
    const auto left = rest;
    CHECK(write_ready(pipe.in(), rest, 0ns) == EAGAIN);
    pipe.close_reader();
    CHECK(write_ready(pipe.in(), rest, 0ns) == EPIPE);
    CHECK(rest == left);

    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    rest = text;
    CHECK(write_ready(full, rest, 0ns) == ENOSPC);
    CHECK(rest == text);
    ::close(full);
}

TEST_CASE("a file takes a text whole, and nothing is nothing to write") {
    const test::Folder folder;
    const std::string text = long_text();
    const int fd = ::open((folder / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    std::string_view rest{text};
    CHECK(write_ready(fd, rest, 0ns) == 0);
    CHECK(rest.empty());
    CHECK(write_ready(fd, rest, 0ns) == 0);
    ::close(fd);
    CHECK(test::read_file(folder / "file") == text);
}

TEST_CASE("a signal that is held back ends the wait for a reader that takes nothing, and waits on") {
    const SignalMask unheard{SignalMask::Ending::held_back};
    const Pipe pipe{true};
    ::raise(SIGTERM);
    CHECK(write_all(pipe.in(), "short") == 0);  // what is taken is written all the same
    CHECK(write_all(pipe.in(), long_text()) == EINTR);
    CHECK(base::take_held_back_signal() == SIGTERM);
}

TEST_CASE("the signal that is held back is told, and taken away with all others") {
    const SignalMask unheard{SignalMask::Ending::held_back};
    CHECK(base::held_back_signal() == 0);
    CHECK(base::take_held_back_signal() == 0);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::raise(number);
        CHECK(base::held_back_signal() == number);
        CHECK(base::take_held_back_signal() == number);
        CHECK(base::held_back_signal() == 0);
    }
    ::raise(SIGTERM);
    ::raise(SIGINT);
    CHECK(base::take_held_back_signal() == SIGINT);
    CHECK(base::held_back_signal() == 0);
}

TEST_CASE("a signal that is ignored asks for nothing") {
    const Ignored ignored{SIGHUP};
    const SignalMask unheard{SignalMask::Ending::held_back};
    ::raise(SIGHUP);
    CHECK(base::held_back_signal() == 0);
    ::raise(SIGINT);
    CHECK(base::take_held_back_signal() == SIGINT);
}
