// Assertions that stay on in every build: a load generator with a broken invariant must not print figures.
#pragma once

namespace pgtraffic::base {

/// Prints the broken invariant with its place to stderr and ends the process with exit code 3.
[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* what) noexcept;

}  // namespace pgtraffic::base

#define PGTRAFFIC_CHECK(condition, what)                                           \
    do {                                                                           \
        if (!(condition)) [[unlikely]]                                             \
            ::pgtraffic::base::check_failed(#condition, __FILE__, __LINE__, what); \
    } while (false)
