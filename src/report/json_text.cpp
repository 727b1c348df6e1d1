// JSON documents as text.
#include <algorithm>
#include <cstddef>
#include <string>

#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 100;  // for what may stand on one line

/// The library escapes what JSON wants escaped; a terminal obeys more than that.
std::string compact(const Json& value) {
    return json_printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

bool is_flat(const Json& value) {
    return std::none_of(value.begin(), value.end(), [](const Json& child) { return child.is_structured(); });
}

void print(const Json& value, std::size_t depth, bool one_line, std::string& out) {
    const std::string line = compact(value);
    if (one_line || !value.is_structured() || value.empty() || depth * 2 + line.size() <= kLineWidth) {
        out += line;
        return;
    }
    const std::string indent(2 * depth + 2, ' ');
    out += value.is_object() ? "{\n" : "[\n";
    bool first = true;
    for (const auto& [key, child] : value.items()) {
        if (!first) out += ",\n";
        first = false;
        out += indent;
        if (value.is_object()) {
            out += compact(Json(key));
            out += ": ";
        }
        print(child, depth + 1, value.is_array() && is_flat(child), out);
    }
    out += '\n';
    out.append(2 * depth, ' ');
    out += value.is_object() ? '}' : ']';
}

}  // namespace

std::string json_line(const Json& document) {
    return compact(document) + '\n';
}

std::string json_text(const Json& document) {
    std::string out;
    print(document, 0, false, out);
    out += '\n';
    return out;
}

}  // namespace pgtraffic::report
