#include "pgtraffic/simulation/password_source.hpp"

#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/event_loop/signal.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr base::Nanos kFreshPassword = std::chrono::seconds{1};
constexpr base::Nanos kTimeLimit = std::chrono::seconds{10};

/// The output less the newline at its end, which is the file's and not the password's; empty with a reason.
std::string password_of(const event_loop::CommandEnd& end, std::string& error) {
    constexpr const char* kCure = "run it by hand to see why";
    std::string text = end.output;
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (!end.error.empty()) {
        error = fmt::format("--password-command {}; {}", end.error, kCure);
    } else if (text.empty()) {
        error = fmt::format("--password-command printed nothing; {}", kCure);
    } else if (text.find_first_of(std::string_view{"\0\r\n", 3}) != std::string::npos) {
        error = "--password-command printed more than one line; it must print the password alone";
    } else {
        error.clear();
        return text;
    }
    return {};
}

struct Answer {
    std::string password;
    std::string error;
    int signal = 0;  ///< that ended the wait
};

/// Waits on a loop of its own. What still runs when it goes is killed.
class Waiter {
 public:
    Answer run(const std::string& command) {
        shell_.start(command, kTimeLimit);
        // Whoever asks may hold them back; here they end the wait.
        const base::SignalMask heard{base::SignalMask::Ending::let_through};
        loop_.run();
        return answer_;
    }

 private:
    void on_end(const event_loop::CommandEnd* end) noexcept {
        answer_.password = password_of(*end, answer_.error);
    }
    void on_signal(int number) noexcept {
        answer_.signal = number;
        loop_.stop();
    }

    Answer answer_;
    event_loop::Loop loop_;
    event_loop::EndingSignals signals_{loop_, base::Callback<int>::to<&Waiter::on_signal>(*this)};
    event_loop::ShellCommand shell_{
        loop_, base::Callback<const event_loop::CommandEnd*>::to<&Waiter::on_end>(*this)};
};

}  // namespace

PasswordSource::PasswordSource(event_loop::Loop& loop, std::optional<std::string> command,
                               base::Callback<> on_answer)
    : command_{std::move(command)},
      on_answer_{on_answer},
      shell_{loop, base::Callback<const event_loop::CommandEnd*>::to<&PasswordSource::on_end>(*this)} {}

PasswordSource::State PasswordSource::ask(base::Mono now) noexcept {
    if (!command_) return State::ready;
    if (shell_.running()) return State::waiting;
    if (answered_ == base::Mono::min() || now - answered_ >= kFreshPassword) {
        shell_.start(*command_, kTimeLimit);
        return State::waiting;
    }
    if (error_.empty()) return State::ready;
    return std::exchange(error_told_, true) ? State::waiting : State::failed;
}

base::Mono PasswordSource::retry_at() const noexcept {
    return error_.empty() || shell_.running() ? base::Mono::max() : answered_ + kFreshPassword;
}

void PasswordSource::on_end(const event_loop::CommandEnd* end) noexcept {
    answered_ = base::mono_now();
    password_ = password_of(*end, error_);
    error_told_ = false;
    on_answer_();
}

std::string run_password_command(const std::string& command) {
    const Answer answer = Waiter{}.run(command);
    if (answer.signal != 0) {
        ::raise(answer.signal);  // ends us, now that nobody listens any more
        throw base::Error(base::kInterrupted);
    }
    if (!answer.error.empty()) throw base::Error(answer.error);
    return answer.password;
}

}  // namespace pgtraffic::simulation
