// What a run writes: stream and log of queries while it lasts, the reports when it is over. Every file is
// opened before the load, so that one that cannot be written costs nothing.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/report/output_file.hpp"
#include "pgtraffic/report/query_log.hpp"
#include "pgtraffic/report/stream_file.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {

/// Neither copies nor moves. Refers to the options, which outlive it.
class RunFiles {
 public:
    /// Opens what the options name. The log of queries takes its names from `scenario`, and where it is a
    /// sample its draws from `seed`. Throws base::Error.
    RunFiles(const RunOptions& options, const workload::Scenario& scenario, std::uint64_t seed);

    /// There is a --stream.
    [[nodiscard]] bool streams() const noexcept { return stream_.has_value(); }
    void stream(std::span<const metrics::Interval> intervals, base::Wall started_at, bool open_loop);
    /// Null without --query-log.
    [[nodiscard]] report::QueryLog* query_log() noexcept { return query_log_ ? &*query_log_ : nullptr; }
    /// Nothing more is written while it lasts. What ended early becomes a warning of `result`.
    void end_streams(metrics::RunResult& result);

    /// The reports, on the standard streams, too. Throws base::Error.
    void write_reports(const metrics::RunResult& result);

 private:
    const RunOptions& options_;
    std::optional<report::OutputFile> json_;
    std::optional<report::StreamFile> stream_;
    std::optional<report::QueryLog> query_log_;
    std::optional<report::OutputFile> csv_;
    std::optional<report::OutputFile> hdr_log_;
    std::optional<report::OutputFile> html_;
};

}  // namespace pgtraffic::cli
