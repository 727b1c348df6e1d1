#include "pgtraffic/simulation/session.hpp"

#include <algorithm>
#include <utility>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using event_loop::Poll;
using event_loop::Readiness;
using event_loop::Trigger;
using metrics::Outcome;
using postgres::ConnectStep;
using postgres::Progress;
using postgres::Sent;

Session::Session(std::uint32_t number, SessionContext& context)
    : context_{&context},
      number_{number},
      room_{context.pipeline},
      queries_{std::make_unique<Query[]>(context.pipeline)},
      poll_{context.loop, Poll::OnReady::to<&Session::on_ready>(*this)} {}

Session::~Session() {
    poll_.stop();  // before the socket is closed, whose number may be given out again
    connection_.close();
}

void Session::connect(const postgres::ConnectParameters& parameters) noexcept {
    PGTRAFFIC_CHECK(state_ == State::closed, "a session connects when it is closed");
    state_ = State::connecting;
    answered_ = false;
    late_ = base::Nanos{0};
    given_up_because_.clear();
    connect_step(connection_.connect(parameters));
}

void Session::shake_hands() noexcept {
    if (state_ == State::connecting) connect_step(connection_.connect_poll());
}

void Session::connect_step(ConnectStep step) noexcept {
    if (step == ConnectStep::failed) return lose(base::mono_now());
    // The socket may be a new one under an old number: the poll was stopped before.
    const bool connected = step == ConnectStep::connected;
    try {
        // libpq does not say what it leaves unread; receive() does.
        poll_.watch(connection_.socket(), connected || step == ConnectStep::wait_readable,
                    step == ConnectStep::wait_writable, connected ? Trigger::edge : Trigger::level);
    } catch (const std::exception& e) {
        return give_up(e.what());
    }
    if (!connected) return;
    if (context_->wakes.wants_stamps() && !connection_.stamp_reads())
        context_->wakes.connection_without_stamps();
    state_ = State::preparing;
    prepare();
}

/// When the answer that was just read came, by the calendar's clock, read first and then ours: what lies
/// between the two makes it later, at most as late as `now`, and never earlier than it was. Not before it was
/// asked for, however the calendar's clock was set meanwhile.
Mono Session::came_at(base::Wall received, Mono now) const noexcept {
    const base::Wall calendar = base::wall_now();
    const Mono came = base::mono_now() - (calendar - received);
    return std::clamp(came, queries_[oldest_].statement_sent, now);
}

/// All at once: over a long way each answer that is waited for would cost its round trip. Statements are also
/// planned ahead: a backend's first plan costs it about ten times what the query does, because it knows
/// nothing of the tables yet, and a load that begins with all of them would begin with a burst that is none
/// of its own.
void Session::prepare() noexcept {
    stale_.clear();
    any_stale_ = false;
    for (const auto& sql : context_->setup) connection_.queue_simple(sql);
    unprepared_ = static_cast<std::uint32_t>(context_->setup.size());
    unplanned_ = 0;
    if (context_->protocol == Protocol::prepared) {
        const auto& workload = context_->workload;
        const std::uint32_t statements = workload.statement_count();
        for (std::uint32_t i = 0; i < statements; ++i)
            connection_.queue_prepare(context_->statement_names[i], workload.statement(i).sql);
        for (std::uint32_t i = 0; i < statements; ++i) {
            connection_.queue_plan(context_->heads[i], workload.longest_values(i),
                                   [&](char* to) noexcept { return workload.fill(i, 0, 0, to); });
        }
        unprepared_ += statements;
        unplanned_ = statements;
    }
    return unprepared_ == 0 ? become_ready() : flush();
}

/// What cannot be planned is not refused for it: the query, when its turn comes, tells the same.
void Session::prepared_one(Mono now) noexcept {
    if (unprepared_ > 0) {
        if (connection_.answer().failed) return lose(now);
        --unprepared_;
    } else {
        --unplanned_;
    }
    if (unprepared_ + unplanned_ == 0) become_ready();
}

