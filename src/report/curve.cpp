#include "pgtraffic/report/curve.hpp"

#include <algorithm>
#include <cmath>

namespace pgtraffic::report {

std::vector<int> curve_heights(const traffic::PhaseScheduler& schedule, std::size_t columns,
                               double top_rate_per_s, int rows) {
    const double slice_s = schedule.duration_s() / static_cast<double>(columns);
    std::vector<int> heights;
    for (std::size_t i = 0; i < columns; ++i) {
        const double begin_s = slice_s * static_cast<double>(i);
        const double arrivals = schedule.arrivals_until(begin_s + slice_s) - schedule.arrivals_until(begin_s);
        const double part = arrivals / slice_s / top_rate_per_s;
        const auto height = static_cast<int>(std::lround(part * rows * kEighths));
        heights.push_back(std::clamp(height, arrivals > 0 ? 1 : 0, rows * kEighths));
    }
    return heights;
}

}  // namespace pgtraffic::report
