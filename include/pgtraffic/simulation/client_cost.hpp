// What the kernel says that we have used: taken at the begin and the end of the measured time.
#pragma once

#include <optional>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::simulation {

/// Of this process (one thread) since its start.
struct ClientUsage {
    base::Mono at{};  ///< when it was taken: after the instant it is meant for, where the client had no CPU
    base::Nanos user{0};
    base::Nanos system{0};
    std::optional<base::Nanos> run_queue_wait;  ///< ready to run, and not running; where the kernel tells
    std::int64_t max_rss_bytes = 0;  ///< since exec; of whoever started us, too, where there is no /proc
    std::int64_t switches_voluntary = 0;
    std::int64_t switches_involuntary = 0;
    base::Nanos suspended{0};  ///< time that the machine slept, which the monotonic clock leaves out

    [[nodiscard]] static ClientUsage now();
};

/// The difference, between whose ends `queries` ended.
[[nodiscard]] metrics::ClientResult cost_between(const ClientUsage& begin, const ClientUsage& end,
                                                 std::uint64_t queries);

/// Memory that this process has now, and when it started; 0 where the kernel does not tell.
[[nodiscard]] std::int64_t resident_bytes();
[[nodiscard]] double started_since_epoch_s();

/// Host name, system, processor, memory.
[[nodiscard]] metrics::ClientInfo client_info();

}  // namespace pgtraffic::simulation
