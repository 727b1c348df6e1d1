// What a run writes: the stream while it lasts, the reports when it is over. Every file is opened before the
// load, so that one that cannot be written costs nothing.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/report/output_file.hpp"
#include "pgtraffic/report/stream_file.hpp"

namespace pgtraffic::cli {

/// Neither copies nor moves. Refers to the options, which outlive it.
class RunFiles {
 public:
    /// Opens what the options name. Throws base::Error.
    explicit RunFiles(const RunOptions& options);

    /// There is a --stream.
    [[nodiscard]] bool streams() const noexcept { return stream_.has_value(); }
    void stream(std::span<const metrics::Interval> intervals, base::Wall started_at, bool open_loop);
    /// Nothing more is streamed. A stream that ended early becomes a warning of `result`.
    void end_stream(metrics::RunResult& result);

    /// The reports, on the standard streams, too. Throws base::Error.
    void write_reports(const metrics::RunResult& result);

 private:
    const RunOptions& options_;
    std::optional<report::OutputFile> json_;
    std::optional<report::StreamFile> stream_;
    std::optional<report::OutputFile> csv_;
    std::optional<report::OutputFile> hdr_log_;
    std::optional<report::OutputFile> html_;
};

}  // namespace pgtraffic::cli
