#include "pgtraffic/cli/choices.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <variant>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"
#include "pgtraffic/workload/intent.hpp"
#include "pgtraffic/workload/statement_kind.hpp"

namespace pgtraffic::cli {
namespace {

traffic::Pattern pattern_of_option(const std::string& name_or_file) {
    try {
        return traffic::load_pattern(name_or_file);
    } catch (const base::Error& error) {
        throw base::Error(fmt::format("--pattern: {}", error.what()));
    }
}

/// "traffic" of a scenario file: the name of a built-in pattern, or phases of its own.
traffic::Pattern pattern_of_scenario(const workload::Scenario& scenario, const std::string& file) {
    const base::JsonNode node{*scenario.traffic, base::input_name(file), "/traffic"};
    if (node.is_string()) {
        const auto name = node.text();
        if (traffic::pattern_text(name).empty()) {
            node.fail(fmt::format("there is no built-in pattern \"{}\"{}", name,
                                  suggestion(name, traffic::pattern_names())));
        }
        return traffic::load_pattern(name);
    }
    node.expect_object({"name", "description", "phases"});
    return {node.has("name") ? node.at("name").text() : scenario.name,
            node.has("description") ? node.at("description").text() : scenario.description,
            traffic::parse_phases(node.at("phases"))};
}

metrics::ThresholdScope threshold_scope(const RunOptions& options, const RunChoice& choice) {
    metrics::ThresholdScope scope;
    for (const auto& operation : choice.scenario.operations) {
        scope.operations.push_back(operation.name);
        for (const auto& statement : operation.statements)
            scope.statements.emplace_back(operation.name, statement.name);
    }
    if (choice.traffic.pattern) {
        for (const auto& phase : choice.traffic.pattern->phases) scope.phases.push_back(phase.name);
    } else {
        scope.phases.emplace_back(traffic::kSteadyPhase);
    }
    scope.open_loop = choice.traffic.open_loop();
    scope.latency_limit = options.latency_limit.has_value();
    return scope;
}

/// `place` is an option, or a file and the place in it.
template <class Parse>
metrics::Threshold read_condition(const std::string& place, const std::string& expression, Parse parse,
                                  const metrics::ThresholdScope& scope) {
    constexpr std::size_t kLongestMessage = 1000;  // a scenario may have a hundred operations
    try {
        return parse(expression, scope);
    } catch (const base::Error& error) {
        throw base::Error(fmt::format("{}: {}: {}", place, in_quotes(expression),
                                      report::printable(error.what(), kLongestMessage)));
    }
}

void read_conditions(const RunOptions& options, RunChoice& choice) {
    const auto scope = threshold_scope(options, choice);
    const auto file = base::input_name(options.scenario.value_or(choice.scenario.name));
    for (std::size_t i = 0; i < choice.scenario.thresholds.size(); ++i) {
        choice.thresholds.push_back(read_condition(fmt::format("{}: /thresholds/{}", file, i),
                                                   choice.scenario.thresholds[i], metrics::parse_threshold,
                                                   scope));
    }
    for (const auto& text : options.thresholds) {
        choice.thresholds.push_back(read_condition("--threshold", text, metrics::parse_threshold, scope));
    }
    for (const auto& text : options.abort_if) {
        choice.abort_if.push_back(read_condition("--abort-if", text, metrics::parse_abort_condition, scope));
    }
    // The last window must end before the run does.
    const base::Nanos window = options.whole_abort_window();
    if (!choice.abort_if.empty() && window >= options.duration) {
        throw base::Error(
            fmt::format("--abort-if: it looks at a whole window of {}, and the run lasts {}: shorten {}",
                        base::format_duration(window), base::format_duration(options.duration),
                        options.abort_window < options.duration
                            ? "--interval or --progress, of which it is a whole number"
                            : "--abort-window"));
    }
}

void refuse_without_open_loop(bool given, std::string_view option, std::string_view needed) {
    if (given) throw base::Error(fmt::format("--{}: has no meaning without {}", option, needed));
}

/// A phase with arrivals may be so short a share that no nanosecond is left of it.
void refuse_empty_schedule(const traffic::Pattern& pattern, base::Nanos duration) {
    if (traffic::PhaseScheduler::follow(pattern, 1, duration, 0).max_rate() > 0) return;
    throw base::Error(
        fmt::format("the pattern {} has no arrival within {}: its phases that have some are too short",
                    in_quotes(pattern.name), base::format_duration(duration)));
}

bool asks_for_keys(const workload::Scenario& scenario) {
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            for (const auto& argument : statement.arguments) {
                const auto* key = std::get_if<workload::KeyParameter>(&argument.parameter);
                if (key != nullptr && !key->distribution) return true;
            }
        }
    }
    return false;
}

