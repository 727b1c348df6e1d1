// Makes the text of a JSON result small for compression, byte for byte reversibly: lines that differ in their
// values alone, such as those of intervals and of histograms, are turned into columns, because numbers of one
// kind resemble each other more than their neighbours. A page unpacks it in a dozen lines of script.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pgtraffic::report {

/// Parts that follow one another: a text as it is, or {"lines": [piece, piece, …], "columns": [{"values":
/// "v\nv\n…"} or
/// {"steps": "v\nstep\n…"}, …]}, where line i is the pieces with the i-th value of each column between them.
[[nodiscard]] nlohmann::ordered_json pack_lines(std::string_view text);

}  // namespace pgtraffic::report
