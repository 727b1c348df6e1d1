// The password of --password-command: asked for when a connection is to be made, shared by the attempts of a
// second, because a hundred sessions that come back at once need one token and not a hundred programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/shell_command.hpp"

namespace pgtraffic::simulation {

/// Neither copies nor moves. Without a command it is always ready, with nothing.
class PasswordSource {
 public:
    enum class State : std::uint8_t {
        waiting,  ///< the command runs, and on_answer follows; or it failed within the last second, and
                  ///< will be run at retry_at() → ready or failed
        ready,    ///< password() is fresh; → waiting once it is older than a second and asked for
        failed,   ///< error() says why, once for each run of the command; → waiting
    };

    /// `on_answer` is called after each end of the command.
    PasswordSource(event_loop::Loop& loop, std::optional<std::string> command, base::Callback<> on_answer);

    /// The state now; begins to run the command where the last answer is too old.
    [[nodiscard]] State ask(base::Mono now) noexcept;

    /// When ask() will run the command again that failed; Mono::max() where none did.
    [[nodiscard]] base::Mono retry_at() const noexcept;

    [[nodiscard]] const std::string& password() const noexcept { return password_; }
    [[nodiscard]] const std::string& error() const noexcept { return error_; }  ///< holds no secret

 private:
    void on_end(const event_loop::CommandEnd* end) noexcept;

    std::optional<std::string> command_;
    base::Callback<> on_answer_;
    base::Mono answered_ = base::Mono::min();
    std::string password_;
    std::string error_;
    bool error_told_ = false;
    event_loop::ShellCommand shell_;
};

/// Runs the command and waits for it. Throws base::Error with the reason, without any secret.
[[nodiscard]] std::string run_password_command(const std::string& command);

}  // namespace pgtraffic::simulation
