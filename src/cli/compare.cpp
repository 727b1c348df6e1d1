// `pgtraffic compare`: results of earlier runs beside one another. Everything is read and checked, and the
// page's file opened, before anything is printed.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/report/compare.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/output_file.hpp"
#include "pgtraffic/report/result_file.hpp"

namespace pgtraffic::cli {
namespace {

std::vector<report::ComparedRun> read_runs(const std::vector<std::vector<std::string>>& groups) {
    std::vector<report::NamedResults> documents;
    for (const auto& files : groups) {
        auto& group = documents.emplace_back();
        for (const auto& file : files) group.emplace_back(file, report::read_result_file(file));
    }
    return report::label_groups(std::move(documents));
}

/// Counted twice, a run seems to be sure of what it found; beside itself it never differs, and meets every
/// condition.
void refuse_repeated(const std::vector<report::ComparedRun>& runs) {
    for (auto run = runs.begin(); run != runs.end(); ++run) {
        const auto& id = run->document["run"]["id"];
        const auto same =
            std::find_if(runs.begin(), run, [&](const auto& one) { return one.document["run"]["id"] == id; });
        if (same == run) continue;
        throw base::Error(
            fmt::format("compare: {} ({}) and {} ({}) are the same run, which tells nothing twice",
                        same->label, in_quotes(same->file), run->label, in_quotes(run->file)));
    }
}

void refuse_other_loads(const std::vector<report::ComparedRun>& runs) {
    for (const auto& run : runs) {
        const auto differences = report::load_differences(runs.front(), run);
        if (differences.empty()) continue;
        std::string list;
        for (const auto& one : differences) list += (list.empty() ? "" : "; ") + one;
        throw base::Error(fmt::format(
            "compare: the load of {} ({}) was not that of {} ({}): {}. --anyway compares them "
            "all the same",
            run.label, in_quotes(run.file), runs.front().label, in_quotes(runs.front().file), list));
    }
}

std::vector<report::FailCondition> read_conditions(const std::vector<std::string>& expressions,
                                                   const report::ComparedRun& base) {
    std::vector<report::FailCondition> conditions;
    for (const auto& expression : expressions) {
        try {
            conditions.push_back(report::parse_fail_condition(expression, base));
        } catch (const base::Error& error) {
            throw base::Error(fmt::format("--fail-if: {}: {}", in_quotes(expression),
                                          report::printable(error.what(), 2000)));
        }
    }
    return conditions;
}

}  // namespace

int compare_command(const CompareOptions& options) {
    const auto runs = read_runs(options.results);
    refuse_repeated(runs);
    if (!options.anyway) refuse_other_loads(runs);
    const auto conditions = read_conditions(options.fail_if, runs.front());
    std::optional<report::OutputFile> page;
    if (options.html) page.emplace("--html", *options.html);

    const auto comparison = report::compare(runs, conditions);
    if (page) {
        page->write(report::compare_html(comparison, runs));
        page->commit();
    }
    if (options.format == Format::json) {
        write_stdout(report::json_text(report::compare_json(comparison, runs)));
    } else {
        const auto text =
            report::compare_text(comparison, runs, text_style(options.color, options.text_to_stderr));
        write_report(text, options.text_to_stderr);
    }
    return comparison.failed() ? kConditionFailed : 0;
}

}  // namespace pgtraffic::cli
