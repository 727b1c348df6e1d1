#include "pgtraffic/cli/option_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::cli {
namespace {

constexpr std::uint8_t bit(Command command) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(command));
}
constexpr std::uint8_t kRun = bit(Command::run);
constexpr std::uint8_t kInit = bit(Command::init);
constexpr std::uint8_t kPlan = bit(Command::plan);
constexpr std::uint8_t kCleanup = bit(Command::cleanup);
constexpr std::uint8_t kDatabase = kRun | kInit | kCleanup;
constexpr std::uint8_t kReport = bit(Command::report);
constexpr std::uint8_t kCompare = bit(Command::compare);
constexpr std::uint8_t kAll = 0xFF;

constexpr auto kCommands = std::to_array<CommandRow>({
    {Command::run, "run", "", "put load on a database and report (the default command)",
     "pgtraffic                                    try it on a temporary server\n"
     "pgtraffic -d postgresql://app@db/shop -c 50 -T 5m --query-type mixed\n"
     "pgtraffic -d shop -c 50 --rate 500 --arrivals uniform --json result.json\n"
     "pgtraffic -d shop -c 50 --pattern business-hours --peak-rate 2000 -T 1h"},
    {Command::init, "init", "", "create the model's tables and fill them",
     "pgtraffic init -d postgresql://app@db/shop\n"
     "pgtraffic init -d shop --scale 10 --reset"},
    {Command::cleanup, "cleanup", "", "drop what init made, or the orders of one run",
     "pgtraffic cleanup -d shop\n"
     "pgtraffic cleanup -d shop --run 0123456789abcdef"},
    {Command::plan, "plan", "", "print a run's schedule without a database",
     "pgtraffic plan --rate 500 -T 10s\n"
     "pgtraffic plan --pattern business-hours --peak-rate 2000 -T 1h"},
    {Command::list, "list", "", "list the built-in scenarios and traffic patterns", "pgtraffic list"},
    {Command::show, "show", "NAME", "print a built-in scenario or pattern: JSON, with comments",
     "pgtraffic show mixed > my-scenario.json"},
    {Command::report, "report", "FILE", "make the HTML report of a run from its JSON; - is stdin",
     "pgtraffic report result.json --html result.html"},
    {Command::compare, "compare", "FILE...", "compare results, or groups of them: A... vs B...",
     "pgtraffic compare before.json after.json\n"
     "pgtraffic compare a1.json a2.json a3.json vs b1.json b2.json b3.json\n"
     "pgtraffic compare before.json after.json --html compare.html\n"
     "pgtraffic compare main.json branch.json --fail-if 'response.p99>+10%'"},
});
static_assert(kCommands.size() <= std::numeric_limits<decltype(kAll)>::digits, "each has a bit");

constexpr std::string_view kTarget = "Database";
constexpr std::string_view kLoad = "Load";
constexpr std::string_view kTraffic = "Traffic";
constexpr std::string_view kWork = "Workload";
constexpr std::string_view kConditions = "Pass or fail";
constexpr std::string_view kSafety = "Safety";
constexpr std::string_view kOutput = "Output";
constexpr std::string_view kTemporary = "Temporary server";
constexpr std::string_view kData = "Data";
constexpr std::string_view kAbout = "About";

