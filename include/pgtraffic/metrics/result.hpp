// A finished run as data: what the reports print and nothing that they would have to compute from a live
// object. The aggregator makes the numbers, the simulation adds what it knows of client, server and plan.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/audit.hpp"
#include "pgtraffic/metrics/connection_search.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/latencies.hpp"
#include "pgtraffic/metrics/outage.hpp"
#include "pgtraffic/metrics/rate_search.hpp"
#include "pgtraffic/metrics/verdict.hpp"

namespace pgtraffic::metrics {

/// How the run ended.
enum class RunOutcome : std::uint8_t {
    completed,         ///< its duration or its number of queries was reached
    interrupted,       ///< SIGINT, SIGTERM, SIGHUP or --stop-file
    failed,            ///< no query succeeded, all connections were lost for good, or invalid under --strict
    threshold_failed,  ///< a threshold was missed, --abort-if ended it, or --audit found rows lost or doubled
};

[[nodiscard]] constexpr std::string_view to_string(RunOutcome outcome) noexcept {
    constexpr std::string_view kNames[] = {"completed", "interrupted", "failed", "threshold_failed"};
    return kNames[static_cast<std::size_t>(outcome)];
}

struct Warning {
    std::string code;     ///< for programs: "empty_updates"
    std::string message;  ///< for people: one sentence
};

// Codes of those that say why a run failed.
inline constexpr const char* kAbortedWarning = "aborted";
inline constexpr const char* kAuditFailedWarning = "audit_failed";

struct StatementResult {
    std::string name;
    std::uint64_t ok = 0;
    std::uint64_t empty = 0;
    std::uint64_t failed = 0;  ///< with those timed out
    std::string sql{};         ///< as the scenario has it
    /// Sent to answered, each time that it was answered without an error, in attempts that failed later, too.
    /// None where it is its operation's only one: the operation has its service, with all attempts in it.
    std::optional<Histogram> service{};
};

struct OperationResult {
    std::string name;
    Counts counts;
    /// Its part of RunResult::succeeded_in_time.
    std::uint64_t succeeded_in_time = 0;
    Latencies latencies;
    base::Nanos longest_in_flight{0};         ///< since it was sent; of those that had no answer by the end
    std::vector<StatementResult> statements;  ///< all of them, in their order

    /// In a run of `duration_s`; 0 where that is none.
    [[nodiscard]] double throughput_per_s(double duration_s) const noexcept {
        return duration_s > 0 ? static_cast<double>(succeeded_in_time) / duration_s : 0;
    }
};

struct PhaseResult {
    std::string name;
    double start_s = 0;
    double duration_s = 0;               ///< as far as the run came
    std::optional<double> planned_mean;  ///< N(end) − N(start), open loop only
    Counts counts;                       ///< planned: as drawn
    Latencies latencies;
};

/// Of queries: those that it ended, and attempts that were followed by another.
struct ErrorResult {
    base::SqlState sqlstate;
    std::uint64_t count = 0;
    std::uint64_t retried = 0;
    double first_at_s = 0;  ///< of either
    std::string sample;     ///< the first message, one line, without secrets; may hold invalid UTF-8
};

struct ClientResult {
    double cpu_user_s = 0;
    double cpu_system_s = 0;
    std::optional<double> cpu_us_per_query;  ///< none where no query ended
    std::optional<double> loop_busy_ratio;
    std::optional<double> run_queue_wait_ratio;  ///< where the kernel has scheduler statistics
    std::int64_t max_rss_bytes = 0;
    std::int64_t context_switches_voluntary = 0;
    std::int64_t context_switches_involuntary = 0;
    double longest_clock_gap_s = 0;
    /// In all, of a closed loop, what was longer than a tenth of a second; a lower bound.
    double stood_still_s = 0;
    /// Longer than any busy machine makes it: this program, or its machine, stood still.
    [[nodiscard]] bool machine_stood_still() const noexcept { return longest_clock_gap_s > kLongClockGap_s; }
    static constexpr double kLongClockGap_s = 1;
    double longest_loop_turn_ms = 0;  ///< from waking up to waiting again: no callback took longer
};

struct NetworkResult {
    std::string method;  ///< in words: "empty query on an idle connection", …
    bool unix_socket = false;
    Histogram idle_rtt;  ///< round trips of an empty query before the load
    Histogram
        tcp_rtt;  ///< the kernel's smoothed round-trip time on live connections; empty over a Unix socket
    // Where every query takes as many round trips as the others, and none of them for others as well.
    std::optional<double> database_ms;    ///< median service − its round trips when idle, not below 0
    std::optional<double> network_ratio;  ///< these round trips / median service, at most 1
};

struct ServerInfo {
    std::string version;  ///< "15.18 (Debian …)"
    int version_num = 0;
    std::string address_kind;  ///< "unix socket", "tcp"
    bool ssl = false;
    int max_connections = 0;
    bool temporary = false;  ///< ours: figures are for trying things out
    std::string host;        ///< name, address or socket directory, as connected to
    std::string address;     ///< IP address; empty over a Unix socket
    std::string port;
    std::string database;
    std::string user;
    bool standby = false;      ///< in recovery
    bool takes_writes = true;  ///< no standby, and not read-only by default
    bool pooler = false;       ///< another backend answers than the one that greeted
    std::optional<std::uint64_t>
        other_sessions;  ///< clients beside us, before the load; none behind a pooler
    std::optional<std::uint64_t> free_connections;  ///< that this user may still make; none behind a pooler
    bool read_only = false;                         ///< the load's sessions could only read
    std::vector<std::pair<std::string, std::string>> settings;
};

struct ClientInfo {
    std::string hostname;
    std::string os;
    std::string kernel;
    std::string cpu_model;
    int cpus = 0;
    std::int64_t memory_bytes = 0;
};

struct ThresholdResult {
    std::string expression;
    std::optional<double> actual;  ///< in the unit of the expression; empty where the run has no such number
    std::string actual_text;
    bool ok = false;
    bool weak = false;      ///< a percentile with fewer than ten queries above it
    bool at_least = false;  ///< how much more it is nobody knows, for want of answers: why it is not ok
};

/// Owns everything; a value.
struct RunResult {
    // run
    std::string id;                                           ///< random, 16 hex digits
    std::string name;                                         ///< of the scenario
    std::vector<std::pair<std::string, std::string>> labels;  ///< that the user gave it; without secrets
    base::Wall started_at;
    base::Wall ended_at;
    RunOutcome outcome = RunOutcome::completed;
    int exit_code = 0;
    std::vector<Warning> warnings;

