// The table and the curve of a traffic plan. Each column of the curve is the mean rate over its slice of
// time, read off N at both ends, so a spike narrower than a column is averaged and not missed.
#include "pgtraffic/report/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <string_view>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/curve.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {
namespace {

using base::with_thousands;
using traffic::PhaseScheduler;
using traffic::PlannedPhase;
using Lines = fmt::memory_buffer;

constexpr int kNarrowest = 40;
constexpr int kPlanCurveRows = 8;
constexpr int kWidestName = 28;

template <class... Args>
void add(Lines& out, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string count_text(double arrivals) {
    if (arrivals > 0 && arrivals < 0.05) return fmt::format("{:.1g}", arrivals);
    const bool whole = std::abs(arrivals - std::round(arrivals)) < 0.05;
    return with_thousands(arrivals, whole ? 0 : 1);
}

/// A place on the time axis: "250 ms", "4.5 s", "3:30", "8:00:00".
std::string place_text(double t_s) {
    if (t_s > 0 && t_s < 0.9995) return fmt::format("{:.3g} ms", t_s * 1e3);
    if (t_s < 120) return fmt::format("{:.3g} s", t_s);
    const auto seconds = static_cast<std::int64_t>(std::llround(t_s));
    if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten: half of it is still a good label.
double round_up(double rate_per_s) {
    const double power = std::pow(10, std::floor(std::log10(rate_per_s)));
    for (const double step : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) {
        if (step * power >= rate_per_s * (1 - 1e-9)) return step * power;
    }
    return 10 * power;
}

std::size_t width_of(const PlanView& plan) {
    return static_cast<std::size_t>(std::max(plan.width, kNarrowest));
}

void add_head(Lines& out, const PlanView& plan) {
    const PhaseScheduler& schedule = *plan.schedule;
    add(out, "{}", printable(plan.title));
    if (!plan.pattern.empty()) add(out, ": {}", printable(plan.pattern));
    add(out, "\n");
    if (!plan.description.empty()) {
        for (const auto& line : wrap(plan.description, width_of(plan))) add(out, "{}\n", printable(line));
    }
    add(out, "\n  duration   {}", place_text(schedule.duration_s()));
    if (plan.peak_rate_per_s)
        add(out, "\n  peak rate  {}/s is 100 %", base::rate_text(*plan.peak_rate_per_s));
    add(out, "\n  arrivals   {}",
        plan.arrivals == traffic::Arrivals::poisson ? "Poisson (random, at the planned rate)"
                                                    : "uniform (evenly spaced)");
    add(out, "\n  seed       {}\n\n", plan.seed);
}

void add_repeated(Lines& out, std::string_view text, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) out.append(text);
}

constexpr std::size_t kColumns = 9;
constexpr std::size_t kGap = 2;
constexpr std::size_t kShortestPhaseName = 8;
using Row = std::array<std::string, kColumns>;
using Widths = std::array<std::size_t, kColumns>;

/// What goes where there is no room for all, the first one first: a phase ends where the next begins, and
/// least, greatest and drawn are seen in the curve or near what is planned.
constexpr std::array<std::size_t, 5> kDispensable{2, 4, 5, 8, 3};

std::vector<Row> table_rows(const PlanView& plan) {
    const PhaseScheduler& schedule = *plan.schedule;
    std::vector<Row> rows{{"phase", "start", "end", "from → to", "min", "max", "mean", "planned", "drawn"}};
    double lowest = schedule.max_rate();
    for (std::size_t i = 0; i < plan.drawn.size(); ++i) {
        const PlannedPhase& phase = schedule.phases()[i];
        const double length_s = phase.end_s - phase.start_s;
        lowest = std::min(lowest, phase.lowest_rate_per_s);
        rows.push_back({fmt::format("{:.{}}", printable(phase.name), kWidestName), place_text(phase.start_s),
                        place_text(phase.end_s),
                        fmt::format("{} → {}", base::rate_text(phase.first_rate_per_s),
                                    base::rate_text(phase.last_rate_per_s)),
                        base::rate_text(phase.lowest_rate_per_s), base::rate_text(phase.highest_rate_per_s),
                        base::rate_text(length_s > 0 ? phase.planned / length_s : 0),
                        count_text(phase.planned), with_thousands(plan.drawn[i])});
    }
    const std::uint64_t drawn = std::accumulate(plan.drawn.begin(), plan.drawn.end(), std::uint64_t{0});
    rows.push_back({"total", "", place_text(schedule.duration_s()), "", base::rate_text(lowest),
                    base::rate_text(schedule.max_rate()),
                    base::rate_text(schedule.total() / schedule.duration_s()), count_text(schedule.total()),
                    with_thousands(drawn)});
    return rows;
}

/// With the gap before each column; the names have none.
std::size_t row_width(const Widths& widths) {
    return std::accumulate(widths.begin(), widths.end(), std::size_t{0});
}

/// Columns that are 0 wide are not shown.
Widths fitting_widths(const std::vector<Row>& rows, std::size_t most) {
    Widths widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < kColumns; ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]) + (i == 0 ? 0 : kGap));
    }
    for (const std::size_t column : kDispensable) {
        if (row_width(widths) <= most) return widths;
        widths[column] = 0;
    }
    const std::size_t over = row_width(widths) - std::min(row_width(widths), most);
    widths[0] = std::max(widths[0] - std::min(widths[0], over), std::min(widths[0], kShortestPhaseName));
    return widths;
}

