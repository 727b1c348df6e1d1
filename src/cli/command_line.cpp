// Text to values, each with its range. Says what is right in the same breath as what was wrong.
#include "pgtraffic/cli/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/marks.hpp"
#include "pgtraffic/cli/endpoint.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::cli {
namespace {

using base::Nanos;
using namespace std::chrono_literals;

constexpr double kMaxRate = 10'000'000;
constexpr std::uint32_t kMaxConnections = 65535;
/// A search ends where more of them bring no more; a server that gains by so many has cores enough to be
/// told.
constexpr std::uint32_t kMostTriedConnections = 500;
constexpr std::uint64_t kMaxPipeline = 256;
constexpr std::uint64_t kMaxQueries = 1'000'000'000'000;

/// Bounds of a duration, with the words for a message.
struct DurationRange {
    Nanos low;
    Nanos high;
    const char* words;
};
constexpr DurationRange kRunLength{1ms, 24h * 365, "from 1ms to 8760h"};
constexpr DurationRange kWarmup{0ns, 24h, "from 0 to 24h"};
constexpr DurationRange kTimeout{1ms, 1h, "from 1ms to 1h"};  // the server's own has whole milliseconds
constexpr DurationRange kThinkTime{1ms, 1h, "from 1ms to 1h"};
constexpr DurationRange kLatencyLimit{1us, 1h, "from 1us to 1h"};
constexpr DurationRange kAbortWindow{100ms, 24h, "from 100ms to 24h"};
constexpr DurationRange kProgress{100ms, 24h, "from 100ms to 24h"};
constexpr DurationRange kLinger{0ns, 24h * 365, "from 0 to 8760h"};
constexpr DurationRange kWakeStep{1ms, 100ms, "from 1ms to 100ms, nor precise, nor economy"};
// Of --pacing economy: at most 125 wakes a second. Of shorter ones each holds so few queries that the wakes
// cost as much as without steps (docs/performance.md).
constexpr Nanos kEconomyStep = 8ms;
constexpr DurationRange kInterval{100ms, 1h, "from 100ms to 1h"};

bool is_url(std::string_view file) {
    return file.find("://") != std::string_view::npos;
}

/// Options of one command as values. Every accessor throws base::Error that begins with the option's name.
class Reader {
 public:
    Reader(Command command, const std::vector<std::string>& arguments) : options_{command, arguments} {}

    [[nodiscard]] const ParsedOptions& options() const noexcept { return options_; }
    [[nodiscard]] bool given(std::string_view name) const { return options_.given(name); }
    [[nodiscard]] bool flag(std::string_view name) const { return options_.flag(name); }

    [[noreturn]] void refuse(std::string_view name, const std::string& why) const {
        throw base::Error(fmt::format("--{}: {}", name, why));
    }

    /// Two options that contradict each other.
    void refuse_both(std::string_view name, std::string_view other, std::string_view why) const {
        const auto on = [&](std::string_view option) {
            return given(option) && (!options_.row(option).is_flag() || flag(option));
        };
        if (on(name) && on(other)) refuse(name, fmt::format("cannot go with --{}: {}", other, why));
    }

    [[nodiscard]] std::optional<std::string> text(std::string_view name) const {
        auto value = options_.text(name);
        if (value && value->empty())
            refuse(name, fmt::format("its value is empty; give {}", options_.row(name).value));
        return value;
    }

    /// A file's name; a URL here is a slip of the hand, and messages about files would repeat its password.
    [[nodiscard]] std::optional<std::string> file(std::string_view name) const {
        auto value = text(name);
        if (value && is_url(*value)) {
            refuse(name, fmt::format("{} is a URL; give {}", in_quotes(*value), options_.row(name).value));
        }
        return value;
    }

    /// The operands, which are files' names.
    [[nodiscard]] const std::vector<std::string>& files() const {
        for (const auto& file : options_.operands()) {
            if (is_url(file)) throw base::Error(fmt::format("{} is a URL; name a file", in_quotes(file)));
        }
        return options_.operands();
    }

    [[nodiscard]] std::optional<std::uint64_t> count(std::string_view name, std::uint64_t low,
                                                     std::uint64_t high) const {
        const auto value = text(name);
        if (!value) return std::nullopt;
        const auto n = base::parse_count(*value);
        if (!n || *n < low || *n > high) {
            refuse(name, fmt::format("{} is not a whole number from {} to {}", in_quotes(*value), low, high));
        }
        return n;
    }

