// How a command adds a warning to its result.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::cli {

/// `message` as fmt::format takes it.
template <class... Args>
void warn(metrics::RunResult& result, std::string code, fmt::format_string<Args...> message, Args&&... args) {
    result.warnings.push_back({std::move(code), fmt::format(message, std::forward<Args>(args)...)});
}

}  // namespace pgtraffic::cli
