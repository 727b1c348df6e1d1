#include "pgtraffic/report/html_figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pgtraffic/base/units.hpp"

namespace pgtraffic::report {
namespace {

/// Some three significant digits, without noughts that say nothing.
int digits_of(double x) {
    const double size = std::abs(x);
    if (size == 0 || size >= 1000) return 0;
    return std::clamp(2 - static_cast<int>(std::floor(std::log10(size))), 0, 5);
}

std::string threshold_text(double x) {
    int digits = 0;
    if (x != std::round(x))
        digits = std::clamp(4 - static_cast<int>(std::floor(std::log10(std::abs(x)))), 0, 12);
    auto text = base::with_thousands(x, digits);
    if (digits > 0) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.pop_back();
    }
    return text;
}

}  // namespace

std::string figure_text(double x, Look look) {
    switch (look) {
        case Look::count:
            return base::with_thousands(x, 0);
        case Look::rate:
            return base::with_thousands(x, std::abs(x) < 100 ? 2 : 1);
        case Look::millis:
            return base::with_thousands(x, digits_of(x));
        case Look::percent: {
            // 99.9996 % must not read as 100 %.
            const double percent = 100 * x;
            int digits = 2;
            while (digits < 6 && percent < 100 && base::with_thousands(percent, digits).starts_with("100"))
                ++digits;
            return base::with_thousands(percent, percent == std::round(percent) ? 0 : digits) + " %";
        }
        case Look::seconds:
            return base::with_thousands(x, x == std::round(x) ? 0 : 2) + " s";
        case Look::micros:
            return base::with_thousands(x, digits_of(x)) + " µs";
        case Look::bytes:
            return base::format_bytes(x);
        case Look::threshold:
            return threshold_text(x);
    }
    return "";
}

const nlohmann::ordered_json* HtmlFigures::find(const std::string& pointer) const {
    const nlohmann::ordered_json::json_pointer place{pointer};
    if (!document_->contains(place)) return nullptr;
    const auto& value = document_->at(place);
    return value.is_number() ? &value : nullptr;
}

bool HtmlFigures::has(const std::string& pointer) const {
    return find(pointer) != nullptr;
}

double HtmlFigures::value(const std::string& pointer) const {
    const auto* found = find(pointer);
    return found == nullptr ? 0 : found->get<double>();
}

std::string HtmlFigures::operator()(const std::string& pointer, Look look, const char* unit) const {
    const auto* found = find(pointer);
    if (found == nullptr) return "–";
    return fmt::format("<data value=\"{}\" data-path=\"{}\">{}{}</data>", found->dump(), pointer,
                       figure_text(found->get<double>(), look), unit);
}

}  // namespace pgtraffic::report
