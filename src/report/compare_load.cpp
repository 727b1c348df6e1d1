// Whether two results speak of the same load.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/compare.hpp"

namespace pgtraffic::report {
namespace {

using Json = nlohmann::ordered_json;

/// Options that make another load. What a user may want to try (protocol, server, machine) is not among them.
constexpr auto kLoadKeys =
    std::to_array<const char*>({"scenario", "mode", "rate", "peak_rate", "peak_rate_measured_per_s",
                                "arrivals", "think_time_s", "key_distribution", "timeout_s"});
/// It skips queries of an open loop. In a closed loop it only counts.
constexpr const char* kLatencyLimit = "latency_limit_s";
constexpr auto kNotedKeys =
    std::to_array<const char*>({"protocol", "duration_s", "total_queries", "warmup_s"});
/// How many queries are under way, and in which order they start: the load of a closed loop, and what serves
/// that of an open one. A result of a version that had no such option yet is taken to have had its default.
constexpr auto kSessionKeys =
    std::to_array<const char*>({"connections", "pipeline", "session_order", "pacing_step_s"});
/// What only results from later versions tell in every case; an older one is taken to have had the same.
constexpr auto kLaterLoadKeys =
    std::to_array<const char*>({"pattern", "operation_shares", "statement_shares"});

Json value_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return nullptr;
    // What a search found: the rate that the load had.
    if (!std::string_view{key}.ends_with("_per_s") || !found->is_object()) return *found;
    const double rate = (found->contains("median") ? (*found)["median"] : (*found)["lowest"]).get<double>();
    return rate < 100 ? rate : std::round(rate);
}

std::string value_text(const Json& value) {
    if (value.is_null()) return "none";
    return printable(value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, Json::error_handler_t::replace),
                     60);
}

std::string difference(std::string_view what, const std::string& base_label, const std::string& base,
                       const std::string& label, const std::string& other) {
    return fmt::format("{}: {} in {}, {} in {}", what, base, base_label, other, label);
}

std::optional<double> number_in(const Json& value) {
    if (value.is_number()) return value.get<double>();
    return value.is_string() ? base::parse_number(value.get_ref<const std::string&>()) : std::nullopt;
}

/// "20.0" is 20: options are kept as they were written.
bool is_same(const Json& a, const Json& b) {
    const auto x = number_in(a);
    const auto y = number_in(b);
    return a == b || (x && y && *x == *y);
}

void compare_key(const char* key, const ComparedRun& base, const ComparedRun& other,
                 std::vector<std::string>& out) {
    const auto a = value_of(base.document["config"], key);
    const auto b = value_of(other.document["config"], key);
    if (!is_same(a, b)) out.push_back(difference(key, base.label, value_text(a), other.label, value_text(b)));
}

void compare_where_both_tell(std::span<const char* const> keys, const ComparedRun& base,
                             const ComparedRun& other, std::vector<std::string>& out) {
    for (const auto* key : keys) {
        const auto& a = base.document["config"];
        const auto& b = other.document["config"];
        if (!value_of(a, key).is_null() && !value_of(b, key).is_null()) compare_key(key, base, other, out);
    }
}

std::string names_of(const Json& operations) {
    std::string names;
    for (const auto& one : operations) names += (names.empty() ? "" : ", ") + one["name"].get<std::string>();
    return names;
}

std::string in_a_list(const std::vector<std::string>& names) {
    return printable(fmt::format("{}", fmt::join(names, ", ")), 60);
}

/// The operations of both in which a statement of the same place has other SQL; results of earlier versions
/// have none.
std::vector<std::string> with_other_sql(const Json& a, const Json& b) {
    const auto same_text = [](const Json& x, const Json& y) {
        const auto mine = value_of(x, "sql");
        const auto its = value_of(y, "sql");
        return mine.is_null() || its.is_null() || mine == its;
    };
    std::vector<std::string> names;
    for (const auto& one : a) {
        const auto other = std::ranges::find_if(b, [&](const Json& o) { return o["name"] == one["name"]; });
        if (other == b.end()) continue;
        const auto& mine = one["statements"];
        const auto& its = (*other)["statements"];
        if (!std::equal(mine.begin(), mine.end(), its.begin(), its.end(), same_text))
            names.push_back(one["name"].get<std::string>());
    }
    return names;
}

