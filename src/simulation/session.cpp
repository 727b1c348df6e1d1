#include "pgtraffic/simulation/session.hpp"

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using event_loop::Poll;
using event_loop::Readiness;
using metrics::Outcome;
using postgres::ConnectStep;
using postgres::Progress;

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
    become_idle(base::mono_now());
}

void Session::become_idle(Mono now) noexcept {
    state_ = State::idle;
    context_->on_free(this, now);
}

void Session::begin(const Decision& start, std::uint32_t load, Mono now) noexcept {
    PGTRAFFIC_CHECK(state_ == State::idle, "a session begins when it is idle");
    arrival_ = start.token.index;
    choice_ = context_->workload.choose(arrival_);
    load_ = load;
    attempt_ = 0;
    counted_ = false;
    completion_ = {};
    completion_.operation = choice_.operation;
    completion_.statement = choice_.statement;
    completion_.due = start.token.due;
    completion_.ready = start.ready;
    completion_.sent = now;
    state_ = State::busy;
    send_statement();
}

void Session::send_statement() noexcept {
    const auto& workload = context_->workload;
    const std::uint32_t number = workload.statement_number(choice_.operation, completion_.statement);
    auto& values = context_->values;
    workload.fill(number, arrival_, attempt_, values);
    after_send(context_->protocol == Protocol::prepared
                   ? connection_.send_prepared(context_->statement_names[number].c_str(), values.count,
                                               values.text.data())
                   : connection_.send_query(workload.statement(number).sql.c_str(), values.count,
                                            values.text.data()));
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
    switch (connection_.receive()) {
        case Progress::busy:
            break;
        case Progress::finished:
            on_answer(now);
            break;
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
            return send_statement();
        default:
            break;  // a notice to an idle session
    }
}

void Session::statement_done(Mono now) noexcept {
    const postgres::Answer& answer = connection_.answer();
    if (answer.failed) {
        const bool retry = context_->workload.retries(choice_.operation, answer.sqlstate, attempt_);
        if (retry) {
            ++attempt_;
            ++completion_.attempts;
            completion_.statement = choice_.statement;
            completion_.rows = 0;
            counted_ = false;
        } else {
            completion_.sqlstate = answer.sqlstate;
            const bool timed_out = context_->has_timeout && answer.sqlstate == base::kQueryCanceled;
            end_query(timed_out ? Outcome::timed_out : Outcome::failed, now);
        }
        if (connection_.in_transaction()) return roll_back(retry);
        return retry ? send_statement() : become_idle(now);
    }
    completion_.rows += answer.rows;
    counted_ = counted_ || answer.counted;
    if (completion_.statement != choice_.last) {
        ++completion_.statement;
        return send_statement();
    }
    if (connection_.in_transaction()) [[unlikely]] {
        given_up_because_ = "the operation left its transaction open: end it with COMMIT";
        completion_.sqlstate = base::SqlState{{'2', '5', '0', '0', '1'}};
        end_query(Outcome::failed, now);
        return roll_back(false);
    }
    end_query(counted_ && completion_.rows == 0 ? Outcome::empty : Outcome::ok, now);
    become_idle(now);
}

void Session::roll_back(bool then_retry) noexcept {
    state_ = State::rolling_back;
    retry_after_rollback_ = then_retry;
    after_send(connection_.send_simple("ROLLBACK"));
}

void Session::end_query(Outcome outcome, Mono now) noexcept {
    completion_.outcome = outcome;
    completion_.done = now;
    context_->on_ended(this, &completion_);
    given_up_because_.clear();
}

void Session::expire(Mono now) noexcept {
    PGTRAFFIC_CHECK(in_query(), "only a query expires");
    given_up_because_ = "no answer within the time-out";
    completion_.sqlstate = base::kQueryCanceled;
    end_query(Outcome::timed_out, now);
    give_up("no answer within the time-out");
}

void Session::give_up(std::string_view reason) noexcept {
    given_up_because_ = reason;
    state_ = State::closed;
    lose(base::mono_now());
}

void Session::lose(Mono now) noexcept {
    // The poll first: libpq may have closed the socket already, and its number may be given out again.
    poll_.reset();
    writing_ = false;
    const bool unanswered = in_query();
    state_ = State::closed;
    if (unanswered) {
        const postgres::Answer& answer = connection_.answer();
        completion_.sqlstate = answer.failed ? answer.sqlstate : base::kConnectionFailure;
        end_query(Outcome::failed, now);
    }
    connection_.close();
    context_->on_down(this);
}

std::string_view Session::error() const noexcept {
    return given_up_because_.empty() ? connection_.error() : std::string_view{given_up_because_};
}

}  // namespace pgtraffic::simulation
