// The fake server as a program, so that it has a core of its own and can be stopped by signal.
//   fake_server [--socket PATH | --port N] [--delay 5ms | --delay exp:5ms] [--stall-after QUERIES --stall-for
//   1s]
//               [--fail-ratio 0.1 [--fail-only SQL]] [--seed N] [--record yes]
//               [--evil NAME[@CONNECTION],...] [--close-after ANSWERS]
// Prints "ready PORT" once it listens; ends on SIGTERM and with its parent. With --record it prints at its
// end when it answered each query, a line each, in ns of the monotonic clock.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "support/fake_server/fake_server.hpp"

namespace {

volatile bool stopped = false;

/// As many connections as this machine allows.
void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void stop(int /*signal*/) {
    stopped = true;
}

template <class T>
T required(std::optional<T> value, const std::string& option) {
    if (!value) throw pgtraffic::base::Error(option + ": not a value");
    return *value;
}

pgtraffic::test::FakeServerOptions read_options(int argc, char** argv) {
    namespace base = pgtraffic::base;
    pgtraffic::test::FakeServerOptions options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        std::string value = argv[i + 1];
        if (name == "--socket") {
            options.socket = value;
        } else if (name == "--port") {
            options.port = static_cast<std::uint16_t>(required(base::parse_count(value), name));
        } else if (name == "--delay") {
            options.delay.exponential = value.starts_with("exp:");
            if (options.delay.exponential) value.erase(0, 4);
            options.delay.mean = required(base::parse_duration(value), name);
        } else if (name == "--stall-after") {
            options.stall_after = required(base::parse_count(value), name);
        } else if (name == "--stall-for") {
            options.stall_for = required(base::parse_duration(value), name);
        } else if (name == "--fail-ratio") {
            options.fail_ratio = required(base::parse_number(value), name);
        } else if (name == "--fail-only") {
            options.fail_only = value;
        } else if (name == "--seed") {
            options.seed = required(base::parse_count(value), name);
        } else if (name == "--evil") {
            options.evil = pgtraffic::test::parse_evil(value);
        } else if (name == "--close-after") {
            options.close_after = required(base::parse_count(value), name);
        } else if (name == "--record") {
            options.record = value == "yes";
        } else {
            throw base::Error("unknown option " + name);
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    raise_file_limit();
    struct sigaction action {};
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, nullptr);
    try {
        pgtraffic::test::FakeServer server{read_options(argc, argv)};
        fmt::print("ready {}\n", server.port());
        std::fflush(stdout);
        server.run(stopped);
        for (const auto at : server.answered()) fmt::print("{}\n", at.time_since_epoch().count());
    } catch (const std::exception& error) {
        fmt::print(stderr, "fake_server: {}\n", error.what());
        return 1;
    }
    return 0;
}
