// The commands. Each composes what it needs and returns the exit code; each throws base::Error where it
// cannot start. Only main() calls them.
#pragma once

#include <string>
#include <vector>

#include "pgtraffic/cli/command_line.hpp"

namespace pgtraffic::cli {

/// Exit code where all went well but what was measured: a threshold, --abort-if, --audit, --fail-if.
inline constexpr int kConditionFailed = 99;

/// `argv` is the whole command line as typed; it may hold a password.
[[nodiscard]] int run_command(const RunOptions& options, const std::vector<std::string>& argv);
[[nodiscard]] int init_command(const InitOptions& options);
[[nodiscard]] int cleanup_command(const CleanupOptions& options);
[[nodiscard]] int plan_command(const TrafficOptions& options);
[[nodiscard]] int list_command();
[[nodiscard]] int show_command(const std::string& name);
[[nodiscard]] int report_command(const ReportOptions& options);
[[nodiscard]] int compare_command(const CompareOptions& options);

}  // namespace pgtraffic::cli
