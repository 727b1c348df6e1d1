// Lines, columns and colours of the text report. The one decision: text is cut and padded before it is
// coloured, so alignment never depends on colour. Knows nothing of runs and their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::report {

struct TextStyle {
    bool color = false;      ///< ANSI colours
    std::size_t width = 80;  ///< columns; at least 60 are used
};

enum class Tone : std::uint8_t { plain, bold, faint, good, doubtful, bad };

/// Text of the server's, the user's or the system's, made safe for a terminal: control characters (also
/// ESC, DEL, C1 and those that turn the writing direction) escaped, invalid UTF-8 replaced by U+FFFD, on one
/// line, cut with an ellipsis after `longest` columns.
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 240);

/// Columns of a warning or a reason: what a server says may be in it, and its end is the cure.
inline constexpr std::size_t kLongestWarning = 1000;

/// The same of each of its lines, which stay lines.
[[nodiscard]] std::string printable_lines(std::string_view text, std::size_t longest = std::string::npos);

/// Text that is JSON already, its strings made as safe by JSON's own means: U+009B becomes \u009b, which a
/// reader reads as U+009B.
[[nodiscard]] std::string json_printable(std::string json);

/// A rate in whole numbers, one below ten with a digit behind the point where it has one.
[[nodiscard]] std::string short_rate(double per_s);

/// A latency in milliseconds: with two digits behind the point, from a hundred on with none.
[[nodiscard]] std::string short_millis(base::Nanos d);

/// Columns that valid UTF-8 takes on a terminal: two of what is written wide (CJK, emoji), none of combining
/// marks.
[[nodiscard]] std::size_t columns_of(std::string_view utf8) noexcept;

/// Exactly `width` columns where `text` is shorter: filled behind it, or before it. Never cuts.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t width);

/// Breaks at spaces into lines of at most `width` columns; a longer word is broken where it must be.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t width);

struct TableRow {
    std::string name;
    std::vector<std::string> cells;
    std::vector<std::string> notes;  ///< lines below the row, wrapped
    Tone tone = Tone::plain;
};

/// `text` in the colour of its tone.
[[nodiscard]] std::string painted(std::string_view text, Tone tone);

/// A page under construction.
class Page {
 public:
    explicit Page(const TextStyle& style);

    void rule();
    void blank();
    void line(std::string_view text, Tone tone = Tone::plain);    ///< wrapped
    void note(std::string_view text);                             ///< wrapped, faint, below rows
    void title(std::string_view text);                            ///< a blank line, then the title
    void bullet(std::string_view text, Tone tone = Tone::plain);  ///< wrapped, hanging
    /// "   Label:          1,234 ms  note": label and number aligned with those of all other rows.
    void row(std::string_view label, std::string_view number, std::string_view unit = "",
             std::string_view note = "", Tone tone = Tone::plain);
    /// A title with the heads of its columns beside it, and rows. Columns are as wide as their contents and
    /// at least `narrowest`; names that do not fit are cut.
    void table(std::string_view title, const std::vector<std::string>& heads,
               const std::vector<TableRow>& rows, std::size_t narrowest = 0);

    [[nodiscard]] std::size_t width() const noexcept { return style_.width; }
    [[nodiscard]] std::string take() { return std::move(text_); }

 private:
    void put(std::string_view text, Tone tone);
    void put_indented(std::string_view text, std::size_t indent);

    TextStyle style_;
    std::string text_;
};

}  // namespace pgtraffic::report