void Session::become_ready() noexcept {
    const Mono now = base::mono_now();
    for (std::uint32_t i = 0; i < room_; ++i) become_idle(now);
}

void Session::become_idle(Mono now) noexcept {
    if (under_way_ == 0) state_ = State::idle;
    context_->on_free(this, now);
}

void Session::begin(const Decision& start, std::uint32_t load, Mono now) noexcept {
    PGTRAFFIC_CHECK(state_ == State::idle || (state_ == State::busy && under_way_ < room_),
                    "a session begins when it has room");
    Query& query = queries_[position(under_way_)];
    query = Query{};
    query.arrival = start.token.index;
    query.choice = context_->workload.choose(query.arrival);
    query.load = load;
    query.completion.operation = query.choice.operation;
    query.completion.statement = query.choice.statement;
    query.completion.due = start.token.due;
    query.completion.ready = start.ready;
    query.completion.sent = now;
    query.statement_sent = now;
    ++under_way_;
    state_ = State::busy;
    queue_statement(query);
    unsent_ = true;
    if (room_ == 1) flush();
}

void Session::send_now(Query& query, Mono now) noexcept {
    query.statement_sent = now;
    queue_statement(query);
    flush();
}

void Session::queue_statement(const Query& query) noexcept {
    const auto& workload = context_->workload;
    const std::uint32_t number = statement_of(query);
    if (any_stale_ && stale_[number]) [[unlikely]]
        connection_.queue_prepare_again(context_->statement_names[number], workload.statement(number).sql);
    if (workload.kept_rows() > 0) [[unlikely]]
        return queue_with_rows(query, number);
    connection_.queue_query(context_->heads[number], workload.longest_values(number), [&](char* to) noexcept {
        return workload.fill(number, query.arrival, query.attempt(), to);
    });
}

void Session::queue_with_rows(const Query& query, std::uint32_t number) noexcept {
    const auto& workload = context_->workload;
    const auto rows = rows_for(query);
    connection_.queue_query(
        context_->heads[number], workload.longest_values(number, rows),
        [&](char* to) noexcept { return workload.fill(number, query.arrival, query.attempt(), to, rows); });
}

/// What its statement may take values of; and that one's own row is kept, if a later one does. Not in a
/// pipeline, which has no operations of several statements.
workload::ReturnedRows Session::rows_for(const Query& query) noexcept {
    rows_.resize(context_->workload.kept_rows());
    if (query.completion.statement == query.choice.statement) {
        for (auto& row : rows_) row.clear();
    }
    if (const auto row = context_->workload.row_of(statement_of(query))) {
        rows_[*row] = workload::kNoRow;
        connection_.keep_row(&rows_[*row]);
    }
    return rows_;
}

void Session::flush() noexcept {
    unsent_ = false;
    const Sent sent = connection_.flush();
    if (sent == Sent::lost) [[unlikely]]
        return lose(base::mono_now());
    const bool pending = sent == Sent::pending;
    if (pending != writing_) [[unlikely]] {
        // Both directions: the server may be blocked on what we do not read.
        writing_ = pending;
        poll_.watch(connection_.socket(), true, pending, Trigger::edge);
        look_for_rest();
    }
}

void Session::on_ready(Readiness ready) noexcept {
    const Mono now = base::mono_now();
    context_->load.wakes(now);
    if (state_ == State::connecting) {
        poll_.stop();
        return context_->on_handshake(this);
    }
    if (ready.writable() && writing_) {
        flush();
        if (state_ == State::closed) return;
    }
    if (!ready.readable()) return;
    Progress progress = connection_.receive(context_->receive_buffer);
    if (connection_.long_answers()) [[unlikely]]
        context_->wakes.long_answer();
    for (; progress != Progress::busy; progress = connection_.next_answer()) {
        if (progress == Progress::lost || state_ == State::idle || state_ == State::backing_off)
            return lose(now);
        on_answer(now);
        if (state_ == State::closed) return;
    }
    if (state_ == State::idle || state_ == State::backing_off) connection_.forget_unasked();
    // What is still to be sent may have waited for what was read (TLS), and not for room.
    if (ready.ended() || connection_.left_unread() || writing_) [[unlikely]]
        poll_.again();
    look_for_rest();
}

