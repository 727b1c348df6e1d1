// Tests that need what is not here: a program, a right, a server of their own.
#pragma once

#include <string>

namespace pgtraffic::test {

/// Warns that the present test, or the rest of it, is not run, and why; its caller then returns. Where the
/// variable PGTRAFFIC_NOTHING_SKIPPED is set and not empty, as .ci/run sets it, the test fails and ends here:
/// else a build server that lost a program would lose the test with it, and nobody would hear of it. What a
/// build server cannot be given (a second processor, a file system's feature), or is not given by
/// .ci/setup.sh, is a plain WARN.
void not_run(const std::string& reason);

}  // namespace pgtraffic::test
