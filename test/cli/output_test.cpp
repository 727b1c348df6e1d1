// Where a run's output goes and what it says of itself, whatever its parent left it: pipes that do not wait,
// a Ctrl-C before the load, a parent that is large.
#include <csignal>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/folder.hpp"
#include "support/loopback_port.hpp"
#include "support/not_run.hpp"
#include "support/private_namespace.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using test::FakeServerProcess;

namespace {

std::vector<std::string> argv_against(const std::string& dsn, const std::vector<std::string>& more) {
    std::vector<std::string> all{"run", "-d", dsn, "-t", "20", "-c", "2", "--warmup", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return test::pgtraffic_argv(all);
}

}  // namespace

TEST_CASE("a report is whole on a pipe that does not wait, however slow its reader") {
    const FakeServerProcess server;
    auto options = test::without_target();
    options.out = test::Stdout::not_waiting;
    const auto ended = test::run_process(argv_against(server.dsn(), {"--format", "json"}), options);
    CHECK(ended.out.size() > 5000);
    CHECK(test::read_result(ended, 0)["summary"]["queries"]["ok"] == 20);
    const auto html = test::run_process(argv_against(server.dsn(), {"--html", "-"}), options);
    CHECK(html.exit_code == 0);
    CHECK(html.out.ends_with("</html>\n"));
}

TEST_CASE("--color decides over what stdout is") {
    const FakeServerProcess server;
    auto options = test::without_target();
    const auto coloured = [&](const std::vector<std::string>& more) {
        const auto ended = test::run_process(argv_against(server.dsn(), more), options);
        CHECK(ended.exit_code == 0);
        return ended.out.find("\x1b[") != std::string::npos;
    };
    CHECK_FALSE(coloured({}));
    CHECK(coloured({"--color", "always"}));
    options.out = test::Stdout::terminal;
    CHECK(coloured({}));
    CHECK_FALSE(coloured({"--color", "never"}));
    options.environment.emplace_back("NO_COLOR", "1");
    CHECK_FALSE(coloured({}));
}

TEST_CASE("Ctrl-C before the load ends the program and leaves no file behind") {
    const test::Folder folder;
    test::LoopbackPort silent;
    silent.open();
    test::Process process{argv_against("host=127.0.0.1 user=nobody dbname=nothing port=" + silent.number(),
                                       {"--json", folder / "a.json", "--html", folder / "a.html"}),
                          test::without_target()};
    silent.accept();  // by then the files are open
    process.send_signal(SIGINT);
    CHECK(process.wait().signal == SIGINT);
    CHECK(folder.entries() == 0);
}

TEST_CASE(
    "the first process of a container, whom no signal ends by default, is ended by Ctrl-C all the same") {
    // Who listened for a while, as for a password, gives the signals back as they were.
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, {"--password-command", "echo x"}}) {
        const test::PrivateNamespace container{test::PrivateNamespace::Of::processes};
        if (!container.entered()) return test::not_run("no process namespace to be had");
        test::LoopbackPort silent;
        silent.open();
        test::Process process{
            argv_against("host=127.0.0.1 user=nobody dbname=nothing port=" + silent.number(), more),
            test::without_target()};
        silent.accept();
        process.send_signal(SIGINT);
        CHECK(process.wait().exit_code == 128 + SIGINT);
    }
}

TEST_CASE("a limit of the size of files takes the files, not the report") {
    const FakeServerProcess server;
    const test::Folder folder;
    auto argv = argv_against(server.dsn(), {"--json", folder / "a.json"});
    argv.insert(argv.begin(), {"/bin/sh", "-c", "ulimit -f 1; exec \"$@\"", "sh"});
    const auto ended = test::run_process(argv, test::without_target());
    CHECK(ended.exit_code == 1);
    CHECK(ended.out.find("Queries/Second") != std::string::npos);
    CHECK(ended.err.find("File too large") != std::string::npos);
    CHECK(folder.entries() == 0);
}

TEST_CASE("a report that cannot be written is an error on stderr, too") {
    const FakeServerProcess server;
    auto argv = argv_against(server.dsn(), {"--csv", "-"});
    argv.insert(argv.begin(), {"/bin/sh", "-c", "exec \"$@\" 2>/dev/full", "sh"});
    CHECK(test::run_process(argv, test::without_target()).exit_code == 1);
}

TEST_CASE("the result's options are what was written, numbers only where an option takes one") {
    const FakeServerProcess server;
    const test::Folder folder;
    const auto result = test::read_result(
        test::run_process(argv_against(server.dsn() + " dbname=007", {"--format", "json", "--confirm", "007",
                                                                      "--stop-file", folder / "true"}),
                          test::without_target()),
        0);
    CHECK(result["config"]["confirm"] == "007");
    CHECK(result["config"]["connections"] == 2);
    CHECK(result["config"]["total_queries"] == 20);
    CHECK(result["config"]["disable_logging"] == false);
}

TEST_CASE("the peak of the program's memory is its own, however large whoever starts it") {
    const FakeServerProcess server;
    constexpr std::size_t kLarge = 400'000'000;
    const std::vector<char> large(kLarge, 'x');
    const auto result = test::read_result(
        test::run_process(argv_against(server.dsn(), {"--format", "json"}), test::without_target()), 0);
    CHECK(large.back() == 'x');
    const auto peak = result["client"]["max_rss_bytes"].get<std::size_t>();
    CHECK(peak > 1'000'000);
    CHECK(peak < kLarge / 4 * 3);  // a sanitizer's shadow is some of it
}
