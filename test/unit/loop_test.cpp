// The end of a loop: whoever forgets a handle hears of it, and does not wait for ever.
#include "pgtraffic/event_loop/loop.hpp"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "pgtraffic/event_loop/resolver.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using event_loop::Loop;
using event_loop::Timer;

namespace {

/// Where a name look-up that never ends says that it began; negative: names are looked up as ever.
int look_up_hangs = -1;

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

/// In the place of the C library's, for libuv's thread.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
    if (look_up_hangs >= 0) {
        const char began = 1;
        if (::write(look_up_hangs, &began, 1) == 1) ::poll(nullptr, 0, -1);
    }
    using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(node, service, hints, found);
}

TEST_CASE("a name server that is silent keeps neither a loop nor the program") {
    const auto end = apart([] {
        std::array<int, 2> began{};
        if (::pipe(began.data()) != 0) ::_exit(4);
        look_up_hangs = began[1];
        {
            Loop loop;
            std::optional<event_loop::Resolver> resolver{std::in_place, loop,
                                                         base::Callback<const event_loop::Resolved*>{}};
            if (!resolver->resolve("db.example")) ::_exit(5);
            char c = 0;
            if (::read(began[0], &c, 1) != 1) ::_exit(6);
            resolver.reset();
        }
        if (!Loop::any_left_behind()) ::_exit(7);
    });
    CHECK(end.exit_code == 0);
    CHECK(end.err.empty());
}

TEST_CASE("a look-up that was called off before it began leaves nothing behind") {
    const auto end = apart([] {
        {
            Loop loop;
            event_loop::Resolver resolver{loop, {}};
            if (!resolver.resolve("127.0.0.1")) ::_exit(5);
            loop.run();
        }
        if (Loop::any_left_behind()) ::_exit(7);
    });
    CHECK(end.exit_code == 0);
}

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

TEST_CASE("so does a poll") {
    const auto end = apart([] {
        Loop loop;
        auto* forgotten = new event_loop::DueTimer{loop};
        static_cast<void>(forgotten);
    });
    CHECK(end.exit_code == 3);
    CHECK(end.err.find("every poll was stopped before its loop") != std::string::npos);
}
