// Bytes as text, for what is embedded in a page or a log.
#pragma once

#include <string>
#include <string_view>

namespace pgtraffic::report {

/// RFC 4648, with padding, on one line.
[[nodiscard]] std::string base64(std::string_view bytes);

/// As `gzip -9` makes it, without a name and a time, so that the same text gives the same bytes.
[[nodiscard]] std::string gzip(std::string_view text);

/// "00ff" as the two bytes. `hex` must be well formed.
[[nodiscard]] std::string bytes_of_hex(std::string_view hex);

}  // namespace pgtraffic::report
