// A result of an earlier run, read back from its JSON. What the reports take from it is checked here, once,
// so that they need not doubt a document, whoever edited it; fields that they do not know are left alone.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pgtraffic/base/json_reader.hpp"

namespace pgtraffic::report {

/// Throws base::Error "<name>: <pointer>: <what is wrong>" unless the document is a result of schema version
/// kSchemaVersion with every field that html_report() and compare() read.
void check_result(const base::JsonNode& document);

/// Reads and checks. Throws base::Error that names the file and the place.
[[nodiscard]] nlohmann::ordered_json read_result_file(const std::string& path);

}  // namespace pgtraffic::report
