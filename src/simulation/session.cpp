#include "pgtraffic/simulation/session.hpp"

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {

namespace {

constexpr std::string_view kLeftOpen = "the operation left its transaction open: end it with COMMIT";
constexpr base::SqlState kActiveTransaction{{'2', '5', '0', '0', '1'}};

metrics::Outcome success_of(const Query& query) noexcept {
    return query.counted && query.completion.rows == 0 ? metrics::Outcome::empty : metrics::Outcome::ok;
}

}  // namespace

using base::Mono;
using event_loop::Poll;
using event_loop::Readiness;
using metrics::Outcome;
using postgres::ConnectStep;
using postgres::Progress;

Session::Session(std::uint32_t number, SessionContext& context)
    : number_{number}, context_{&context}, queries_(context.pipeline) {
    for (std::uint32_t i = 0; i < context.pipeline; ++i) queries_[i].slot = i;
}

Session::~Session() {
    poll_.reset();
    connection_.close();
}

void Session::connect(const postgres::ConnectParameters& parameters) noexcept {
    PGTRAFFIC_CHECK(state_ == State::closed, "a session connects when it is closed");
    state_ = State::connecting;
    given_up_because_.clear();
    connect_step(connection_.connect(parameters));
}

void Session::connect_step(ConnectStep step) noexcept {
    if (step == ConnectStep::failed) return lose(base::mono_now());
    // The socket may be a new one under an old number, which the kernel dropped from its set without a word:
    // the poll was stopped before, and is begun anew whatever the number says.
    if (!poll_ || poll_->socket() != connection_.socket()) {
        poll_.reset();
        try {
            poll_.emplace(context_->loop, connection_.socket(), Poll::OnReady::to<&Session::on_ready>(*this));
        } catch (const std::exception& e) {
            return give_up(e.what());
        }
    }
    if (step != ConnectStep::connected)
        return poll_->watch(step == ConnectStep::wait_readable, step == ConnectStep::wait_writable);
    poll_->watch(true, false);  // for the rest of its life
    state_ = State::preparing;
    step_ = 0;
    prepare_next();
}

void Session::prepare_next() noexcept {
    const auto setup_steps = static_cast<std::uint32_t>(context_->setup.size());
    const std::uint32_t statements =
        context_->protocol == Protocol::prepared ? context_->workload.statement_count() : 0;
    if (step_ < setup_steps) return after_send(connection_.send_simple(context_->setup[step_].c_str()));
    const std::uint32_t number = step_ - setup_steps;
    if (number < statements) {
        return after_send(connection_.send_prepare(context_->statement_names[number].c_str(),
                                                   context_->workload.statement(number).sql.c_str()));
    }
    if (queries_.size() > 1 && !connection_.begin_pipeline()) return lose(base::mono_now());
    const Mono now = base::mono_now();
    for (std::size_t i = 0; i < queries_.size(); ++i) become_idle(now);
}

void Session::become_idle(Mono now) noexcept {
    state_ = State::idle;
    context_->on_free(this, now);
}

void Session::begin(const Decision& start, std::uint32_t load, Mono now) noexcept {
    PGTRAFFIC_CHECK(state_ == State::idle || (state_ == State::busy && under_way_ < queries_.size()),
                    "a session begins when it has room");
    Query& query = queries_[position(under_way_)];
    const std::uint32_t slot = query.slot;
    query = Query{};
    query.slot = slot;
    query.arrival = start.token.index;
    query.choice = context_->workload.choose(query.arrival);
    query.load = load;
    query.completion.operation = query.choice.operation;
    query.completion.statement = query.choice.statement;
    query.completion.due = start.token.due;
    query.completion.ready = start.ready;
    query.completion.sent = now;
    ++under_way_;
    state_ = State::busy;
    send_statement(query);
}

void Session::send_statement(Query& query) noexcept {
    const auto& workload = context_->workload;
    const std::uint32_t number =
        workload.statement_number(query.choice.operation, query.completion.statement);
    auto& values = context_->values;
    workload.fill(number, query.arrival, query.attempt, values);
    const bool sent = context_->protocol == Protocol::prepared
                          ? connection_.send_prepared(context_->statement_names[number].c_str(), values.count,
                                                      values.text.data())
                          : connection_.send_query(workload.statement(number).sql.c_str(), values.count,
                                                   values.text.data());
    if (queries_.size() == 1) return after_send(sent);
    ++unsent_;
    if (!sent) [[unlikely]]
        lose(base::mono_now());
}

void Session::end_batch() noexcept {
    if (unsent_ == 0) return;
    unsent_ = 0;
    queries_[position(under_way_ - 1)].ends_batch = true;
    after_send(connection_.end_batch());
}

void Session::after_send(bool sent) noexcept {
    const bool pending = sent && connection_.flush_pending();
    if (!sent || connection_.lost()) [[unlikely]]
        return lose(base::mono_now());
    if (pending != writing_) [[unlikely]] {
        // Both directions: the server may be blocked on what we do not read.
        writing_ = pending;
        poll_->watch(true, pending);
    }
}

void Session::on_ready(Readiness ready) noexcept {
    const Mono now = base::mono_now();
    context_->on_event(now);
    if (state_ == State::connecting) {
        poll_->stop();
        return connect_step(connection_.connect_poll());
    }
    if (ready.writable && writing_) {
        after_send(true);
        if (state_ == State::closed) return;
    }
    if (!ready.readable && !ready.broken) return;
    const Progress progress = connection_.receive();
    if (queries_.size() > 1 && in_query()) return take_pipelined(progress, now);
    switch (progress) {
        case Progress::busy:
            break;
        case Progress::finished:
            on_answer(now);
            break;
        case Progress::batch_ended:
        case Progress::lost:
            lose(now);
            break;
    }
}

void Session::on_answer(Mono now) noexcept {
    switch (state_) {
        case State::preparing:
            if (connection_.answer().failed) return lose(now);
            ++step_;
            return prepare_next();
        case State::busy:
            return statement_done(now);
        case State::rolling_back:
            if (!retry_after_rollback_) return become_idle(now);
            state_ = State::busy;
            return send_statement(queries_[oldest_]);
        default:
            break;  // a notice to an idle session
    }
}

void Session::statement_done(Mono now) noexcept {
    const postgres::Answer& answer = connection_.answer();
    Query& query = queries_[oldest_];
    metrics::Completion& completion = query.completion;
    if (answer.failed) {
        const bool retry = context_->workload.retries(query.choice.operation, answer.sqlstate, query.attempt);
        completion.sqlstate = answer.sqlstate;
        if (retry) {
            count_attempt(query, true);
        } else {
            end_oldest(failure_of(query), now);
        }
        if (connection_.in_transaction()) return roll_back(retry);
        return retry ? send_statement(query) : become_idle(now);
    }
    completion.rows += answer.rows;
    query.counted = query.counted || answer.counted;
    if (completion.statement != query.choice.last) {
        ++completion.statement;
        return send_statement(query);
    }
    if (connection_.in_transaction()) [[unlikely]] {
        given_up_because_ = kLeftOpen;
        completion.sqlstate = kActiveTransaction;
        end_oldest(Outcome::failed, now);
        return roll_back(false);
    }
    end_oldest(success_of(query), now);
    become_idle(now);
}

void Session::roll_back(bool then_retry) noexcept {
    state_ = State::rolling_back;
    retry_after_rollback_ = then_retry;
    after_send(connection_.send_simple("ROLLBACK"));
}

// ---- pipeline -------------------------------------------------------------------------------------------

void Session::take_pipelined(Progress progress, Mono now) noexcept {
    for (; progress != Progress::busy; progress = connection_.next_answer()) {
        if (progress == Progress::lost) return lose(now);
        if (progress == Progress::batch_ended) {
            settle_batch(now);
            if (state_ == State::closed) return;
            continue;
        }
        const postgres::Answer& answer = connection_.answer();
        Query& query = queries_[position(answered_++)];
        query.completion.done = now;
        query.completion.rows = answer.rows;
        query.counted = answer.counted;
        query.failed = answer.failed;
        query.completion.sqlstate = answer.sqlstate;
    }
}

/// Decides about the queries of the oldest batch, all of which are answered. The server has undone and
/// skipped the innocent ones of a batch that failed: they are sent again, each as a batch of its own.
void Session::settle_batch(Mono now) noexcept {
    std::uint32_t size = 1;
    bool failed = queries_[oldest_].failed;
    while (!queries_[position(size - 1)].ends_batch) failed = queries_[position(size++)].failed || failed;
    PGTRAFFIC_CHECK(size == answered_, "a batch ends when all of its queries are answered");
    answered_ = 0;
    for (; size > 0; --size) {
        Query& query = queries_[oldest_];
        const bool own = query.failed;
        const bool again =
            own ? context_->workload.retries(query.choice.operation, query.completion.sqlstate, query.attempt)
                : failed;
        if (again) {
            move_to_end();
            count_attempt(queries_[position(under_way_ - 1)], own);
            send_statement(queries_[position(under_way_ - 1)]);
            if (state_ != State::closed) end_batch();
            if (state_ == State::closed) return;
            continue;
        }
        end_oldest(own ? failure_of(query) : success_of(query), query.completion.done);
        if (under_way_ == 0) state_ = State::idle;
        context_->on_free(this, now);
    }
}

void Session::move_to_end() noexcept {
    // Where the ring is full, the place behind its end is the oldest's own.
    const std::uint32_t behind = position(under_way_);
    if (behind != oldest_) std::swap(queries_[oldest_], queries_[behind]);
    oldest_ = position(1);
}

// ---- ends -----------------------------------------------------------------------------------------------

void Session::count_attempt(Query& query, bool of_itself) noexcept {
    if (of_itself) ++query.attempt;
    ++query.completion.attempts;
    query.completion.statement = query.choice.statement;
    query.completion.rows = 0;
    query.completion.sqlstate = {};
    query.counted = query.failed = query.ends_batch = false;
}

Outcome Session::failure_of(const Query& query) const noexcept {
    const bool timed_out = context_->has_timeout && query.completion.sqlstate == base::kQueryCanceled;
    return timed_out ? Outcome::timed_out : Outcome::failed;
}

void Session::end_oldest(Outcome outcome, Mono now) noexcept {
    Query& query = queries_[oldest_];
    query.completion.outcome = outcome;
    query.completion.done = now;
    oldest_ = position(1);
    --under_way_;
    context_->on_ended(this, &query);
    given_up_because_.clear();
}

void Session::expire(std::uint32_t slot, Mono now) noexcept {
    constexpr std::string_view kReason = "no answer within the time-out";
    while (in_query()) {
        Query& query = queries_[oldest_];
        const bool late = query.slot == slot;
        given_up_because_ =
            late ? kReason : "another query of its pipeline had no answer within the time-out";
        query.completion.sqlstate = late ? base::kQueryCanceled : base::kConnectionFailure;
        end_oldest(late ? Outcome::timed_out : Outcome::failed, now);
    }
    give_up(kReason);
}

void Session::give_up(std::string_view reason) noexcept {
    given_up_because_ = reason;
    lose(base::mono_now());
}

void Session::lose(Mono now) noexcept {
    // The poll first: libpq may have closed the socket already, and its number may be given out again.
    poll_.reset();
    writing_ = false;
    state_ = State::closed;
    const postgres::Answer& answer = connection_.answer();
    const base::SqlState sqlstate = answer.failed ? answer.sqlstate : base::kConnectionFailure;
    const std::string reason = given_up_because_;  // each end forgets it
    while (in_query()) {
        queries_[oldest_].completion.sqlstate = sqlstate;
        given_up_because_ = reason;
        end_oldest(Outcome::failed, now);
    }
    given_up_because_ = reason;
    answered_ = unsent_ = 0;
    connection_.close();
    context_->on_down(this);
}

std::string_view Session::error() const noexcept {
    return given_up_because_.empty() ? connection_.error() : std::string_view{given_up_because_};
}

}  // namespace pgtraffic::simulation