/// Those that draw other values for the same SQL, or are tried again otherwise. Results of earlier versions
/// do not tell, and where the SQL is another one, so may be what it is given.
std::vector<std::string> with_other_parameters(const Json& a, const Json& b) {
    const auto mine = value_of(a["config"], "parameters");
    const auto its = value_of(b["config"], "parameters");
    std::vector<std::string> names;
    if (!mine.is_object() || !its.is_object()) return names;
    const auto rewritten = with_other_sql(a["operations"], b["operations"]);
    for (const auto& [name, parameters] : mine.items()) {
        const auto other = its.find(name);
        // In whatever order their keys are.
        if (other == its.end() || nlohmann::json(*other) == nlohmann::json(parameters)) continue;
        if (std::ranges::find(rewritten, name) == rewritten.end()) names.push_back(name);
    }
    return names;
}

bool is_closed(const ComparedRun& run) {
    return run.document["config"]["mode"] == "closed";
}

/// What a whole run along a pattern was planned to be: each phase's mean rate as a share of the highest. None
/// where the run has no pattern or ended early.
std::vector<std::pair<std::string, double>> planned_phases(const Json& document) {
    std::vector<std::pair<std::string, double>> phases;
    const double planned_s = number_in(value_of(document["config"], "duration_s")).value_or(0);
    const double lasted_s = document["summary"]["duration_s"].get<double>();
    if (value_of(document["config"], "pattern").is_null() || lasted_s < planned_s * 0.999) return phases;
    double highest = 0;
    for (const auto& phase : document["phases"]) {
        if (phase["target_per_s_mean"].is_null()) return {};
        phases.emplace_back(phase["name"].get<std::string>(), phase["target_per_s_mean"].get<double>());
        highest = std::max(highest, phases.back().second);
    }
    for (auto& phase : phases) phase.second /= std::max(highest, 1e-9);
    return phases;
}

/// Under one name a pattern's file may have held two. The means of a pattern with a variance are the seed's:
/// only under the same one they are compared.
void compare_phases(const ComparedRun& base, const ComparedRun& other, std::vector<std::string>& out) {
    const auto a = planned_phases(base.document);
    const auto b = planned_phases(other.document);
    if (a.empty() || b.empty()) return;
    const auto seed_of = [](const ComparedRun& run) {
        return value_of(run.document["config"], "random_seed");
    };
    const bool same_seed = seed_of(base) == seed_of(other);
    const bool alike = std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
        return x.first == y.first && (!same_seed || std::abs(x.second - y.second) < 0.005);
    });
    if (!alike)
        out.push_back(
            fmt::format("the phases of the pattern are others in {} than in {}", other.label, base.label));
}

/// Two runs, and what is found to differ.
struct RunPair {
    const ComparedRun& base;
    const ComparedRun& other;
    std::vector<std::string>& found;

    void note(std::string_view what, const Json& a, const Json& b) const {
        if (a != b) found.push_back(difference(what, base.label, value_text(a), other.label, value_text(b)));
    }
};

/// What a user may want to try, and the SQL.
void note_choices(const RunPair& pair) {
    const auto& [base, other, found] = pair;
    for (const auto* key : kNotedKeys) compare_key(key, base, other, found);
    // Where a search was to find it the rate is no choice: it is what was measured.
    if (value_of(base.document["config"], "rate") == "auto" &&
        value_of(other.document["config"], "rate") == "auto")
        compare_key("rate_found_per_s", base, other, found);
    if (is_closed(base) && is_closed(other)) compare_key(kLatencyLimit, base, other, found);
    if (!is_closed(base) && !is_closed(other)) compare_where_both_tell(kSessionKeys, base, other, found);
    if (const auto names = with_other_sql(base.document["operations"], other.document["operations"]);
        !names.empty())
        found.push_back(fmt::format("the SQL of {} is another one in {}", in_a_list(names), other.label));
}

/// Which one it was, and its data.
void note_server(const RunPair& pair) {
    const auto& mine = pair.base.document["environment"]["server"];
    const auto& its = pair.other.document["environment"]["server"];
    pair.note("server", value_of(mine, "version"), value_of(its, "version"));
    const auto temporary = [](const Json& server) { return value_of(server, "temporary") == true; };
    // Every temporary server has a place of its own; of another one nobody knows how much data it has.
    if (temporary(mine) && temporary(its)) return compare_key("scale", pair.base, pair.other, pair.found);
    for (const char* key : {"host", "port", "database", "pooler"})
        pair.note(key, value_of(mine, key), value_of(its, key));
}

