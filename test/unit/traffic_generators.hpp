// RapidCheck generators of traffic patterns: steps, ramps, bands that wander and stretches without load, in
// shares that need not be round. Used inside rc properties only.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <chrono>

#include "pgtraffic/traffic/pattern.hpp"

namespace pgtraffic::traffic {

inline double any_level() {
    return *rc::gen::inRange(0, 1001) / 1000.0;
}

inline Band any_band() {
    switch (*rc::gen::inRange(0, 4)) {
        case 0:
            return {0, 0};
        case 1: {
            const double level = any_level();
            return {level, level};
        }
        default: {
            const auto [low, high] = std::minmax({any_level(), any_level()});
            return {low, high};
        }
    }
}

/// With load in one phase at least.
inline Pattern any_pattern() {
    Pattern pattern{.name = "any", .description = "", .phases = {}};
    const int phases = *rc::gen::inRange(1, 7);
    double weights = 0;
    for (int i = 0; i < phases; ++i) {
        Phase phase;
        phase.name = std::to_string(i);
        phase.share = *rc::gen::inRange(1, 100);
        phase.from = any_band();
        phase.to = *rc::gen::arbitrary<bool>() ? phase.from : any_band();
        phase.variance = *rc::gen::arbitrary<bool>() ? any_level() : 0;
        weights += phase.share;
        pattern.phases.push_back(phase);
    }
    for (Phase& phase : pattern.phases) phase.share /= weights;
    auto& loaded = pattern.phases[static_cast<std::size_t>(*rc::gen::inRange(0, phases))];
    loaded.to = {std::max(loaded.to.low, 0.1), std::max(loaded.to.high, 0.2)};
    return pattern;
}

inline double any_peak_rate() {
    return *rc::gen::inRange(1, 100'000) / 10.0;
}
inline base::Nanos any_duration() {
    return std::chrono::milliseconds{*rc::gen::inRange(1, 7'200'000)};
}

}  // namespace pgtraffic::traffic