void add_table(Lines& out, const PlanView& plan) {
    const std::vector<Row> rows = table_rows(plan);
    const auto widths = fitting_widths(rows, width_of(plan));
    const std::size_t rule = row_width(widths);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (r == 1 || r + 1 == rows.size()) {
            add_repeated(out, "─", rule);
            add(out, "\n");
        }
        add(out, "{}", pad_right(fmt::format("{:.{}}", rows[r][0], widths[0]), widths[0]));
        for (std::size_t i = 1; i < kColumns; ++i) {
            if (widths[i] > 0) add(out, "{}", pad_left(rows[r][i], widths[i]));
        }
        add(out, "\n");
    }
}

/// The axis with five ticks, or three where their labels have no room, and their times below it, each centred
/// under its tick.
void add_time_axis(Lines& out, const PhaseScheduler& schedule, std::size_t margin, std::size_t columns) {
    const auto time_of = [&](double share) { return place_text(schedule.duration_s() * share); };
    const std::size_t longest = std::max(time_of(0.75).size(), time_of(1).size());
    const std::size_t ticks = 5 * (longest + 1) > columns ? 3 : 5;
    std::string labels;
    add(out, "{:>{}} └", 0, margin);
    for (std::size_t tick = 0; tick < ticks; ++tick) {
        const std::size_t at = tick * (columns - 1) / (ticks - 1);
        const std::size_t previous = tick == 0 ? 0 : (tick - 1) * (columns - 1) / (ticks - 1) + 1;
        add_repeated(out, "─", at - previous);
        add(out, "┴");
        const std::string label = time_of(static_cast<double>(tick) / static_cast<double>(ticks - 1));
        const std::size_t centred = at - std::min(at, label.size() / 2);
        const std::size_t begin = std::min(centred, columns - std::min(columns, label.size()));
        labels.resize(std::max(labels.size() + (tick == 0 ? 0 : 1), begin), ' ');
        labels += label;
    }
    add(out, "\n{:{}}{}\n", "", margin + 2, labels);
}

void add_curve(Lines& out, const PlanView& plan) {
    const PhaseScheduler& schedule = *plan.schedule;
    const double top = round_up(schedule.max_rate());
    const std::string top_label = base::rate_text(top);
    const std::string half_label = base::rate_text(top / 2);
    const std::size_t margin = std::max(top_label.size(), half_label.size());
    const std::size_t columns = width_of(plan) - margin - 2;
    const std::vector<int> heights = curve_heights(schedule, columns, top, kPlanCurveRows);

    add(out, "\nrate per second\n");
    for (int row = kPlanCurveRows - 1; row >= 0; --row) {
        const bool labelled = row + 1 == kPlanCurveRows || 2 * (row + 1) == kPlanCurveRows;
        const std::string& label = row + 1 == kPlanCurveRows ? top_label : half_label;
        std::string line = fmt::format("{:>{}} {}", labelled ? label : "", margin, labelled ? "┤" : "│");
        for (const int height : heights) {
            line += kBlocks[static_cast<std::size_t>(std::clamp(height - row * kEighths, 0, kEighths))];
        }
        add(out, "{}\n", std::string_view{line}.substr(0, line.find_last_not_of(' ') + 1));
    }
    add_time_axis(out, schedule, margin, columns);
}

}  // namespace

std::string plan_text(const PlanView& plan) {
    PGTRAFFIC_CHECK(plan.schedule != nullptr, "a plan shows a schedule");
    PGTRAFFIC_CHECK(plan.drawn.size() == plan.schedule->phases().size(), "a count for each phase");
    Lines out;
    add_head(out, plan);
    add_table(out, plan);
    add_curve(out, plan);
    return fmt::to_string(out);
}

}  // namespace pgtraffic::report