    // what was asked for
    nlohmann::ordered_json config;  ///< every option resolved, secrets masked
    std::vector<std::string> argv;  ///< masked
    std::uint64_t random_seed = 0;
    bool open_loop = false;
    std::string pattern;         ///< name; empty without
    double peak_rate_per_s = 0;  ///< of a pattern, or a constant one that was found
    /// Of one that was looked for: the lowest that a search found, the lowest that the best one found too
    /// high.
    std::optional<std::pair<double, double>> peak_rate_spread_per_s;
    std::string peak_rate_origin;                       ///< "given", "measured", empty without pattern
    std::optional<RateSearch> rate_search;              ///< where a rate was looked for, as far as it came
    std::optional<ConnectionSearch> connection_search;  ///< likewise, for the number of connections

    // where
    ClientInfo client_info;
    ServerInfo server;
    std::string libpq_version;
    std::string libuv_version;

    // numbers
    double planned_duration_s = 0;
    double duration_s = 0;  ///< measured time: from the first due instant until no more arrivals were let in
    std::uint32_t connections = 0;
    std::uint32_t pipeline = 1;    ///< queries under way on a connection at the same time, at most
    base::Nanos think_time{0};     ///< mean pause of a session before each query; of a closed loop
    base::Nanos chosen_lag{0};     ///< that a query may have because the user wanted fewer wakes
    bool answers_stamped = false;  ///< answers' times are the kernel's, but for one in a hundred at most
    std::uint32_t connections_at_end = 0;
    std::optional<bool> cancel_sent;  ///< for what was under way at the end; none where nothing was
    double disconnected_s = 0;        ///< without any connection when the measured time ended, for so long
    double sessions_away_ratio = 0;  ///< of the sessions' time together, that in which they had no connection
    double connecting_s = 0;         ///< from the first attempt to connect until all connections stood
    std::uint32_t max_tries = 1;     ///< attempts that an operation has at most, the first one included
    std::uint64_t reconnects = 0;
    /// That the warm-up and the search for the peak started before; in no other figure.
    std::uint64_t warmup_queries = 0;
    Counts total;
    Latencies latencies;
    /// Of ok and empty, those that were done within the measured time, whenever they were due: what a warm-up
    /// left under way is among them, what was drained is not.
    std::uint64_t succeeded_in_time = 0;
    /// The backlog at the end of the interval that ends nearest to half-way, for its growth. None of the
    /// second and third quarter: 0 at the start.
    std::uint64_t waiting_at_middle = 0;
    double middle_s = 0;  ///< when that was
    std::vector<OperationResult> operations;
    std::vector<PhaseResult> phases;
    std::vector<ErrorResult> errors;  ///< most frequent first
    std::vector<Outage> outages;      ///< in order
    std::vector<AuditResult> audit;   ///< of --audit, a table each
    std::vector<Interval> intervals;
    std::optional<NetworkResult> network;
    ClientResult client;
    Verdict verdict;
    std::vector<ThresholdResult> thresholds;

    /// The measured time ended without connections, and not just by chance between a loss and the next try.
    [[nodiscard]] bool lost_for_good() const noexcept { return disconnected_s >= 0.5; }

    /// Time in which no query succeeded because of an outage of the whole service.
    [[nodiscard]] base::Nanos without_service() const noexcept {
        double seconds = 0;
        for (const auto& outage : outages) seconds += outage.without_service_s;
        return base::from_seconds(seconds);
    }

    /// Before the planned time was over: by a signal, a condition or a number of queries.
    [[nodiscard]] bool ended_early() const noexcept {
        return planned_duration_s > 0 && duration_s < planned_duration_s - 0.001;
    }

    /// Queries that succeeded per second of measured time; 0 for a run of no length.
    [[nodiscard]] double throughput_per_s() const noexcept {
        return duration_s > 0 ? static_cast<double>(succeeded_in_time) / duration_s : 0;
    }
};

}  // namespace pgtraffic::metrics