void refuse_untold_rows(const workload::Scenario& scenario) {
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            if (!workload::adds_untold_rows(statement.sql)) continue;
            throw base::Error(fmt::format(
                "--max-rows: nothing tells how many rows the statement {} of the operation {} adds; it takes "
                "INSERT and MERGE that stand by themselves",
                in_quotes(statement.name), in_quotes(operation.name)));
        }
    }
}

/// In a pipeline a query is sent before the one ahead of it is answered: it may stand in nobody's
/// transaction.
void check_pipeline(const workload::Scenario& scenario) {
    const auto refuse = [](const workload::Operation& operation, const std::string& why) {
        throw base::Error(fmt::format(
            "--pipeline: the operation {} {}; give --pipeline 1, or a workload of single statements",
            in_quotes(operation.name), why));
    };
    for (const auto& operation : scenario.operations) {
        if (!operation.choose_one && operation.statements.size() > 1) {
            refuse(operation, fmt::format("has {} statements, each of which waits for the one before",
                                          operation.statements.size()));
        }
        if (operation.retry.first_pause.count() > 0)
            refuse(operation, "pauses before it tries again, which would hold up those behind it");
        for (const auto& statement : operation.statements) {
            using enum workload::StatementKind;
            const auto kind = workload::kind_of(statement.sql);
            if (kind == begins || kind == commits || kind == rolls_back) {
                refuse(operation, "controls transactions, and others would be sent into them");
            }
        }
    }
}

/// Users who think make the rate themselves, and each asks one thing at a time.
void check_think_time(const RunOptions& options, const TrafficChoice& traffic) {
    const auto refuse = [](std::string_view why) { throw base::Error(fmt::format("--think-time: {}", why)); };
    if (traffic.open_loop())
        refuse("is for a closed loop; at a rate, or along a pattern, queries come due whoever thinks");
    if (options.pipeline > 1) refuse("cannot go with --pipeline: who thinks has one query under way at most");
    if (options.find_connections)
        refuse("cannot go with --connections auto: more connections would always do more; name their number");
}

/// What it says would be believed, and nobody asked before it writes.
void refuse_lifted_read_only(const workload::Scenario& scenario) {
    if (!scenario.read_only.value_or(false) || !workload::may_lift_read_only(scenario)) return;
    throw base::Error(fmt::format(
        "the scenario {} says \"read_only\": true, and one of its statements lifts that (READ WRITE, "
        "RESET ALL, DISCARD ALL, SET ... transaction_read_only): leave out one of the two",
        in_quotes(scenario.name)));
}

workload::Scenario scenario_of_sql(const std::string& sql) {
    try {
        return workload::scenario_of_statement(sql);
    } catch (const base::Error& error) {
        throw base::Error(fmt::format("--sql: {}", error.what()));
    }
}

workload::Scenario scenario_of_scripts(const RunOptions& options) {
    try {
        return workload::scenario_of_scripts(options.scripts, options.defines);
    } catch (const base::Error& error) {
        throw base::Error(fmt::format("--file: {}", error.what()));
    }
}

workload::Scenario scenario_of(const RunOptions& options) {
    if (options.sql) return scenario_of_sql(*options.sql);
    if (options.scenario) return scenario_of_file(*options.scenario);
    if (!options.scripts.empty()) return scenario_of_scripts(options);
    return workload::built_in_scenario(*options.query_type);
}

}  // namespace