void Session::look_for_rest() noexcept {
    wait_for_rest(writing_ || (in_query() && connection_.within_answer()));
}

void Session::wait_for_rest(bool waits) noexcept {
    if (waits == waits_for_rest_) return;
    waits_for_rest_ = waits;
    context_->wakes.waits_for_rest(waits);
}

void Session::on_answer(Mono now) noexcept {
    switch (state_) {
        case State::preparing:
            return prepared_one(now);
        case State::busy:
            answered_ = true;
            return statement_done(now);
        case State::rolling_back:
            return retry_after_rollback_ ? retry(now) : become_idle(now);
        default:
            break;  // closed, or an answer without a question: told above
    }
}

void Session::statement_done(Mono now) noexcept {
    const postgres::Answer& answer = connection_.answer();
    Query& query = queries_[oldest_];
    metrics::Completion& completion = query.completion;
    Mono done = now;
    if (context_->wakes.wants_stamps()) {
        const auto received = connection_.received_at();
        context_->wakes.answered(received.has_value());
        if (received) done = came_at(*received, now);
    }
    if (answer.failed) [[unlikely]]
        return statement_failed(query, done, now);
    if (any_stale_) [[unlikely]]
        fresh(query);
    completion.rows += answer.rows;
    query.counted = query.counted || answer.counted;
    context_->on_statement(&query, done);
    if (context_->rows != nullptr) [[unlikely]]
        count_added(query, answer.rows);
    if (const auto next =
            context_->workload.next_statement(query.choice, completion.statement, query.arrival, rows_)) {
        if (!connection_.in_transaction()) query.keep();
        completion.statement = *next;
        return send_now(query, now);
    }
    if (connection_.in_transaction()) [[unlikely]] {
        completion.sqlstate = base::kTransactionOpen;
        query.undo();
        end_oldest(Outcome::failed, "the operation left its transaction open: end it with COMMIT", done);
        return roll_back(false);
    }
    end_oldest(query.counted && completion.rows == 0 ? Outcome::empty : Outcome::ok, {}, done);
    become_idle(done);  // from then on it is ours to be late
}

/// Answered at `done`, and read `now`.
void Session::statement_failed(Query& query, Mono done, Mono now) noexcept {
    const postgres::Answer& answer = connection_.answer();
    look_for_stale(query, answer.sqlstate);
    query.completion.sqlstate = answer.sqlstate;
    if (answer.rows > 0 && !connection_.in_transaction()) stand_by_rows(query, answer.rows);
    query.undo();
    if (!may_retry(query, answer.sqlstate)) {
        // Sooner than that somebody else cancelled it.
        const bool timed_out = context_->timeout && answer.sqlstate == base::kQueryCanceled &&
                               done - worked_on_since(query) >= *context_->timeout;
        end_oldest(timed_out ? Outcome::timed_out : Outcome::failed, connection_.error(), done);
        if (context_->leave_read_only && answer.sqlstate == base::kReadOnly)
            return give_up("the server refuses to write");
        return connection_.in_transaction() ? roll_back(false) : become_idle(done);
    }
    if (connection_.in_transaction()) return roll_back(true);
    return room_ == 1 ? this->retry(now) : try_again(move_to_end(), now);
}

/// The server's limit is each statement's. Behind others of its pipeline it began when the one ahead was
/// answered, which we may have read a little late.
Mono Session::worked_on_since(const Query& query) const noexcept {
    if (turn_began_ <= query.statement_sent) return query.statement_sent;
    return std::max(turn_began_ - *context_->timeout / 10, query.statement_sent);
}

