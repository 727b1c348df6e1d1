// A simulated client: one connection, the poll that watches its socket, and its position in the operation
// that it runs - in a pipeline, in each of several. It tells its owner what happened and never decides what
// to do next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/callback.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/poll.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/postgres/connect_parameters.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/simulation/loop_load.hpp"
#include "pgtraffic/simulation/protocol.hpp"
#include "pgtraffic/simulation/row_budget.hpp"
#include "pgtraffic/simulation/wakes.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

class Session;

/// Of the processor's cache, on the machines that this runs on.
inline constexpr std::size_t kCacheLine = 64;

/// An arrival on its way through a session.
struct alignas(kCacheLine) Query {
    metrics::Completion completion;
    workload::Choice choice;
    std::uint32_t load = 0;  ///< as given to begin()
    std::uint64_t arrival = 0;
    std::uint64_t kept_rows = 0;   ///< of completion.rows those that no failure undoes any more
    std::uint64_t added = 0;       ///< rows of this attempt's INSERTs; only where SessionContext::rows
    std::uint64_t kept_added = 0;  ///< of these those that no failure undoes any more
    base::Mono statement_sent;     ///< the one under way, in its last attempt
    bool counted = false;          ///< some statement told a number of rows

    [[nodiscard]] std::uint32_t attempt() const noexcept { return completion.attempts - 1; }  ///< 0, 1, …

    /// What was done so far stands: no transaction is open behind it.
    void keep() noexcept {
        kept_rows = completion.rows;
        kept_added = added;
    }
    /// What was done since then does not: it failed, or its transaction goes.
    void undo() noexcept {
        completion.rows = kept_rows;
        added = kept_added;
    }
};

static_assert(sizeof(Query) == 2 * kCacheLine, "what every query touches is worth a thought");

/// What all sessions of a run share. Outlives them.
struct SessionContext {
    event_loop::Loop& loop;
    const workload::Workload& workload;
    Wakes& wakes;
    LoopLoad& load;
    Protocol protocol = Protocol::extended;
    std::uint32_t pipeline = 1;                ///< queries under way on a session at the same time
    std::optional<base::Nanos> timeout;        ///< what the server cancels after it ran into --timeout
    bool retries = true;                       ///< a failed attempt may be followed by another
    RowBudget* rows = nullptr;                 ///< of --max-rows, where there is one
    bool leave_read_only = false;              ///< another server can be found where one refuses to write
    std::vector<std::string> setup;            ///< SQL that every new connection runs first
    std::vector<std::string> statement_names;  ///< by statement number, for the prepared protocol
    std::vector<postgres::QueryHead> heads;    ///< by statement number
    postgres::ReceiveBuffer receive_buffer;

    base::Callback<Session*, base::Mono> on_free;  ///< ready for one query more
    /// A query ended, and why, in words, where it did not succeed; on_free or on_down follows.
    base::Callback<Session*, const Query*, std::string_view> on_ended;
    /// A statement was answered, at this time and without an error. Null where no operation has several.
    base::Callback<const Query*, base::Mono> on_statement;
    /// A query is tried again; in words, why its last attempt failed.
    base::Callback<const Query*, std::string_view> on_retried;
    base::Callback<Session*> on_down;  ///< the connection failed or was lost
    /// A connection that is being made has something to do, which may take milliseconds (TLS, a password's
    /// SCRAM); shake_hands() is wanted as soon as the load can spare them.
    base::Callback<Session*> on_handshake;
    /// In a pipeline: the oldest query is tried again behind the others, and the next one is waited for.
    base::Callback<Session*> on_requeued;
    /// Waits before its next attempt; resume() is wanted at this time. Not in a pipeline.
    base::Callback<Session*, base::Mono> on_backing_off;
    /// Waits for the answer to ROLLBACK, its query over; on_free or on_down follows. Not in a pipeline.
    base::Callback<Session*> on_rolling_back;
};

