// A traffic pattern: the shape of a day's load as phases, in shares of a peak rate that it does not know.
// Built-in patterns are the JSON files of src/traffic/patterns, in the format that a user's file has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/base/time.hpp"

namespace pgtraffic::traffic {

/// An intensity: the part of the peak rate between low and high, 0 <= low <= high <= 1.
struct Band {
    double low = 0;
    double high = 0;
    bool operator==(const Band&) const = default;
};

/// A part of the run in which the load moves from one band to another and wanders inside it.
struct Phase {
    std::string name;
    double share = 1;     ///< of the duration; the shares of a pattern add up to 1
    Band from;            ///< the band at the phase's begin
    Band to;              ///< the band at its end; edges move linearly in between
    double variance = 0;  ///< 0 stays on the band's middle, 1 wanders over its whole width
};

struct Pattern {
    std::string name;
    std::string description;
    std::vector<Phase> phases;
};

/// Reads {"name", "description", "phases": [{"name", "share", "from", "to", "variance"}]}. `from` and `to`
/// are "low", "medium", "high", "peak", a number 0..1, or [low, high]; `to` defaults to `from`, `variance` to
/// 0. Throws base::Error with the place: shares that do not add up to 1 (±0.001; scaled to exactly 1), a band
/// out of order, a variance without width.
[[nodiscard]] Pattern parse_pattern(const base::JsonNode& node);

/// The phases alone, from the array at `node` (a scenario's "traffic": {"phases": […]}).
[[nodiscard]] std::vector<Phase> parse_phases(const base::JsonNode& node);

/// The names of the built-in patterns, sorted.
[[nodiscard]] std::vector<std::string_view> pattern_names();

/// The JSON text of a built-in pattern; empty if there is none of that name.
[[nodiscard]] std::string_view pattern_text(std::string_view name);

/// A built-in pattern by its name, or one from a file when `name_or_file` holds a '/' or ends in ".json".
/// Throws base::Error that names the nearest built-in.
[[nodiscard]] Pattern load_pattern(const std::string& name_or_file);

/// What --real-simulation alone plays: up to 30 s "ecommerce-rush", up to 120 s "business-hours",
/// longer "nightly-batch".
[[nodiscard]] std::string_view pattern_name_for(base::Nanos duration) noexcept;

}  // namespace pgtraffic::traffic
