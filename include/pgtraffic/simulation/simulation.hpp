// A run from the first connection to the result: connect → warm up → measure → drain. Composes the
// loop and the parts of a run (docs/architecture.md names them), and is the only one that moves from
// stage to stage. What the load is (rate, pattern, closed loop) is data in the plan.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/metrics/aggregator.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/simulation/audit.hpp"
#include "pgtraffic/simulation/session.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

/// When the loop wakes.
enum class Pacing : std::uint8_t {
    precise,  ///< when an arrival is due, and at each answer
    economy,  ///< on whole milliseconds: up to one of lag, counted as such, and answers are read up to one
              ///< late
};
/// Why prepared statements fail behind a pooler, and what to do.
inline constexpr const char* kPoolerPreparedCure =
    "a pooler in transaction mode gives each transaction another connection of the server, which does not "
    "know "
    "what was prepared on this one: use --protocol extended, or a pooler that keeps track of prepared "
    "statements "
    "(PgBouncer 1.21 or later, max_prepared_statements)";

/// What to run against what. Neither a rate nor a pattern: a closed loop.
struct SimulationPlan {
    postgres::Conninfo conninfo;
    std::optional<std::string> password_command;  ///< gives the password of each attempt to connect
    std::uint32_t connections = 100;
    Protocol protocol = Protocol::extended;
    std::uint32_t pipeline = 1;  ///< queries under way on a connection at the same time
    SessionOrder session_order = SessionOrder::fifo;
    Pacing pacing = Pacing::precise;
    bool pooled = false;  ///< a connection is not always the same backend: nothing is set on it
    std::optional<double> rate_per_s;
    std::optional<traffic::Pattern> pattern;
    std::optional<double> peak_rate_per_s;  ///< of the pattern; without: measured in a closed loop before
    traffic::Arrivals arrivals = traffic::Arrivals::poisson;
    base::Nanos duration = std::chrono::seconds{60};
    base::Nanos warmup = std::chrono::seconds{10};
    std::optional<std::uint64_t> total_queries;
    std::optional<std::uint64_t>
        max_rows;                          ///< that operations with an INSERT may add, in all stages together
    std::optional<std::string> stop_file;  ///< once it exists the run ends as after SIGINT
    bool read_only = false;                ///< sessions may only read
    std::optional<base::Nanos> timeout;
    std::optional<base::Nanos> latency_limit;
    bool sample_tcp = false;  ///< the kernel's round-trip times of live connections, into result.network
    std::uint64_t seed = 0;
    base::Nanos interval = std::chrono::seconds{1};  ///< how often to look; at most a second
    std::size_t joined_intervals = 1;                ///< so many make one of the time series
    base::Nanos drain_limit = std::chrono::seconds{5};
    std::vector<metrics::Threshold> abort_if;  ///< of parse_abort_condition; one that is true ends the load
    base::Nanos abort_window = std::chrono::seconds{10};
    base::Nanos progress = std::chrono::seconds{1};  ///< how often to report progress
    AuditLog* audit = nullptr;  ///< told of every query that ends; outlives the run; null: none wanted
};

/// What a progress report is told besides the interval.
struct ProgressState {
    double elapsed_s = 0;
    double duration_s = 0;
    std::uint32_t connected = 0;
    std::uint32_t connections = 0;
    const traffic::PhaseScheduler* schedule = nullptr;  ///< of the measured load; none in a closed loop
    const metrics::Gauges* gauges = nullptr;            ///< of this moment
};

/// Told what happens, on the loop, never on a query's path. Each may be empty.
struct SimulationEvents {
    std::function<void(const std::string&)> stage;  ///< in words: "warming up for 10 s"
    std::function<void(std::uint32_t connected, std::uint32_t of)>
        connecting;  ///< once a second while it lasts
    std::function<void(const metrics::Interval&, const ProgressState&)> progress;
    /// The time series as it grows: each of its intervals once, in order, the last ones at the end of the
    /// run.
    std::function<void(std::span<const metrics::Interval>)> intervals_closed;
    /// The run as it stands: at each tick, a second or a fraction apart, and when nothing will change any
    /// more.
    std::function<void(const metrics::LiveMoment&)> moment;
};

/// How the run came to its end, beyond what RunResult tells.
struct SimulationEnd {
    int signal = 0;                                     ///< the first signal that ended it, or 0
    bool aborted = false;                               ///< a second one came: no report is wanted
    std::optional<metrics::ThresholdResult> condition;  ///< of `abort_if`, that ended the load early
    bool stop_file = false;                             ///< it appeared
    bool rows_used_up = false;                          ///< `max_rows` ended the load early
};

/// Runs `plan` to its end in `loop`, where others may have callbacks, and fills the measured part of
/// `result`. Throws base::Error where the connections could not be made, saying how many were and why the
/// rest were not.
SimulationEnd simulate(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
                       const SimulationEvents& events, metrics::RunResult& result);

}  // namespace pgtraffic::simulation
