#include "pgtraffic/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace pgtraffic::base {

void check_failed(const char* condition, const char* file, int line, const char* what) noexcept {
    std::fprintf(stderr, "pgtraffic: internal check failed: %s (%s) at %s:%d\n", what, condition, file, line);
    std::fflush(nullptr);
    // A core for whoever looks for the bug; the documented exit code for everybody else.
    if (std::getenv("PGTRAFFIC_ABORT") != nullptr) std::abort();
    std::_Exit(3);
}

}  // namespace pgtraffic::base
