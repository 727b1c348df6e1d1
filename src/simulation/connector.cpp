#include "pgtraffic/simulation/connector.hpp"

#include <algorithm>
#include <utility>

namespace pgtraffic::simulation {

using base::Mono;
using base::Nanos;

namespace {

/// Reasons that are told apart; a server that puts a number into each message must not fill our memory.
constexpr std::size_t kMaxReasons = 20;

}  // namespace

Connector::Connector(event_loop::Loop& loop, const postgres::Conninfo& conninfo,
                     const std::vector<std::unique_ptr<Session>>& sessions, const ConnectorOptions& options)
    : sessions_{&sessions},
      options_{options},
      lines_(sessions.size()),
      wanting_(static_cast<std::uint32_t>(sessions.size())),
      connecting_(static_cast<std::uint32_t>(sessions.size())),
      handshakes_(static_cast<std::uint32_t>(sessions.size())),
      jitter_{options.seed, base::Stream::jitter},
      lookup_{loop, conninfo, base::Callback<>::to<&Connector::on_addresses>(*this)},
      password_{loop, options.password_command, base::Callback<>::to<&Connector::on_password>(*this)},
      timer_{loop, base::Callback<>::to<&Connector::on_time>(*this)} {}

void Connector::connect_all() {
    for (std::uint32_t i = 0; i < lines_.size(); ++i) wanting_.push_back(i);
    go_on(base::mono_now());
}

void Connector::session_up(std::uint32_t session) noexcept {
    Line& line = lines_[session];
    if (line.up) return;
    connecting_.remove(session);
    const Mono now = base::mono_now();
    line.up = true;
    line.up_since = now;
    line.attempts = 0;
    ++connected_;
    if (std::exchange(line.given_up, false)) --given_up_;
    all_were_up_ = all_were_up_ || connected_ == lines_.size();
    if (line.was_up) ++reconnects_;
    line.was_up = true;
    go_on(now);
}

void Connector::session_down(std::uint32_t session) noexcept {
    if (stopped_) return;
    Line& line = lines_[session];
    const Mono now = base::mono_now();
    const Session& lost = *(*sessions_)[session];
    // There is no server there that lets us in. One that is full, or starting, is there all the same.
    if (!line.up && !lost.given_up() && lost.connect_error().error_class() == "08") lookup_.ask_all_again();
    connecting_.remove(session);
    handshakes_.remove(session);
    const auto doubled = [this](std::uint32_t times) {
        return std::min(options_.first_pause * (std::int64_t{1} << std::min(times, 16U)),
                        options_.longest_pause);
    };
    if (const bool ours = lost.given_up(); line.up || !ours) {
        given_up_ = given_up_ - (line.given_up ? 1 : 0) + (ours ? 1 : 0);
        line.given_up = ours;
    }
    Nanos pause{0};
    if (!line.up || !all_were_up_) note_failure(lost.error());
    if (line.up) {
        line.up = false;
        --connected_;
        if (!all_were_up_) ++lost_early_;
        // A pooler whose server is down lets everybody in, and throws out who asks it something.
        const bool at_once = lost.thrown_out() && now - line.up_since < options_.longest_pause;
        line.short_lives = at_once ? line.short_lives + 1 : 0;
        if (line.short_lives > 1) pause = doubled(line.short_lives - 1);
    } else {
        pause = doubled(line.attempts++);
    }
    // Even the first attempt after a loss waits a little, each its own while: all lost together.
    const double share = pause.count() == 0 ? jitter_.unit() : 0.5 + 0.5 * jitter_.unit();
    pause = base::from_seconds(share * base::to_seconds(std::max(pause, options_.first_pause)));
    // Later than now: the session is not yet done with the connection that it loses.
    pauses_.add({now + std::max(pause, Nanos{1}), session});
    go_on(now);
}

void Connector::note_failure(std::string_view reason) noexcept {
    const auto known = failures_.find(reason);
    if (known != failures_.end()) {
        ++known->second;
    } else if (failures_.size() < kMaxReasons) {
        failures_.emplace(reason, 1);
    }
}

void Connector::shake_hands() noexcept {
    const Mono enough = base::mono_now() + options_.handshakes_a_turn;
    constexpr Nanos kOurs = std::chrono::milliseconds{100};
    do {
        const std::uint32_t session = handshakes_.pop_front();
        // What it waited for its turn, because others' handshakes came first, was not the server's time.
        const Mono now = base::mono_now();
        if (now - lines_[session].wants_since > kOurs && connecting_.contains(session))
            begin_time(session, now);
        (*sessions_)[session]->shake_hands();
    } while (!handshakes_.empty() && base::mono_now() < enough);
}

void Connector::go_on(Mono now) noexcept {
    if (stopped_ || going_on_) return;  // a failing connect() calls back from within
    going_on_ = true;
    while (pauses_.next() <= now) wanting_.push_back(pauses_.take().session);
    const bool wanted = !wanting_.empty() && has_place();
    const auto address = wanted ? lookup_.ask(now) : HostLookup::State::waiting;
    const auto password = wanted ? password_.ask(now) : PasswordSource::State::waiting;
    if (address == HostLookup::State::failed) fail_wanting(lookup_.error(), now);
    if (password == PasswordSource::State::failed) fail_wanting(password_.error(), now);
    while (!wanting_.empty() && has_place() && address == HostLookup::State::ready &&
           password == PasswordSource::State::ready) {
        const std::uint32_t session = wanting_.front();
        wanting_.remove(session);
        begin_time(session, now);
        (*sessions_)[session]->connect(lookup_.parameters());
    }
    Mono next = pauses_.next();
    if (!connecting_.empty())
        next = std::min(next, lines_[connecting_.front()].started + options_.time_limit);
    if (wanted && address != HostLookup::State::ready) next = std::min(next, lookup_.retry_at());
    if (wanted && password != PasswordSource::State::ready) next = std::min(next, password_.retry_at());
    if (next == Mono::max()) {
        timer_.stop();
    } else {
        timer_.start(next - now);
    }
    going_on_ = false;
}

void Connector::on_addresses() noexcept {
    const Mono now = base::mono_now();
    lookup_.answered(now);
    go_on(now);
}

void Connector::on_password() noexcept {
    if (password_.error().empty()) lookup_.set_password(password_.password());
    go_on(base::mono_now());
}

void Connector::fail_wanting(std::string_view why, Mono now) noexcept {
    while (!wanting_.empty()) {
        const std::uint32_t session = wanting_.front();
        wanting_.remove(session);
        begin_time(session, now);
        (*sessions_)[session]->give_up(why);
    }
}

void Connector::begin_time(std::uint32_t session, Mono now) noexcept {
    connecting_.remove(session);
    connecting_.push_back(session);  // who began first is late first
    lines_[session].started = now;
}

void Connector::on_time() noexcept {
    const Mono now = base::mono_now();
    while (!connecting_.empty() && now - lines_[connecting_.front()].started >= options_.time_limit) {
        const std::uint32_t session = connecting_.front();
        if (handshakes_.contains(session)) {
            begin_time(session, now);  // it is we who are late
            continue;
        }
        // Removed here: where the run is over nobody tells us that the session is down.
        connecting_.remove(session);
        lookup_.leave_out((*sessions_)[session]->host());
        (*sessions_)[session]->give_up("the server did not answer in time");
    }
    go_on(now);
}

void Connector::stop() noexcept {
    stopped_ = true;
    timer_.stop();
    while (!connecting_.empty()) {
        const std::uint32_t session = connecting_.front();
        connecting_.remove(session);
        (*sessions_)[session]->give_up("the run ended");
    }
}

}  // namespace pgtraffic::simulation
