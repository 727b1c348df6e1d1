// Of all test programs.
#include <csignal>
#include <cstdlib>

#include "support/catch_runner.hpp"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    setenv("RC_PARAMS", "seed=1", /*overwrite=*/0);  // properties try the same values each time
    return pgtraffic::test::run_tests(argc, argv);
}
