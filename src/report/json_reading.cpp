// What the documents of earlier runs tell beyond the figures that stand in them.
#include <algorithm>
#include <string>
#include <string_view>

#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

const Json* bounds_of(const Json& summary, std::string_view latency, std::string_view percentile) {
    if (!summary.contains("bounds_method") || summary["bounds_method"] != kBoundsMethod) return nullptr;
    const auto object = summary.find(std::string{latency} + "_bounds_ms");
    if (object == summary.end()) return nullptr;
    const auto bounds = object->find(std::string{percentile});
    return bounds == object->end() || bounds->is_null() ? nullptr : &*bounds;
}

bool is_lower_bound(const Json& part, std::string_view latency, std::string_view figure) {
    const bool lag = latency == "lag_ms" || latency == "pool_wait_ms";
    if (!lag && latency != "response_ms") return false;
    const auto keys = part.find(lag ? "lag_lower_bounds" : "response_lower_bounds");
    const std::string_view key = figure == "mean" || figure == "max" ? "p99" : figure;
    return keys != part.end() && std::find(keys->begin(), keys->end(), key) != keys->end();
}

bool interval_is_lower_bound(const Json& interval, std::string_view figure) {
    const auto from = interval.find("at_least_from");
    if (from == interval.end() || !from->is_string()) return false;
    const auto place_of = [](std::string_view name) {
        return std::ranges::find(kIntervalFigures, name,
                                 [](const auto& one) { return std::string_view{one.key}; });
    };
    return place_of(figure) >= place_of(from->get<std::string>());
}

bool backlog_grew(const Json& document) {
    const auto& summary = document["summary"];
    const auto backlog = summary.find("backlog");
    return backlog != summary.end() && backlog->is_object() && backlog->value("growing", Json(false)) == true;
}

}  // namespace pgtraffic::report