constexpr auto kOptions = std::to_array<OptionRow>({
    {"database-url", 'd', "URL", kTarget,
     "URL, conninfo string or database name; -h, -p and -U add what it leaves out. Without it and -h: the "
     "variable DATABASE_URL, else PGHOST, PGSERVICE and the like. Passwords also from PGPASSWORD and "
     ".pgpass.",
     "", kDatabase},
    {"host", 'h', "HOST", kTarget, "server's name, address or socket directory", "", kDatabase},
    {"port", 'p', "PORT", kTarget, "server's port", "", kDatabase},
    {"username", 'U', "NAME", kTarget, "user to connect as", "", kDatabase},
    {"password-command", 0, "COMMAND", kTarget,
     "a shell command that prints the password, run for each attempt to connect (for tokens that expire; "
     "attempts within a second share one answer). Neither it nor what it prints is shown.",
     "", kDatabase, false, false, true},

    {"connections", 'c', "N|auto", kLoad,
     "connections that run queries at the same time, up to 65535; not named, fewer than the default where "
     "the server has less room. auto: the fewest that reach 95 % of the highest throughput of a closed loop, "
     "which are looked for first",
     "100", kRun},
    {"duration", 'T', "TIME", kLoad, "how long to measure: seconds, or 250ms, 5m, 1m30s, 1h", "60",
     kRun | kPlan},
    {"pipeline", 0, "N", kLoad,
     "queries under way on each connection at the same time, up to 256: for throughput, latencies then hold "
     "the wait behind one another",
     "1", kRun},
    {"total-queries", 't', "N", kLoad,
     "stop after this many queries, if the duration is not over before; those of the warm-up come on top", "",
     kRun},
    {"duration-only", 0, "", kLoad, "run for the duration, whatever --total-queries says", "", kRun},
    {"warmup", 0, "TIME", kLoad, "load before the measurement that does not count", "10", kRun},
    {"timeout", 0, "TIME", kLoad, "give a query up after this time, 1ms to 1h, counted as timed out", "",
     kRun},
    {"think-time", 0, "TIME", kLoad,
     "closed loop: a session pauses before each query, for so long on average (exponential), as users do who "
     "read an answer before they ask again",
     "", kRun},
    {"session-order", 0, "fifo|lifo", kLoad,
     "which free connection goes next: the one free for longest, or the one freed last", "fifo", kRun},

    {"rate", 'R', "N|auto", kTraffic,
     "open loop: N queries due a second; auto: the most at which the thresholds hold, or else the server "
     "keeps up, which is looked for first. A run without it, or a pattern, is a closed loop: each connection "
     "sends its next query as soon as the last one is answered.",
     "", kRun},
    {"rate", 'R', "N", kTraffic, "open loop: N queries due a second", "", kPlan},
    {"pattern", 0, "NAME|FILE", kTraffic,
     "open loop along a pattern; `pgtraffic list` names the built-in ones", "", kRun | kPlan},
    {"real-simulation", 0, "", kTraffic,
     "open loop along the pattern that fits the duration: up to 30 s ecommerce-rush, up to 120 s "
     "business-hours, "
     "longer nightly-batch",
     "", kRun | kPlan},
    {"peak-rate", 0, "N|auto", kTraffic,
     "queries a second at a pattern's 100 %; auto measures it first (default: auto)", "", kRun},
    {"peak-rate", 0, "N", kTraffic, "queries a second at a pattern's 100 %", "", kPlan},
    {"arrivals", 0, "poisson|uniform", kTraffic, "spacing of an open loop's queries (default: poisson)", "",
     kRun | kPlan},
    {"pacing", 0, "precise|economy|TIME", kTraffic,
     "TIME, 1ms to 100ms: wake at multiples of it only, for small clients: queries start up to that late, "
     "which counts, and answers are read up to that late; economy: 8ms (default: precise)",
     "", kRun},
    {"latency-limit", 'L', "TIME", kTraffic,
     "count responses above it as late; an open loop also skips queries that are later than this, counted "
     "as missed",
     "", kRun},

    {"query-type", 0, "select|insert|update|mixed", kWork, "built-in scenario (default: select)", "", kRun},
    {"sql", 0, "SQL", kWork,
     "one statement of your own as the workload; parameters, several statements and weights take a "
     "--scenario",
     "", kRun},
    {"scenario", 0, "FILE|-", kWork,
     "a scenario of your own, - from stdin; `pgtraffic show mixed` prints one to start from", "", kRun},
    {"scenario", 0, "FILE|-", kWork, "plan the traffic of a scenario of your own", "", kPlan},
    {"file", 'f', "FILE[@WEIGHT]", kWork,
     "a script of pgbench's as the workload, - from stdin; several are chosen by weight. Of its commands "
     "there are \\set, \\if and \\gset",
     "", kRun, false, true},
    {"define", 'D', "NAME=VALUE", kWork, "a variable of these scripts; repeatable", "", kRun, false, true},
    {"mix", 0, "NAME=WEIGHT,...", kWork,
     "weights of the operations, such as select=60,insert=25,update=15; alone it implies --query-type mixed",
     "", kRun},
    {"key-distribution", 0, "uniform|zipf|recent", kWork, "which keys are asked for how often", "uniform",
     kRun},
    {"protocol", 'M', "extended|prepared", kWork, "parse each query anew, or prepare once a connection",
     "extended", kRun},
    {"random-seed", 0, "N", kWork, "same seed, same draws (default: a new one each run, printed)", "",
     kRun | kPlan},

    {"scale", 0, "K", kData, "multiply orders and stores by K", "1", kInit},
    {"random-seed", 0, "N", kData, "same seed, same rows, but for their times, which end now", "1", kInit},
    {"reset", 0, "", kData, "first drop tables of the model's names, WHOEVER made them", "", kInit},

    {"threshold", 0, "EXPR", kConditions,
     "a condition that the run must meet, such as response.p99<20ms; exit 99 where it does not. Repeatable; "
     "docs/thresholds.md",
     "", kRun, false, true},
    {"abort-if", 0, "EXPR", kConditions,
     "stop early once this is true over a window, such as failed_ratio>5%; exit 99. Repeatable", "", kRun,
     false, true},
    {"abort-window", 0, "TIME", kConditions, "length of that window, shorter than the run", "10", kRun},
    {"strict", 0, "", kConditions, "exit 2 where the verdict is invalid", "", kRun},
    {"fail-if", 0, "EXPR", kConditions,
     "exit 99 where a figure changed like this against the base: 'response.p99>+10%', 'throughput<-5%'. "
     "Repeatable; docs/compare.md",
     "", kCompare, false, true},
    {"anyway", 0, "", kConditions, "compare runs of different scenarios or loads, too", "", kCompare},
    {"audit", 0, "", kConditions,
     "count the tables before and after, and look for the inserts whose answer was lost; exit 99 where one "
     "that was acknowledged is missing. docs/reliability.md",
     "", kRun},

    {"confirm", 0, "DATABASE", kSafety,
     "allow writes to tables that `pgtraffic init` did not make, on another machine, in the database of this "
     "name. On a terminal it is asked for; docs/safety.md",
     "", kRun},
    {"confirm", 0, "DATABASE", kSafety,
     "allow --reset to drop tables that `pgtraffic init` did not make, on another machine", "", kInit},
    {"max-rows", 0, "N", kSafety,
     "end the run before its inserts have added more rows than this, warm-up included", "", kRun},
    {"stop-file", 0, "FILE", kSafety, "end the run, as Ctrl-C does, once this file exists", "", kRun},
    {"run", 0, "ID", kSafety, "remove the orders that this run placed, and leave the tables", "", kCleanup},

    {"measure-network", 0, "", kOutput, "split latency into network and database", "", kRun},
    {"progress", 'P', "TIME", kOutput, "progress on stderr this often (default: 0.5 on a terminal, else 10)",
     "", kRun},
    {"live", 0, "line|panel|off", kOutput,
     "what moves on a terminal while the run lasts: one line, a panel of a dozen, or nothing", "line", kRun},
    {"listen", 0, "ADDRESS:PORT", kOutput,
     "serve a live page, /metrics for Prometheus and /result.json; a port alone is on loopback. "
     "docs/live.md",
     "", kRun},
    {"linger", 0, "TIME", kOutput, "with --listen: go on serving for so long after the end", "", kRun},
    {"disable-logging", 0, "", kOutput, "print nothing but the final report", "", kRun},
    {"format", 0, "text|json|pgbench", kOutput,
     "what the report on stdout is; pgbench: the lines of its summary, for programs that read them", "text",
     kRun},
    {"json", 0, "FILE", kOutput, "also write the result as JSON; - is stdout, instead of the text", "", kRun},
    {"label", 0, "KEY=VALUE", kOutput,
     "what the result shall say of the run, such as commit=1a2b3c; it stands in every report. Repeatable", "",
     kRun, false, true},
    {"interval", 0, "TIME", kOutput, "length of the time series' intervals, 100ms to 1h", "1", kRun},
    {"stream", 0, "FILE|-", kOutput,
     "write each interval as a line of JSON once it is over and the queries due in it have ended, which "
     "--timeout bounds",
     "", kRun},
    {"query-log", 0, "FILE|-", kOutput,
     "write each query of the measured load as a line of CSV as soon as it has ended; docs/result.md", "",
     kRun},
    {"sampling-rate", 0, "RATE", kOutput,
     "the part of the queries that --query-log writes, such as 0.01 (default: all)", "", kRun},
    {"csv", 0, "FILE|-", kOutput, "write the intervals as CSV at the end", "", kRun},
    {"hdr-log", 0, "FILE|-", kOutput, "write the latencies as a log of HdrHistogram at the end", "", kRun},
    {"html", 0, "FILE|-", kOutput,
     "also write the report as an HTML page, with charts; where one of these five goes to stdout (-), the "
     "report goes to stderr",
     "", kRun},
    {"html", 0, "FILE|-", kOutput, "the page to write; - is stdout", "", kReport},
    {"html", 0, "FILE|-", kOutput, "also write an HTML page with the curves over one another", "", kCompare},
    {"format", 0, "text|json", kOutput, "what the comparison on stdout is", "text", kCompare},
    {"color", 0, "auto|always|never", kOutput, "colour; auto: on a terminal without NO_COLOR", "auto",
     kRun | kCompare},

    {"ephemeral", 0, "", kTemporary,
     "run on a temporary PostgreSQL, also where a database is named in the environment. It is what happens "
     "where none is named at all.",
     "", kRun},
    {"scale", 0, "K", kTemporary, "multiply its orders and stores by K", "1", kRun},
    {"unsafe-fast", 0, "", kTemporary, "switch its fsync off: fast, and no figure to compare", "", kRun},

    {"help", '?', "", kAbout,
     "this text; of one command: pgtraffic COMMAND --help, or pgtraffic help COMMAND", "", kAll, true},
    {"version", 'V', "", kAbout, "the version", "", kAll, true},
});

