#include "support/unpack.hpp"

#include <cstdint>
#include <vector>

namespace pgtraffic::test {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> split_values(const std::string& text) {
    std::vector<std::string> values{""};
    for (const char c : text) {
        if (c == '\n') {
            values.emplace_back();
        } else {
            values.back() += c;
        }
    }
    return values;
}

std::vector<std::string> values_of(const Json& column) {
    if (column.contains("values")) return split_values(column["values"].get<std::string>());
    auto values = split_values(column["steps"].get<std::string>());
    std::int64_t n = 0;
    for (auto& value : values) value = std::to_string(n += std::stoll(value));
    return values;
}

}  // namespace

std::string unpack_lines(const Json& parts) {
    std::string text;
    for (const auto& part : parts) {
        if (part.is_string()) {
            text += part.get<std::string>();
            continue;
        }
        std::vector<std::vector<std::string>> columns;
        for (const auto& one : part["columns"]) columns.push_back(values_of(one));
        for (std::size_t line = 0; line < columns.front().size(); ++line) {
            for (std::size_t i = 0; i < columns.size(); ++i)
                text += part["lines"][i].get<std::string>() + columns[i][line];
            text += part["lines"].back().get<std::string>();
        }
    }
    return text;
}

}  // namespace pgtraffic::test
