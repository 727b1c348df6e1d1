#include "pgtraffic/simulation/wakes.hpp"

#include <algorithm>
#include <chrono>

#include "pgtraffic/simulation/plan.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using base::Nanos;

namespace {

/// An answer lies at most so long; where nothing is due until then, it is read at once.
constexpr Nanos kLongestUnread = std::chrono::milliseconds{4};
/// And only where fewer than one query in so many is tried again, which begins when its failure was read.
constexpr std::uint64_t kOneTriedAgainIn = 1000;
/// One answer in so many may lack the kernel's time.
constexpr std::uint64_t kOneUnstampedIn = 100;

/// Behind a statement of such an operation none waits.
bool ends_with_first_answer(const workload::Operation& operation) {
    return operation.choose_one || operation.statements.size() == 1;
}

}  // namespace

Wakes::Wakes(const SimulationPlan& plan, const workload::Workload& workload)
    : step_{plan.wake_step},
      wants_stamps_{plan.open_loop() && plan.pipeline == 1},
      may_lie_{wants_stamps_ && std::ranges::all_of(workload.operations(), ends_with_first_answer)} {}

Mono Wakes::reads_at(const Moment& moment) const noexcept {
    const Mono now = moment.now;
    if (moment.in_flight == 0 || moment.waits_for_session || unfinished_ > 0) return now;
    if (step_.count() > 0) return starts_at(now);
    if (!may_lie_ || !last_stamped_ || !moment.all_connected ||
        tried_again_ * kOneTriedAgainIn > moment.started)
        return now;
    return moment.next_due <= std::min(now + kLongestUnread, moment.stage_end) ? moment.next_due : now;
}

Mono Wakes::starts_at(Mono due) const noexcept {
    if (step_.count() == 0 || due == Mono::max()) return due;
    return Mono{(due.time_since_epoch() + step_ - Nanos{1}) / step_ * step_};
}

bool Wakes::timed_by_kernel() const noexcept {
    // Between two steps a long answer fills what the kernel has room for, and its last byte is late.
    if (any_long_ && step_.count() > 0) return false;
    return stamped_ > 0 && unstamped_ * kOneUnstampedIn <= stamped_;
}

}  // namespace pgtraffic::simulation
