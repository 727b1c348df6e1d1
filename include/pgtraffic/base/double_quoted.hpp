// A name in double quotes, those inside it doubled: an SQL identifier, or one item of a list-valued setting.
#pragma once

#include <string>
#include <string_view>

namespace pgtraffic::base {

[[nodiscard]] inline std::string double_quoted(std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}

}  // namespace pgtraffic::base
