// The counts and histograms that every population (an operation, a phase, a run) has. They merge by
// adding, so the aggregator keeps one cell for each operation in each phase and the rest are sums.
#pragma once

#include <cstdint>
#include <optional>

#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/outcome.hpp"

namespace pgtraffic::metrics {

/// Part / whole; none where the whole is nothing.
[[nodiscard]] inline std::optional<double> share_of(std::uint64_t part, std::uint64_t whole) noexcept {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
}

/// planned = started + waiting + missed; started = in_flight + ok + empty + failed + timed_out. At a
/// run's end `waiting` were due and never started, `in_flight` were started and never answered.
struct Counts {
    std::uint64_t planned = 0;
    std::uint64_t started = 0;
    std::uint64_t waiting = 0;
    std::uint64_t missed = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t ok = 0;
    std::uint64_t empty = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t late = 0;      ///< of ok and empty: response above the latency limit
    std::uint64_t in_doubt = 0;  ///< of failed, timed out and in flight: may have been done
    std::uint64_t retries = 0;   ///< attempts beyond the first, successful or not
    std::uint64_t retried = 0;   ///< queries that had such an attempt
    std::uint64_t rows = 0;

    void add(const Counts& other) noexcept;

    [[nodiscard]] std::uint64_t succeeded() const noexcept { return ok + empty; }
    [[nodiscard]] std::uint64_t ended() const noexcept { return ok + empty + failed + timed_out; }
    [[nodiscard]] bool conserved() const noexcept {
        return planned == started + waiting + missed && started == in_flight + ended();
    }

    /// Succeeded / (everything that ended or was missed); 0 where nothing did.
    [[nodiscard]] double success_ratio() const noexcept {
        return share_of(succeeded(), ended() + missed).value_or(0);
    }
    /// (failed + timed out) / ended; 0 where nothing did.
    [[nodiscard]] double failed_ratio() const noexcept {
        return share_of(failed + timed_out, ended()).value_or(0);
    }
    /// Late, and empty, / succeeded; 0 where nothing did.
    [[nodiscard]] double late_ratio() const noexcept { return share_of(late, succeeded()).value_or(0); }
    [[nodiscard]] double empty_ratio() const noexcept { return share_of(empty, succeeded()).value_or(0); }
    /// Started / planned; none where nothing was planned.
    [[nodiscard]] std::optional<double> attained_ratio() const noexcept { return share_of(started, planned); }
};

/// Populations: `response` holds ok, empty, timed out, missed, waiting and unfinished (the last four with
/// the age that they had reached, a lower bound, and by themselves in `unanswered`); failures stand apart in
/// `failed`, so that failing fast improves nothing. `service` holds ok and empty. `lag`, `pool_wait` and
/// `generator_lag` hold what was started and ended.
struct Latencies {
    Histogram response;
    Histogram unanswered;  ///< of these the lower bounds
    Histogram service;
    Histogram lag;            ///< due → sent: pool_wait + generator_lag
    Histogram pool_wait;      ///< the part in which no session was free (Completion::pool_wait())
    Histogram generator_lag;  ///< the part in which one was, and we had not come round to it
    Histogram failed;         ///< due → done of failures

    void merge(const Latencies& other) noexcept;

    /// Puts a query that ended into these populations; but for the lag and its parts, which only an open loop
    /// has. Inlined for the reason of Histogram::record().
    [[gnu::always_inline]] void record_ended(const Completion& c) noexcept {
        const base::Nanos response_time = c.done - c.due;
        if (succeeded(c.outcome)) [[likely]] {
            response.record(response_time);
            service.record(c.done - c.sent);
        } else if (c.outcome == Outcome::failed) {
            failed.record(response_time);
        } else {
            record_unanswered(response_time);
        }
    }
    /// One that has no answer, with the age that it reached.
    void record_unanswered(base::Nanos age) noexcept {
        response.record(age);
        unanswered.record(age);
    }

    /// Of a quantile of the response the most that it can be, whatever those without an answer would have
    /// taken; none where they are so many that nobody knows: the quantile is a lower bound.
    [[nodiscard]] std::optional<base::Nanos> response_at_most(double q) const noexcept {
        return response.empty() ? std::nullopt
                                : value_of_rank_at_most(response, unanswered, response.rank_of(q));
    }
};

/// Whether the q-quantile of the lag, or of the wait for a session, is only known to be at least that of what
/// was sent: so many queries never were, and nobody knows for how long they would have waited.
[[nodiscard]] bool lag_is_lower_bound(const Counts& counts, double q) noexcept;

/// Mean service / (mean pool wait + mean service), the original's "connection efficiency". In a closed loop,
/// where no session is waited for and each waits for us between two queries, mean service / mean response.
/// None where nothing succeeded, or more than one in a hundred was never sent, or, in a closed loop, had no
/// answer.
[[nodiscard]] std::optional<double> connection_efficiency(const Latencies& latencies,
                                                          const Counts& counts) noexcept;

}  // namespace pgtraffic::metrics
