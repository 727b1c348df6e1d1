#include "pgtraffic/report/pack.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "pgtraffic/base/text.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kFewestLines = 16;  // fewer are not worth a table

/// A line as what stays and what changes. `pieces` has one more than `values`.
struct Line {
    std::vector<std::string_view> pieces;
    std::vector<std::string_view> values;
};

bool is_number(char c) {
    return base::is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/// Where the JSON value that begins at `at` ends; `at` itself where none does. A key is no value.
std::size_t end_of_value(std::string_view line, std::size_t at) {
    if (line[at] == '"') {
        auto end = at + 1;
        while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2U : 1U;
        if (end >= line.size()) return at;
        ++end;
        return end < line.size() && line[end] == ':' ? at : end;
    }
    for (const std::string_view word : {"null", "true", "false"}) {
        if (line.substr(at).starts_with(word)) return at + word.size();
    }
    auto end = at;
    while (end < line.size() && is_number(line[end])) ++end;
    return end;
}

Line split(std::string_view line) {
    Line parts;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < line.size();) {
        const auto end = end_of_value(line, at);
        if (end > at) {
            parts.pieces.push_back(line.substr(begin, at - begin));
            parts.values.push_back(line.substr(at, end - at));
            begin = at = end;
        } else if (line[at] == '"') {  // a key: all of it is skeleton
            ++at;
            while (at < line.size() && line[at] != '"') at += line[at] == '\\' ? 2U : 1U;
            ++at;
        } else {
            ++at;
        }
    }
    parts.pieces.push_back(line.substr(std::min(begin, line.size())));
    return parts;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    constexpr std::int64_t kExact = std::int64_t{1} << 53;  // in every script engine
    if (error != std::errc{} || end != text.data() + text.size() || n < 0 || n > kExact) return std::nullopt;
    return std::to_string(n) == text ? std::optional{n} : std::nullopt;
}

Json column(const std::vector<Line>& lines, std::size_t i) {
    std::string values;
    std::string steps;
    std::int64_t last = 0;
    bool rising = true;
    for (const auto& line : lines) {
        const auto value = line.values[i];
        if (&line != &lines.front()) values += '\n';
        values += value;
        if (!rising) continue;
        const auto n = whole_number(value);
        rising = n && (steps.empty() || *n > last);
        if (!rising) continue;
        steps += (steps.empty() ? "" : "\n") + std::to_string(*n - last);
        last = *n;
    }
    return rising ? Json{{"steps", std::move(steps)}} : Json{{"values", std::move(values)}};
}

void add_text(Json& parts, std::string_view text) {
    if (text.empty()) return;
    if (parts.empty() || !parts.back().is_string()) parts.push_back("");
    parts.back().get_ref<std::string&>() += text;
}

/// What all values of a column begin and end with, such as the date of times and the ".0" of whole seconds,
/// goes into the pieces beside it: what is left may be a rising number.
void trim_column(std::vector<Line>& lines, std::size_t i, std::string& before, std::string& behind) {
    const auto first = lines.front().values[i];
    std::size_t prefix = first.size();
    std::size_t suffix = first.size();
    for (const auto& line : lines) {
        const auto value = line.values[i];
        const auto same = [&](auto from, auto end, auto other, auto other_end) {
            return static_cast<std::size_t>(std::mismatch(from, end, other, other_end).first - from);
        };
        prefix = std::min(prefix, same(first.begin(), first.end(), value.begin(), value.end()));
        suffix = std::min(suffix, same(first.rbegin(), first.rend(), value.rbegin(), value.rend()));
        suffix = std::min(suffix, std::min(first.size(), value.size()) - prefix);
    }
    // Pieces are JSON strings: none may end or begin within a character, whose other bytes differ.
    const auto within_character = [&](std::size_t at) {
        return at < first.size() && (static_cast<unsigned char>(first[at]) & 0xC0U) == 0x80U;
    };
    while (prefix > 0 && within_character(prefix)) --prefix;
    while (suffix > 0 && within_character(first.size() - suffix)) --suffix;
    before += first.substr(0, prefix);
    behind.insert(0, first.substr(first.size() - suffix));
    for (auto& line : lines)
        line.values[i] = line.values[i].substr(prefix, line.values[i].size() - prefix - suffix);
}

void add_lines(Json& parts, std::vector<Line>& lines, std::string_view text) {
    if (lines.size() < kFewestLines || lines.front().values.empty()) return add_text(parts, text);
    std::vector<std::string> pieces{lines.front().pieces.begin(), lines.front().pieces.end()};
    Json columns = Json::array();
    for (std::size_t i = 0; i < lines.front().values.size(); ++i) {
        trim_column(lines, i, pieces[i], pieces[i + 1]);
        columns.push_back(column(lines, i));
    }
    parts.push_back({{"lines", pieces}, {"columns", std::move(columns)}});
}

}  // namespace

Json pack_lines(std::string_view text) {
    Json parts = Json::array();
    std::vector<Line> alike;
    std::size_t begin = 0;  // of the first line that is alike
    for (std::size_t at = 0; at < text.size();) {
        const auto newline = text.find('\n', at);
        const auto end = newline == std::string_view::npos ? text.size() : newline + 1;
        auto line = split(text.substr(at, end - at));
        if (!alike.empty() && alike.front().pieces != line.pieces) {
            add_lines(parts, alike, text.substr(begin, at - begin));
            alike.clear();
            begin = at;
        }
        alike.push_back(std::move(line));
        at = end;
    }
    if (!alike.empty()) add_lines(parts, alike, text.substr(begin));
    return parts;
}

}  // namespace pgtraffic::report
