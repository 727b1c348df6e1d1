// A schedule as a row of columns: what `plan` draws tall and the panel of a run low.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::report {

/// Steps that a block character can show.
inline constexpr int kEighths = 8;
inline constexpr std::array<std::string_view, kEighths + 1> kBlocks{" ", "▁", "▂", "▃", "▄",
                                                                    "▅", "▆", "▇", "█"};

/// Each column's mean rate in eighths of a row, of `rows` rows for `top_rate_per_s`. A rate above zero shows
/// at least one.
[[nodiscard]] std::vector<int> curve_heights(const traffic::PhaseScheduler& schedule, std::size_t columns,
                                             double top_rate_per_s, int rows);

}  // namespace pgtraffic::report
