// Brings sessions up and brings lost ones back: so many at a time, each with a time limit, after failures
// with a pause that doubles and varies, so that a thousand sessions do not come back in one instant.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "pgtraffic/simulation/host_lookup.hpp"
#include "pgtraffic/simulation/index_list.hpp"
#include "pgtraffic/simulation/password_source.hpp"
#include "pgtraffic/simulation/pauses.hpp"
#include "pgtraffic/simulation/session.hpp"

namespace pgtraffic::simulation {

struct ConnectorOptions {
    std::uint32_t at_once_first = 128;  ///< while nothing else goes on; a pooler's backlog holds as many
    std::uint32_t at_once_later = 32;   ///< beside the load, which the server has to answer, too
    /// Of a turn of the loop, if one step takes no longer: a password's SCRAM costs milliseconds.
    base::Nanos handshakes_a_turn = std::chrono::milliseconds{1};
    base::Nanos time_limit = std::chrono::seconds{10};  ///< of one attempt
    base::Nanos first_pause = std::chrono::milliseconds{50};
    base::Nanos longest_pause = std::chrono::seconds{2};
    std::uint64_t seed = 0;  ///< of the pauses' variation
    std::optional<std::string> password_command;
};

/// Neither copies nor moves. Refers to the sessions, which outlive it.
class Connector {
 public:
    Connector(event_loop::Loop& loop, const postgres::Conninfo& conninfo,
              const std::vector<std::unique_ptr<Session>>& sessions, const ConnectorOptions& options);

    void connect_all();

    // Told by the owner of the sessions' callbacks.
    void session_up(std::uint32_t session) noexcept;
    void session_down(std::uint32_t session) noexcept;
    void handshake_wanted(std::uint32_t session) noexcept {
        lines_[session].wants_since = base::mono_now();
        handshakes_.push_back(session);
    }

    [[nodiscard]] bool handshakes_wait() const noexcept { return !handshakes_.empty(); }
    /// Goes on with those that wait, as many as a turn of the loop has time for.
    void shake_hands() noexcept;

    /// No further attempts; those under way are given up.
    void stop() noexcept;

    [[nodiscard]] bool up(std::uint32_t session) const noexcept { return lines_[session].up; }
    /// `text` without any password that an attempt was made with.
    [[nodiscard]] std::string without_secrets(std::string text) const {
        return lookup_.without_secrets(std::move(text));
    }

    [[nodiscard]] std::uint32_t connected() const noexcept { return connected_; }
    /// Sessions without a connection that was not given up by ourselves, over a time-out.
    [[nodiscard]] std::uint32_t away() const noexcept {
        return static_cast<std::uint32_t>(lines_.size()) - connected_ - given_up_;
    }
    [[nodiscard]] std::uint64_t reconnects() const noexcept { return reconnects_; }
    /// Failed attempts of a session in a row.
    [[nodiscard]] std::uint32_t attempts(std::uint32_t session) const noexcept {
        return lines_[session].attempts;
    }
    /// Sessions that stood and were lost before all of them ever stood together.
    [[nodiscard]] std::uint64_t lost_early() const noexcept { return lost_early_; }
    /// Failed attempts, and those losses, by reason, since the start.
    [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& failures() const noexcept {
        return failures_;
    }

 private:
    struct Line {
        std::uint32_t attempts = 0;     // failed, in a row
        std::uint32_t short_lives = 0;  // connections that were made and thrown out at once, in a row
        bool up = false;
        bool was_up = false;
        bool given_up = false;  // its last connection, by ourselves
        base::Mono started;
        base::Mono wants_since;  // to go on with its handshake
        base::Mono up_since;
    };

    void go_on(base::Mono now) noexcept;  // starts what may start, sets the timer
    [[nodiscard]] bool has_place() const noexcept {
        return connecting_.size() < (all_were_up_ ? options_.at_once_later : options_.at_once_first);
    }
    void begin_time(std::uint32_t session, base::Mono now) noexcept;  // of an attempt
    void on_time() noexcept;
    void on_addresses() noexcept;
    void on_password() noexcept;
    void note_failure(std::string_view reason) noexcept;
    void fail_wanting(std::string_view why, base::Mono now) noexcept;  // no address or password to be had

    const std::vector<std::unique_ptr<Session>>* sessions_;
    ConnectorOptions options_;
    std::vector<Line> lines_;
    IndexList wanting_;     // to be connected as soon as there is a place
    IndexList connecting_;  // by start: the first one's time limit ends first
    IndexList handshakes_;  // the server has said something
    Pauses pauses_;         // before the next attempt
    base::Random jitter_;
    bool all_were_up_ = false;  // at the same time, once
    bool stopped_ = false;
    bool going_on_ = false;
    std::uint32_t connected_ = 0;
    std::uint32_t given_up_ = 0;  // lines
    std::uint64_t reconnects_ = 0;
    std::uint64_t lost_early_ = 0;
    std::map<std::string, std::uint64_t, std::less<>> failures_;
    HostLookup lookup_;
    PasswordSource password_;
    event_loop::Timer timer_;
};

}  // namespace pgtraffic::simulation
