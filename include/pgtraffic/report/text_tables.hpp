// Parts of the text report: the tables, each a row for every percentile, operation, error, outage or phase,
// and how they and the sections of single numbers (text.cpp) write numbers.
#pragma once

#include <cstddef>
#include <string>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/latencies.hpp"
#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {

/// Columns of a name that somebody chose.
inline constexpr std::size_t kLongestName = 60;

/// 0.99999 -> "99.99": rounded down, because "100.00 %" must mean all.
[[nodiscard]] std::string percent(double ratio, int digits = 2);

/// Milliseconds with as many decimals as the run's speed calls for, the same in the whole report.
class Millis {
 public:
    explicit Millis(const metrics::RunResult& run);

    [[nodiscard]] std::string of(base::Nanos d) const { return of(base::to_millis(d)); }
    [[nodiscard]] std::string of(double ms) const;

    /// A percentile of something, with an asterisk where fewer than ten values lie above it.
    [[nodiscard]] std::string marked(const metrics::Histogram& histogram, double q) const;

    /// The same in a column: a space in the place of no asterisk, and "-" of nothing.
    [[nodiscard]] std::string quantile(const metrics::Histogram& histogram, double q) const;

    /// That of the response, with "≥" where so many queries had no answer that it is a lower bound.
    [[nodiscard]] std::string response(const metrics::Latencies& latencies, double q) const;

 private:
    int digits_;
};

// Each adds its table to the page, or nothing where the run has nothing to show in it.
void text_percentiles(const metrics::RunResult& run, const Millis& ms, Page& page);
void text_operations(const metrics::RunResult& run, const Millis& ms, Page& page);
void text_errors(const metrics::RunResult& run, const Millis& ms, Page& page);
void text_outages(const metrics::RunResult& run, Page& page);
void text_phases(const metrics::RunResult& run, const Millis& ms, Page& page);

}  // namespace pgtraffic::report
