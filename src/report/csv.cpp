#include "pgtraffic/report/csv.hpp"

#include <string_view>

#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string field = "\"";
    for (const char c : text) {
        if (c == '"') field += '"';
        field += c;
    }
    return field + '"';
}

std::string field(const nlohmann::ordered_json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? csv_field(value.get_ref<const std::string&>()) : value.dump();
}

}  // namespace

std::string csv_field(const std::string& text) {
    return quoted(printable_lines(text));
}

std::string csv_intervals(const metrics::RunResult& run) {
    std::string text;
    std::string_view separator;
    // A run without intervals has their names all the same.
    const auto names = interval_json({}, run.started_at, run.open_loop);
    for (const auto& [name, value] : names.items()) {
        text += separator;
        text += name;
        separator = ",";
    }
    text += '\n';
    for (const auto& interval : run.intervals) {
        separator = "";
        const auto row = interval_json(interval, run.started_at, run.open_loop);
        for (const auto& value : row) {
            text += separator;
            text += field(value);
            separator = ",";
        }
        text += '\n';
    }
    return text;
}

}  // namespace pgtraffic::report
