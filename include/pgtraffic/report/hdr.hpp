// Histograms in the encoding of HdrHistogram ("V2"), for the tools that read it in many languages. Our
// buckets are laid out as its own are (lowest discernible value 1 ns, highest 1 h; three significant digits
// for a run, two for an interval), so nothing is lost but exact minimum, maximum and sum, which the encoding
// has no place for.
#pragma once

#include <string>

#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// The histogram in ns: V2 payload, compressed by zlib, in base64 ("HISTFAAA…"). Values over an hour count in
/// the bucket of one hour, so that ranks stay right.
[[nodiscard]] std::string hdr_base64(const metrics::Histogram& histogram);
/// The same for one interval.
[[nodiscard]] std::string hdr_base64(const metrics::SparseCounts& counts);

/// A histogram log, format 1.3: for each interval a line tagged `response`, and in an open loop one tagged
/// `lag`; at the end one line each for the whole run, tagged `response-total`, `service-total`, `lag-total`.
[[nodiscard]] std::string hdr_log(const metrics::RunResult& run);

}  // namespace pgtraffic::report
