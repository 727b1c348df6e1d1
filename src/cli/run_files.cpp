#include "pgtraffic/cli/run_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/warn.hpp"
#include "pgtraffic/report/csv.hpp"
#include "pgtraffic/report/hdr.hpp"
#include "pgtraffic/report/html.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/pgbench.hpp"
#include "pgtraffic/report/text.hpp"

namespace pgtraffic::cli {
namespace {

/// What a disk had no room for it has room for again, for those behind it.
void write_whole(std::optional<report::OutputFile>& file, const std::string& text) {
    try {
        file->write(text);
        file->commit();
    } catch (...) {
        file.reset();
        throw;
    }
}

/// The report for people, or for programs that read pgbench's.
void print_text(const metrics::RunResult& result, const RunOptions& options) {
    const bool as_pgbench = options.format == Format::pgbench;
    const auto text = as_pgbench
                          ? report::pgbench_report(result)
                          : report::text_report(result, text_style(options.color, options.report_to_stderr));
    write_report(text, options.report_to_stderr);
    if (as_pgbench) write_stderr(report::pgbench_warnings(result));
}

std::vector<report::QueryLog::Operation> names(const workload::Scenario& scenario) {
    std::vector<report::QueryLog::Operation> names;
    for (const auto& operation : scenario.operations) {
        auto& named = names.emplace_back();
        named.name = operation.name;
        for (const auto& statement : operation.statements) named.statements.push_back(statement.name);
    }
    return names;
}

}  // namespace

RunFiles::RunFiles(const RunOptions& options, const workload::Scenario& scenario, std::uint64_t seed)
    : options_{options} {
    if (options.json) json_.emplace("--json", *options.json);
    if (options.stream) stream_.emplace("--stream", *options.stream);
    if (options.query_log)
        query_log_.emplace(*options.query_log, names(scenario),
                           report::QueryLog::Sample{options.sampling_rate, seed});
    if (options.csv) csv_.emplace("--csv", *options.csv);
    if (options.hdr_log) hdr_log_.emplace("--hdr-log", *options.hdr_log);
    if (options.html) html_.emplace("--html", *options.html);
}

void RunFiles::stream(std::span<const metrics::Interval> intervals, base::Wall started_at, bool open_loop) {
    for (const auto& interval : intervals) {
        stream_->write(report::json_line(report::interval_json(interval, started_at, open_loop)));
    }
}

void RunFiles::end_streams(metrics::RunResult& result) {
    if (stream_) {
        if (const auto trouble = stream_->finish(); !trouble.empty())
            warn(result, "stream_ended", "{}; its last intervals are missing there", trouble);
    }
    if (query_log_) {
        if (const auto trouble = query_log_->finish(); !trouble.empty())
            warn(result, "query_log_ended", "{}; the last queries are missing there", trouble);
    }
}

void RunFiles::write_reports(const metrics::RunResult& result) {
    const bool wants_json = json_ || options_.format == Format::json;
    const auto document = wants_json || html_ ? report::json_report(result) : nlohmann::ordered_json{};
    const auto json = wants_json ? report::json_text(document) : std::string{};
    // A disk that is full takes one report, not those behind it; nor does a defect of ours.
    std::vector<std::string> refused;
    std::exception_ptr defect;
    const auto attempt = [&](const auto& write) {
        try {
            write();
        } catch (const base::Error& error) {
            refused.emplace_back(error.what());
        } catch (const std::exception&) {
            defect = std::current_exception();
        }
    };
    if (json_) attempt([&] { write_whole(json_, json); });
    if (csv_) attempt([&] { write_whole(csv_, report::csv_intervals(result)); });
    if (hdr_log_) attempt([&] { write_whole(hdr_log_, report::hdr_log(result)); });
    if (html_) attempt([&] { write_whole(html_, report::html_report(document)); });
    attempt([&] { options_.format == Format::json ? write_stdout(json) : print_text(result, options_); });
    if (defect) std::rethrow_exception(defect);
    if (!refused.empty()) throw base::Error(fmt::format("{}", fmt::join(refused, "\n")));
}

}  // namespace pgtraffic::cli
