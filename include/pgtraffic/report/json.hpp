// The result of a run as JSON, for programs: stable order, a unit at the end of each key, null for what the
// run does not have. docs/result.schema.json describes it, docs/result.md explains it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "pgtraffic/metrics/result.hpp"

namespace pgtraffic::report {

/// Grows when fields are added in a way that readers of older results must know of.
inline constexpr int kSchemaVersion = 1;

/// The percentiles of a latency that a result keeps, in their order.
struct KeptPercentile {
    const char* key;  ///< in JSON: "p999"
    double quantile;  ///< 0…1
};
inline constexpr auto kKeptPercentiles = std::to_array<KeptPercentile>(
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}});

/// What became of queries, as a result keeps it of a run, an operation and a phase, in its order.
struct KeptCount {
    const char* key;
    std::uint64_t metrics::Counts::*count;
};
inline constexpr auto kKeptCounts = std::to_array<KeptCount>({
    {"planned", &metrics::Counts::planned},
    {"started", &metrics::Counts::started},
    {"waiting", &metrics::Counts::waiting},
    {"in_flight", &metrics::Counts::in_flight},
    {"ok", &metrics::Counts::ok},
    {"empty", &metrics::Counts::empty},
    {"failed", &metrics::Counts::failed},
    {"timed_out", &metrics::Counts::timed_out},
    {"missed", &metrics::Counts::missed},
    {"late", &metrics::Counts::late},
});

/// How the confidence intervals of a result are made; earlier versions had another way.
inline constexpr const char* kBoundsMethod = "batch means";

/// The 95 % confidence interval [low, high] in ms that a result's `summary` has of a percentile, where
/// `latency` is "response" or "lag"; null where it has none. Those of versions that took queries for
/// independent are none: they were too narrow by far.
[[nodiscard]] const nlohmann::ordered_json* bounds_of(const nlohmann::ordered_json& summary,
                                                      std::string_view latency, std::string_view percentile);

/// What an interval keeps of its responses, and the quantile that each is. Where one is a lower bound, for
/// want of answers, those behind it are as well.
inline constexpr auto kIntervalFigures =
    std::to_array<KeptPercentile>({{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}});

/// Whether that figure of an interval of the document is a lower bound. In an earlier version's result nobody
/// knows.
[[nodiscard]] bool interval_is_lower_bound(const nlohmann::ordered_json& interval, std::string_view figure);

/// Whether a figure, "p99" say, of "response_ms", "lag_ms" or another latency is a lower bound by what a
/// result's `summary`, or an operation or phase of it, tells: because too many queries had no answer, or were
/// never sent. Mean and maximum are where p99 is. Of a percentile that a result does not keep, and in an
/// earlier version's result, nobody knows.
[[nodiscard]] bool is_lower_bound(const nlohmann::ordered_json& part, std::string_view latency,
                                  std::string_view figure);

/// As overloaded() of assessment.hpp, from the document: the response percentiles depend on the length of the
/// run, and none of them is shown.
[[nodiscard]] bool backlog_grew(const nlohmann::ordered_json& document);

/// The document. Strings of the server's may hold invalid UTF-8: print it by json_text().
[[nodiscard]] nlohmann::ordered_json json_report(const metrics::RunResult& run);

/// One element of the document's `intervals`, also for whoever shows them while the run lasts.
[[nodiscard]] nlohmann::ordered_json interval_json(const metrics::Interval& interval, base::Wall started_at,
                                                   bool open_loop);

/// Any document on one line that ends with a newline. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& document);

/// Any document as UTF-8 that ends with a newline: indented, with each small object and each element of an
/// array on one line, so that intervals can be searched line by line. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& document);

}  // namespace pgtraffic::report
