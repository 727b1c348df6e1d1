#include "pgtraffic/cli/run_description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/simulation/client_cost.hpp"

namespace pgtraffic::cli {
namespace {

/// Of numbers only: a database may be called 007, and a file true.
bool takes_number(const OptionRow& row) {
    constexpr std::array<std::string_view, 5> kNumeric{"N", "N|auto", "K", "PORT", "RATE"};
    return std::find(kNumeric.begin(), kNumeric.end(), row.value) != kNumeric.end();
}

/// Each one's weight, as a part of all of them.
template <class Weighted>
std::vector<double> shares(const std::vector<Weighted>& weighted) {
    double sum = 0;
    for (const auto& one : weighted) sum += one.weight;
    std::vector<double> parts;
    for (const auto& one : weighted) parts.push_back(std::round(one.weight / sum * 1e9) / 1e9);
    return parts;
}

nlohmann::ordered_json config_json(const RunOptions& options, const RunChoice& choice,
                                   const postgres::Conninfo& conninfo) {
    nlohmann::ordered_json config = nlohmann::ordered_json::object();
    for (const auto& [name, text] : options.resolved) {
        std::string key = name;
        std::replace(key.begin(), key.end(), '-', '_');
        const auto* known = find_option(Command::run, name);
        PGTRAFFIC_CHECK(known != nullptr, "a resolved option stands in the table");
        const auto& row = *known;
        if (row.repeatable) {
            const bool free_text = name == "define" || name == "label";
            config[key].push_back(free_text ? conninfo.without_secrets(text) : text);
            continue;
        }
        if (const auto duration = row.value == "TIME" ? base::parse_duration(text) : std::nullopt) {
            config[key + "_s"] = base::to_seconds(*duration);
        } else if (row.is_flag()) {
            config[key] = text == "true";
        } else if (const auto number = takes_number(row) ? base::parse_count(text) : std::nullopt) {
            config[key] = *number;
        } else if (const auto real = takes_number(row) ? base::parse_number(text) : std::nullopt) {
            config[key] = *real;
        } else {
            config[key] = name == "sql" ? conninfo.without_secrets(text) : text;
        }
    }
    config["connections"] = choice.connections;
    // Its name, whoever chose it: the same file is the same pattern in whatever folder it lies.
    if (const auto& pattern = choice.traffic.pattern) config["pattern"] = pattern->name;
    config["arrivals"] =
        choice.traffic.open_loop()
            ? nlohmann::ordered_json(choice.traffic.arrivals == traffic::Arrivals::poisson ? "poisson"
                                                                                           : "uniform")
            : nlohmann::ordered_json(nullptr);
    if (choice.traffic.open_loop()) {
        if (!config.contains("pacing")) config["pacing"] = "precise";
        // What a name stands for, which another version may change.
        config["pacing_step_s"] = base::to_seconds(options.wake_step.value_or(base::Nanos{0}));
    }
    const auto& operations = choice.scenario.operations;
    const auto operation_shares = shares(operations);
    for (std::size_t i = 0; i < operations.size(); ++i) {
        config["operation_shares"][operations[i].name] = operation_shares[i];
        if (operations[i].choose_one)
            config["statement_shares"][operations[i].name] = shares(operations[i].statements);
    }
    config["target"] = conninfo.masked();
    return config;
}

/// Every text in it: a scenario may hold the password by which it connects, in a value that it sends.
void hide_secrets(nlohmann::ordered_json& value, const postgres::Conninfo& conninfo) {
    if (value.is_string()) value = conninfo.without_secrets(value.get<std::string>());
    if (value.is_structured()) {
        for (auto& part : value) hide_secrets(part, conninfo);
    }
}

/// The same of what --sql, --define and --label say.
void hide_secrets_of_values(std::vector<std::string>& argv, const postgres::Conninfo& conninfo) {
    for (std::size_t i = 0; i < argv.size(); ++i) {
        const auto is = [&](std::string_view option) {
            return argv[i].starts_with(option) || (i > 0 && argv[i - 1] == option);
        };
        if (is("--sql") || is("--define") || is("-D") || is("--label"))
            argv[i] = conninfo.without_secrets(argv[i]);
    }
}

}  // namespace

void describe_statements(metrics::RunResult& result, const workload::Scenario& scenario,
                         const postgres::Conninfo& conninfo) {
    for (std::size_t o = 0; o < result.operations.size() && o < scenario.operations.size(); ++o) {
        auto& counted = result.operations[o].statements;
        const auto& operation = scenario.operations[o];
        auto& written = result.config["parameters"][operation.name] = operation.written;
        for (std::size_t s = 0; s < counted.size() && s < operation.statements.size(); ++s) {
            counted[s].sql = conninfo.without_secrets(operation.statements[s].sql);
            written["statements"].push_back(operation.statements[s].written);
        }
        hide_secrets(written, conninfo);
    }
}

void describe(metrics::RunResult& result, const RunOptions& options, const RunChoice& choice,
              const postgres::Conninfo& conninfo, const std::vector<std::string>& argv, std::uint64_t seed,
              std::uint64_t entropy) {
    result.id = fmt::format("{:016x}", entropy);
    result.name = choice.scenario.name;
    for (const auto& [key, value] : options.labels)
        result.labels.emplace_back(key, conninfo.without_secrets(value));
    for (const auto& operation : choice.scenario.operations) {
        result.max_tries = std::max(result.max_tries, operation.retry.max_retries + 1);
    }
    result.config = config_json(options, choice, conninfo);
    result.argv = masked_argv(argv);
    hide_secrets_of_values(result.argv, conninfo);
    result.random_seed = seed;
    if (choice.traffic.pattern) {
        result.pattern = choice.traffic.pattern->name;
        result.peak_rate_origin = choice.traffic.peak_rate_per_s ? "given" : "measured";
    }
    result.client_info = simulation::client_info();
    result.libpq_version = postgres::libpq_version();
    result.libuv_version = event_loop::libuv_version();
}

}  // namespace pgtraffic::cli
