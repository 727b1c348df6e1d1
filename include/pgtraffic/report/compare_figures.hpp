// The figures of one result in the words of thresholds, as a comparison asks for them.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "pgtraffic/metrics/result.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/report/compare.hpp"

namespace pgtraffic::report {

struct StatementPlace {
    std::string name;
    std::size_t position;  ///< in the base's operation
};

/// What a row compares: a figure in the words of thresholds, and of which statement of its operation, which
/// thresholds have no word for.
struct AskedFigure {
    metrics::Threshold figure;
    std::optional<StatementPlace> statement = std::nullopt;
};

/// Whether a run with these options (`config` of its result) has such a figure at all.
[[nodiscard]] bool has_such(const nlohmann::ordered_json& config, metrics::Metric metric);

/// The key of a latency object under which a result keeps the statistic: "p99"; empty: it keeps none such.
[[nodiscard]] std::string_view latency_key(const metrics::Threshold& figure);

/// Counts and whole histograms are in a result, so that a run has any percentile; of operations, statements
/// and phases it keeps some percentiles and no histogram. How sure they are only the run itself could tell,
/// from its time series: its result says so.
class ResultFigures {
 public:
    /// Reads the histograms once. The document is one that check_result() has accepted, and outlives the
    /// object.
    explicit ResultFigures(const nlohmann::ordered_json& document);

    /// In ms, per second, a share or a count, with its bounds where the result has them; neither a change nor
    /// a finding. No value where the result does not tell it.
    [[nodiscard]] ComparedValue value(const AskedFigure& asked) const;

    /// What one query more or less changes of a throughput, a share or a count.
    [[nodiscard]] double of_one(const AskedFigure& asked) const;

 private:
    [[nodiscard]] ComparedValue latency(const metrics::Threshold& figure,
                                        const nlohmann::ordered_json& part) const;

    const nlohmann::ordered_json& document_;
    metrics::RunResult run_;
};

}  // namespace pgtraffic::report
