// The test runner's main, compiled once for all test programs.
#ifndef PGTRAFFIC_CATCH_V3
#define CATCH_CONFIG_RUNNER
#endif
#include <csignal>
#include <cstdlib>

#include "support/catch.hpp"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    setenv("RC_PARAMS", "seed=1", /*overwrite=*/0);  // properties try the same values each time
    return Catch::Session().run(argc, argv);
}
