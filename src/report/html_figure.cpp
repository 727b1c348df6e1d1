#include "pgtraffic/report/html_figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/histogram.hpp"
#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

/// Some three significant digits, without noughts that say nothing.
int digits_of(double x) {
    const double size = std::abs(x);
    if (size == 0 || size >= 1000) return 0;
    return std::clamp(2 - static_cast<int>(std::floor(std::log10(size))), 0, 5);
}

/// The share of 1 that the key of a percentile means: "p50" half, "p999" 0.999.
double quantile_of(const std::string& key) {
    return std::stod("0." + key.substr(1));
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
            // Rounded down, as in the text report: 99.9996 % must not read as 100 %, nor 0.0004 % as none.
            const double percent = 100 * x;
            if (percent == std::round(percent)) return base::with_thousands(percent, 0) + " %";
            int digits = percent > 0 && percent < 1 ? std::min(digits_of(percent), 6) : 2;
            while (
                digits < 6 && percent > 0 &&
                (percent < std::pow(10, -digits) || (percent < 100 && percent > 100 - std::pow(10, -digits))))
                ++digits;
            const double scale = std::pow(10, digits);
            return base::with_thousands(std::floor(percent * scale + 1e-6) / scale, digits) + " %";
        }
        case Look::seconds:
            return base::with_thousands(x, x == std::round(x) ? 0 : x < 0.1 ? 3 : 2) + " s";
        case Look::micros:
            return base::with_thousands(x, digits_of(x)) + " µs";
        case Look::bytes:
            return base::format_bytes(x);
        case Look::threshold:
            return base::with_telling_digits(x);
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

std::string HtmlFigures::percentile(const std::string& place, const std::string& key,
                                    const char* unit) const {
    auto html = (*this)(fmt::format("{}/{}", place, key), Look::millis, unit);
    if (!has(fmt::format("{}/{}", place, key))) return html;
    const auto slash = place.rfind('/');
    const nlohmann::ordered_json::json_pointer part{place.substr(0, slash)};
    if (report::is_lower_bound(document_->at(part), place.substr(slash + 1), key))
        html.insert(0, kAtLeastMark);
    if (key.starts_with('p') && !metrics::supports_quantile(queries_behind(place), quantile_of(key)))
        html += kWeakMark;
    return html;
}

std::string HtmlFigures::bounds(const std::string& latency, const std::string& percentile) const {
    if (bounds_of(document_->at("summary"), latency, percentile) == nullptr) return "";
    return pair(fmt::format("/summary/{}_bounds_ms/{}", latency, percentile), Look::millis);
}

bool HtmlFigures::is_lower_bound(const std::string& percentile) const {
    return report::is_lower_bound(document_->at("summary"), "response_ms", percentile);
}

std::string HtmlFigures::pair(const std::string& place, Look look) const {
    return (*this)(place + "/0", look) + " to " + (*this)(place + "/1", look);
}

/// How many queries the latencies at this place are of. A result of an earlier version does not say it: those
/// of the histogram where it has one, else what its counts add up to.
double HtmlFigures::queries_behind(const std::string& place) const {
    if (has(place + "/count")) return value(place + "/count");
    const auto slash = place.rfind('/');
    const auto parent = place.substr(0, slash);
    const auto kind = place.substr(slash + 1);
    if (parent == "/summary") {
        const auto* name = kind == "response_ms" ? "response" : kind == "service_ms" ? "service" : "lag";
        const auto& histograms = document_->at("histograms");
        if (!histograms.contains(name)) return value("/summary/queries/started");
        const auto& histogram = histograms.at(name);
        double n = histogram.at("overflow").get<double>();
        for (const auto& bucket : histogram.at("counts")) n += bucket.at(1).get<double>();
        return n;
    }
    const double answered = value(parent + "/ok") + value(parent + "/empty");
    return kind == "service_ms" ? answered : answered + value(parent + "/timed_out");
}

}  // namespace pgtraffic::report
