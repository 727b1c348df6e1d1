#include <fmt/format.h>

#include "pgtraffic/report/html_section.hpp"

namespace pgtraffic::report {
namespace {

/// Median and least of round trips.
std::string round_trip(const HtmlFigures& figure, const std::string& place) {
    return fmt::format("{} median, {} at least", figure(place + "/p50", Look::millis, " ms"),
                       figure(place + "/min", Look::millis, " ms"));
}

}  // namespace

std::string html_network(const Json& document, const HtmlFigures& figure) {
    const auto found = document.find("network");
    if (found == document.end() || !found->is_object()) return "";
    std::vector<std::pair<std::string, std::string>> rows;
    if (figure.has("/network/rtt_ms/p50"))
        rows.emplace_back("round trip, idle", round_trip(figure, "/network/rtt_ms"));
    if (figure.has("/network/tcp_rtt_ms/p50")) {
        rows.emplace_back("round trip, kernel&#39;s, under load", round_trip(figure, "/network/tcp_rtt_ms"));
    }
    if (figure.has("/network/database_ms")) {
        rows.emplace_back("database, median service - round trips",
                          figure("/network/database_ms", Look::millis, " ms"));
        rows.emplace_back("network&#39;s share of the median service",
                          figure("/network/network_ratio", Look::percent));
    }
    const auto method = text_of(*found, "method");
    return section(
        "network", "Network",
        pairs_table("Network", rows) + (method.empty() ? "" : hint("Method: " + html_text(method))));
}

}  // namespace pgtraffic::report