/// How the runs went, but for their figures.
void note_course(const RunPair& pair) {
    const auto& mine = pair.base.document["run"];
    const auto& its = pair.other.document["run"];
    pair.note("outcome", value_of(mine, "outcome"), value_of(its, "outcome"));
    // An earlier version had but its own clock, where there were no steps.
    const auto timed_by = [](const Json& run) {
        const auto by = value_of(run, "answers_timed_by");
        return by.is_null() ? Json("program") : by;
    };
    pair.note("answers timed by", timed_by(mine), timed_by(its));
    const auto labels_of = [](const Json& run) {
        return run.contains("labels") ? run["labels"] : Json::object();
    };
    const auto a = labels_of(mine);
    const auto b = labels_of(its);
    for (const auto& [key, value] : a.items())
        pair.note(printable("label " + key, 70), value, value_of(b, key.c_str()));
    for (const auto& [key, value] : b.items()) {
        if (!a.contains(key)) pair.note(printable("label " + key, 70), nullptr, value);
    }
}

/// A role sees not every setting: one that is missing was not seen, rather than not there.
void note_settings(const RunPair& pair) {
    const auto& mine = pair.base.document["environment"]["server"]["settings"];
    const auto& its = pair.other.document["environment"]["server"]["settings"];
    const Json not_told = "not told";
    for (const auto& [name, value] : mine.items())
        pair.note(printable(name, 60), value, its.contains(name) ? its[name] : not_told);
    for (const auto& [name, value] : its.items()) {
        if (!mine.contains(name)) pair.note(printable(name, 60), not_told, value);
    }
}

void note_client(const RunPair& pair) {
    const auto& mine = pair.base.document["environment"]["client"];
    const auto& its = pair.other.document["environment"]["client"];
    pair.note("client", value_of(mine, "hostname"), value_of(its, "hostname"));
    pair.note("CPU of the client", value_of(mine, "cpu_model"), value_of(its, "cpu_model"));
    pair.note("pgtraffic", pair.base.document["tool"]["version"], pair.other.document["tool"]["version"]);
}

}  // namespace

std::vector<ComparedRun> label_groups(std::vector<NamedResults> groups) {
    PGTRAFFIC_CHECK(groups.size() <= 26, "every group has a letter");
    std::vector<ComparedRun> runs;
    for (std::size_t group = 0; group < groups.size(); ++group) {
        std::size_t number = 0;
        for (auto& [file, document] : groups[group]) {
            std::string label(1, static_cast<char>('A' + group));
            if (groups[group].size() > 1) label += std::to_string(++number);
            runs.push_back({std::move(label), std::move(file), std::move(document), group});
        }
    }
    return runs;
}

std::vector<std::string> group_labels(const std::vector<ComparedRun>& runs) {
    std::vector<std::string> labels;
    for (const auto& run : runs) {
        if (run.group == labels.size()) labels.push_back(run.label.substr(0, 1));
    }
    return labels;
}

bool has_groups(const std::vector<ComparedRun>& runs) noexcept {
    return runs.back().group + 1 < runs.size();
}

std::vector<std::string> load_differences(const ComparedRun& base, const ComparedRun& other) {
    std::vector<std::string> found;
    for (const auto* key : kLoadKeys) compare_key(key, base, other, found);
    // The shares are what a mix comes to, however it is written.
    if (!base.document["config"].contains("operation_shares") ||
        !other.document["config"].contains("operation_shares"))
        compare_key("mix", base, other, found);
    // A pattern has its name in the result, whoever chose it, but in those of earlier versions.
    if (!base.document["config"].contains("pattern") || !other.document["config"].contains("pattern"))
        compare_key("real_simulation", base, other, found);
    compare_where_both_tell(kLaterLoadKeys, base, other, found);
    if (is_closed(base) || is_closed(other)) compare_where_both_tell(kSessionKeys, base, other, found);
    if (!is_closed(base) || !is_closed(other)) compare_key(kLatencyLimit, base, other, found);
    compare_phases(base, other, found);
    if (const auto names = with_other_parameters(base.document, other.document); !names.empty())
        found.push_back(fmt::format("the values or retries of {} are others in {} than in {}",
                                    in_a_list(names), other.label, base.label));
    const auto a = names_of(base.document["operations"]);
    const auto b = names_of(other.document["operations"]);
    if (a != b)
        found.push_back(
            difference("operations", base.label, printable(a, 60), other.label, printable(b, 60)));
    return found;
}

std::vector<std::string> other_differences(const std::vector<ComparedRun>& runs) {
    std::vector<std::string> found;
    const auto& base = runs.front();
    for (const auto& run : runs) {
        if (const auto status = run.document["verdict"]["status"].get<std::string>(); status != "valid")
            found.push_back(fmt::format("the verdict of {} is {}: its figures may not be the database's",
                                        run.label, status));
        if (&run == &base) continue;
        const RunPair pair{base, run, found};
        note_choices(pair);
        note_server(pair);
        note_course(pair);
        note_settings(pair);
        note_client(pair);
    }
    return found;
}

}  // namespace pgtraffic::report
