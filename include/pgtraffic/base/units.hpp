// Text to quantities and back, as users write and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::base {

/// A whole number in decimal digits, nothing else around it. Empty if it is not one or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text) noexcept;

/// A finite number ("12", "0.5", "1e3"), nothing else around it. "nan" and "inf" are not numbers here.
[[nodiscard]] std::optional<double> parse_number(std::string_view text) noexcept;

/// "90" (seconds), "90s", "5m", "250ms", "10us", "1h", "1.5h"; in parts "1m30s", the largest unit first and
/// each once. Not negative; at most 100 years.
[[nodiscard]] std::optional<Nanos> parse_duration(std::string_view text) noexcept;

/// 628800 -> "628,800".
[[nodiscard]] std::string with_thousands(std::uint64_t n);

/// 20955.694 with 2 digits -> "20,955.69". Not a number -> "n/a".
[[nodiscard]] std::string with_thousands(double x, int digits);

/// A rate for a sentence, three digits where they say something: "1,250", "47.5", "0.125", "0.00012".
[[nodiscard]] std::string rate_text(double per_s);

/// Five digits, without noughts at the end, and more where those would hide that the number is none of so
/// few: 29.5 -> "29.5", 20.0004 -> "20.0004" and not the 20 that it is not, 99.9996 and not 100.
[[nodiscard]] std::string with_telling_digits(double x);

/// 1 -> "1 query", 1234 -> "1,234 queries".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view one, std::string_view several);

/// 1536 -> "1.5 KiB".
[[nodiscard]] std::string format_bytes(double bytes);

/// The shortest unit that reads well: "850 ns", "12.4 µs", "4.35 ms", "1.20 s", "5m 12s".
[[nodiscard]] std::string format_duration(Nanos d);

/// Of `known`, the word within a small edit distance of `word`, for "did you mean". Empty if none is near.
template <class Range>
[[nodiscard]] std::string_view nearest_word(std::string_view word, const Range& known);

/// Levenshtein distance, case ignored.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string_view nearest_word(std::string_view word, const Range& known) {
    std::string_view best;
    std::size_t best_distance = word.size() / 3 + 2;  // farther than this is no typing error
    for (const auto& candidate : known) {
        const std::string_view text{candidate};
        const auto distance = edit_distance(word, text);
        if (distance < best_distance && distance < text.size()) {
            best = text;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace pgtraffic::base
