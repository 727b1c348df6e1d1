// The JSON result: its order, its laws, and its schema, checked by an independent validator.
#include "pgtraffic/report/json.hpp"

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "pgtraffic/metrics/statistics.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/queueing.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using Json = nlohmann::ordered_json;

namespace {

std::string write(const test::Folder& folder, const std::string& name, const std::string& text) {
    test::write_file(folder / name, text);
    return folder / name;
}

struct Validation {
    int exit_code = -1;
    std::string output;
};

Validation validate(const std::string& file,
                    const std::string& schema = PGTRAFFIC_SOURCE_DIR "/docs/result.schema.json") {
    const std::string command = "/usr/bin/python3 " PGTRAFFIC_SOURCE_DIR
                                "/test/support/validate_result.py '" +
                                schema + "' '" + file + "' 2>&1";
    Validation validation;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        validation.output.append(buffer, n);
    const int status = ::pclose(pipe);
    validation.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return validation;
}

std::vector<std::string> keys_of(const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;
}

}  // namespace

TEST_CASE("JSON results of every kind of run validate against docs/result.schema.json") {
    const test::Folder folder;
    int n = 0;
    for (const auto& run : test::sample_runs()) {
        const auto result = validate(
            write(folder, std::to_string(n++) + ".json", report::json_text(report::json_report(run))));
        INFO(result.output);
        CHECK(result.exit_code == 0);
    }
}

TEST_CASE("the validator finds what is wrong with a result or with its schema") {
    const test::Folder folder;
    const auto good = report::json_report(test::sample_open_run());
    const auto refused = [&](Json broken, const std::string& place) {
        const auto result = validate(write(folder, "broken.json", broken.dump()));
        INFO(place << ": " << result.output);
        CHECK(result.exit_code == 1);
        CHECK(result.output.find(place) != std::string::npos);
    };
    auto broken = good;
    broken["summary"]["invented_ms"] = 1;
    refused(broken, "summary: ");
    broken = good;
    broken["operations"][0].erase("rows");
    refused(broken, "operations/0: ");
    broken = good;
    broken["summary"]["success_ratio"] = 1.5;
    refused(broken, "summary/success_ratio: ");
    broken = good;
    broken["run"]["outcome"] = "fine";
    refused(broken, "run/outcome: ");
    broken = good;
    broken["intervals"][0]["t"] = "yesterday";
    refused(broken, "intervals/0/t: ");
    broken = good;
    broken["summary"]["response_ms"]["p99"] = nullptr;
    refused(broken, "summary/response_ms/p99: ");
    CHECK(validate(write(folder, "nan.json", "{\"schema_version\": NaN}")).exit_code == 2);
    const auto file = write(folder, "good.json", report::json_text(good));
    CHECK(validate(file).exit_code == 0);
    CHECK(validate(file, write(folder, "schema.json", R"({"type": "objekt"})")).exit_code != 0);
}

TEST_CASE("the order of the fields is that of the documentation") {
    const auto document = report::json_report(test::sample_open_run());
    CHECK(keys_of(document) == std::vector<std::string>{"schema_version", "run", "verdict", "tool", "config",
                                                        "environment", "summary", "network", "rate_search",
                                                        "client", "operations", "phases", "errors", "outages",
                                                        "audit", "thresholds", "intervals", "histograms"});
    CHECK(keys_of(document["summary"]) == std::vector<std::string>{"duration_s",
                                                                   "queries",
                                                                   "success_ratio",
                                                                   "success_bounds_ratio",
                                                                   "failed_bounds_ratio",
                                                                   "throughput_per_s",
                                                                   "throughput_standard_error_per_s",
                                                                   "throughput_bounds_per_s",
                                                                   "bounds_method",
                                                                   "target_attainment_ratio",
                                                                   "backlog",
                                                                   "response_ms",
                                                                   "response_bounds_ms",
                                                                   "response_lower_bounds",
                                                                   "service_ms",
                                                                   "lag_ms",
                                                                   "lag_bounds_ms",
                                                                   "lag_lower_bounds",
                                                                   "pool_wait_ms",
                                                                   "connection_efficiency_ratio",
                                                                   "failed_ms",
                                                                   "connections_at_end",
                                                                   "sessions_away_ratio",
                                                                   "stood_still_s"});
    CHECK(keys_of(document["summary"]["response_ms"]) ==
          std::vector<std::string>{"count", "min", "mean", "stddev", "p50", "p90", "p95", "p99", "p999",
                                   "p9999", "max"});
    CHECK(
        keys_of(document["intervals"][0]) ==
        std::vector<std::string>{
            "t",          "elapsed_s",    "duration_s", "phase",           "target_per_s", "throughput_per_s",
            "failed",     "timed_out",    "waiting",    "in_flight",       "p50_ms",       "p95_ms",
            "p99_ms",     "max_ms",       "lag_p99_ms", "loop_busy_ratio", "reconnects",   "missed",
            "unanswered", "at_least_from"});
}