    /// A number above 0 and at most `high`.
    [[nodiscard]] std::optional<double> positive(std::string_view name, double high) const {
        const auto value = text(name);
        if (!value) return std::nullopt;
        const auto x = base::parse_number(*value);
        if (!x || *x <= 0 || *x > high) {
            refuse(name, fmt::format("{} is not a number above 0, at most {:.0f}", in_quotes(*value), high));
        }
        return x;
    }

    [[nodiscard]] std::optional<Nanos> duration(std::string_view name, const DurationRange& range) const {
        const auto value = text(name);
        if (!value) return std::nullopt;
        const auto d = base::parse_duration(*value);
        if (!d || *d < range.low || *d > range.high) {
            refuse(name,
                   fmt::format("{} is not a duration {}; give seconds (60) or a number with its unit (250ms, "
                               "5m, 1m30s, 1h)",
                               in_quotes(*value), range.words));
        }
        return d;
    }

    /// The same, but seconds are said: where another tool's bare number is milliseconds.
    [[nodiscard]] std::optional<Nanos> duration_with_unit(std::string_view name,
                                                          const DurationRange& range) const {
        const auto d = duration(name, range);
        const auto value = text(name);
        if (d && base::parse_number(*value))
            refuse(name, fmt::format("the unit is missing: {0}ms, or {0}s", *value));
        return d;
    }

