// What tests ask of a text that the program printed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::test {

/// Without their newlines; what stands behind the last one is a line, too.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

/// The first line that holds `part`; "(no line has …)", which says it in a failed check, where there is none.
[[nodiscard]] std::string line_with(const std::string& text, std::string_view part);

/// How often `part` stands in it, without overlaps.
[[nodiscard]] std::size_t count_of(const std::string& text, std::string_view part);

[[nodiscard]] inline bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace pgtraffic::test
