// Picks the command. The last catch of the program: what could not start becomes one line on stderr and exit
// code 1.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/report/layout.hpp"

namespace {

using namespace pgtraffic;

/// Started with stdout closed, the next socket would take its number and receive the report. A descriptor
/// that cannot be written keeps the place and still makes the write fail.
void occupy_standard_streams() {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) ::close(fd);
}

/// The first process of a container has no end by default: the kernel drops what would kill any other.
void end_by_signals_as_first_process() {
    if (::getpid() != 1) return;
    for (const int number : base::kEndingSignals) {
        const auto before = std::signal(number, [](int caught) { ::_exit(128 + caught); });
        if (before == SIG_IGN) std::signal(number, SIG_IGN);  // nohup
    }
}

/// Without memory in a callback of the loop, which nothing may escape, there is no way on.
void end_without_memory() {
    try {
        if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
        cli::write_stderr("pgtraffic: out of memory\n");
        std::_Exit(1);
    } catch (...) {
    }
    std::abort();
}

/// A message may quote the server, a file or an argument. A tab indents a line, as libpq has it, or parts
/// words.
std::string safe_lines(std::string_view text) {
    constexpr std::size_t kLongestLine = 10'000;
    std::string spaced;
    bool at_beginning = true;
    for (const char c : text) {
        if (c == '\t') {
            spaced += at_beginning ? "    " : " ";
            continue;
        }
        spaced += c;
        at_beginning = c == '\n';
    }
    return report::printable_lines(spaced, kLongestLine);
}

/// From main(), with what it returns. A name that is still being looked up would keep exit() until the name
/// server gives up.
int leave(int code) {
    if (!event_loop::Loop::any_left_behind()) return code;
    std::fflush(nullptr);
    ::_exit(code);
}

int run_program(const std::vector<std::string>& argv) {
    const auto invocation = cli::split_command({argv.begin() + 1, argv.end()});
    switch (cli::requested(invocation)) {
        case cli::Request::help:
            cli::write_stdout(cli::help_text(invocation));
            return 0;
        case cli::Request::version: {
            const auto info = base::build_info();
            cli::write_stdout(fmt::format("pgtraffic {} ({}, {}, {})\n", info.version, info.git_sha,
                                          info.build_type, info.compiler));
            return 0;
        }
        case cli::Request::none:
            break;
    }
    const auto& arguments = invocation.arguments;
    switch (invocation.command) {
        case cli::Command::run:
            return cli::run_command(cli::read_run_options(arguments), argv);
        case cli::Command::init:
            return cli::init_command(cli::read_init_options(arguments));
        case cli::Command::cleanup:
            return cli::cleanup_command(cli::read_cleanup_options(arguments));
        case cli::Command::plan:
            return cli::plan_command(cli::read_plan_options(arguments));
        case cli::Command::list:
            cli::read_list_options(arguments);
            return cli::list_command();
        case cli::Command::show:
            return cli::show_command(cli::read_show_name(arguments));
        case cli::Command::report:
            return cli::report_command(cli::read_report_options(arguments));
        case cli::Command::compare:
            return cli::compare_command(cli::read_compare_options(arguments));
    }
    return 3;
}

}  // namespace

int main(int argc, char** argv) {
    std::set_terminate(end_without_memory);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);  // who started us may have it ignored, and nobody learns how a child ended
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no further fails as one on a full disk does
    end_by_signals_as_first_process();
    try {
        occupy_standard_streams();
        std::vector<std::string> words{argv, argv + argc};
        if (words.empty()) words.emplace_back("pgtraffic");  // execve() may leave out even the name
        return leave(run_program(words));
    } catch (const base::Error& error) {
        cli::write_stderr(fmt::format("pgtraffic: {}\n", safe_lines(error.what())));
        return leave(1);
    } catch (const std::bad_alloc&) {
        cli::write_stderr("pgtraffic: out of memory\n");
        return leave(1);
    } catch (const std::exception& error) {
        cli::write_stderr(fmt::format("pgtraffic: internal error: {}\n", safe_lines(error.what())));
        return leave(3);
    }
}
