// Conditions on a run's figures as users write them, "insert.response.p99 < 20ms": read into a value before
// the load starts, so that a slip of the pen costs no run, and compared with a finished run at its end or
// with a window of its intervals while it lasts. docs/thresholds.md is their manual.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/metrics/interval.hpp"
#include "pgtraffic/metrics/metric.hpp"
#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::metrics {

enum class Statistic : std::uint8_t { none, min, mean, max, quantile };
enum class Comparison : std::uint8_t { less, less_or_equal, greater, greater_or_equal };
enum class Population : std::uint8_t { run, operation, phase };
enum class Unit : std::uint8_t {
    none,
    per_second,
    percent,
    nanoseconds,
    microseconds,
    milliseconds,
    seconds
};

/// A value; made by parse_threshold.
struct Threshold {
    std::string expression;  ///< as written, without spaces around it
    Population population = Population::run;
    std::string name;  ///< of the operation or the phase
    Metric metric = Metric::response;
    Statistic statistic = Statistic::none;
    double quantile = 0;  ///< 0…1
    Comparison comparison = Comparison::less;
    double limit = 0;  ///< in `unit`
    Unit unit = Unit::none;

    /// Below the limit something shall stay.
    [[nodiscard]] bool is_upper() const noexcept {
        return comparison == Comparison::less || comparison == Comparison::less_or_equal;
    }
};

/// What an expression may speak of in the run at hand.
struct ThresholdScope {
    std::vector<std::string> operations;
    std::vector<std::string> phases;
    bool open_loop = false;      ///< a closed loop has no lag, no queue and no target
    bool latency_limit = false;  ///< without one nothing is late or missed
    /// Operation and statement: nothing is said of one, which a message tells.
    std::vector<std::pair<std::string, std::string>> statements = {};
};

/// Throws base::Error "column 9: …" (columns are characters, from 1) that names the known words and, where
/// there is one, the nearest. It may repeat bytes of `expression`: print it with care.
[[nodiscard]] Threshold parse_threshold(std::string_view expression, const ThresholdScope& scope);

/// As parse_threshold, for a condition that is looked at while the run lasts: only figures that intervals
/// have, and of the whole run, are accepted.
[[nodiscard]] Threshold parse_abort_condition(std::string_view expression, const ThresholdScope& scope);

/// Only what stands before the comparison, "insert.response.p99", for whoever compares it otherwise.
/// Comparison, limit and unit of the value mean nothing; its figure is in ns, per second, a share of 1 or a
/// count.
[[nodiscard]] Threshold parse_figure(std::string_view figure, const ThresholdScope& scope);

/// Whether two figures are the same but for the last bits, which hang on how each was computed: 3 of 1,000
/// are 0.3 %.
[[nodiscard]] bool nearly_equal(double a, double b) noexcept;

/// The comparison, for which nearly equal figures are equal.
[[nodiscard]] bool holds(double actual, Comparison comparison, double limit) noexcept;

/// A threshold whose figure the finished run does not have is not ok.
[[nodiscard]] ThresholdResult evaluate(const Threshold& threshold, const RunResult& run);

/// The same for a condition of parse_abort_condition over intervals merged into one.
[[nodiscard]] ThresholdResult evaluate(const Threshold& condition, const Interval& window);

}  // namespace pgtraffic::metrics
