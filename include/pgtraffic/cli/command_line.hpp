// A command line as plain values: numbers instead of text, every value within its range, no two options that
// contradict each other. What can only be said with a file or a server at hand is not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/http_server.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"
#include "pgtraffic/workload/key_distribution.hpp"
#include "pgtraffic/workload/pgbench_script.hpp"

namespace pgtraffic::cli {

/// Which database, as far as the options say.
struct TargetOptions {
    std::optional<std::string> database;  ///< URL, conninfo string or database name
    std::optional<std::string> host;
    std::optional<std::string> port;
    std::optional<std::string> user;

    std::optional<std::string> password_command;  ///< a shell's, not part of any()

    [[nodiscard]] bool any() const noexcept { return database || host || port || user; }
};

/// When queries are due, as far as the options say.
struct TrafficOptions {
    base::Nanos duration{};
    std::optional<double> rate_per_s;
    bool find_rate = false;                 ///< --rate auto
    std::optional<double> peak_rate_per_s;  ///< none: "auto", or not given (peak_rate_given tells)
    bool peak_rate_given = false;
    std::optional<std::string> pattern;  ///< name or file
    bool real_simulation = false;
    std::optional<traffic::Arrivals> arrivals;
    std::optional<std::uint64_t> random_seed;
    std::optional<std::string> scenario;  ///< file
};

enum class Live : std::uint8_t { off, line, panel };
enum class Format : std::uint8_t { text, json, pgbench };
enum class Color : std::uint8_t { automatic, always, never };

struct RunOptions : TargetOptions, TrafficOptions {
    std::uint32_t connections = 100;
    bool find_connections = false;              ///< --connections auto: they are the most to try then
    bool connections_given = false;             ///< else a scenario's number counts; see RunChoice
    std::optional<std::string> sql;             ///< the workload's only statement
    std::vector<workload::ScriptFile> scripts;  ///< of pgbench's, as the workload
    workload::ScriptVariables defines;          ///< for these
    std::optional<std::string> query_type;  ///< built-in scenario; none where `scenario` or `sql` is given
    std::optional<std::string> mix;
    std::optional<std::uint64_t> total_queries;
    bool duration_only = false;
    base::Nanos warmup{};
    bool measure_network = false;
    bool disable_logging = false;
    workload::KeyDistribution key_distribution = workload::KeyDistribution::uniform;
    bool key_distribution_given = false;
    bool prepared = false;  ///< --protocol prepared
    std::uint32_t pipeline = 1;
    bool last_freed_first = false;  ///< --session-order lifo
    std::optional<base::Nanos> think_time;
    std::optional<base::Nanos> wake_step;  ///< --pacing; 0: precise; none: not given
    std::optional<base::Nanos> timeout;
    std::optional<base::Nanos> latency_limit;
    std::vector<std::string> thresholds;  ///< expressions, not read yet: their words depend on the scenario
    std::vector<std::string> abort_if;
    base::Nanos abort_window{};
    bool strict = false;
    bool audit = false;
    std::optional<std::string> confirm;  ///< the database that may be written to, whoever made its tables
    std::optional<std::uint64_t> max_rows;
    std::optional<std::string> stop_file;
    std::optional<base::Nanos> progress;
    std::vector<std::pair<std::string, std::string>> labels;
    std::optional<std::string> json;    ///< a file; "--json -" is format json
    Format format = Format::text;       ///< of the report
    base::Nanos interval{};             ///< of the time series; whole milliseconds
    std::optional<std::string> stream;  ///< file, or "-" for stdout, as are the next four
    std::optional<std::string> query_log;
    double sampling_rate = 1;  ///< of the log of queries
    std::optional<std::string> csv;
    std::optional<std::string> hdr_log;
    std::optional<std::string> html;
    bool report_to_stderr = false;  ///< one of the five has stdout
    Color color = Color::automatic;
    Live live = Live::line;
    std::optional<event_loop::HttpAddress> listen;
    std::optional<base::Nanos> linger;
    bool ephemeral = false;
    bool unsafe_fast = false;
    double scale = 1;          ///< of the temporary server's data
    bool scale_given = false;  ///< with a target it would mean nothing

    /// Every option that has a value, in the table's order, passwords masked.
    std::vector<std::pair<std::string, std::string>> resolved;

    /// The steps that an interval of the time series consists of. Progress, --abort-if and the watch for a
    /// machine that stands still have a rhythm of their own, of half a second at most, however long the
    /// intervals.
    [[nodiscard]] std::int64_t steps_per_interval() const noexcept;
    [[nodiscard]] base::Nanos step() const noexcept { return interval / steps_per_interval(); }
    /// What --abort-if looks at: --abort-window in whole steps.
    [[nodiscard]] base::Nanos whole_abort_window() const noexcept;
};

struct InitOptions : TargetOptions {
    double scale = 1;
    std::uint64_t random_seed = 1;
    bool reset = false;
    std::optional<std::string> confirm;
};

struct CleanupOptions : TargetOptions {
    std::optional<std::string> run;  ///< remove what this run placed instead of what init made
};

struct ReportOptions {
    std::string result;  ///< file
    std::string html;    ///< file, or "-" for stdout
};

struct CompareOptions {
    std::vector<std::vector<std::string>> results;  ///< groups of files, the base first; at least two
    std::optional<std::string> html;
    Format format = Format::text;
    std::vector<std::string> fail_if;  ///< expressions, not read yet: their words depend on the results
    bool anyway = false;
    bool text_to_stderr = false;  ///< the page has stdout
    Color color = Color::automatic;
};

// Each reads the arguments behind its command's name and throws base::Error "--option: what was wrong; what
// would be right".

[[nodiscard]] RunOptions read_run_options(const std::vector<std::string>& arguments);
[[nodiscard]] InitOptions read_init_options(const std::vector<std::string>& arguments);
[[nodiscard]] CleanupOptions read_cleanup_options(const std::vector<std::string>& arguments);
[[nodiscard]] TrafficOptions read_plan_options(const std::vector<std::string>& arguments);
[[nodiscard]] std::string read_show_name(const std::vector<std::string>& arguments);
[[nodiscard]] ReportOptions read_report_options(const std::vector<std::string>& arguments);
[[nodiscard]] CompareOptions read_compare_options(const std::vector<std::string>& arguments);
void read_list_options(const std::vector<std::string>& arguments);

}  // namespace pgtraffic::cli