TEST_CASE("counts in the JSON obey the conservation laws and add up over operations and phases") {
    for (const auto& run : test::sample_runs()) {
        const auto document = report::json_report(run);
        const auto& q = document["summary"]["queries"];
        const auto n = [&](const char* key) { return q[key].get<std::uint64_t>(); };
        CHECK(n("planned") == n("started") + n("waiting") + n("missed"));
        CHECK(n("started") == n("in_flight") + n("ok") + n("empty") + n("failed") + n("timed_out"));
        for (const char* list : {"operations", "phases"}) {
            if (document[list].empty()) continue;
            for (const char* key : {"ok", "empty", "failed", "timed_out"}) {
                std::uint64_t sum = 0;
                for (const auto& entry : document[list]) sum += entry[key].get<std::uint64_t>();
                INFO(list << " " << key);
                CHECK(sum == n(key));
            }
        }
        std::uint64_t in_buckets = document["histograms"]["response"]["overflow"].get<std::uint64_t>();
        for (const auto& bucket : document["histograms"]["response"]["counts"])
            in_buckets += bucket[1].get<std::uint64_t>();
        CHECK(in_buckets == n("planned") - n("failed"));
    }
}

TEST_CASE("numbers in the JSON are those of the run, in the unit of their key") {
    const auto run = test::sample_open_run();
    const auto document = report::json_report(run);
    const auto& summary = document["summary"];
    CHECK(summary["response_ms"]["min"] == 1.2);
    CHECK(summary["response_ms"]["max"] == 2000.0);
    CHECK(summary["lag_ms"]["max"] == 5.0);
    CHECK(summary["target_attainment_ratio"].get<double>() == Approx(14'934.0 / 14'940.0));
    CHECK(summary["throughput_per_s"].get<double>() == Approx(14'885 / 30.006));
    CHECK(document["phases"][0]["target_per_s_mean"].get<double>() == Approx(375.05));
    CHECK(document["intervals"][1]["t"] == "2026-09-21T14:13:30.000Z");
    CHECK(document["intervals"][1]["elapsed_s"] == 10.0);
    CHECK(document["client"]["context_switches"] == 1234);
    CHECK(document["config"]["mode"] == "open");
    CHECK(document["config"]["protocol"] == "extended");
    CHECK(document["errors"][0]["class"] == "23");
}

TEST_CASE("how sure figures are stands in the JSON as it does in the text, and by which method") {
    auto run = test::sample_open_run();
    test::Queue queue{8, 0.7, 1};
    auto measured = queue.run(60);
    run.duration_s = measured.duration_s;
    run.latencies = std::move(measured.latencies);
    run.intervals = std::move(measured.intervals);
    const auto summary = report::json_report(run)["summary"];
    CHECK(summary["bounds_method"] == "batch means");
    const double rate = summary["throughput_per_s"].get<double>();
    const double error = summary["throughput_standard_error_per_s"].get<double>();
    // Student's t of 29 or of 14: the run has 30 batches, or 15 twice as long.
    const double half = summary["throughput_bounds_per_s"][1].get<double>() - rate;
    CHECK((half == Approx(2.045 * error) || half == Approx(2.145 * error)));
    CHECK(rate - summary["throughput_bounds_per_s"][0].get<double>() == Approx(half));
    const auto* bounds = report::bounds_of(summary, "response", "p99");
    REQUIRE(bounds != nullptr);
    CHECK(*bounds == summary["response_bounds_ms"]["p99"]);
    const auto batches = metrics::batches_of(run.intervals, &metrics::Interval::response);
    const auto computed = metrics::quantile_bounds(run.latencies.response, 0.99, batches);
    CHECK((*bounds)[0].get<double>() == base::to_millis(computed->low));
    CHECK(report::bounds_of(summary, "lag", "p99") != nullptr);
    CHECK(report::bounds_of(summary, "service", "p99") == nullptr);
    const test::Folder folder;
    const auto valid = validate(write(folder, "x.json", report::json_text(report::json_report(run))));
    INFO(valid.output);
    CHECK(valid.exit_code == 0);

    run.intervals.resize(7);  // too short for any
    const auto none = report::json_report(run)["summary"];
    for (const auto* key : {"bounds_method", "throughput_bounds_per_s", "throughput_standard_error_per_s"})
        CHECK(none[key].is_null());
    CHECK(none["response_bounds_ms"]["p50"].is_null());
    CHECK(report::bounds_of(none, "response", "p50") == nullptr);
}

TEST_CASE("what a run does not have is null or absent") {
    const auto closed = report::json_report(test::sample_closed_run());
    CHECK_FALSE(closed.contains("network"));
    CHECK_FALSE(closed["summary"].contains("target_attainment_ratio"));
    CHECK_FALSE(closed["summary"].contains("lag_ms"));
    CHECK_FALSE(closed["histograms"].contains("lag"));
    CHECK(closed["phases"][0]["target_per_s_mean"].is_null());
    CHECK(closed["intervals"][0]["lag_p99_ms"].is_null());
    const auto empty = report::json_report(test::sample_empty_run());
    CHECK(empty["summary"]["response_ms"].is_null());
    CHECK(empty["client"]["cpu_us_per_query"].is_null());
    CHECK(empty["client"]["loop_busy_ratio"].is_null());
    CHECK(empty["environment"]["server"]["version"].is_null());
}

TEST_CASE("JSON text holds neither NaN nor infinity, whatever the run holds") {
    auto run = test::sample_open_run();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    run.duration_s = std::numeric_limits<double>::infinity();
    run.client.cpu_user_s = nan;
    run.network->database_ms = nan;
    run.thresholds[0].actual = nan;
    run.verdict.reasons[0].value = nan;
    const auto parsed = Json::parse(report::json_text(report::json_report(run)));
    CHECK(parsed["summary"]["duration_s"].is_null());
    CHECK(parsed["client"]["cpu_user_s"].is_null());
    CHECK(parsed["thresholds"][0]["actual"].is_null());
}

TEST_CASE("JSON text is UTF-8 also where the server's is not, and parses to the same document") {
    auto run = test::sample_open_run();
    const auto document = report::json_report(run);
    CHECK(Json::parse(report::json_text(document)) == document);
    run.errors[0].sample = "caf\xe9 \x1b[2J";
    const auto text = report::json_text(report::json_report(run));
    CHECK(Json::parse(text)["errors"][0]["sample"] == "caf\xEF\xBF\xBD \x1b[2J");
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.back() == '\n');
}

TEST_CASE("JSON text holds nothing that steers a terminal, and parses to it") {
    auto run = test::sample_open_run();
    // DEL, CSI in eight bits, right-to-left override, and what may stand: µ, a euro sign, a letter of 4
    // bytes.
    run.errors[0].sample = "\x7f \xc2\x9b \xe2\x80\xae \xc2\xb5 \xe2\x82\xac \xf0\x9d\x84\x9e";
    const auto document = report::json_report(run);
    const auto text = report::json_text(document);
    CHECK(Json::parse(text) == document);
    CHECK(text.find("\\u007f \\u009b \\u202e \xc2\xb5 \xe2\x82\xac \xf0\x9d\x84\x9e") != std::string::npos);
    for (const char* steers : {"\x7f", "\xc2\x9b", "\xe2\x80\xae"})
        CHECK(text.find(steers) == std::string::npos);
    CHECK(report::json_line(document).find("\xc2\x9b") == std::string::npos);
}

TEST_CASE("JSON text has a line for each interval and each bucket") {
    const auto text = report::json_text(report::json_report(test::sample_closed_run()));
    std::size_t rows = 0;
    for (std::size_t at = text.find("\n    {\"t\":"); at != std::string::npos;
         at = text.find("\n    {\"t\":", at + 1)) {
        ++rows;
    }
    CHECK(rows == 3);
}
