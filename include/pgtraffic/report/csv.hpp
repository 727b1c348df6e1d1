// The time series as CSV, for spreadsheets: the columns are the fields of the JSON result's intervals.
#pragma once

#include <string>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// A header and a row for each interval, quoted as RFC 4180 says; lines end with a newline. What an interval
/// does not have is an empty field.
[[nodiscard]] std::string csv_intervals(const metrics::RunResult& run);

}  // namespace pgtraffic::report
