// What a loop tells: readiness, for as long as it lasts, and what libuv has to say beside it.
#include "pgtraffic/event_loop/poll.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/resolver.hpp"
#include "pgtraffic/event_loop/signal.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using base::Callback;
using base::mono_now;
using event_loop::Loop;
using event_loop::Poll;
using event_loop::Readiness;
using event_loop::Timer;
using event_loop::Trigger;
using namespace std::chrono_literals;

namespace {

/// Two sockets that lead to each other.
class Pair {
 public:
    Pair() {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    }
    ~Pair() {
        for (int end : ends_) {
            if (end >= 0) ::close(end);
        }
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    [[nodiscard]] int ours() const noexcept { return ends_[0]; }
    void say() const { REQUIRE(::write(ends_[1], "x", 1) == 1); }
    void end_theirs() const { REQUIRE(::shutdown(ends_[1], SHUT_WR) == 0); }
    void close_theirs() { ::close(std::exchange(ends_[1], -1)); }
    void close_ours() { ::close(std::exchange(ends_[0], -1)); }

 private:
    std::array<int, 2> ends_{-1, -1};
};

/// What was told, and what is done then.
struct Watcher {
    explicit Watcher(Loop& loop, std::function<void()> then = {})
        : act{std::move(then)}, poll{loop, Poll::OnReady::to<&Watcher::on_ready>(*this)} {}
    void on_ready(Readiness ready) noexcept {
        ++told;
        last = ready;
        if (act) act();
    }

    int told = 0;
    Readiness last;
    std::function<void()> act;
    Poll poll;
};

/// Watches it, and has something to read at once.
void make_ready(Watcher& watcher, const Pair& pair) {
    watcher.poll.watch(pair.ours(), true, false);
    pair.say();
}

/// A callback's owner, for what carries none of its own.
template <class... Args>
struct Heard {
    void on_call(Args... args) noexcept {
        ++calls;
        if (act) act(args...);
    }
    Callback<Args...> callback() { return Callback<Args...>::template to<&Heard::on_call>(*this); }