    /// One of the words in the option's row.
    [[nodiscard]] std::optional<std::string> word(std::string_view name) const {
        auto value = text(name);
        if (!value) return std::nullopt;
        const auto allowed = allowed_words(options_.row(name));
        for (const auto known : allowed) {
            if (known == *value) return value;
        }
        const auto near = base::nearest_word(*value, allowed);
        refuse(name, fmt::format("{} is not one of {}{}", in_quotes(*value), fmt::join(allowed, ", "),
                                 near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }

 private:
    ParsedOptions options_;
};

void check_ports(const Reader& reader, const std::string& ports) {
    for (std::string_view rest = ports;;) {  // libpq takes a list, one port a host
        const auto port = rest.substr(0, rest.find(','));
        const auto n = base::parse_count(port);
        if (!port.empty() && (!n || *n < 1 || *n > 65535)) {
            reader.refuse("port", fmt::format("{} is not a whole number from 1 to 65535", in_quotes(ports)));
        }
        if (port.size() == rest.size()) return;
        rest.remove_prefix(port.size() + 1);
    }
}

void read_target(const Reader& reader, TargetOptions& target) {
    target.database = reader.text("database-url");
    target.host = reader.text("host");
    target.port = reader.text("port");
    target.user = reader.text("username");
    if (target.port) check_ports(reader, *target.port);
    target.password_command = reader.text("password-command");
}

/// None: "auto", or not given.
std::optional<double> read_rate(const Reader& reader, std::string_view name) {
    const auto text = reader.text(name);
    if (!text || text == "auto") return std::nullopt;
    const bool takes_auto = reader.options().row(name).value == "N|auto";
    if (takes_auto && !base::parse_number(*text))
        reader.refuse(name, fmt::format("{} is neither a number above 0 nor auto", in_quotes(*text)));
    return reader.positive(name, kMaxRate);
}

void read_traffic(const Reader& reader, TrafficOptions& traffic) {
    constexpr auto kOneRate = "one of them says when queries are due";
    reader.refuse_both("rate", "pattern", kOneRate);
    reader.refuse_both("rate", "real-simulation", kOneRate);
    reader.refuse_both("real-simulation", "pattern", "each of them names the pattern");
    reader.refuse_both("rate", "peak-rate", "a peak rate belongs to a pattern");

    traffic.duration = *reader.duration("duration", kRunLength);
    traffic.rate_per_s = read_rate(reader, "rate");
    traffic.find_rate = reader.text("rate") == "auto";
    traffic.peak_rate_per_s = read_rate(reader, "peak-rate");
    traffic.peak_rate_given = reader.given("peak-rate");
    traffic.pattern = reader.file("pattern");
    traffic.real_simulation = reader.flag("real-simulation");
    if (const auto arrivals = reader.word("arrivals")) {
        traffic.arrivals = *arrivals == "uniform" ? traffic::Arrivals::uniform : traffic::Arrivals::poisson;
    }
    traffic.random_seed = reader.count("random-seed", 0, std::numeric_limits<std::uint64_t>::max());
    traffic.scenario = reader.file("scenario");
}

void read_connections(const Reader& reader, RunOptions& run) {
    run.connections_given = reader.given("connections");
    const auto text = *reader.text("connections");
    run.find_connections = text == "auto";
    if (run.find_connections) {
        run.connections = kMostTriedConnections;
        return;
    }
    const auto n = base::parse_count(text);
    if (!n || *n < 1 || *n > kMaxConnections) {
        reader.refuse("connections", fmt::format("{} is neither a whole number from 1 to {} nor auto",
                                                 in_quotes(text), kMaxConnections));
    }
    run.connections = static_cast<std::uint32_t>(*n);
}

void read_workload(const Reader& reader, RunOptions& run) {
    constexpr std::string_view kWhole = "each of them names the whole workload";
    reader.refuse_both("query-type", "scenario", kWhole);
    reader.refuse_both("sql", "scenario", kWhole);
    reader.refuse_both("sql", "query-type", kWhole);
    reader.refuse_both("sql", "mix", "one statement has nothing to mix");
    for (const auto* name : {"scenario", "query-type", "sql"}) reader.refuse_both("file", name, kWhole);
    reader.refuse_both("file", "mix", "scripts have their weights as in FILE@3");
    for (const auto& file : reader.options().texts("file")) {
        if (is_url(file))
            reader.refuse("file", fmt::format("{} is a URL; give FILE[@WEIGHT]", in_quotes(file)));
        run.scripts.push_back(workload::parse_script_file(file));
    }
    for (const auto& definition : reader.options().texts("define")) {
        if (run.scripts.empty()) reader.refuse("define", "has no meaning without --file");
        try {
            workload::define(run.defines, definition);
        } catch (const base::Error&) {
            reader.refuse("define", fmt::format("{} must be NAME=VALUE, the name of letters, digits and _",
                                                in_quotes(definition)));
        }
    }
    run.sql = reader.text("sql");
    run.mix = reader.file("mix");  // no URL, whose password an error would repeat
    run.query_type = reader.word("query-type");
    if (run.mix && run.query_type && run.query_type != "mixed") {
        reader.refuse("mix", fmt::format("--query-type {} has one operation only; leave it out, or say mixed",
                                         *run.query_type));
    }
    if (!run.query_type && !run.scenario && !run.sql && run.scripts.empty())
        run.query_type = run.mix ? "mixed" : "select";

    const auto keys = workload::parse_key_distribution(*reader.word("key-distribution"));
    PGTRAFFIC_CHECK(keys.has_value(), "the table allows a key distribution that the workload does not know");
    run.key_distribution = *keys;
    run.key_distribution_given = reader.given("key-distribution");
    run.prepared = reader.word("protocol") == "prepared";
}

/// Also where one of them is a link to the other, or is spelled otherwise. Devices can be shared.
bool same_file(const std::string& a, const std::string& b) {
    namespace fs = std::filesystem;
    std::error_code none;
    const fs::file_status status = fs::status(a, none);
    if (fs::exists(status) && !fs::is_regular_file(status)) return false;
    const auto place = [&none](const std::string& file) {
        return fs::weakly_canonical(fs::absolute(file, none), none);
    };
    return a == b || place(a) == place(b) || fs::equivalent(a, b, none);
}

void read_conditions(const Reader& reader, RunOptions& run) {
    run.thresholds = reader.options().texts("threshold");
    run.abort_if = reader.options().texts("abort-if");
    if (std::count(run.abort_if.begin(), run.abort_if.end(), "") > 0)
        reader.refuse("abort-if", "its value is empty; give EXPR");
    run.abort_window = *reader.duration("abort-window", kAbortWindow);
    run.strict = reader.flag("strict");
    run.audit = reader.flag("audit");
    if (reader.given("abort-window") && run.abort_if.empty()) {
        reader.refuse("abort-window", "has no meaning without --abort-if");
    }
}

void read_safety(const Reader& reader, RunOptions& run) {
    run.confirm = reader.text("confirm");
    run.max_rows = reader.count("max-rows", 1, kMaxQueries);
    run.stop_file = reader.file("stop-file");
}

/// KEY may be a label of Prometheus's as well, whose names have letters, digits and _.
void read_labels(const Reader& reader, RunOptions& run) {
    constexpr std::size_t kLongestKey = 60;
    constexpr std::size_t kLongestValue = 200;
    for (const auto& label : reader.options().texts("label")) {
        const auto equals = std::min(label.find('='), label.size());
        auto key = label.substr(0, equals);
        const bool is_name =
            !key.empty() && !base::is_digit(key.front()) &&
            std::ranges::all_of(key, [](char c) { return base::is_letter(c) || base::is_digit(c); });
        if (!is_name || key.size() > kLongestKey || equals == label.size()) {
            reader.refuse("label", fmt::format("{} must be KEY=VALUE, the key of letters, digits and _",
                                               in_quotes(label)));
        }
        auto value = label.substr(equals + 1);
        if (value.size() > kLongestValue)
            reader.refuse("label",
                          fmt::format("the value of {} is longer than {} bytes", key, kLongestValue));
        if (std::ranges::any_of(run.labels, [&](const auto& other) { return other.first == key; }))
            reader.refuse("label", fmt::format("{} is given twice", key));
        run.labels.emplace_back(std::move(key), std::move(value));
    }
}

/// The outputs beside the report. At most one of them has stdout, and then no report may have it.
void read_series(const Reader& reader, RunOptions& run) {
    run.interval = *reader.duration("interval", kInterval);
    if (run.interval % 1ms != Nanos{0}) {
        reader.refuse("interval", fmt::format("{} is not a whole number of milliseconds",
                                              in_quotes(*reader.text("interval"))));
    }
    read_labels(reader, run);
    run.stream = reader.file("stream");
    run.query_log = reader.file("query-log");
    run.sampling_rate = reader.positive("sampling-rate", 1).value_or(1);
    if (!run.query_log && reader.given("sampling-rate"))
        reader.refuse("sampling-rate",
                      "it is the part of the queries that --query-log FILE writes; give both");
    run.csv = reader.file("csv");
    run.hdr_log = reader.file("hdr-log");
    run.html = reader.file("html");

    std::string on_stdout;
    if (run.format == Format::json) on_stdout = reader.given("json") && !run.json ? "json" : "format json";
    for (const auto& [name, file] :
         {std::pair{"stream", run.stream}, std::pair{"query-log", run.query_log}, std::pair{"csv", run.csv},
          std::pair{"hdr-log", run.hdr_log}, std::pair{"html", run.html}}) {
        if (!file) continue;
        if (*file == "-") {
            if (!on_stdout.empty()) {
                reader.refuse(
                    name, fmt::format("cannot go to stdout with --{}, which writes there too; give a file",
                                      on_stdout));
            }
            on_stdout = name;
            run.report_to_stderr = true;
        }
    }
}

/// What is written must be neither read nor written by another option.
void refuse_shared_files(const Reader& reader, const RunOptions& run) {
    std::vector<std::pair<std::string_view, std::string>> files;
    for (const auto& [name, file] : {std::pair{"scenario", run.scenario}, std::pair{"pattern", run.pattern},
                                     std::pair{"stop-file", run.stop_file}}) {
        if (file) files.emplace_back(name, *file);
    }
    for (const auto& script : run.scripts) files.emplace_back("file", script.path);
    for (const auto& [name, file] :
         {std::pair{"json", run.json}, std::pair{"stream", run.stream}, std::pair{"query-log", run.query_log},
          std::pair{"csv", run.csv}, std::pair{"hdr-log", run.hdr_log}, std::pair{"html", run.html}}) {
        if (!file || *file == "-") continue;
        for (const auto& [other, theirs] : files) {
            if (same_file(*file, theirs)) {
                reader.refuse(name, fmt::format("{} is the file of --{}, too; name another one",
                                                in_quotes(*file), other));
            }
        }
        files.emplace_back(name, *file);
    }
}

std::optional<Nanos> read_pacing(const Reader& reader) {
    const auto pacing = reader.text("pacing");
    if (pacing == "precise") return Nanos{0};
    if (pacing == "economy") return kEconomyStep;
    return reader.duration("pacing", kWakeStep);
}

Color read_color(const Reader& reader) {
    const auto color = reader.word("color");
    return color == "always" ? Color::always : color == "never" ? Color::never : Color::automatic;
}

void read_output(const Reader& reader, RunOptions& run) {
    run.progress = reader.duration("progress", kProgress);
    if (reader.flag("disable-logging") && run.progress)
        reader.refuse("progress", "cannot be shown with --disable-logging");
    if (reader.text("live") == "off" && run.progress)
        reader.refuse("progress", "cannot be shown with --live off");
    run.disable_logging = reader.flag("disable-logging");
    run.json = reader.file("json");
    const auto format = *reader.word("format");
    run.format = format == "json" ? Format::json : format == "pgbench" ? Format::pgbench : Format::text;
    if (run.json == "-") {
        if (reader.given("format") && run.format != Format::json) {
            reader.refuse("json", fmt::format("cannot go to stdout with --format {}, which writes there too; "
                                              "give a file",
                                              format));
        }
        run.format = Format::json;
        run.json.reset();
    }
    const auto live = reader.word("live");
    run.live = live == "panel" ? Live::panel : live == "off" ? Live::off : Live::line;
    if (run.disable_logging && reader.given("live") && run.live != Live::off)
        reader.refuse("live", "cannot be shown with --disable-logging");
    if (const auto listen = reader.text("listen")) run.listen = parse_listen(*listen);
    if (run.disable_logging && run.listen && run.listen->port == 0)
        reader.refuse("listen", "takes a free port, and --disable-logging keeps back which: name one");
    run.linger = reader.duration("linger", kLinger);
    if (run.linger && !run.listen) reader.refuse("linger", "has no meaning without --listen");
    run.color = read_color(reader);
}

}  // namespace

std::int64_t RunOptions::steps_per_interval() const noexcept {
    const Nanos longest = std::min<Nanos>(500ms, progress.value_or(500ms));
    auto steps = (interval + longest - 1ns) / longest;
    while (interval.count() % steps != 0) ++steps;  // not far: it is whole milliseconds
    return steps;
}

Nanos RunOptions::whole_abort_window() const noexcept {
    return (abort_window + step() - 1ns) / step() * step();
}

RunOptions read_run_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::run, arguments};
    RunOptions run;
    read_target(reader, run);
    read_traffic(reader, run);
    read_workload(reader, run);
    read_output(reader, run);
    read_series(reader, run);
    read_conditions(reader, run);
    read_safety(reader, run);
    refuse_shared_files(reader, run);

