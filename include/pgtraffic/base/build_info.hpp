// What this binary is: for --version and the `tool` object of a result.
#pragma once

namespace pgtraffic::base {

struct BuildInfo {
    const char* version;     ///< "0.1.0"
    const char* git_sha;     ///< abbreviated, "-dirty" behind it if so; "unknown" outside a checkout
    const char* build_type;  ///< CMake's
    const char* compiler;    ///< "GNU 12.2.0"
};

[[nodiscard]] BuildInfo build_info() noexcept;

}  // namespace pgtraffic::base
