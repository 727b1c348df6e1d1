// Patterns from JSON, with a complaint that names the place. Bands have four names, or are written out;
// everything is a share of a peak rate, which only the scheduler learns.
#include "pgtraffic/traffic/pattern.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "pgtraffic/base/embedded.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::traffic {

// Defined by what cmake/embed.cmake generates.
[[nodiscard]] std::span<const base::EmbeddedFile> embedded_patterns() noexcept;

namespace {

using base::JsonNode;

constexpr std::array<std::pair<std::string_view, Band>, 4> kBands{
    {{"low", {0.10, 0.30}}, {"medium", {0.40, 0.70}}, {"high", {0.80, 0.95}}, {"peak", {0.95, 1.00}}}};
constexpr double kShareTolerance = 1e-3;

Band named_band(const JsonNode& node) {
    const std::string word = node.text();
    for (const auto& [name, band] : kBands) {
        if (word == name) return band;
    }
    node.fail(
        fmt::format("no band is named \"{}\"; there are low, medium, high and peak, or [0.2, 0.5]", word));
}

Band parse_band(const JsonNode& node) {
    if (node.is_string()) return named_band(node);
    if (node.is_number()) {
        const double level = node.number_between(0, 1);
        return {level, level};
    }
    if (!node.is_array() || node.array_size() != 2) {
        node.fail("must be low, medium, high, peak, a number from 0 to 1, or [low, high]");
    }
    const Band band{node.at(0).number_between(0, 1), node.at(1).number_between(0, 1)};
    if (band.low > band.high) {
        node.fail(fmt::format("the band begins above its end; write [{}, {}]", band.high, band.low));
    }
    return band;
}

Phase parse_phase(const JsonNode& node) {
    node.expect_object({"name", "share", "from", "to", "variance"});
    Phase phase;
    phase.name = node.at("name").text();
    if (phase.name.empty()) node.at("name").fail("must not be empty");
    phase.share = node.at("share").number_between(0, 1);
    if (phase.share == 0) node.at("share").fail("must be above 0");
    phase.from = parse_band(node.at("from"));
    phase.to = node.has("to") ? parse_band(node.at("to")) : phase.from;
    if (!node.has("variance")) return phase;
    phase.variance = node.at("variance").number_between(0, 1);
    const bool has_width = phase.from.low < phase.from.high || phase.to.low < phase.to.high;
    if (phase.variance > 0 && !has_width) {
        node.at("variance")
            .fail("there is no room to vary in: give \"from\" or \"to\" as a band [low, high]");
    }
    return phase;
}

bool names_a_file(const std::string& text) {
    return text.find('/') != std::string::npos || text.ends_with(".json");
}

}  // namespace

std::vector<Phase> parse_phases(const JsonNode& node) {
    std::vector<Phase> phases;
    double shares = 0;
    double highest = 0;
    for (std::size_t i = 0; i < node.array_size(); ++i) {
        auto next = parse_phase(node.at(i));
        // Figures of a phase are asked for by its name.
        if (std::ranges::any_of(phases, [&](const Phase& phase) { return phase.name == next.name; }))
            node.at(i).at("name").fail(fmt::format("there is a phase \"{}\" already", next.name));
        const Phase& phase = phases.emplace_back(std::move(next));
        shares += phase.share;
        highest = std::max({highest, phase.from.high, phase.to.high});
    }
    if (phases.empty()) node.fail("must hold at least one phase");
    if (std::abs(shares - 1) > kShareTolerance) {
        node.fail(fmt::format("the shares must add up to 1, not {:.6g}", shares));
    }
    if (highest == 0) node.fail("every intensity is 0, so nothing would ever be sent");
    for (Phase& phase : phases) phase.share /= shares;
    return phases;
}

Pattern parse_pattern(const JsonNode& node) {
    node.expect_object({"name", "description", "phases"});
    Pattern pattern;
    pattern.name = node.at("name").text();
    if (pattern.name.empty()) node.at("name").fail("must not be empty");
    if (node.has("description")) pattern.description = node.at("description").text();
    pattern.phases = parse_phases(node.at("phases"));
    return pattern;
}

std::vector<std::string_view> pattern_names() {
    std::vector<std::string_view> names;
    for (const auto& file : embedded_patterns()) names.push_back(file.name);
    std::ranges::sort(names);
    return names;
}

std::string_view pattern_text(std::string_view name) {
    for (const auto& file : embedded_patterns()) {
        if (file.name == name) return file.text;
    }
    return {};
}

Pattern load_pattern(const std::string& name_or_file) {
    if (names_a_file(name_or_file)) {
        const auto document = base::read_json_file(name_or_file);
        return parse_pattern({document, name_or_file});
    }
    const std::string_view text = pattern_text(name_or_file);
    if (text.empty()) {
        const auto names = pattern_names();
        const auto near = base::nearest_word(name_or_file, names);
        throw base::Error(
            fmt::format("there is no traffic pattern \"{}\"; {}the built-in ones are {}; a file's name "
                        "holds a '/' or ends in .json",
                        name_or_file, near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                        fmt::join(names, ", ")));
    }
    const auto document = base::parse_json(text, name_or_file);
    return parse_pattern({document, name_or_file});
}

std::string_view pattern_name_for(base::Nanos duration) noexcept {
    if (duration <= std::chrono::seconds{30}) return "ecommerce-rush";
    if (duration <= std::chrono::seconds{120}) return "business-hours";
    return "nightly-batch";
}

}  // namespace pgtraffic::traffic
