// Two readers of HdrHistogram's format that are not ours: the decoder of decode_hdr.py, and the log processor
// of the Java implementation (Debian's libhdrhistogram-java).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pgtraffic::test {

/// digits, lowest, highest, ratio and counts ([lowest value, count] of each bucket that is not empty) of each
/// text.
[[nodiscard]] std::vector<nlohmann::json> decode_hdr(const std::vector<std::string>& base64);

/// What org.HdrHistogram.HistogramLogProcessor prints of the lines with one tag, added up.
struct HdrPercentiles {
    struct Row {
        std::int64_t value_ns = 0;
        double percentile = 0;  ///< 0 to 1
        std::uint64_t count = 0;
    };
    std::vector<Row> rows;
    std::uint64_t total = 0;
    std::int64_t max_ns = 0;
};

[[nodiscard]] HdrPercentiles process_hdr_log(const std::string& path, const std::string& tag);

/// The tags that it finds in the log, by name.
[[nodiscard]] std::vector<std::string> tags_of_hdr_log(const std::string& path);

}  // namespace pgtraffic::test
