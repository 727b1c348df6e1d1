// How a query ended, and everything the aggregator needs to know of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"

namespace pgtraffic::metrics {

enum class Outcome : std::uint8_t {
    ok,         ///< the server did it
    empty,      ///< done, and no row was found, changed or returned
    failed,     ///< an error of the server's, or its connection was lost
    timed_out,  ///< longer than --timeout, ended by the server's limit or by our deadline
};

[[nodiscard]] constexpr std::string_view to_string(Outcome outcome) noexcept {
    constexpr std::string_view kNames[] = {"ok", "empty", "failed", "timed_out"};
    return kNames[static_cast<std::size_t>(outcome)];
}

[[nodiscard]] constexpr bool succeeded(Outcome outcome) noexcept {
    return outcome == Outcome::ok || outcome == Outcome::empty;
}

/// One ended query. Times: due <= sent <= done; `ready` is since when there was room for it, in any session,
/// or would have been, had those before it left as soon as they could.
struct Completion {
    std::uint32_t operation = 0;
    std::uint32_t statement = 0;  ///< of the operation: the one that ended it
    Outcome outcome = Outcome::ok;
    base::SqlState sqlstate;  ///< of its last failure; one that succeeded may have it of an earlier attempt
    bool lost = false;        ///< its connection went with it
    bool in_doubt = false;    ///< it may have been done: it writes, was sent, and its answer was lost
    std::uint32_t attempts = 1;
    std::uint64_t rows = 0;  ///< returned or changed, all statements together
    base::Mono due;
    base::Mono ready;
    base::Mono sent;  ///< of the first attempt
    base::Mono done;

    /// How long after it was due there was no room for it: the part of its lag that is the pool's.
    [[nodiscard]] base::Nanos pool_wait() const noexcept { return std::max(ready - due, base::Nanos{0}); }
    /// How long it was due, there was room, and we had not come round to it: the rest.
    [[nodiscard]] base::Nanos generator_lag() const noexcept { return sent - std::max(due, ready); }
};

}  // namespace pgtraffic::metrics