/// Neither copies nor moves.
class alignas(kCacheLine) Session {
 public:
    enum class State : std::uint8_t {
        closed,       ///< no connection; waits for connect() → connecting
        connecting,   ///< waits for the handshake → preparing, or closed
        preparing,    ///< waits for the answers to set-up, PREPARE and plans → idle, or closed
        idle,         ///< waits for begin() → busy; the server's goodbye → closed
        busy,         ///< waits for the last answer → idle, backing_off (retry) or rolling_back; loss,
                      ///< expire() → closed
        backing_off,  ///< waits for resume() and its next attempt → busy; expire() → idle; loss → closed
        rolling_back,  ///< a transaction is left; waits for ROLLBACK → busy or backing_off (retry), or idle
                       ///< (the query is over); loss, expire() → closed
    };

    Session(std::uint32_t number, SessionContext& context);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// From closed. Ends in on_free or on_down, possibly within this call.
    void connect(const postgres::ConnectParameters& parameters) noexcept;

    /// What on_handshake asked for; does nothing where the attempt is over meanwhile. Ends as connect().
    void shake_hands() noexcept;

    /// From idle, in a pipeline also from busy with room left: starts the arrival. `load` is given back in
    /// Query::load, to tell warm-up from measurement. In a pipeline nothing leaves before flush().
    void begin(const Decision& start, std::uint32_t load, base::Mono now) noexcept;

    /// Pipeline only: something was begun since the last flush().
    [[nodiscard]] bool unsent() const noexcept { return unsent_; }

    /// Sends what is queued. The end of the connection, too, may be found here.
    void flush() noexcept;

    /// The pause that on_backing_off asked for is over. `at` is what it named; does nothing where the query
    /// has ended meanwhile.
    void resume(base::Mono at) noexcept;

    /// From backing_off: the next attempt is not waited for, the query failed as the last one did. Its
    /// session is free.
    void stop_retrying(base::Mono now) noexcept;

    /// Takes what came of an answer, if anything did, as if the loop had told.
    void look() noexcept { on_ready(event_loop::Readiness::to_read()); }

    /// The oldest query, or the ROLLBACK behind it, took too long: ends it as timed out and gives the
    /// connection up, and with it the other queries of a pipeline, which failed. Keeps the connection where
    /// the query only waited to be tried again.
    void expire(base::Mono now) noexcept;

    /// Gives a connection that is not yet, or no longer, of use up, with `reason` for error().
    void give_up(std::string_view reason) noexcept;