workload::Scenario scenario_of_file(const std::string& file) {
    if (std::error_code none;
        !workload::scenario_text(file).empty() && !std::filesystem::exists(file, none)) {
        throw base::Error(
            fmt::format("--scenario: there is no file \"{0}\"; the built-in scenario of that "
                        "name is --query-type {0}, and `pgtraffic show {0}` prints it",
                        file));
    }
    return workload::load_scenario_file(file);
}

TrafficChoice choose_traffic(const TrafficOptions& options,
                             const std::optional<workload::Scenario>& scenario) {
    TrafficChoice choice;
    choice.rate_per_s = options.rate_per_s;
    choice.find_rate = options.find_rate;
    if (options.pattern) {
        choice.pattern = pattern_of_option(*options.pattern);
    } else if (options.real_simulation) {
        choice.pattern = traffic::load_pattern(std::string{traffic::pattern_name_for(options.duration)});
    } else if (scenario && scenario->traffic) {
        // Read also where --rate stands above it: a broken file is said to be broken.
        auto pattern = pattern_of_scenario(*scenario, options.scenario.value_or(scenario->name));
        if (!options.rate_per_s && !options.find_rate) choice.pattern = std::move(pattern);
    }
    choice.peak_rate_per_s = options.peak_rate_per_s;
    if (choice.pattern) refuse_empty_schedule(*choice.pattern, options.duration);
    refuse_without_open_loop(options.peak_rate_given && !choice.pattern, "peak-rate",
                             "--pattern or --real-simulation");
    refuse_without_open_loop(options.arrivals && !choice.open_loop(), "arrivals",
                             "--rate, --pattern or --real-simulation");
    if (options.arrivals) {
        choice.arrivals = *options.arrivals;
    } else if (scenario && scenario->arrivals == "uniform") {
        choice.arrivals = traffic::Arrivals::uniform;
    }
    return choice;
}

RunChoice choose(const RunOptions& options) {
    RunChoice choice;
    choice.scenario = scenario_of(options);
    if (options.mix) workload::apply_mix(choice.scenario, *options.mix);
    workload::drop_weightless(choice.scenario);
    refuse_lifted_read_only(choice.scenario);
    choice.traffic = choose_traffic(options, choice.scenario);
    refuse_without_open_loop(options.wake_step && !choice.traffic.open_loop(), "pacing",
                             "--rate, --pattern or --real-simulation");
    if (options.pipeline > 1) check_pipeline(choice.scenario);
    if (options.think_time) check_think_time(options, choice.traffic);
    const bool looks_for_peak = choice.traffic.pattern && !choice.traffic.peak_rate_per_s;
    choice.find_connections = options.find_connections;
    if (choice.find_connections && choice.traffic.open_loop()) {
        throw base::Error(
            "--connections: auto is for a closed loop, whose throughput they decide; at a rate, or along a "
            "pattern, name their number");
    }
    const auto* searched = looks_for_peak             ? "peak rate"
                           : choice.traffic.find_rate ? "rate"
                           : choice.find_connections  ? "connections"
                                                      : nullptr;
    if (options.max_rows && searched != nullptr) {
        throw base::Error(fmt::format(
            "--max-rows: the search for the {} would use the rows up before anything is measured; "
            "name {} with --{}",
            searched, choice.find_connections ? "them" : "it", looks_for_peak ? "peak-rate" : searched));
    }
    if (options.max_rows) refuse_untold_rows(choice.scenario);
    if (options.key_distribution_given && !asks_for_keys(choice.scenario)) {
        throw base::Error(
            "--key-distribution: has no meaning here: the workload asks for no key, or spreads them itself");
    }
    const bool scenario_decides = choice.scenario.connections && !options.connections_given;
    choice.connections = scenario_decides ? *choice.scenario.connections : options.connections;
    choice.fewer_connections_do =
        choice.find_connections || (!options.connections_given && !choice.scenario.connections);
    read_conditions(options, choice);
    return choice;
}

}  // namespace pgtraffic::cli
