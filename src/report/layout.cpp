#include "pgtraffic/report/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "pgtraffic/base/units.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::size_t kNarrowestPage = 60;
constexpr std::size_t kIndent = 3;
constexpr std::size_t kLabelWidth = 26;
constexpr std::size_t kNumberWidth = 14;
constexpr std::size_t kUnitWidth = 4;  // with the space before it
constexpr std::size_t kShortestName = 8;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "…";
constexpr std::size_t kMostBytes = 8;  // of a column, on average

struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;
};

bool is_continuation(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The code point at the front of `text`, empty unless well-formed (shortest form, no surrogate).
std::optional<CodePoint> decode(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return CodePoint{first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return std::nullopt;
    char32_t value = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) return std::nullopt;
        value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kSmallest[length] || surrogate || value > 0x10FFFF) return std::nullopt;
    return CodePoint{value, length};
}

/// What a terminal takes for a command.
bool is_control(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/// Line and paragraph separators, and the marks that reorder the text around them.
bool moves_text(char32_t c) noexcept {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

struct Range {
    char32_t first;
    char32_t last;
};

bool lies_in(char32_t c, std::span<const Range> ranges) noexcept {
    return std::ranges::any_of(ranges,
                               [c](const Range& range) { return range.first <= c && c <= range.last; });
}

/// Columns of a terminal: two of what East Asia writes wide and of most emoji, none of marks that join the
/// character before them. Source: Unicode, EastAsianWidth.txt (W and F) and general category Mn, in broad
/// ranges.
std::size_t width_of(char32_t c) noexcept {
    constexpr Range kNone[] = {{0x0300, 0x036F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
    constexpr Range kWide[] = {
        {0x1100, 0x115F},   {0x231A, 0x231B},  {0x23E9, 0x23EC},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
        {0x2648, 0x2653},   {0x26A1, 0x26A1},  {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},
        {0x26D4, 0x26D4},   {0x2705, 0x2705},  {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
        {0x274E, 0x274E},   {0x2753, 0x2755},  {0x2757, 0x2757},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
        {0x2B50, 0x2B50},   {0x2B55, 0x2B55},  {0x1FA70, 0x1FAFF}, {0x2E80, 0x303E},   {0x3041, 0x33FF},
        {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},  {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
        {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
        {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (c < 0x0300) return 1;  // nearly always
    return lies_in(c, kNone) ? 0 : lies_in(c, kWide) ? 2 : 1;
}

std::string escaped(char32_t c) {
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    const auto value = static_cast<std::uint32_t>(c);
    return value < 0x80 ? fmt::format("\\x{:02x}", value) : fmt::format("\\u{:04x}", value);
}

/// How many bytes from the front take at most so many columns.
std::size_t bytes_of_columns(std::string_view utf8, std::size_t columns) noexcept {
    std::size_t at = 0;
    while (at < utf8.size()) {
        const auto point = decode(utf8.substr(at));
        const std::size_t width = point ? width_of(point->value) : 1;
        if (width > columns) break;
        columns -= width;
        at += point ? point->length : 1;
    }
    return at;
}

std::string cut(std::string_view utf8, std::size_t width) {
    if (columns_of(utf8) <= width) return std::string{utf8};
    return fmt::format("{}{}", utf8.substr(0, bytes_of_columns(utf8, width - 1)), kEllipsis);
}

std::string_view escape_sequence(Tone tone) noexcept {
    switch (tone) {
        case Tone::plain:
            return "";
        case Tone::bold:
            return "\x1b[1m";
        case Tone::faint:
            return "\x1b[2m";
        case Tone::good:
            return "\x1b[32m";
        case Tone::doubtful:
            return "\x1b[33m";
        case Tone::bad:
            return "\x1b[1;31m";
    }
    return "";
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
    std::string out;
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto point = decode(text);
        std::string piece;
        if (!point) {
            piece = kReplacement;
        } else if (is_control(point->value) || moves_text(point->value)) {
            piece = escaped(point->value);
        } else {
            piece = text.substr(0, point->length);
        }
        text.remove_prefix(point ? point->length : 1);
        const std::size_t needed = columns_of(piece);
        // What joins the character before it takes no column, and may go on without end.
        const bool too_much = out.size() / kMostBytes > longest;
        if (too_much || columns + needed + (text.empty() ? 0 : 1) > longest) return out.append(kEllipsis);
        out += piece;
        columns += needed;
    }
    return out;
}

std::string printable_lines(std::string_view text, std::size_t longest) {
    std::string safe;
    while (true) {
        const auto end = std::min(text.find('\n'), text.size());
        safe += printable(text.substr(0, end), longest);
        if (end == text.size()) return safe;
        safe += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string short_rate(double per_s) {
    const bool fraction = per_s < 9.95 && std::abs(per_s - std::round(per_s)) >= 0.05;
    return base::with_thousands(per_s, fraction ? 1 : 0);
}

std::string short_millis(base::Nanos d) {
    const double ms = base::to_millis(d);
    return base::with_thousands(ms, ms < 100 ? 2 : 0);
}

std::string json_printable(std::string json) {
    const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
    auto rest = std::find_if_not(json.begin(), json.end(), plain);
    if (rest == json.end()) return json;  // nearly always
    std::string out{json.begin(), rest};
    for (std::string_view left{json.data() + out.size(), json.size() - out.size()}; !left.empty();) {
        const auto point = decode(left);
        const std::size_t length = point ? point->length : 1;
        // A line's end stands between tokens: within a string it is escaped already.
        if (point && point->value >= 0x7F && (is_control(point->value) || moves_text(point->value))) {
            out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(point->value));
        } else {
            out += left.substr(0, length);
        }
        left.remove_prefix(length);
    }
    return out;
}

std::size_t columns_of(std::string_view utf8) noexcept {
    std::size_t columns = 0;
    while (!utf8.empty()) {
        const auto point = decode(utf8);
        columns += point ? width_of(point->value) : 1;
        utf8.remove_prefix(point ? point->length : 1);
    }
    return columns;
}

std::string painted(std::string_view text, Tone tone) {
    return tone == Tone::plain ? std::string{text} : fmt::format("{}{}\x1b[0m", escape_sequence(tone), text);
}

std::string pad_right(std::string_view text, std::size_t width) {
    const std::size_t columns = columns_of(text);
    return std::string{text}.append(width > columns ? width - columns : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
    const std::size_t columns = columns_of(text);
    return std::string(width > columns ? width - columns : 0, ' ').append(text);
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (columns_of(text) > width) {
        const std::size_t limit = bytes_of_columns(text, width);
        const std::size_t space = text.rfind(' ', limit);
        const bool broken = space == std::string_view::npos || space == 0;
        const std::size_t end = broken ? limit : space;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(broken ? end : end + 1);
    }
    lines.emplace_back(text);
    return lines;
}

Page::Page(const TextStyle& style) : style_{style} {
    style_.width = std::max(style_.width, kNarrowestPage);
}

void Page::put(std::string_view text, Tone tone) {
    const std::string_view on = style_.color ? escape_sequence(tone) : "";
    const std::size_t end = text.find_last_not_of(' ');
    text_ += on;
    text_ += text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    if (!on.empty()) text_ += "\x1b[0m";
    text_ += '\n';
}

void Page::rule() {
    put(std::string(style_.width, '='), Tone::faint);
}

void Page::blank() {
    text_ += '\n';
}

void Page::line(std::string_view text, Tone tone) {
    for (const auto& part : wrap(text, style_.width)) put(part, tone);
}

void Page::note(std::string_view text) {
    put_indented(text, kIndent);
}

void Page::put_indented(std::string_view text, std::size_t indent) {
    for (const auto& part : wrap(text, style_.width - indent))
        put(std::string(indent, ' ') + part, Tone::faint);
}

void Page::title(std::string_view text) {
    blank();
    put(text, Tone::bold);
}

void Page::bullet(std::string_view text, Tone tone) {
    std::string_view head = " - ";
    for (const auto& part : wrap(text, style_.width - kIndent)) {
        put(fmt::format("{}{}", head, part), tone);
        head = "   ";
    }
}

void Page::row(std::string_view label, std::string_view number, std::string_view unit, std::string_view note,
               Tone tone) {
    const std::string front = fmt::format("{}{}{}{}{}", std::string(kIndent, ' '),
                                          pad_right(fmt::format("{}:", label), kLabelWidth),
                                          pad_left(number, kNumberWidth), unit.empty() ? "" : " ", unit);
    if (note.empty()) return put(front, tone);
    const std::string start = pad_right(front, kIndent + kLabelWidth + kNumberWidth + kUnitWidth) + " ";
    const std::size_t taken = columns_of(start);
    if (taken + columns_of(note) <= style_.width) return put(start + std::string{note}, tone);
    put(front, tone);
    put_indented(note, 2 * kIndent);
}

void Page::table(std::string_view title, const std::vector<std::string>& heads,
                 const std::vector<TableRow>& rows, std::size_t narrowest) {
    std::vector<std::size_t> widths;
    std::size_t name_width = std::max(kLabelWidth, columns_of(title));
    for (const auto& head : heads) widths.push_back(std::max(columns_of(head) + 2, narrowest));
    for (const auto& row : rows) {
        name_width = std::max(name_width, columns_of(row.name) + kIndent);
        for (std::size_t i = 0; i < row.cells.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], columns_of(row.cells[i]) + 2);
        }
    }
    std::size_t taken = 0;
    for (const auto width : widths) taken += width;
    const std::size_t left = style_.width > taken ? style_.width - taken : 0;
    name_width = std::clamp(left, kShortestName + kIndent, name_width + kIndent);

    const auto cells = [&](const std::vector<std::string>& texts) {
        std::string line;
        for (std::size_t i = 0; i < texts.size() && i < widths.size(); ++i)
            line += pad_left(texts[i], widths[i]);
        return line;
    };
    blank();
    put(pad_right(cut(title, name_width), name_width) + cells(heads), Tone::bold);
    for (const auto& row : rows) {
        const std::string name = std::string(kIndent, ' ') + cut(row.name, name_width - kIndent);
        put(pad_right(name, name_width) + cells(row.cells), row.tone);
        for (const auto& note : row.notes) put_indented(note, 2 * kIndent);
    }
}

}  // namespace pgtraffic::report
