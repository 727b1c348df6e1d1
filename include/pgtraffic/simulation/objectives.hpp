// The thresholds by which a search for a rate judges its steps: those that too high a rate breaks. Whether
// they are met is asked of the figures of one step, as at the end it is asked of the run's. It keeps these
// figures where there are no thresholds, too.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::simulation {

/// A value of some hundred kB an operation.
class Objectives {
 public:
    Objectives() = default;
    /// Of `thresholds` the upper limits of response, service and failed_ratio and the lower ones of
    /// success_ratio; all others, such as a throughput that shall be reached, are left to the run's end.
    Objectives(std::span<const metrics::Threshold> thresholds,
               std::span<const workload::Operation> operations);

    [[nodiscard]] bool empty() const noexcept { return thresholds_.empty(); }
    /// Some of them does.
    [[nodiscard]] bool limit_response() const noexcept;
    /// As they were written: "response.p99 < 20ms and failed_ratio < 1%".
    [[nodiscard]] std::string text() const;
    /// Of the thresholds that were given those that decide nothing here, likewise; empty where all do.
    [[nodiscard]] const std::string& others() const noexcept { return others_; }
    /// So many arrivals have ten queries of its operation for each figure, above a percentile where it is
    /// one; 0 where there is none.
    [[nodiscard]] double arrivals() const noexcept { return arrivals_; }

    /// A query of the present step ended.
    void record(const metrics::Completion& completion) noexcept;
    /// One is still under way at the end of the step, and has taken `so_far` since it was due: its response
    /// is at least that.
    void record_in_flight(const metrics::Completion& query, base::Nanos so_far) noexcept;
    /// Of the present step, of those and of what ended: but for failures, as in Latencies.
    [[nodiscard]] const metrics::Histogram& responses() const noexcept { return step_.latencies.response; }
    /// The step's figures keep every limit; not where it lacks one of them.
    [[nodiscard]] bool met() const;
    /// The next step begins.
    void clear() noexcept;

 private:
    std::vector<metrics::Threshold> thresholds_;
    std::string others_;
    double arrivals_ = 0;
    metrics::RunResult step_;
};

}  // namespace pgtraffic::simulation
