#include "pgtraffic/simulation/crew.hpp"

#include "pgtraffic/event_loop/tcp_info.hpp"
#include "pgtraffic/simulation/plan.hpp"

namespace pgtraffic::simulation {

using base::Callback;
using base::Mono;
using base::Nanos;

namespace {

constexpr std::size_t kTcpSamples = 16;

}  // namespace

Crew::Crew(event_loop::Loop& loop, const SimulationPlan& plan, SessionContext& context)
    : context_{context},
      deadline_timer_{loop, Callback<>::to<&Crew::on_deadline>(*this)},
      pause_timer_{loop, Callback<>::to<&Crew::on_pause_over>(*this)} {
    sessions_.reserve(plan.connections);
    for (std::uint32_t i = 0; i < plan.connections; ++i)
        sessions_.push_back(std::make_unique<Session>(i, context_));
    if (plan.timeout) deadlines_.emplace(plan.connections, client_limit(*plan.timeout, plan.pooled));
    if (plan.pipeline > 1) unsent_.reserve(plan.connections);
}

void Crew::begin(const Decision& start, std::uint32_t load, Mono now) noexcept {
    Session& session = *sessions_[start.session];
    // Behind another query of its pipeline it waits for its turn.
    if (deadlines_ && !session.in_query()) begin_time(session, now);
    if (context_.pipeline > 1 && !session.unsent()) unsent_.push_back(start.session);
    session.begin(start, load, now);
}

void Crew::begin_time(const Session& session, Mono now) noexcept {
    deadlines_->begin(session.number(), now);
    if (!deadline_timer_.active()) deadline_timer_.start(deadlines_->next() - now);
}

void Crew::end_time(const Session& session) noexcept {
    deadlines_->end(session.number());
    if (session.in_query()) begin_time(session, base::mono_now());
}

void Crew::flush() noexcept {
    for (const std::uint32_t session : unsent_) sessions_[session]->flush();
    unsent_.clear();
}

void Crew::on_deadline() noexcept {
    const Mono now = base::mono_now();
    context_.load.wakes(now);
    while (deadlines_->next() <= now) {
        const std::uint32_t late = deadlines_->first();
        // Its answer may have come while the turn before this one lasted.
        sessions_[late]->look();
        if (deadlines_->next() <= now && deadlines_->first() == late) sessions_[late]->expire(now);
    }
    if (deadlines_->next() != Mono::max()) deadline_timer_.start(deadlines_->next() - now);
}

void Crew::backing_off(const Session& session, Mono until) noexcept {
    pauses_.add({until, session.number()});
    if (pauses_.next() == until) pause_timer_.start(until - base::mono_now());
}

void Crew::stop_retrying(Mono now) noexcept {
    context_.retries = false;
    for (const auto& session : sessions_) {
        if (session->state() == Session::State::backing_off) session->stop_retrying(now);
    }
}

void Crew::on_pause_over() noexcept {
    const Mono now = base::mono_now();
    context_.load.wakes(now);
    while (pauses_.next() <= now) {
        const auto over = pauses_.take();
        sessions_[over.session]->resume(over.until);
    }
    if (pauses_.next() != Mono::max()) pause_timer_.start(pauses_.next() - now);
}

std::optional<bool> Crew::cancel(Nanos limit) const {
    postgres::CancelRequests requests;
    for (const auto& session : sessions_) session->cancel_by(requests);
    return requests.empty() ? std::nullopt : std::optional{requests.send(limit)};
}

metrics::ConnectionStates Crew::states() const noexcept {
    metrics::ConnectionStates states;
    states.wanted = static_cast<std::uint32_t>(sessions_.size());
    for (const auto& session : sessions_) {
        switch (session->state()) {
            case Session::State::closed:
                ++states.closed;
                break;
            case Session::State::connecting:
            case Session::State::preparing:
                ++states.connecting;
                break;
            case Session::State::idle:
                ++states.idle;
                break;
            case Session::State::busy:
            case Session::State::backing_off:
            case Session::State::rolling_back:
                ++states.busy;
                break;
        }
    }
    return states;
}

void Crew::sample_round_trips(metrics::Histogram& into) noexcept {
    for (std::size_t i = 0; i < std::min(kTcpSamples, sessions_.size()); ++i) {
        const auto& session = sessions_[next_sample_++ % sessions_.size()];
        if (const auto trip = event_loop::tcp_round_trip(session->socket())) into.record(*trip);
    }
}

}  // namespace pgtraffic::simulation
