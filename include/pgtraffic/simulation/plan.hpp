// What a run is asked for, as data: the parts of a run read it, the command line fills it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/simulation/protocol.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/traffic/token_bucket.hpp"

namespace pgtraffic::simulation {

class AuditLog;

/// What to run against what. Neither a rate, given or to be found, nor a pattern: a closed loop.
struct SimulationPlan {
    postgres::Conninfo conninfo;
    std::optional<std::string> password_command;  ///< gives the password of each attempt to connect
    std::uint32_t connections = 100;
    Protocol protocol = Protocol::extended;
    std::uint32_t pipeline = 1;  ///< queries under way on a connection at the same time
    SessionOrder session_order = SessionOrder::fifo;
    /// 0: the loop wakes when an arrival is due and at answers that somebody may wait for. Else at multiples
    /// of it only: an arrival starts up to that late, which is counted as lag, and an answer is read up to
    /// that late; at once where an arrival that is due waits for it.
    base::Nanos wake_step{0};
    std::optional<base::Nanos> think_time;  ///< of a closed loop: mean pause of a session before each query
    bool pooled = false;  ///< a connection is not always the same backend: nothing is set on it
    std::optional<double> rate_per_s;
    bool find_rate = false;  ///< a constant one: the highest that is carried, which is looked for before
    std::vector<metrics::Threshold> thresholds;  ///< of these some decide what is carried: see Objectives
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
    std::uint32_t loads_before = 0;  ///< of this run, of other simulations: no two draw the same arrivals
    bool rehearsal = false;          ///< its measured load is one of these
    base::Nanos interval = std::chrono::seconds{1};  ///< how often to look; at most a second
    std::size_t joined_intervals = 1;                ///< so many make one of the time series
    base::Nanos drain_limit = std::chrono::seconds{5};
    std::vector<metrics::Threshold> abort_if;  ///< of parse_abort_condition; one that is true ends the load
    base::Nanos abort_window = std::chrono::seconds{10};
    base::Nanos progress = std::chrono::seconds{1};  ///< how often to report progress
    AuditLog* audit = nullptr;  ///< told of every query that ends; outlives the run; null: none wanted

    [[nodiscard]] bool open_loop() const noexcept { return rate_per_s || find_rate || pattern; }
};

}  // namespace pgtraffic::simulation
