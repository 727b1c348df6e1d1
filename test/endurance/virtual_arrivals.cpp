// A hundred million arrivals through the pure pipeline in virtual time: what a run keeps must not depend on
// how long it lasts. A program of its own, because it takes a minute; test/endurance/run.py starts it.
//   virtual_arrivals [ARRIVALS]
// Prints the resident memory at each tenth; exit code 1 where the last half grew by more than that of merged
// intervals.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "pgtraffic/base/units.hpp"
#include "support/virtual_pipeline.hpp"

namespace {

using namespace pgtraffic;

constexpr double kRate = 10'000;
/// Intervals of the bounded time series that are merged again touch more buckets each.
constexpr std::uint64_t kAllowedGrowthKb = 4096;

std::uint64_t resident_kb() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
    const auto arrivals = base::parse_count(argc > 1 ? argv[1] : "100000000").value_or(0);
    const base::Nanos duration = base::from_seconds(static_cast<double>(arrivals) / kRate);
    test::VirtualPlan plan;
    plan.schedule = traffic::PhaseScheduler::constant(kRate, duration);
    plan.duration = duration;
    plan.sessions = 100;
    plan.latency_limit = std::chrono::milliseconds{500};
    // Five milliseconds on average; each hour it stands still for two seconds, so that queries wait and are
    // missed.
    plan.server = [](base::Nanos sent, base::Random& random) {
        constexpr base::Nanos kHour = std::chrono::hours{1};
        const base::Nanos service = base::from_seconds(0.005 * random.exponential());
        const base::Nanos stopped = std::chrono::seconds{2} - sent % kHour;
        test::ModelledAnswer answer{stopped > base::Nanos{0} ? stopped + service : service};
        if (random.unit() < 0.001) answer.outcome = metrics::Outcome::failed;
        return answer;
    };
    const base::Nanos tenth = duration / 10;
    base::Nanos next{0};
    std::vector<std::uint64_t> memory;
    plan.interval_closed = [&](const metrics::Interval& interval) {
        if (base::from_seconds(interval.start_s) < next) return;
        next += tenth;
        memory.push_back(resident_kb());
        fmt::print("{:>4.0f} % {:>8} kB\n", 100 * interval.start_s / base::to_seconds(duration),
                   memory.back());
    };
    const auto result = test::run_virtually(plan);
    const auto& total = result.total;
    fmt::print("planned {}, ok {}, failed {}, missed {}, waiting {}\n", total.planned, total.ok, total.failed,
               total.missed, total.waiting);
    if (!total.conserved() || total.planned < arrivals * 99 / 100 || memory.size() < 10) {
        fmt::print("FAILED: the account does not balance\n");
        return 1;
    }
    if (memory.back() > memory[memory.size() / 2] + kAllowedGrowthKb) {
        fmt::print("FAILED: the memory grows\n");
        return 1;
    }
    return 0;
}
