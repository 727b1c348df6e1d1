// Catch2's runner, compiled once for all test programs. Apart from main(): programs that have one of their
// own use parts of the support that check by Catch2.
#pragma once

namespace pgtraffic::test {

/// Runs the tests that the command line picks, and returns what the program ends with.
[[nodiscard]] int run_tests(int argc, char** argv);

}  // namespace pgtraffic::test