/// A prepared statement that the server lost (DEALLOCATE ALL), or whose table was altered, fails from then
/// on, and would for the rest of the run: it is prepared again with its next query.
void Session::look_for_stale(const Query& query, base::SqlState state) {
    if (context_->protocol != Protocol::prepared) return;
    if (state != base::kNoSuchStatement && state != base::kNotSupported) return;
    stale_.resize(context_->workload.statement_count());
    stale_[statement_of(query)] = any_stale_ = true;
}

void Session::fresh(const Query& query) noexcept {
    stale_[statement_of(query)] = false;
    any_stale_ = std::find(stale_.begin(), stale_.end(), true) != stale_.end();
}

/// Not where the next attempt's rows, beside those that this one leaves, would exceed --max-rows.
bool Session::may_retry(const Query& query, base::SqlState state) const noexcept {
    return context_->retries && context_->workload.retries(query.choice.operation, state, query.attempt()) &&
           (context_->rows == nullptr || context_->rows->allows_again(query.kept_added));
}

void Session::count_added(Query& query, std::uint64_t rows) const noexcept {
    if (context_->workload.adds_rows(statement_of(query))) query.added += rows;
}

/// The server did it, and we could not take its answer (AnswerReader::keep_row()).
void Session::stand_by_rows(Query& query, std::uint64_t rows) const noexcept {
    query.completion.rows += rows;
    if (context_->rows != nullptr) count_added(query, rows);
    query.keep();
}

void Session::roll_back(bool then_retry) noexcept {
    // In a pipeline other queries are under way, in the very transaction: nothing that is left of it counts.
    if (room_ > 1) return give_up("a query of the pipeline left a transaction open");
    state_ = State::rolling_back;
    retry_after_rollback_ = then_retry;
    connection_.queue_simple("ROLLBACK");
    if (!then_retry) context_->on_rolling_back(this);
    flush();
}

void Session::retry(Mono now) noexcept {
    Query& query = queries_[oldest_];
    const auto pause =
        context_->workload.retry_pause(query.choice.operation, query.arrival, query.attempt() + 1);
    // Behind the load on_backing_off ends the query instead.
    if (pause.count() == 0 && context_->retries) return try_again(query, now);
    state_ = State::backing_off;
    resume_at_ = now + pause;
    context_->on_backing_off(this, resume_at_);
}

void Session::resume(Mono at) noexcept {
    if (state_ == State::backing_off && resume_at_ == at) try_again(queries_[oldest_], base::mono_now());
}

/// Not before: a query that ends in between had no further attempt, and failed where the last one did.
void Session::try_again(Query& query, Mono now) noexcept {
    state_ = State::busy;
    context_->on_retried(&query, connection_.error());
    if (context_->rows != nullptr) context_->rows->begun_again(query.kept_added);
    query.added = query.kept_added = 0;
    query.counted = false;
    ++query.completion.attempts;
    query.completion.statement = query.choice.statement;
    send_now(query, now);
}

/// The oldest query is sent again behind those that are under way.
Query& Session::move_to_end() noexcept {
    // Where the ring is full, the place behind its end is the oldest's own.
    const std::uint32_t behind = position(under_way_);
    if (behind != oldest_) std::swap(queries_[oldest_], queries_[behind]);
    oldest_ = position(1);
    turn_began_ = base::mono_now();
    context_->on_requeued(this);
    return queries_[position(under_way_ - 1)];
}

void Session::end_oldest(Outcome outcome, std::string_view error, Mono now) noexcept {
    Query& query = queries_[oldest_];
    query.completion.outcome = outcome;
    query.completion.done = now;
    late_ = query.completion.generator_lag();
    if (room_ > 1) turn_began_ = now;
    oldest_ = position(1);
    --under_way_;
    context_->on_ended(this, &query, error);
}

