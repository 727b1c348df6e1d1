// A run's schedule without a database: the same schedule and the same draws as the run with this seed.
#include "pgtraffic/report/plan.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/choices.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/output.hpp"

namespace pgtraffic::cli {
namespace {

/// Drawing a billion arrivals takes about a minute; nobody waits longer for a table.
constexpr double kMostArrivals = 1e9;

traffic::PhaseScheduler make_schedule(const TrafficOptions& options, const TrafficChoice& choice,
                                      std::uint64_t seed) {
    if (choice.rate_per_s) return traffic::PhaseScheduler::constant(*choice.rate_per_s, options.duration);
    if (!choice.pattern) {
        throw base::Error(
            "plan: a closed loop has no schedule; give --rate N, or --pattern NAME (or --real-simulation) "
            "and --peak-rate N");
    }
    if (!choice.peak_rate_per_s) {
        throw base::Error(
            "plan: --peak-rate N is missing: the queries a second at the pattern's 100 %, which only a run "
            "can measure");
    }
    return traffic::PhaseScheduler::follow(*choice.pattern, *choice.peak_rate_per_s, options.duration, seed);
}

/// A terminal's, else that of the text report. A curve wider than a hundred columns says no more.
int page_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return std::min<int>(size.ws_col, 100);
}

}  // namespace

int plan_command(const TrafficOptions& options) {
    std::optional<workload::Scenario> scenario;
    if (options.scenario) scenario = scenario_of_file(*options.scenario);
    const auto choice = choose_traffic(options, scenario);
    const auto seed = options.random_seed.value_or(base::entropy() >> 32);
    const auto schedule = make_schedule(options, choice, seed);
    if (schedule.total() > kMostArrivals) {
        throw base::Error(
            fmt::format("plan: {} arrivals are too many to draw; give a shorter --duration or a lower rate",
                        base::with_thousands(schedule.total(), 0)));
    }
    const auto bucket = traffic::TokenBucket::scheduled(schedule, choice.arrivals, base::Mono{}, seed);
    write_stdout(report::plan_text({
        .title = "Traffic plan",
        .pattern = choice.pattern ? choice.pattern->name : "",
        .description = choice.pattern ? choice.pattern->description : "",
        .peak_rate_per_s = choice.pattern ? choice.peak_rate_per_s : std::nullopt,
        .schedule = &schedule,
        .arrivals = choice.arrivals,
        .seed = seed,
        .drawn = traffic::arrivals_per_phase(schedule, bucket),
        .width = page_width(),
    }));
    return 0;
}

}  // namespace pgtraffic::cli
