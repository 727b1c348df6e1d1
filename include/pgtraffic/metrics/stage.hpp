// The stages of a run, in their order, and their names for whoever looks on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgtraffic::metrics {

enum class Stage : std::uint8_t {
    connecting,   ///< waits for all sessions → warming_up
    warming_up,   ///< the load, unmeasured, for its time → calibrating or measuring
    calibrating,  ///< the steps of a search, for a rate or the connections → measuring
    measuring,    ///< until its time, its number of queries, or a signal → draining
    draining,     ///< waits for what is in flight, for so long → done
    done,
};

inline constexpr std::array kStages{Stage::connecting, Stage::warming_up, Stage::calibrating,
                                    Stage::measuring,  Stage::draining,   Stage::done};

/// "connecting", "warming up", …; "finished" of `done`.
[[nodiscard]] constexpr std::string_view to_string(Stage stage) noexcept {
    constexpr std::string_view kNames[] = {"connecting", "warming up", "calibrating",
                                           "measuring",  "draining",   "finished"};
    return kNames[static_cast<std::size_t>(stage)];
}

}  // namespace pgtraffic::metrics
