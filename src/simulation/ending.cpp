#include "pgtraffic/simulation/ending.hpp"

#include <fmt/format.h>

#include "pgtraffic/base/units.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using base::Nanos;
using metrics::Stage;

namespace {

/// Two of the same number within that time are one: timeout(1), say, sends it to the process and then to its
/// group, and who types Ctrl-C twice takes longer.
constexpr Nanos kOneSignal = std::chrono::milliseconds{100};

}  // namespace

Ending::Step Ending::told(int signal, Mono now, Stage stage) noexcept {
    if (stage == Stage::done) return Step::nothing;  // two came at once, and with the first one all was over
    if (last_number_ == signal && now - last_at_ < kOneSignal) return Step::nothing;
    last_number_ = signal;
    last_at_ = now;
    if (signal_ != 0 || hurried_) {
        if (signal_ == 0) signal_ = signal;
        aborted_ = true;
        return Step::abort;
    }
    // The load is over by itself, and nobody wants to wait for its last answers.
    if (stage == Stage::draining) {
        hurried_ = true;
        waits_for_answers_ = false;
        if (rehearsal_) signal_ = signal;
        return Step::hurry;
    }
    signal_ = signal;
    return Step::end_load;
}

std::string Ending::waiting_for_answers(Nanos limit, std::uint32_t in_flight) const {
    return fmt::format(
        "waiting at most {} for {} under way{}", base::format_duration(limit),
        base::counted(in_flight, "query", "queries"),
        signal_ != 0 ? "; Ctrl-C again leaves at once, without a report" : "; Ctrl-C ends the wait");
}

std::string Ending::counting_unstarted(std::uint64_t unstarted) const {
    return fmt::format(
        "counting {} queries that were never started; Ctrl-C {} leaves at once, without a report",
        base::with_thousands(unstarted), signal_ != 0 || hurried_ ? "again" : "twice");
}

}  // namespace pgtraffic::simulation
