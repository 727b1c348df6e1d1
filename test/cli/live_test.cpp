// What moves while a run lasts, read back from a real terminal: tmux keeps the screen, we look at it. Where
// there is no tmux, this says so and looks at the bytes alone.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using test::count_of;

namespace {

std::vector<std::string> run_words(const test::FakeServerProcess& server, const std::string& scenario,
                                   const std::vector<std::string>& more) {
    std::vector<std::string> all{"run", "-d",     server.dsn(), "--warmup",   "0",     "-c",
                                 "4",   "--rate", "200",        "--scenario", scenario};
    all.insert(all.end(), more.begin(), more.end());
    return test::pgtraffic_argv(all);
}

const char* const kLiveScenario =
    R"json({"name": "probe", "operations": [{"name": "one", "statements": [{"sql": "SELECT 1"}]}]})json";

/// A tmux server of its own with one window that runs a command and then waits. Gone with its scope. Its
/// socket is no other screen's: `kill-server` returns before the server is gone, and who asks for a session
/// by the same name meanwhile is told by the dying one that it "exited unexpectedly".
class Screen {
 public:
    Screen(int columns, int rows, const std::vector<std::string>& argv, const std::string& environment) {
        std::string command = "env " + environment;
        for (const auto& word : argv) command += " '" + word + "'";
        tmux({"-f", "/dev/null", "new-session", "-d", "-x", std::to_string(columns), "-y",
              std::to_string(rows), command + "; echo ended; read nothing"});
    }
    ~Screen() { (void)test::run_process({"tmux", "-S", socket_, "kill-server"}); }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    [[nodiscard]] std::string shown(bool escapes = false) const {
        std::vector<std::string> words{"capture-pane", "-p"};
        if (escapes) words.emplace_back("-e");
        return tmux(words);
    }

    /// Looks until the text is there. Each look is a process of its own, which is pause enough.
    [[nodiscard]] bool wait_for(const std::string& text) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (std::chrono::steady_clock::now() < end) {
            if (shown().find(text) != std::string::npos) return true;
        }
        return false;
    }

    std::string tmux(const std::vector<std::string>& words) const {
        std::vector<std::string> all{"tmux", "-S", socket_};
        all.insert(all.end(), words.begin(), words.end());
        test::ProcessOptions options;
        options.environment = {{"TMUX", std::nullopt}};
        const auto result = test::run_process(all, options);
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        return result.out;
    }

 private:
    test::Folder folder_;
    std::string socket_ = folder_ / "tmux";
};

/// .ci/setup.sh does not install it: a test does without.
bool has_tmux() {
    if (std::filesystem::exists("/usr/bin/tmux")) return true;
    WARN("no tmux here: nothing was read back from a screen");
    return false;
}

}  // namespace

TEST_CASE("a panel is redrawn in place, fits a window that changes its size, and is gone at the end") {
    if (!has_tmux()) return;
    const test::FakeServerProcess server{std::vector<std::string>{}};
    const test::TemporaryFile scenario{kLiveScenario};
    const Screen screen{90, 24, run_words(server, scenario.path(), {"--live", "panel", "-T", "30"}),
                        "TERM=screen-256color"};
    REQUIRE(screen.wait_for("own load"));
    REQUIRE(screen.wait_for("4 s of 30 s"));
    REQUIRE(screen.wait_for("response  p50"));
    auto shown = screen.shown();
    INFO(shown);
    for (const auto* part : {"rate  ", "response  p50", "errors  ", "backlog  ", "sessions  ",
                             "own load  loop busy ", "▲ here", "█████"}) {
        CHECK_THAT(shown, Contains(part));
    }
    for (const auto* part : {"own load", "▲ here", "of 30 s"}) CHECK(count_of(shown, part) == 1);
    CHECK_THAT(screen.shown(true), Contains("\x1b["));

    (void)screen.tmux({"resize-window", "-x", "40", "-y", "24"});
    REQUIRE(screen.wait_for("9 s of 30 s"));
    shown = screen.shown();
    INFO(shown);
    CHECK(count_of(shown, "own load") == 1);
    CHECK(count_of(shown, "of 30 s") == 1);

    (void)screen.tmux({"send-keys", "C-c"});
    REQUIRE(screen.wait_for("ended"));
    shown = screen.tmux({"capture-pane", "-p", "-S", "-"});
    INFO(shown);
    CHECK_THAT(shown, !Contains("own load") && !Contains("▲ here"));
    CHECK_THAT(shown, Contains("Operations"));
}