    /// The server is to cancel what runs for it, if anything does.
    void cancel_by(postgres::CancelRequests& requests) const {
        if (state_ == State::busy || state_ == State::rolling_back) connection_.cancel_by(requests);
    }

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] bool in_query() const noexcept { return under_way_ > 0; }
    /// What we were late with the query that ended last on this connection; zero before there was one.
    [[nodiscard]] base::Nanos late() const noexcept { return late_; }

    /// Calls with each query under way, the oldest first.
    template <class Visit>
    void each_query(Visit&& visit) const {
        for (std::uint32_t i = 0; i < under_way_; ++i) visit(queries_[position(i)]);
    }

    /// Calls with each query under way that may be done for good although no answer came.
    template <class Visit>
    void each_in_doubt(Visit&& visit) const {
        for (std::uint32_t i = 0; i < under_way_; ++i) {
            const bool refused = i == 0 && connection_.refused();
            if (leaves_doubt(queries_[position(i)], state_) && !refused) visit(queries_[position(i)]);
        }
    }

    [[nodiscard]] std::string_view error() const noexcept;  ///< why the connection went or did not come
    /// Why the last attempt to connect failed.
    [[nodiscard]] base::SqlState connect_error() const noexcept;
    /// Why the last connection was lost, where no query was under way on it.
    [[nodiscard]] std::optional<base::SqlState> lost_idle() const noexcept { return lost_idle_; }
    /// The server refused to prepare a statement for what it names when a connection was last lost in that.
    [[nodiscard]] bool refused_to_prepare() const noexcept { return refused_to_prepare_; }
    [[nodiscard]] int socket() const noexcept { return poll_.descriptor(); }
    /// That it is connected to, or trying to be.
    [[nodiscard]] postgres::ListedHost host() const { return connection_.host(); }
    /// The last connection was made and lost before any query was answered on it, and not by us.
    [[nodiscard]] bool thrown_out() const noexcept { return !answered_ && !given_up(); }
    /// The last connection, or attempt at one, was ended by give_up() or expire().
    [[nodiscard]] bool given_up() const noexcept { return !given_up_because_.empty(); }

 private:
    void on_ready(event_loop::Readiness ready) noexcept;
    void connect_step(postgres::ConnectStep step) noexcept;
    void prepare() noexcept;
    void become_ready() noexcept;
    void queue_statement(const Query& query) noexcept;
    [[gnu::noinline]] void queue_with_rows(const Query& query, std::uint32_t number) noexcept;
    [[nodiscard]] workload::ReturnedRows rows_for(const Query& query) noexcept;
    void send_now(Query& query, base::Mono now) noexcept;
    [[nodiscard]] std::uint32_t statement_of(const Query& query) const noexcept {
        return context_->workload.statement_number(query.choice.operation, query.completion.statement);
    }
    [[nodiscard, gnu::cold]] base::Mono worked_on_since(const Query& query) const noexcept;
    [[gnu::cold]] void look_for_stale(const Query& query, base::SqlState state);
    [[gnu::cold]] void fresh(const Query& query) noexcept;
    [[nodiscard]] base::Mono came_at(base::Wall received, base::Mono now) const noexcept;
    void look_for_rest() noexcept;
    void wait_for_rest(bool waits) noexcept;
    void on_answer(base::Mono now) noexcept;
    [[gnu::cold]] void prepared_one(base::Mono now) noexcept;
    void statement_done(base::Mono now) noexcept;
    [[gnu::cold]] void statement_failed(Query& query, base::Mono done, base::Mono now) noexcept;
    [[nodiscard, gnu::cold]] Query& move_to_end() noexcept;
    void end_oldest(metrics::Outcome outcome, std::string_view error, base::Mono now) noexcept;
    void lose_oldest(metrics::Outcome outcome, base::SqlState sqlstate, std::string_view error, State was,
                     base::Mono now) noexcept;
    [[nodiscard]] bool may_retry(const Query& query, base::SqlState state) const noexcept;
    void count_added(Query& query, std::uint64_t rows) const noexcept;
    [[gnu::cold]] void stand_by_rows(Query& query, std::uint64_t rows) const noexcept;
    [[gnu::cold]] void roll_back(bool then_retry) noexcept;
    [[gnu::cold]] void retry(base::Mono now) noexcept;
    [[gnu::cold]] void try_again(Query& query, base::Mono now) noexcept;
    [[nodiscard]] bool leaves_doubt(const Query& query, State state) const noexcept;
    [[gnu::cold]] void lose(base::Mono now) noexcept;
    void become_idle(base::Mono now) noexcept;

    /// Where in queries_ the i-th of those under way is.
    [[nodiscard]] std::uint32_t position(std::uint32_t i) const noexcept {
        const std::uint32_t at = oldest_ + i;
        return at < room_ ? at : at - room_;
    }

    // What every query touches stands first, and so it does in the connection: three lines of the cache.
    // With hundreds of sessions each line is fetched anew for each query.
    SessionContext* context_;
    std::uint32_t number_;
    State state_ = State::closed;
    bool writing_ = false;  // WRITABLE is armed
    bool unsent_ = false;
    bool waits_for_rest_ = false;  // of an answer
    bool retry_after_rollback_ = false;
    std::uint32_t oldest_ = 0;
    std::uint32_t under_way_ = 0;
    std::uint32_t room_;      // of the ring
    bool any_stale_ = false;  // in stale_
    bool answered_ = false;   // some query, on this connection
    base::Nanos late_{0};
    std::unique_ptr<Query[]> queries_;  // a ring of those under way, in the order in which they were sent
    event_loop::Poll poll_;
    postgres::Connection connection_;

    /// By statement number: the server has no use of it any more as it was prepared. Empty where that never
    /// happened.
    std::vector<bool> stale_;
    /// Of the query's statements, whose values later ones take. Empty where the workload has no such.
    std::vector<std::string> rows_;
    std::uint32_t unprepared_ = 0;  // answers to set-up and PREPARE still to come
    std::uint32_t unplanned_ = 0;   // and behind them those of statements that are planned ahead
    base::Mono resume_at_;          // while backing off
    base::Mono turn_began_;         // of the oldest in a pipeline, when the one ahead of it had ended
    std::string given_up_because_;
    bool refused_to_prepare_ = false;
    std::optional<base::SqlState> lost_idle_;
    base::SqlState connect_error_;  // of the last attempt, where it was not given up
};

}  // namespace pgtraffic::simulation