    read_connections(reader, run);
    run.pipeline = static_cast<std::uint32_t>(*reader.count("pipeline", 1, kMaxPipeline));
    run.last_freed_first = reader.word("session-order") == "lifo";
    run.wake_step = read_pacing(reader);
    run.total_queries = reader.count("total-queries", 1, kMaxQueries);
    run.duration_only = reader.flag("duration-only");
    run.warmup = *reader.duration("warmup", kWarmup);
    run.measure_network = reader.flag("measure-network");
    run.timeout = reader.duration("timeout", kTimeout);
    run.think_time = reader.duration("think-time", kThinkTime);
    run.latency_limit = reader.duration_with_unit("latency-limit", kLatencyLimit);
    if (run.latency_limit && run.wake_step > run.latency_limit) {
        reader.refuse("pacing", fmt::format("queries start up to {} late, and --latency-limit {} would skip "
                                            "those that are later than that: give a shorter step",
                                            base::format_duration(*run.wake_step),
                                            base::format_duration(*run.latency_limit)));
    }

    run.ephemeral = reader.flag("ephemeral");
    run.unsafe_fast = reader.flag("unsafe-fast");
    run.scale = *reader.positive("scale", 1000);
    run.scale_given = reader.given("scale");
    for (const auto* name : {"database-url", "host", "port", "username", "password-command"}) {
        reader.refuse_both("ephemeral", name, "the temporary server is the database");
    }
    run.resolved = reader.options().resolved();
    for (auto& [name, value] : run.resolved) {
        value =
            reader.options().row(name).secret ? std::string{postgres::kMask} : postgres::mask_argument(value);
    }
    return run;
}

