// When the service was disturbed, for how long, and what it cost: the outage table. Told of faults, of
// sessions that come back and of the first success after a fault, never of the queries in between, so that a
// run without faults pays one look at a bool a query. A value; knows no clock and no connection.
//
// A fault is a lost connection, a connection attempt that failed, or a query that the server refused because
// of its own state (is_fault). An outage runs from a fault until every session has its connection again and a
// query that was sent after the silence began has succeeded; a fault within kQuiet of its end continues it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outage.hpp"
#include "pgtraffic/metrics/outcome.hpp"

namespace pgtraffic::metrics {

/// Whether a query's SQLSTATE tells of the server's state rather than of the query: class 08, 57P01 to 57P05,
/// 53300 (no connection left), 25006 (read-only, as after a fail-over).
[[nodiscard]] bool is_fault(base::SqlState state) noexcept;

class OutageLog {
 public:
    /// At most this many are kept; beyond, the two neighbours that are closest become one.
    static constexpr std::size_t kMaxOutages = 100;
    static constexpr base::Nanos kQuiet = std::chrono::seconds{1};

    /// Forgets everything; the measured time begins at `start` with `down` of `sessions` not connected, which
    /// is a fault of that moment. `planned`, here and below: arrivals that were due by now.
    void begin(base::Mono start, std::uint32_t sessions, std::uint32_t down);

    /// A query failed or timed out; what is no fault is ignored.
    void query_failed(const Completion& completion, std::uint64_t planned);
    /// `idle`: why, where it had no query under way, whose end tells it else; `error` in words.
    void session_lost(base::Mono now, std::optional<base::SqlState> idle, std::string_view error,
                      std::uint64_t planned);
    void connect_failed(base::Mono now, base::SqlState state, std::string_view error, std::uint64_t planned);
    void session_up(base::Mono now, std::uint64_t planned);

    /// True from a fault on until succeeded() was told of a query that was sent after it.
    [[nodiscard]] bool silent() const noexcept { return silent_; }
    /// A query succeeded; need not be told unless silent().
    void succeeded(const Completion& completion, std::uint64_t planned);

    /// How long there had been no connection at all at `end`; zero where there was one.
    [[nodiscard]] base::Nanos disconnected_for(base::Mono end) const noexcept {
        return down_ < sessions_ ? base::Nanos{0} : end - all_down_since_;
    }

    /// How many seconds sessions had no connection by `end`, all of them together: half of them for a second
    /// is as much as a quarter for two.
    [[nodiscard]] double sessions_away_s(base::Mono end) const noexcept {
        return away_s_ + base::to_seconds(end - down_changed_) * down_;
    }

    /// The table; the measured time ended at `end`. The log is empty afterwards.
    [[nodiscard]] std::vector<Outage> finish(base::Mono end, std::uint64_t planned);

 private:
    Outage& fault(base::Mono now, std::uint64_t planned);
    /// `unasked`: of it, how long connections were there and nothing was due.
    void end_silence(base::Mono now, std::uint64_t planned, bool success, base::Nanos unasked);
    void look_for_the_end(base::Mono now);
    void lose(base::Mono now, std::uint32_t sessions) noexcept;
    void change_down(base::Mono now, std::uint32_t to) noexcept;
    void note_service() noexcept;
    void keep_current(base::Mono end);
    void merge_closest();
    [[nodiscard]] bool due_in_silence(base::Mono due) const noexcept;

    /// From a fault, of which it does not hold the moment itself, to the success that ended it.
    struct Silence {
        base::Mono from;
        base::Mono to;
    };

    std::vector<Outage> kept_;
    std::optional<Outage> current_;
    base::Mono start_;
    base::Mono from_;                      // of current_
    std::optional<base::Mono> recovered_;  // current_ may be over: unless a fault follows within kQuiet
    std::uint32_t sessions_ = 0;
    std::uint32_t down_ = 0;
    base::Mono down_changed_;
    double away_s_ = 0;          // sessions, until then; nanoseconds of thousands of them would overflow
    base::Mono all_down_since_;  // where all are
    bool silent_ = false;
    base::Mono silent_since_;
    std::uint64_t planned_at_silence_ = 0;
    std::uint32_t faults_in_silence_ = 0;
    bool of_service_ = false;         // the silence
    std::optional<base::Mono> back_;  // a session was, in the silence and behind its last fault
    std::uint64_t planned_at_back_ = 0;
    std::vector<Silence> silences_;  // the last ones before this one; what was due in them was hit by them
};

}  // namespace pgtraffic::metrics
