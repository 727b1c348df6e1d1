#include "pgtraffic/cli/run_judgement.hpp"

#include <algorithm>
#include <csignal>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/warn.hpp"
#include "pgtraffic/metrics/verdict.hpp"

namespace pgtraffic::cli {

using metrics::RunOutcome;

void judge_run(metrics::RunResult& result, const RunOptions& options, const RunChoice& choice,
               const simulation::SimulationEnd& end) {
    result.verdict = metrics::judge(result);
    for (const auto& threshold : choice.thresholds) {
        result.thresholds.push_back(metrics::evaluate(threshold, result));
    }
    const bool missed = std::any_of(result.thresholds.begin(), result.thresholds.end(),
                                    [](const auto& threshold) { return !threshold.ok; });
    const bool unsound = std::any_of(result.audit.begin(), result.audit.end(),
                                     [](const auto& table) { return !table.sound(); });
    const bool unaudited = options.audit && result.audit.empty();  // a warning says why
    const bool nothing_succeeded = result.total.succeeded() == 0;
    const bool refused = options.strict && result.verdict.status == metrics::VerdictStatus::invalid;
    if (refused) {
        warn(result, "strict", "the verdict is invalid, which --strict takes for a failure");
    }
    if (end.condition) {
        warn(result, metrics::kAbortedWarning,
             "stopped by --abort-if after {:.1f} s of {:.1f} s: {} was true over {} ({})", result.duration_s,
             result.planned_duration_s, end.condition->expression,
             base::format_duration(options.whole_abort_window()), end.condition->actual_text);
    }
    if (end.rows_used_up) {
        warn(result, "max_rows",
             "ended by --max-rows after {:.1f} s of {:.1f} s: another insert could have exceeded "
             "{}, counted from the warm-up on",
             result.duration_s, result.planned_duration_s, base::counted(*options.max_rows, "row", "rows"));
    }
    if (end.stop_file && end.signal == 0) {
        warn(result, "stop_file", "stopped by --stop-file after {:.1f} s of {:.1f} s", result.duration_s,
             result.planned_duration_s);
        result.outcome = RunOutcome::interrupted;
        result.exit_code = 128 + SIGINT;
    } else if (end.signal != 0) {
        result.outcome = RunOutcome::interrupted;
        result.exit_code = 128 + end.signal;
    } else if (nothing_succeeded || result.lost_for_good() || refused) {
        result.outcome = RunOutcome::failed;
        result.exit_code = 2;
    } else if (missed || end.condition || unsound || unaudited) {
        result.outcome = RunOutcome::threshold_failed;
        result.exit_code = kConditionFailed;
    }
}

}  // namespace pgtraffic::cli
