// The end of a loop: whoever forgets a handle hears of it, and does not wait for ever.
#include "pgtraffic/event_loop/loop.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "pgtraffic/event_loop/timer.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using event_loop::Loop;
using event_loop::Timer;

namespace {

struct End {
    int exit_code = -1;
    std::string err;
};

/// In a process of its own: a failed check ends it.
template <class Work>
End apart(Work work) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::unsetenv("PGTRAFFIC_ABORT");
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::alarm(20);
        work();
        ::_exit(0);
    }
    ::close(ends[1]);
    End end;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
        end.err.append(buffer.data(), static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    return end;
}

}  // namespace

TEST_CASE("a loop whose handles were let go closes") {
    const auto end = apart([] {
        Loop loop;
        Timer idle{loop, {}};
        Timer active{loop, {}};
        active.start(std::chrono::hours{1});
    });
    CHECK(end.exit_code == 0);
    CHECK(end.err.empty());
}

TEST_CASE("a handle that was forgotten, active or not, ends the program with the code of a failed check") {
    for (const bool active : {false, true}) {
        INFO("active " << active);
        const auto end = apart([active] {
            Loop loop;
            auto* forgotten = new Timer{loop, {}};
            if (active) forgotten->start(std::chrono::hours{1});
        });
        CHECK(end.exit_code == 3);
        CHECK(end.err.find("every handle was closed before its loop") != std::string::npos);
    }
}
