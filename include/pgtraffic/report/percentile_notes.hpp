// What the marks beside a percentile mean, in the same words on the page and in text.
#pragma once

#include <string_view>

namespace pgtraffic::report {

inline constexpr std::string_view kWeakNote = "* fewer than ten queries above it: not supported by the data";
inline constexpr std::string_view kAtLeastNote =
    "≥ at least: too many queries had no answer, or were never sent";

}  // namespace pgtraffic::report
