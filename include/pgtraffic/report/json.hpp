// The result of a run as JSON, for programs: stable order, a unit at the end of each key, null for what the
// run does not have. docs/result.schema.json describes it, docs/result.md explains it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// Grows when fields are added in a way that readers of older results must know of.
inline constexpr int kSchemaVersion = 1;

/// The document. Strings of the server's may hold invalid UTF-8: print it by json_text().
[[nodiscard]] nlohmann::ordered_json json_report(const metrics::RunResult& run);

/// One element of the document's `intervals`, also for whoever shows them while the run lasts.
[[nodiscard]] nlohmann::ordered_json interval_json(const metrics::Interval& interval, base::Wall started_at,
                                                   bool open_loop);

/// Any document on one line that ends with a newline. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& document);

/// Any document as UTF-8 that ends with a newline: indented, with each small object and each element of an
/// array on one line, so that intervals can be searched line by line. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& document);

}  // namespace pgtraffic::report
