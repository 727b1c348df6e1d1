// Numbers of a JSON result as HTML. Each is a <data> element that carries the exact value and its place in
// the document, so that what is shown can be checked against the result, by a test or by a reader's script.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pgtraffic::report {

/// How a number is written.
enum class Look : std::uint8_t {
    count,      ///< 1,234
    rate,       ///< 1,234.5
    millis,     ///< 4.47, as many digits as its size wants
    percent,    ///< a share of 1 as 99.98 %
    seconds,    ///< 30.01 s
    micros,     ///< 13.8 µs
    bytes,      ///< 14.8 MiB
    threshold,  ///< up to five significant digits
};

/// The text alone. `x` must be finite.
[[nodiscard]] std::string figure_text(double x, Look look);

/// Behind a percentile that the data do not support; whoever shows one explains it, by kWeakNote.
inline constexpr std::string_view kWeakMark = "<span class=\"weak\">*</span>";

/// In front of a percentile that is a lower bound; as above, by kAtLeastNote.
inline constexpr std::string_view kAtLeastMark = "<span class=\"weak\">≥</span>";

/// Reads a document, which must outlive it.
class HtmlFigures {
 public:
    explicit HtmlFigures(const nlohmann::ordered_json& document) : document_{&document} {}

    /// The number at this JSON pointer, `unit` behind it; a dash where the document has none there.
    [[nodiscard]] std::string operator()(const std::string& pointer, Look look, const char* unit = "") const;

    /// A percentile of the latencies that stand at `place` ("/summary/response_ms"), with a mark where fewer
    /// than ten queries lie above it, and one where it is a lower bound, as in the text report.
    [[nodiscard]] std::string percentile(const std::string& place, const std::string& key,
                                         const char* unit = "") const;

    /// "8.05 to 8.40", the 95 % confidence interval in ms of a percentile of the whole run's `latency`,
    /// "response" or "lag"; empty where the result has none.
    [[nodiscard]] std::string bounds(const std::string& latency, const std::string& percentile) const;
    /// Whether that percentile of the response is a lower bound, because too many queries had no answer.
    [[nodiscard]] bool is_lower_bound(const std::string& percentile) const;
    /// As bounds(), of any pair of figures at this place, which is there.
    [[nodiscard]] std::string pair(const std::string& place, Look look) const;

    [[nodiscard]] bool has(const std::string& pointer) const;      ///< and it is not null
    [[nodiscard]] double value(const std::string& pointer) const;  ///< 0 where there is none

 private:
    [[nodiscard]] const nlohmann::ordered_json* find(const std::string& pointer) const;
    [[nodiscard]] double queries_behind(const std::string& place) const;

    const nlohmann::ordered_json* document_;
};

}  // namespace pgtraffic::report
