#include "pgtraffic/base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace pgtraffic::base {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 6> kDurationUnits{
    {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}, {"", 1.0}}};
constexpr double kLongestSeconds = 100.0 * 365.25 * 86400.0;

std::string group_digits(std::string digits) {
    const std::size_t first = !digits.empty() && digits.front() == '-' ? 1 : 0;
    for (auto at = static_cast<std::ptrdiff_t>(std::min(digits.find('.'), digits.size())) - 3;
         at > static_cast<std::ptrdiff_t>(first); at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return digits;
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return n;
}

std::optional<double> parse_number(std::string_view text) noexcept {
    double x = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty() || !std::isfinite(x)) {
        return std::nullopt;
    }
    return x;
}

std::optional<Nanos> parse_duration(std::string_view text) noexcept {
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    double total = 0;
    double unit_before = HUGE_VAL;
    for (bool first = true; first || !text.empty(); first = false) {
        const auto number_end = std::find_if(text.begin(), text.end(), is_letter);
        const auto unit_end = std::find_if_not(number_end, text.end(), is_letter);
        const std::string_view number{text.data(), static_cast<std::size_t>(number_end - text.begin())};
        const std::string_view unit{number_end, unit_end};
        const auto value = parse_number(number);
        const auto* known = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                         [&](const auto& row) { return row.first == unit; });
        // "1m30": whether the 30 are seconds is a guess.
        if (!value || *value < 0 || known == kDurationUnits.end() || (unit.empty() && !first))
            return std::nullopt;
        if (known->second >= unit_before) return std::nullopt;
        unit_before = known->second;
        total += *value * known->second;
        text.remove_prefix(number.size() + unit.size());
    }
    return total > kLongestSeconds ? std::nullopt : std::optional{from_seconds(total)};
}

std::string with_thousands(std::uint64_t n) {
    return group_digits(fmt::format("{}", n));
}

std::string with_thousands(double x, int digits) {
    if (!std::isfinite(x)) return "n/a";
    return group_digits(fmt::format("{:.{}f}", x, digits));
}

std::string with_telling_digits(double x) {
    constexpr int kShown = 5;
    constexpr int kMost = 12;
    if (!std::isfinite(x) || x == std::round(x)) return with_thousands(x, 0);
    const int before = static_cast<int>(std::floor(std::log10(std::abs(x))));
    for (int digits = std::clamp(kShown - 1 - before, 1, kMost);; ++digits) {
        std::string text = with_thousands(x, digits);
        const bool noughts = text.ends_with('0');
        const double scale = std::pow(10, digits);
        const bool exact = std::abs(std::round(x * scale) / scale - x) <= 1e-12 * std::abs(x);
        if (noughts && !exact && digits < kMost) continue;
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.pop_back();
        return text;
    }
}

std::string rate_text(double per_s) {
    if (per_s > 0 && per_s < 0.1) return fmt::format("{:.3g}", per_s);
    if (per_s >= 100 || per_s == std::round(per_s)) return with_thousands(per_s, 0);
    return with_thousands(per_s, per_s >= 10 ? 1 : per_s >= 1 ? 2 : 3);
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view several) {
    return fmt::format("{} {}", with_thousands(n), n == 1 ? one : several);
}

// Both formats leave a unit where its digits would round up to the next one: never "1000.0 µs".

std::string format_bytes(double bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes >= (unit == 0 ? 1023.5 : 1023.95) && unit + 1 < kUnits.size()) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string format_duration(Nanos d) {
    const double ns = static_cast<double>(d.count());
    if (ns < 0) return "-" + format_duration(Nanos{std::llround(-ns)});
    if (ns < 1e3) return fmt::format("{} ns", d.count());
    if (ns < 999.95e3) return fmt::format("{:.1f} µs", ns * 1e-3);
    if (ns < 999.995e6) return fmt::format("{:.2f} ms", ns * 1e-6);
    if (ns < 119.995e9) return fmt::format("{:.2f} s", ns * 1e-9);
    const auto whole = std::llround(ns * 1e-9);
    if (whole < 7200) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
    return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                              std::tolower(static_cast<unsigned char>(b[j - 1]));
            const std::size_t replaced = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

}  // namespace pgtraffic::base
