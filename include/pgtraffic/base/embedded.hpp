// A text file compiled into the binary by cmake/embed.cmake.
#pragma once

#include <span>
#include <string_view>

namespace pgtraffic::base {

struct EmbeddedFile {
    std::string_view name;  ///< without folder and ending: "business-hours"
    std::string_view text;
    std::string_view sha256;  ///< of the text, 64 hex digits
};

}  // namespace pgtraffic::base
