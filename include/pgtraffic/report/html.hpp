// A finished run as one HTML file to look at: verdict first, curves over time, tables that need no script,
// and the JSON result itself inside. Made from the JSON document, so that an earlier run's report is the same
// page and no number can differ from it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pgtraffic::report {

/// `document` is what json_report() made, or one that check_result() has accepted. It may hold invalid UTF-8.
[[nodiscard]] std::string html_report(const nlohmann::ordered_json& document);

}  // namespace pgtraffic::report