    int calls = 0;
    std::function<void(Args...)> act;
};

}  // namespace

TEST_CASE("what is not read is told again, and a loop without anything to wait for ends") {
    Loop loop;
    const Pair pair;
    Watcher watcher{loop};
    watcher.act = [&] {
        if (watcher.told == 3) watcher.poll.stop();
    };
    watcher.poll.watch(pair.ours(), true, false);
    CHECK(watcher.poll.descriptor() == pair.ours());
    pair.say();
    loop.run();
    CHECK(watcher.told == 3);
    CHECK(watcher.last.readable());
    CHECK_FALSE(watcher.last.writable());
    CHECK(watcher.poll.descriptor() == -1);
}

TEST_CASE("who wants to hear once is told of the same readiness again only where he asks for it") {
    Loop loop;
    const Pair pair;
    Watcher watcher{loop};
    watcher.poll.watch(pair.ours(), true, false, Trigger::edge);
    pair.say();
    std::vector<int> told;
    Heard<> before_wait;
    before_wait.act = [&] {
        loop.only_look();
        if (before_wait.calls == 5) watcher.poll.again();
        if (before_wait.calls == 10) pair.say();
        if (before_wait.calls == 15) loop.stop();
        told.push_back(watcher.told);
    };
    loop.hook({.before_wait = before_wait.callback(), .before_libuv = {}, .work_begins = {}});
    loop.run();
    loop.hook({});
    CHECK(told == std::vector<int>{0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3});
    CHECK(watcher.last.readable());
    CHECK_FALSE(watcher.last.ended());
    watcher.poll.stop();
}

TEST_CASE("the other side's end is told with its last bytes") {
    Loop loop;
    Pair pair;
    Watcher watcher{loop, [&] { loop.stop(); }};
    pair.say();
    SECTION("which sends no more") {
        pair.end_theirs();
    }
    SECTION("which is gone") {
        pair.close_theirs();
    }
    watcher.poll.watch(pair.ours(), true, false, Trigger::edge);
    loop.run();
    CHECK(watcher.told == 1);
    CHECK(watcher.last.readable());
    CHECK(watcher.last.ended());
    watcher.poll.stop();
}

TEST_CASE("a loop that shall only look does not wait, for once, whatever libuv has to do") {
    Loop loop;
    const Pair pair;
    Watcher watcher{loop, [&] { loop.stop(); }};
    watcher.poll.watch(pair.ours(), true, false);
    Timer later{loop, {}};
    Heard<> before_wait;
    before_wait.act = [&] {
        later.start(1h);
        loop.only_look();
        if (before_wait.calls == 3) pair.say();
    };
    loop.hook({.before_wait = before_wait.callback(), .before_libuv = {}, .work_begins = {}});
    loop.run();
    loop.hook({});
    CHECK(before_wait.calls == 3);
    CHECK(watcher.told == 1);
    later.stop();
}

TEST_CASE("a sleeper's sleeps end when they shall, and those of others as before") {
    const int slack = ::prctl(PR_GET_TIMERSLACK);
    {
        const event_loop::Sleeper sleeper;
        CHECK(::prctl(PR_GET_TIMERSLACK) == 1);
    }
    CHECK(::prctl(PR_GET_TIMERSLACK) == slack);
}

TEST_CASE("a poll that another one stops in the same turn is told nothing") {
    for (const bool gone : {false, true}) {
        INFO("gone " << gone);
        Loop loop;
        const Pair first;
        const Pair second;
        std::optional<Watcher> other{std::in_place, loop};
        Watcher one{loop};
        const auto stop_both = [&] {
            one.poll.stop();
            if (gone) {
                other.reset();
            } else {
                other->poll.stop();
            }
        };
        one.act = stop_both;
        make_ready(one, first);
        make_ready(*other, second);
        loop.run();
        CHECK(one.told == 1);
        if (!gone) CHECK(other->told == 0);
    }
}

TEST_CASE("a poll that is begun again in the same turn is told what is there now") {
    Loop loop;
    const Pair first;
    const Pair second;
    Watcher other{loop};
    Watcher one{loop};
    one.act = [&] {
        one.poll.stop();
        other.poll.stop();
        other.poll.watch(second.ours(), true, false);
    };
    other.act = [&] { other.poll.stop(); };
    make_ready(one, first);
    make_ready(other, second);
    loop.run();
    CHECK(one.told == 1);
    CHECK(other.told == 1);
}

TEST_CASE("the other side's end is told to whoever wants to read and to whoever wants to write") {
    for (const bool reads : {false, true}) {
        INFO("reads " << reads);
        Loop loop;
        Pair pair;
        Watcher watcher{loop};
        watcher.act = [&] { watcher.poll.stop(); };
        pair.close_theirs();
        watcher.poll.watch(pair.ours(), reads, !reads);
        loop.run();
        CHECK(watcher.last.readable());
        CHECK(watcher.last.writable());
    }
}

TEST_CASE("what is wanted can change, and a number that was given out again is a new descriptor") {
    Loop loop;
    std::optional<Pair> pair{std::in_place};
    Watcher watcher{loop};
    watcher.act = [&] { watcher.poll.stop(); };
    watcher.poll.watch(pair->ours(), true, false);
    watcher.poll.watch(pair->ours(), true, true);
    loop.run();
    CHECK(watcher.told == 1);
    CHECK(watcher.last.writable());
    CHECK_FALSE(watcher.last.readable());

    const int number = pair->ours();
    watcher.poll.watch(number, true, false);
    watcher.poll.stop();
    pair.reset();
    const Pair fresh;
    REQUIRE(fresh.ours() == number);
    watcher.poll.watch(number, true, false);
    fresh.say();
    loop.run();
    CHECK(watcher.told == 2);
    CHECK(watcher.last.readable());
}

TEST_CASE("a descriptor that was closed before its poll stopped does not trip the loop") {
    Loop loop;
    Pair pair;
    Watcher watcher{loop};
    watcher.poll.watch(pair.ours(), true, false);
    pair.close_ours();
    watcher.poll.stop();
    loop.run();
    CHECK(watcher.told == 0);
}

TEST_CASE("what cannot be watched is refused, and nothing is left of it") {
    Loop loop;
    Watcher watcher{loop};
    CHECK_THROWS_AS(watcher.poll.watch(1'000'000, true, false), base::Error);
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK_THROWS_AS(watcher.poll.watch(file, true, false), base::Error);
    ::close(file);
    CHECK(watcher.poll.descriptor() == -1);
    loop.run();  // ends at once
}

TEST_CASE("a signal is heard where nothing else of libuv's is at work") {
    Loop loop;
    const Pair pair;
    Watcher watcher{loop};
    watcher.act = [&] {
        watcher.poll.watch(pair.ours(), false, false);
        ::raise(SIGUSR1);
    };
    Heard<int> heard;
    heard.act = [&](int) { loop.stop(); };
    const event_loop::Signal signal{loop, SIGUSR1, heard.callback()};
    make_ready(watcher, pair);
    loop.run();
    CHECK(heard.calls == 1);
    CHECK(watcher.told == 1);
}

TEST_CASE("what a poll begins is waited for: a timer, a name") {
    Loop loop;
    const Pair pair;
    Heard<> late;
    Heard<const event_loop::Resolved*> resolved;
    Timer timer{loop, late.callback()};
    event_loop::Resolver resolver{loop, resolved.callback()};
    Watcher watcher{loop};
    base::Mono begun;
    watcher.act = [&] {
        watcher.poll.stop();
        begun = mono_now();
        timer.start(20ms);
        CHECK(resolver.resolve("127.0.0.1"));
    };
    base::Mono ended;
    late.act = [&] { ended = mono_now(); };
    make_ready(watcher, pair);
    loop.run();
    CHECK(resolved.calls == 1);
    CHECK(late.calls == 1);
    CHECK(ended - begun >= 20ms);
}

TEST_CASE("a timer that a poll stops does not keep the loop") {
    Loop loop;
    const Pair pair;
    Heard<> never;
    Timer timer{loop, never.callback()};
    timer.start(1h);
    Watcher watcher{loop};
    watcher.act = [&] {
        watcher.poll.stop();
        timer.stop();
    };
    make_ready(watcher, pair);
    loop.run();
    CHECK(never.calls == 0);
}

TEST_CASE("a stopped loop hands out the rest of its turn and no signal; run again, it goes on") {
    Loop loop;
    const Pair first;
    const Pair second;
    Heard<int> heard;
    const event_loop::Signal signal{loop, SIGUSR1, heard.callback()};
    Watcher one{loop};
    Watcher other{loop};
    one.act = other.act = [&] {
        ::raise(SIGUSR1);
        loop.stop();
    };
    make_ready(one, first);
    make_ready(other, second);
    loop.run();
    CHECK(one.told == 1);
    CHECK(other.told == 1);
    CHECK(heard.calls == 0);
    one.poll.stop();
    other.poll.stop();
    loop.run();
    CHECK(heard.calls == 2);
}

TEST_CASE("the hooks lie before each wait, and before what libuv has to do behind a batch") {
    Loop loop;
    const Pair pair;
    std::string order;
    Heard<> before_wait;
    Heard<> before_libuv;
    before_wait.act = [&] { order += 'w'; };
    before_libuv.act = [&] { order += 'l'; };
    loop.hook(
        {.before_wait = before_wait.callback(), .before_libuv = before_libuv.callback(), .work_begins = {}});
    Heard<int> heard;
    heard.act = [&](int) { order += 's'; };
    const event_loop::Signal signal{loop, SIGUSR1, heard.callback()};
    Watcher watcher{loop};
    watcher.act = [&] {
        order += 'r';
        if (watcher.told == 2) ::raise(SIGUSR1);
        if (watcher.told == 3) loop.stop();
    };
    make_ready(watcher, pair);
    loop.run();
    CHECK(order == "wrwrwrl");
    watcher.poll.stop();
    order.clear();
    loop.run();
    CHECK(order == "s");
    loop.hook({});
}

TEST_CASE("who begins something of libuv's before a wait is asked again behind libuv's turn") {
    Loop loop;
    Timer timer{loop, {}};
    timer.start(1h);
    std::vector<bool> libuv_goes_first;
    Heard<> before_wait;
    before_wait.act = [&] {
        if (before_wait.calls == 1) timer.start(1h);
        libuv_goes_first.push_back(loop.libuv_goes_first());
        if (before_wait.calls == 2) loop.stop();
    };
    loop.hook({.before_wait = before_wait.callback(), .before_libuv = {}, .work_begins = {}});
    loop.run();
    loop.hook({});
    CHECK(libuv_goes_first == std::vector<bool>{true, false});
    timer.stop();
}

TEST_CASE("a due timer ends the wait at its instant, and nothing else does before") {
    Loop loop;
    event_loop::DueTimer timer{loop};
    Heard<> before_wait;
    const auto due = mono_now() + 3ms;
    base::Mono woken;
    before_wait.act = [&] {
        if (before_wait.calls == 1) return;
        woken = mono_now();
        loop.stop();
    };
    loop.hook({.before_wait = before_wait.callback(), .before_libuv = {}, .work_begins = {}});
    timer.arm(due);
    loop.run();
    CHECK(woken >= due);
    CHECK(before_wait.calls == 2);
    loop.hook({});
}
