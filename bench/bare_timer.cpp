// The floor of every lag: a process that sleeps until its next due time, by a timerfd in an epoll as the
// clients do, and does nothing when it is there. No server, no socket. How late it wakes is how late the
// machine lets anybody begin who waits for a time.
//   bare_timer RATE SECONDS
// With Poisson times, RATE of them a second. Prints one line of JSON.
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "lag.hpp"

using Clock = std::chrono::steady_clock;

int main(int argc, char** argv) {
    const double rate = argc == 3 ? std::strtod(argv[1], nullptr) : 0;
    const double seconds = argc == 3 ? std::strtod(argv[2], nullptr) : 0;
    if (!(rate > 0) || !(seconds > 0)) {
        std::fputs("usage: bare_timer RATE SECONDS\n", stderr);
        return 1;
    }
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event edge{};
    edge.events = EPOLLIN | EPOLLET;  // never read
    if (timer < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &edge) != 0) {
        std::perror("bare_timer");
        return 1;
    }
    std::mt19937_64 random{std::random_device{}()};
    std::exponential_distribution<double> gap{rate};
    const auto ns = [](double s) { return std::chrono::nanoseconds{std::llround(1e9 * s)}; };
    Lag lag{1.5 * rate * seconds + 100};
    std::uint64_t times = 0;
    const auto start = Clock::now();
    for (auto due = start + ns(gap(random)); due < start + ns(seconds); due += ns(gap(random))) {
        auto now = Clock::now();
        if (now < due) {
            itimerspec when{};
            when.it_value.tv_sec = due.time_since_epoch().count() / 1'000'000'000;
            when.it_value.tv_nsec = due.time_since_epoch().count() % 1'000'000'000;
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr);
            epoll_wait(epoll, &edge, 1, -1);
            now = Clock::now();
        }
        lag.add(due, now);
        ++times;
    }
    std::printf(R"({"times": %llu, "seconds": %.6f)", static_cast<unsigned long long>(times),
                std::chrono::duration<double>(Clock::now() - start).count());
    lag.print_member();
    std::puts("}");
    return 0;
}
