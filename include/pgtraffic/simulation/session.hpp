// A simulated client: one connection, the poll that watches its socket, and its position in the operation
// that it runs. It tells its owner what happened and never decides what to do next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/callback.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/poll.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

enum class Protocol : std::uint8_t { extended, prepared };

class Session;

/// What all sessions of a run share. Outlives them.
struct SessionContext {
    event_loop::Loop& loop;
    const workload::Workload& workload;
    Protocol protocol = Protocol::extended;
    bool has_timeout = false;                  ///< a statement that the server cancelled ran into --timeout
    std::vector<std::string> setup;            ///< SQL that every new connection runs first
    std::vector<std::string> statement_names;  ///< by statement number, for the prepared protocol
    workload::ParameterValues values;          ///< libpq copies them while it sends

    event_loop::Callback<Session*, base::Mono> on_free;  ///< ready for a query
    event_loop::Callback<Session*, const metrics::Completion*>
        on_ended;                               ///< a query ended; on_free or on_down follows
    event_loop::Callback<Session*> on_down;     ///< the connection failed or was lost
    event_loop::Callback<base::Mono> on_event;  ///< first of all, at each event of a socket
};

/// Neither copies nor moves.
class Session {
 public:
    enum class State : std::uint8_t {
        closed,        ///< no connection; waits for connect() → connecting
        connecting,    ///< waits for the handshake → preparing, or closed
        preparing,     ///< waits for the answers to set-up and PREPARE → idle, or closed
        idle,          ///< waits for begin() → busy; the server's goodbye → closed
        busy,          ///< waits for the answer → idle or rolling_back; loss, expire() → closed
        rolling_back,  ///< the query is over and left a transaction; waits for ROLLBACK → busy (retry) or
                       ///< idle
    };

    Session(std::uint32_t number, SessionContext& context) : number_{number}, context_{&context} {}
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// From closed. Ends in on_free or on_down, possibly within this call.
    void connect(const postgres::ConnectParameters& parameters) noexcept;

    /// From idle: starts the arrival. `load` is given back by load(), to tell warm-up from measurement.
    void begin(const Decision& start, std::uint32_t load, base::Mono now) noexcept;

    /// The query took too long: ends it as timed out and gives the connection up.
    void expire(base::Mono now) noexcept;

    /// Gives a connection that is not yet, or no longer, of use up, with `reason` for error().
    void give_up(std::string_view reason) noexcept;

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] bool in_query() const noexcept {
        return state_ == State::busy || (state_ == State::rolling_back && retry_after_rollback_);
    }
    [[nodiscard]] std::uint32_t load() const noexcept { return load_; }
    [[nodiscard]] base::Mono due() const noexcept { return completion_.due; }    ///< of the query under way
    [[nodiscard]] base::Mono sent() const noexcept { return completion_.sent; }  ///< of its first attempt
    [[nodiscard]] std::uint32_t operation() const noexcept { return completion_.operation; }
    [[nodiscard]] std::string_view error() const noexcept;  ///< of the last failure
    [[nodiscard]] int socket() const noexcept { return poll_ ? poll_->socket() : -1; }

 private:
    void on_ready(event_loop::Readiness ready) noexcept;
    void connect_step(postgres::ConnectStep step) noexcept;
    void prepare_next() noexcept;
    void send_statement() noexcept;
    void after_send(bool sent) noexcept;
    void on_answer(base::Mono now) noexcept;
    void statement_done(base::Mono now) noexcept;
    void end_query(metrics::Outcome outcome, base::Mono now) noexcept;
    void roll_back(bool then_retry) noexcept;
    void lose(base::Mono now) noexcept;
    void become_idle(base::Mono now) noexcept;

    std::uint32_t number_;
    SessionContext* context_;
    State state_ = State::closed;
    bool writing_ = false;  // WRITABLE is armed
    bool retry_after_rollback_ = false;
    bool counted_ = false;    // some statement told a number of rows
    std::uint32_t step_ = 0;  // of the set-up, while preparing
    std::uint32_t load_ = 0;
    std::uint32_t attempt_ = 0;
    workload::Choice choice_;
    std::uint64_t arrival_ = 0;
    metrics::Completion completion_;
    std::string given_up_because_;
    postgres::Connection connection_;
    std::optional<event_loop::Poll> poll_;  // behind the connection: dies before the socket is closed
};

}  // namespace pgtraffic::simulation
