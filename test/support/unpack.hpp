// What the page's script does with a packed result.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pgtraffic::test {

/// The text of which report::pack_lines made these parts.
[[nodiscard]] std::string unpack_lines(const nlohmann::ordered_json& parts);

}  // namespace pgtraffic::test