constexpr auto kExitStatuses = std::to_array<ExitStatusRow>({
    {"0", "ran (the report counts failed queries)"},
    {"1", "could not start, or could not write a report"},
    {"2", "no query succeeded, the run broke off, or --strict and invalid"},
    {"3", "internal error"},
    {"99", "a threshold was missed, --abort-if, --audit, or a --fail-if of compare"},
    {"129, 130, 143", "interrupted"},
});
/// Those of compare, which runs nothing.
constexpr auto kCompareStatuses = std::to_array<ExitStatusRow>({
    {"0", "compared"},
    {"1", "wrong options, a file that is no result, or loads that cannot be compared"},
    {"99", "a --fail-if came true"},
});

}  // namespace

std::span<const CommandRow> command_table() noexcept {
    return kCommands;
}
std::span<const OptionRow> option_table() noexcept {
    return kOptions;
}
std::span<const ExitStatusRow> exit_status_table(Command command) noexcept {
    if (command == Command::run) return kExitStatuses;
    return command == Command::compare ? kCompareStatuses : std::span<const ExitStatusRow>{};
}

std::string described(const OptionRow& row) {
    if (row.fallback.empty()) return std::string{row.help};
    return fmt::format("{} (default: {})", row.help, row.fallback);
}

const CommandRow& row_of(Command command) noexcept {
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [command](const CommandRow& row) { return row.command == command; });
    PGTRAFFIC_CHECK(found != kCommands.end(), "a command without a row");
    return *found;
}

std::vector<std::string_view> value_forms(const OptionRow& row) {
    std::vector<std::string_view> forms;
    for (auto rest = row.value; !rest.empty();) {
        forms.push_back(rest.substr(0, rest.find('|')));
        rest.remove_prefix(std::min(forms.back().size() + 1, rest.size()));
    }
    return forms;
}

bool stands_for_text(std::string_view form) noexcept {
    return std::any_of(form.begin(), form.end(), [](unsigned char c) { return std::isupper(c) != 0; });
}

std::vector<std::string_view> allowed_words(const OptionRow& row) {
    return stands_for_text(row.value) ? std::vector<std::string_view>{} : value_forms(row);
}

const OptionRow* find_option(Command command, std::string_view name) noexcept {
    for (const auto& row : kOptions) {
        if (row.name == name && row.belongs_to(command)) return &row;
    }
    return nullptr;
}

const OptionRow* find_letter(Command command, char letter) noexcept {
    for (const auto& row : kOptions) {
        if (row.letter == letter && row.belongs_to(command) && !row.only_asks) return &row;
    }
    return nullptr;
}

}  // namespace pgtraffic::cli
