#ifndef PGTRAFFIC_CATCH_V3
#define CATCH_CONFIG_RUNNER
#endif
#include "support/catch_runner.hpp"

#include "support/catch.hpp"

namespace pgtraffic::test {

int run_tests(int argc, char** argv) {
    return Catch::Session().run(argc, argv);
}

}  // namespace pgtraffic::test