InitOptions read_init_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::init, arguments};
    InitOptions init;
    read_target(reader, init);
    init.scale = *reader.positive("scale", 1000);
    init.random_seed = *reader.count("random-seed", 0, std::numeric_limits<std::uint64_t>::max());
    init.reset = reader.flag("reset");
    init.confirm = reader.text("confirm");
    return init;
}

CleanupOptions read_cleanup_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::cleanup, arguments};
    CleanupOptions cleanup;
    read_target(reader, cleanup);
    cleanup.run = reader.text("run");
    if (cleanup.run && !brickhouse::is_run_id(*cleanup.run)) {
        reader.refuse("run", fmt::format("{} is not the id of a run: 16 digits and letters a to f, as the "
                                         "report and run.id of its JSON show it",
                                         in_quotes(*cleanup.run)));
    }
    return cleanup;
}

TrafficOptions read_plan_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::plan, arguments};
    TrafficOptions plan;
    for (const auto* name : {"rate", "peak-rate"}) {
        if (reader.text(name) == "auto")
            reader.refuse(name, "auto measures a server, and a plan has none; give queries a second");
    }
    read_traffic(reader, plan);
    return plan;
}

std::string read_show_name(const std::vector<std::string>& arguments) {
    const ParsedOptions options{Command::show, arguments};
    if (options.operands().empty()) {
        throw base::Error("show: say which scenario or pattern; `pgtraffic list` names them");
    }
    return options.operands().front();
}

