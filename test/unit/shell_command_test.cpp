// A shell command beside the loop: what it prints, how it fails, and that nothing of it stays behind.
#include "pgtraffic/event_loop/shell_command.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/simulation/password_source.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using event_loop::CommandEnd;
using simulation::PasswordSource;
using namespace std::chrono_literals;

namespace {

/// Runs commands one after the other and keeps their ends.
class Runner {
 public:
    CommandEnd run(const std::string& command, base::Nanos limit = 30s) {
        end_.reset();
        command_.start(command, limit);
        CHECK(command_.running());
        loop_.run();
        REQUIRE(end_.has_value());
        CHECK_FALSE(command_.running());
        return *end_;
    }

 private:
    void on_end(const CommandEnd* end) noexcept { end_ = *end; }

    std::optional<CommandEnd> end_;
    event_loop::Loop loop_;
    event_loop::ShellCommand command_{loop_, base::Callback<const CommandEnd*>::to<&Runner::on_end>(*this)};
};

/// A path in a folder of its own.
class Place {
 public:
    [[nodiscard]] std::string file() const { return folder_ / "file"; }
    [[nodiscard]] std::size_t lines() const {
        std::ifstream file{this->file()};
        std::size_t n = 0;
        for (std::string line; std::getline(file, line);) ++n;
        return n;
    }

 private:
    test::Folder folder_;
};

/// Whether the process is gone, or goes within seconds.
bool ends(pid_t pid) {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return errno == ESRCH;
    pollfd ready{fd, POLLIN, 0};
    const bool ended = ::poll(&ready, 1, 10'000) == 1;
    ::close(fd);
    return ended;
}

pid_t pid_in(const std::string& file) {
    pid_t pid = 0;
    std::ifstream{file} >> pid;
    REQUIRE(pid > 0);
    return pid;
}

std::string password_error(const std::string& command) {
    try {
        (void)simulation::run_password_command(command);
    } catch (const base::Error& error) {
        return error.what();
    }
    return "";
}

/// A source on a loop, asked until it has an answer.
class Asker {
 public:
    explicit Asker(const std::string& command)
        : source_{loop_, command, base::Callback<>::to<&Asker::on_answer>(*this)} {}

    PasswordSource::State ask(base::Mono now) {
        auto state = source_.ask(now);
        if (state == PasswordSource::State::waiting) {
            loop_.run();
            state = source_.ask(base::mono_now());
        }
        return state;
    }
    [[nodiscard]] int answers() const noexcept { return answers_; }
    [[nodiscard]] const PasswordSource& source() const noexcept { return source_; }

 private:
    void on_answer() noexcept { ++answers_; }

    int answers_ = 0;
    event_loop::Loop loop_;
    PasswordSource source_;
};

}  // namespace

TEST_CASE("a command's output is taken whole, its stderr goes nowhere") {
    Runner runner;
    const auto end = runner.run("echo one; echo two >&2; printf three");
    CHECK(end.output == "one\nthree");
    CHECK(end.error.empty());
    CHECK(runner.run("cat").output.empty());  // it has nothing to read
    const auto many = runner.run("head -c 60000 /dev/zero | tr '\\0' x");
    CHECK(many.output == std::string(60000, 'x'));
}

TEST_CASE("a command that fails says how, and the runner goes on") {
    Runner runner;
    CHECK(runner.run("echo secret; exit 3").error == "ended with exit code 3");
    CHECK(runner.run("no-such-program-anywhere").error == "ended with exit code 127");
    CHECK(runner.run("kill -TERM $$").error == "was ended by signal 15");
    CHECK(runner.run("yes").error == "printed too much");
    // What it left behind and keeps its output open is not waited for.
    CHECK(runner.run("sleep 1000 & exit 4").error == "ended with exit code 4");
    CHECK(runner.run("echo fine").error.empty());
}

TEST_CASE("a command that takes too long ends, and so does all that it started") {
    const Place place;
    Runner runner;
    // The limit is long enough for the file to be written on any machine, and the rest waits for ever.
    const auto end = runner.run("sleep 1000 & echo $! > '" + place.file() + "'; wait", 2s);
    CHECK(end.error == "took too long");
    CHECK(ends(pid_in(place.file())));
}

TEST_CASE("a runner that dies takes its command along, and what a shell that has ended left behind") {
    for (const auto& [started, shell_ends] :
         {std::pair{"echo $$ > '{}'; sleep 1000", false}, std::pair{"sleep 1000 & echo $! > '{}'", true}}) {
        const Place place;
        REQUIRE(::mkfifo(place.file().c_str(), 0600) == 0);
        pid_t pid = 0;
        {
            event_loop::Loop loop;
            event_loop::ShellCommand command{loop, {}};
            command.start(fmt::format(fmt::runtime(started), place.file()), 30s);
            pid = pid_in(place.file());                       // waits for it to be written
            if (shell_ends) uv_run(loop.raw(), UV_RUN_ONCE);  // its end is the next thing that happens
        }
        CHECK(ends(pid));
    }
}

TEST_CASE("a password is what the command prints, less the newline at its end") {
    CHECK(simulation::run_password_command("echo 'pass word '") == "pass word ");
    CHECK(simulation::run_password_command("printf 'x\\r\\n'") == "x");
    CHECK(simulation::run_password_command("printf x") == "x");
    CHECK_THAT(password_error("true"), Contains("printed nothing"));
    CHECK_THAT(password_error("echo"), Contains("printed nothing"));
    CHECK_THAT(password_error("printf 'secret\\nsecret\\n'"),
               Contains("more than one line") && !Contains("secret"));
    CHECK_THAT(password_error("echo secret; exit 9"), Contains("exit code 9") && !Contains("secret"));
}

TEST_CASE("attempts within a second share an answer, later ones ask again, failures as well") {
    for (const bool fails : {false, true}) {
        const Place place;
        Asker asker{"echo x >> '" + place.file() + "'; " + (fails ? "exit 1" : "echo pw")};
        const auto expected = fails ? PasswordSource::State::failed : PasswordSource::State::ready;
        CHECK(asker.ask(base::mono_now()) == expected);
        const auto now = base::mono_now();
        if (!fails) CHECK(asker.source().password() == "pw");
        CHECK(asker.source().error().empty() == !fails);
        CHECK(asker.answers() == 1);
        CHECK(asker.ask(now + 2s) == expected);
        CHECK(asker.answers() == 2);
        CHECK(place.lines() == 2);
        // The password that is there; a failure is told once, and the next run has its time.
        CHECK(asker.ask(base::mono_now()) == (fails ? PasswordSource::State::waiting : expected));
        CHECK((asker.source().retry_at() == base::Mono::max()) == !fails);
        CHECK(place.lines() == 2);
    }
}
