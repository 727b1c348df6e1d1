// Memory depends on what is measured, not on how long.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "support/catch.hpp"
#include "support/virtual_pipeline.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr long kAllocator = 2;  // the red zones around each piece
#else
constexpr long kAllocator = 1;
#endif

using Server = std::function<test::ModelledAnswer(base::Nanos, base::Random&)>;

test::ModelledAnswer exponential(base::Nanos, base::Random& random) {
    return {base::from_seconds(0.005 * random.exponential())};
}

/// Peak resident memory, in kB, of a process that runs 1,000/s for `duration` of virtual time.
long peak_kb(base::Nanos duration, const Server& server = exponential) {
    const pid_t child = fork();
    if (child == 0) {
        test::VirtualPlan plan;
        plan.schedule = traffic::PhaseScheduler::constant(1000, duration);
        plan.duration = duration;
        plan.sessions = 20;
        plan.server = server;
        const auto result = test::run_virtually(plan);
        _exit(result.total.conserved() && result.total.planned > 50'000 ? 0 : 1);
    }
    int status = 0;
    rusage usage{};
    REQUIRE(wait4(child, &status, 0, &usage) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("an hour of virtual run takes the memory of a minute, but for its bounded time series") {
    const long minute = peak_kb(1min);
    const long hour = peak_kb(1h);
    // 3,540 more intervals of a kB or two; 3.5 million samples would be 28 MB.
    CHECK(hour - minute < 12'000 * kAllocator);
    const long longer = peak_kb(2h);
    CHECK(longer - hour < 4'000 * kAllocator);  // merged intervals touch more buckets each
}

TEST_CASE("the backlog of a server that went silent is accounted for in little memory") {
    const Server silent = [](base::Nanos due, base::Random&) {
        return test::ModelledAnswer{due < 30s ? base::Nanos{1ms} : base::Nanos{100h}};
    };
    const long minute = peak_kb(1min, silent);
    const long more = peak_kb(21min, silent);
    // 1,200 more intervals of a kB or two; dense histograms for each would be 88 MB.
    CHECK(more - minute < 6'000 * kAllocator);
}
