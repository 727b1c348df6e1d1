#include "support/fake_server_process.hpp"

#include <csignal>
#include <sstream>

#include "support/catch.hpp"

namespace pgtraffic::test {
namespace {

std::vector<std::string> argv_with(const std::vector<std::string>& options) {
    std::vector<std::string> argv{PGTRAFFIC_FAKE_SERVER};
    argv.insert(argv.end(), options.begin(), options.end());
    return argv;
}

ProcessOptions long_lived() {
    ProcessOptions options;
    options.limit = std::chrono::seconds{240};
    return options;
}

}  // namespace

FakeServerProcess::FakeServerProcess(const std::vector<std::string>& options)
    : process_{argv_with(options), long_lived()} {
    REQUIRE(process_.wait_for_stdout("\n"));
    const std::string line{process_.stdout_so_far()};
    REQUIRE(line.starts_with("ready "));
    port_ = line.substr(6, line.find('\n') - 6);
}

std::string FakeServerProcess::dsn() const {
    return "host=127.0.0.1 port=" + port_ + " user=fake dbname=fake sslmode=disable";
}

std::vector<double> FakeServerProcess::stop() {
    process_.send_signal(SIGTERM);
    std::istringstream printed{process_.wait().out};
    std::string ready;
    std::getline(printed, ready);
    std::vector<double> answered;
    for (std::int64_t ns = 0; printed >> ns;) answered.push_back(static_cast<double>(ns) / 1e6);
    return answered;
}

}  // namespace pgtraffic::test
