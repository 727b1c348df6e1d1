// Results beside one another, the first one being the base: what changed, whether the runs show that it did,
// and conditions on the change. Works on the JSON documents, because earlier runs are all that there is.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/metrics/metric.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::report {

struct ComparedRun {
    std::string label;  ///< "A", "B", …; "A1", "A2", "B1" where several runs of the same thing make a group
    std::string file;
    nlohmann::ordered_json document;  ///< one that check_result() has accepted
    std::size_t group = 0;            ///< from 0 on, in order
};

using NamedResults = std::vector<std::pair<std::string, nlohmann::ordered_json>>;

/// Labels the groups, none of which is empty, and their runs in their order. At most 26.
[[nodiscard]] std::vector<ComparedRun> label_groups(std::vector<NamedResults> groups);
/// "A", "B", …: what figures are given of.
[[nodiscard]] std::vector<std::string> group_labels(const std::vector<ComparedRun>& runs);
/// Whether a group has several runs, so that figures are means and their intervals see how runs differ.
[[nodiscard]] bool has_groups(const std::vector<ComparedRun>& runs) noexcept;

/// What makes the loads of two runs different ones, so that their figures cannot be compared, each in words.
/// Empty where the load was the same.
[[nodiscard]] std::vector<std::string> load_differences(const ComparedRun& base, const ComparedRun& other);

/// Other differences worth knowing: server, machine, version, length, a verdict that is not valid.
[[nodiscard]] std::vector<std::string> other_differences(const std::vector<ComparedRun>& runs);

enum class Finding : std::uint8_t {
    none,           ///< the base itself, or a figure without a confidence interval
    no_difference,  ///< the intervals overlap: the runs show none
    better,
    worse,
};
[[nodiscard]] std::string_view to_string(Finding finding) noexcept;

struct ComparedValue {
    std::optional<double> value;
    std::optional<std::pair<double, double>> bounds;  ///< 95 % confidence interval
    std::optional<double> change;                     ///< against the base, 0.1 for 10 % more
    Finding finding = Finding::none;
    bool weak = false;  ///< a percentile with fewer than ten queries above it, in one of the runs
};

struct ComparedFigure {
    /// As in thresholds: "response.p99", "insert.throughput". Of a statement "update.approve.service.p99",
    /// which thresholds do not have.
    std::string name;
    metrics::MetricKind kind = metrics::MetricKind::duration;
    bool higher_is_better = false;
    std::vector<ComparedValue> values;  ///< one for each group
};

/// A condition of --fail-if; made by parse_fail_condition.
struct FailCondition {
    std::string expression;
    metrics::Threshold figure;
    metrics::Comparison comparison = metrics::Comparison::greater;
    double change = 0;  ///< 0.1 for 10 %
};

/// "response.p99>+10%". Throws base::Error "column 4: …" that says what is known.
[[nodiscard]] FailCondition parse_fail_condition(std::string_view expression, const ComparedRun& base);

struct FailResult {
    std::string expression;
    std::string run;  ///< label of the group
    std::optional<double> change;
    bool failed = false;  ///< also where there is no such figure
    bool weak = false;    ///< a percentile with fewer than ten queries above it, in one of the two
};

struct Comparison {
    std::vector<std::string> differences;  ///< of the loads, when compared anyway, then the others
    std::vector<ComparedFigure> figures;
    std::vector<FailResult> conditions;

    [[nodiscard]] bool failed() const noexcept;
};

/// `runs` are of at least two groups. The value of a group of several is their mean, its interval Student's,
/// so that a change is a finding where it is larger than what runs of the same thing differ by.
[[nodiscard]] Comparison compare(const std::vector<ComparedRun>& runs,
                                 const std::vector<FailCondition>& conditions);

// How it is shown.
[[nodiscard]] std::string compare_text(const Comparison& comparison, const std::vector<ComparedRun>& runs,
                                       const TextStyle& style);
[[nodiscard]] nlohmann::ordered_json compare_json(const Comparison& comparison,
                                                  const std::vector<ComparedRun>& runs);
[[nodiscard]] std::string compare_html(const Comparison& comparison, const std::vector<ComparedRun>& runs);

}  // namespace pgtraffic::report
