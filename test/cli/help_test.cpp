// --help and --version of the built program, and what becomes of output that nobody takes.
#include "pgtraffic/base/build_info.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;
using test::run_pgtraffic;

TEST_CASE("help goes to stdout and exits 0 in every spelling") {
    const auto help = run_pgtraffic({"--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("Usage: pgtraffic [COMMAND] [options]") != std::string::npos);
    for (const auto* spelling : {"-?", "-h"}) CHECK(run_pgtraffic({spelling}).out == help.out);

    CHECK(run_pgtraffic({"help"}).out == help.out);
    CHECK(run_pgtraffic({"help", "plan"}).out == run_pgtraffic({"plan", "--help"}).out);

    const auto run = run_pgtraffic({"run", "-h"});
    CHECK(run.exit_code == 0);
    CHECK(run.out == run_pgtraffic({"run", "--help"}).out);
}

TEST_CASE("each command has a help of its own") {
    for (const auto* command : {"run", "init", "cleanup", "plan", "list", "show", "report", "compare"}) {
        const auto help = run_pgtraffic({command, "--help"});
        INFO(help.out << help.err);
        CHECK(help.exit_code == 0);
        CHECK(help.err.empty());
        CHECK(help.out.find(std::string{"Usage: pgtraffic "} + command) != std::string::npos);
    }
    CHECK(run_pgtraffic({"init", "--help"}).out.find("--reset") != std::string::npos);
    CHECK(run_pgtraffic({"init", "--help"}).out.find("--rate") == std::string::npos);
}

TEST_CASE("the version is the build's") {
    for (const auto* spelling : {"--version", "-V", "version"}) {
        const auto result = run_pgtraffic({spelling});
        CHECK(result.exit_code == 0);
        CHECK(result.err.empty());
        CHECK(result.out.find(std::string{"pgtraffic "} + base::build_info().version + " (") == 0);
    }
}

TEST_CASE("a full disk behind stdout is an error") {
    for (const auto* argument : {"--help", "--version"}) {
        test::ProcessOptions options;
        options.out = test::Stdout::full_disk;
        const auto result = run_pgtraffic({argument}, options);
        CHECK(result.exit_code == 1);
        CHECK(result.err == "pgtraffic: cannot write to standard output: No space left on device\n");
    }
}

TEST_CASE("a stdout that was never open is an error, not another file") {
    test::ProcessOptions options;
    options.out = test::Stdout::closed;
    const auto result = run_pgtraffic({"list"}, options);
    CHECK(result.exit_code == 1);
    CHECK(result.err.find("pgtraffic: cannot write to standard output: ") == 0);
}

TEST_CASE("a reader that has seen enough is no error") {
    test::ProcessOptions options;
    options.out = test::Stdout::broken_pipe;
    const auto result = run_pgtraffic({"--help"}, options);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
}