/// The answer to the oldest query will not be waited for, and its connection goes or went while it was `was`.
void Session::lose_oldest(Outcome outcome, base::SqlState sqlstate, std::string_view error, State was,
                          Mono now) noexcept {
    Query& query = queries_[oldest_];
    query.completion.sqlstate = sqlstate;
    query.completion.lost = true;
    query.completion.in_doubt = leaves_doubt(query, was) && !connection_.refused();
    connection_.forget_unasked();  // what came of its answer tells nothing of those behind it
    // A transaction goes with its connection, unless it was being committed.
    if (connection_.in_transaction() && !query.completion.in_doubt) query.undo();
    end_oldest(outcome, error, now);
}

/// Of what stands behind others of its pipeline nobody counts how much of it was sent.
bool Session::leaves_doubt(const Query& query, State state) const noexcept {
    return state == State::busy && (room_ > 1 || connection_.all_sent()) &&
           context_->workload.leaves_doubt(statement_of(query));
}

void Session::stop_retrying(Mono now) noexcept {
    PGTRAFFIC_CHECK(state_ == State::backing_off, "a session that waits for its next attempt");
    end_oldest(Outcome::failed, connection_.error(), now);
    become_idle(now);
}

void Session::expire(Mono now) noexcept {
    constexpr std::string_view kLate = "no answer within the time-out";
    constexpr std::string_view kBesideLate =
        "another query of its pipeline had no answer within the time-out";
    if (state_ == State::backing_off) {
        queries_[oldest_].completion.sqlstate = base::kQueryCanceled;
        end_oldest(Outcome::timed_out, kLate, now);
        return become_idle(now);
    }
    if (in_query()) lose_oldest(Outcome::timed_out, base::kQueryCanceled, kLate, state_, now);
    while (in_query()) lose_oldest(Outcome::failed, base::kConnectionFailure, kBesideLate, state_, now);
    give_up(kLate);
}

void Session::give_up(std::string_view reason) noexcept {
    given_up_because_ = reason;
    lose(base::mono_now());
}

void Session::lose(Mono now) noexcept {
    // The poll first: once the socket is closed its number may be given out again.
    poll_.stop();
    writing_ = false;
    wait_for_rest(false);
    const State was = std::exchange(state_, State::closed);
    // Why the connection went, or what the server had told of the oldest query when it did.
    base::SqlState sqlstate = connection_.unanswered_sqlstate();
    lost_idle_.reset();
    if (was == State::idle) lost_idle_ = sqlstate;
    if (was == State::preparing) {
        const bool refused = unprepared_ > 0 && connection_.answer().failed;
        connect_error_ = refused ? connection_.answer().sqlstate : sqlstate;
        // Of what a statement names something is missing or forbidden (class 42, and 3F of schemas).
        refused_to_prepare_ = refused && unprepared_ <= context_->workload.statement_count() &&
                              (connect_error_.error_class() == "42" || connect_error_.error_class() == "3F");
    } else {
        connect_error_ = connection_.connect_error();
    }
    std::string_view why = error();
    while (in_query()) {
        lose_oldest(Outcome::failed, sqlstate, why, was, now);
        // What ended the session is why all of them have no answer; another error was the oldest one's alone.
        if (connection_.session_ended() || sqlstate == base::kConnectionFailure) continue;
        sqlstate = base::kConnectionFailure;
        why = "the connection was lost behind another query's error";
    }
    unsent_ = false;
    connection_.close();
    context_->on_down(this);
}

std::string_view Session::error() const noexcept {
    return given_up_because_.empty() ? connection_.error() : std::string_view{given_up_because_};
}

base::SqlState Session::connect_error() const noexcept {
    return state_ == State::closed && given_up_because_.empty() ? connect_error_ : base::kCannotConnect;
}

}  // namespace pgtraffic::simulation