ReportOptions read_report_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::report, arguments};
    const auto& files = reader.files();
    if (files.empty())
        throw base::Error("report: name the result, a file that `pgtraffic run --json FILE` wrote");
    const auto html = reader.file("html");
    if (!html) throw base::Error("report: --html FILE says where the page goes; - is standard output");
    if (*html != "-" && same_file(*html, files.front()))
        reader.refuse("html", "that is the result itself; name another file");
    return {files.front(), *html};
}

/// Without the word "vs" each result stands for itself; with it, what stands on one side of it is a group.
std::vector<std::vector<std::string>> read_groups(const std::vector<std::string>& words) {
    constexpr std::size_t kMostGroups = 20;
    constexpr std::size_t kMostResults = 100;
    std::vector<std::vector<std::string>> groups(1);
    const bool sides = std::find(words.begin(), words.end(), "vs") != words.end();
    for (const auto& word : words) {
        if (word == "vs" || (!sides && !groups.back().empty())) groups.emplace_back();
        if (word != "vs") groups.back().push_back(word);
    }
    const auto [least, most] = std::minmax_element(
        groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    if (least->empty() && sides) throw base::Error("compare: name results on both sides of vs");
    if (groups.size() < 2)
        throw base::Error(
            "compare: name at least two results, the base first; `pgtraffic run --json FILE` writes one");
    if (least->size() == 1 && most->size() > 1)
        throw base::Error(
            "compare: one run beside a group of several says nothing of how its like differ; name at least "
            "two on each side of vs");
    if (groups.size() > kMostGroups)
        throw base::Error(fmt::format("compare: at most {} fit beside one another", kMostGroups));
    if (words.size() - static_cast<std::size_t>(std::ranges::count(words, "vs")) > kMostResults)
        throw base::Error(fmt::format("compare: at most {} results can be compared", kMostResults));
    return groups;
}

CompareOptions read_compare_options(const std::vector<std::string>& arguments) {
    const Reader reader{Command::compare, arguments};
    CompareOptions compare;
    const auto& files = reader.files();
    compare.results = read_groups(files);
    compare.html = reader.file("html");
    compare.format = reader.word("format") == "json" ? Format::json : Format::text;
    compare.fail_if = reader.options().texts("fail-if");
    compare.anyway = reader.flag("anyway");
    compare.color = read_color(reader);
    if (std::count(files.begin(), files.end(), "-") > 1)
        throw base::Error("compare: - is standard input, which holds one result; name files for the others");
    if (!compare.html) return compare;
    compare.text_to_stderr = *compare.html == "-";
    if (compare.text_to_stderr && compare.format == Format::json)
        reader.refuse("html", "cannot go to stdout with --format json, which writes there too; give a file");
    for (const auto& result : files) {
        if (*compare.html != "-" && same_file(result, *compare.html))
            reader.refuse("html", "that is one of the results; name another file");
    }
    return compare;
}

void read_list_options(const std::vector<std::string>& arguments) {
    [[maybe_unused]] const ParsedOptions none{Command::list, arguments};
}

}  // namespace pgtraffic::cli