TEST_CASE("the line moves on one row, without colour where NO_COLOR is set") {
    if (!has_tmux()) return;
    const test::FakeServerProcess server{std::vector<std::string>{}};
    const test::TemporaryFile scenario{kLiveScenario};
    const Screen screen{60, 40, run_words(server, scenario.path(), {"-T", "30"}), "NO_COLOR=1"};
    REQUIRE(screen.wait_for("3/30 s"));
    const auto shown = screen.shown();
    INFO(shown);
    CHECK(count_of(shown, "/30 s") == 1);
    CHECK_THAT(shown, Contains("of 200/s"));
    CHECK_THAT(screen.shown(true), !Contains("\x1b["));
}

TEST_CASE("a terminal that is stopped does not stop the load, and what was said is there once it goes on") {
    constexpr std::string_view kStop = "\x13";  // Ctrl-S
    constexpr std::string_view kGoOn = "\x11";  // Ctrl-Q
    const test::FakeServerProcess server{std::vector<std::string>{}};
    const test::TemporaryFile scenario{kLiveScenario};
    for (const auto* live : {"line", "panel", "off"}) {
        test::ProcessOptions options;
        options.stderr_terminal = true;
        auto argv = run_words(server, scenario.path(), {"-T", "1.5", "--live", live, "--stream", "-"});
        argv.insert(argv.end(), {"--interval", "0.5", "--warmup", "1"});
        test::Process run{argv, options};
        INFO(live);
        REQUIRE(run.wait_for_stderr("warming up"));
        run.type(kStop);
        int intervals = 0;
        while (intervals < 3 && run.next_stdout_line()) ++intervals;
        CHECK(intervals == 3);
        CHECK_THAT(std::string{run.stderr_so_far()}, !Contains("measuring"));
        run.type(kGoOn);
        const auto result = run.wait();
        CHECK(result.exit_code == 0);
        CHECK_THAT(result.err, Contains("measuring") && Contains("Operations"));
    }
}

TEST_CASE("without a terminal, and on a dumb one, nothing moves") {
    const test::FakeServerProcess server{std::vector<std::string>{}};
    const test::TemporaryFile scenario{kLiveScenario};
    for (const bool terminal : {false, true}) {
        test::ProcessOptions options;
        options.stderr_terminal = terminal;
        options.environment = {{"TERM", "dumb"}};
        const auto argv =
            run_words(server, scenario.path(), {"-T", "1.2", "--live", "panel", "--progress", "0.5"});
        const auto result = test::run_process(argv, options);
        INFO(result.err);
        CHECK(result.exit_code == 0);
        CHECK_THAT(result.err, !Contains("\x1b") && Contains("of 200/s"));
    }
    // On a terminal where a line would move.
    test::ProcessOptions moving;
    moving.stderr_terminal = true;
    moving.environment = {{"TERM", "xterm"}};
    const auto line = test::run_process(run_words(server, scenario.path(), {"-T", "1.2"}), moving);
    CHECK_THAT(line.err, Contains("of 200/s"));
    const auto quiet =
        test::run_process(run_words(server, scenario.path(), {"-T", "1.2", "--live", "off"}), moving);
    CHECK_THAT(quiet.err, !Contains("of 200/s") && Contains("measuring"));
    const auto wrong = test::run_pgtraffic({"run", "--live", "panle"});
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.err, Contains("did you mean \"panel\"?"));
}
