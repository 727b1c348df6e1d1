// CSV, for spreadsheets. The columns of the time series are the fields of the JSON result's intervals.
#pragma once

#include <string>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// `text` as a field: printable, quoted where RFC 4180 asks for it.
[[nodiscard]] std::string csv_field(const std::string& text);

/// A header and a row for each interval, quoted as RFC 4180 says; lines end with a newline. What an interval
/// does not have is an empty field.
[[nodiscard]] std::string csv_intervals(const metrics::RunResult& run);

}  // namespace pgtraffic::report
