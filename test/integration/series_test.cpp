// The time series of real runs as it leaves the program: streamed, as CSV and as a log of HdrHistogram,
// against the intervals and histograms of the JSON result.
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/hdr_reader.hpp"
#include "support/never_answered.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using nlohmann::json;

namespace {

/// The objects of a stream, each of which must be valid.
std::vector<json> read_stream(const std::string& path) {
    const std::string root = PGTRAFFIC_SOURCE_DIR;
    const auto validation =
        test::run_process({"/usr/bin/python3", root + "/test/support/validate_result.py", "--lines",
                           "interval", root + "/docs/result.schema.json", path});
    INFO("validator: " << validation.out << validation.err);
    REQUIRE(validation.exit_code == 0);
    std::vector<json> objects;
    std::istringstream lines{test::read_file(path)};
    for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
    return objects;
}

/// Every interval in order, none missing, and their sums those of the run.
void check_series(const std::vector<json>& series, const json& result, double interval_s) {
    double end_s = 0;
    double succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    for (const auto& interval : series) {
        CHECK(interval["elapsed_s"].get<double>() == Approx(end_s).margin(1e-6));
        const auto duration_s = interval["duration_s"].get<double>();
        if (&interval != &series.back()) CHECK(duration_s == Approx(interval_s));
        end_s = interval["elapsed_s"].get<double>() + duration_s;
        succeeded += interval["throughput_per_s"].get<double>() * duration_s;
        failed += interval["failed"].get<std::uint64_t>();
        timed_out += interval["timed_out"].get<std::uint64_t>();
    }
    const auto& summary = result["summary"];
    CHECK(end_s == Approx(summary["duration_s"].get<double>()));
    CHECK(std::llround(succeeded) == std::llround(summary["throughput_per_s"].get<double>() * end_s));
    CHECK(failed == summary["queries"]["failed"].get<std::uint64_t>());
    CHECK(timed_out == summary["queries"]["timed_out"].get<std::uint64_t>());
    CHECK(json(series) == result["intervals"]);
}

/// One quick, one failing, one slower than the time-out.
const char* const kMixed = R"json({"name": "all kinds", "operations": [
    {"name": "quick", "weight": 18, "statements": [{"sql": "SELECT 1"}]},
    {"name": "broken", "weight": 1, "statements": [{"sql": "SELECT 1 / (random() * 0)::int"}]},
    {"name": "slow", "weight": 1, "statements": [{"sql": "SELECT pg_advisory_lock(1)"}]}]})json";
const char* const kQuick = R"json({"name": "quick", "operations": [
    {"name": "quick", "statements": [{"sql": "SELECT 1"}]}]})json";

}  // namespace

TEST_CASE("a stream is the JSON's intervals, one valid object each, and sums up to the run") {
    const auto database = test::fresh_database();
    const test::NeverAnswered lock{database};
    const test::TemporaryFile scenario{kMixed};
    // Progress lines come in a rhythm of their own.
    for (const auto& [interval, interval_s, progress] :
         {std::tuple{"300ms", 0.3, "1s"}, std::tuple{"1200ms", 1.2, "250ms"}}) {
        const test::TemporaryFile stream{"of the last run\n"};
        const auto result =
            test::run_and_read(database, {"--scenario", scenario.path(), "--rate", "200", "--duration", "2.5",
                                          "-c", "40", "--warmup", "0", "--timeout", "150ms", "--interval",
                                          interval, "--progress", progress, "--stream", stream.path()});
        const auto series = read_stream(stream.path());
        CHECK(series.size() == static_cast<std::size_t>(std::ceil(2.5 / interval_s)));
        check_series(series, result, interval_s);
        CHECK(result["summary"]["queries"]["failed"].get<int>() > 0);
        CHECK(result["summary"]["queries"]["timed_out"].get<int>() > 0);
        CHECK(result["config"]["interval_s"] == interval_s);
    }
}

TEST_CASE("a stream is written while the run lasts, and complete after an interrupt") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::TemporaryFile json_file{""};
    const test::TemporaryFile stream{""};
    test::Process process{test::pgtraffic_argv({"run", "-d", database.dsn(), "--scenario", scenario.path(),
                                                "--duration", "60", "-c", "2", "--warmup", "0", "--interval",
                                                "100ms", "--stream", "-", "--json", json_file.path()}),
                          test::without_target()};
    REQUIRE(process.wait_for_stdout("\"elapsed_s\":0.3,"));
    process.send_signal(SIGINT);
    const auto ended = process.wait();
    CHECK(ended.exit_code == 130);
    CHECK(ended.err.find("Query Statistics") != std::string::npos);  // the report has given way
    CHECK(ended.out.find("Query Statistics") == std::string::npos);
    const auto result = json::parse(test::read_file(json_file.path()));
    CHECK(result["run"]["outcome"] == "interrupted");
    CHECK(result["run"]["warnings"].empty());
    const test::TemporaryFile streamed{ended.out};
    const auto series = read_stream(streamed.path());
    CHECK(series.size() >= 4);
    check_series(series, result, 0.1);
}

TEST_CASE("two runs do not write one stream over one another") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::TemporaryFile stream{""};
    const std::vector<std::string> arguments{
        "run",      "-d", database.dsn(), "--scenario", scenario.path(), "-T",         "60", "-c", "2",
        "--warmup", "0",  "--interval",   "100ms",      "--stream",      stream.path()};
    test::Process first{test::pgtraffic_argv(arguments), test::without_target()};
    REQUIRE(first.wait_for_stderr("measuring for"));
    const auto second = test::run_pgtraffic(arguments);
    CHECK(second.exit_code == 1);
    CHECK(second.err.find("another run writes it") != std::string::npos);
    first.send_signal(SIGINT);
    CHECK(first.wait().exit_code == 130);
    CHECK(!read_stream(stream.path()).empty());
}

TEST_CASE("a stream whose reader goes, or whose disk is full, is a warning and ends no run") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::TemporaryFile json_file{""};
    const auto run = [&](const std::string& stream, test::Stdout out, const std::string& reason) {
        test::ProcessOptions options;
        options.out = out;
        const auto ended = test::run_pgtraffic(
            {"run", "-d", database.dsn(), "--scenario", scenario.path(), "--duration", "1", "-c", "2",
             "--warmup", "0", "--interval", "100ms", "--stream", stream, "--json", json_file.path()},
            options);
        INFO(ended.err);
        CHECK(ended.exit_code == 0);
        const auto result = json::parse(test::read_file(json_file.path()));
        REQUIRE(result["run"]["warnings"].size() == 1);
        CHECK(result["run"]["warnings"][0]["code"] == "stream_ended");
        const std::string message = result["run"]["warnings"][0]["message"];
        CHECK(message.find("--stream: cannot write \"" + stream + "\": " + reason) == 0);
        CHECK(result["intervals"].size() == 10);
        CHECK(result["summary"]["queries"]["ok"].get<int>() > 0);
    };
    run("-", test::Stdout::broken_pipe, "Broken pipe");
    run("-", test::Stdout::full_disk, "No space left on device");
    run("/dev/full", test::Stdout::collected, "No space left on device");
}

TEST_CASE("a file that cannot be written at the end takes no other report along") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::Folder folder;
    const auto ended =
        test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(), "-t", "20", "-c",
                             "2", "--warmup", "0", "--json", "/dev/full", "--csv", folder / "series.csv",
                             "--html", folder / "report.html", "--hdr-log", "/dev/full"});
    CHECK(ended.exit_code == 1);
    CHECK(ended.err.find("--hdr-log: cannot write \"/dev/full\"") != std::string::npos);
    CHECK(ended.err.find("--json: cannot write \"/dev/full\": No space left on device") != std::string::npos);
    CHECK(ended.out.find("Total Queries:") != std::string::npos);
    CHECK(test::read_file(folder / "series.csv").find("elapsed_s") != std::string::npos);
    CHECK(test::read_file(folder / "report.html").find("</html>") != std::string::npos);
}

TEST_CASE("a pipe that nobody empties holds up neither the load nor the end") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::TemporaryFile fifo{""};
    std::remove(fifo.path().c_str());
    REQUIRE(::mkfifo(fifo.path().c_str(), 0600) == 0);
    std::fstream unread{fifo.path(), std::ios::in | std::ios::out};
    REQUIRE(unread.is_open());
    // What the kernel holds for a pipe is enough here, so nothing is lost and nothing is waited for.
    const auto result =
        test::run_and_read(database, {"--scenario", scenario.path(), "--duration", "1", "-c", "2", "--warmup",
                                      "0", "--interval", "100ms", "--stream", fifo.path()});
    CHECK(result["run"]["warnings"].empty());
    std::string line;
    for (const auto& interval : result["intervals"]) {
        REQUIRE(std::getline(unread, line));
        CHECK(json::parse(line) == interval);
    }
}

TEST_CASE("the CSV has the JSON's intervals; on stdout it stands alone") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{kQuick};
    const test::TemporaryFile json_file{""};
    const auto ended = test::run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(),
                                            "--rate", "200", "--duration", "1", "-c", "2", "--warmup", "0",
                                            "--interval", "250ms", "--csv", "-", "--json", json_file.path()});
    REQUIRE(ended.exit_code == 0);
    CHECK(ended.err.find("Query Statistics") != std::string::npos);
    const auto result = json::parse(test::read_file(json_file.path()));
    std::istringstream lines{ended.out};
    std::string line;
    REQUIRE(std::getline(lines, line));
    CHECK(line.starts_with("t,elapsed_s,duration_s,phase,"));
    for (const auto& interval : result["intervals"]) {
        REQUIRE(std::getline(lines, line));
        CHECK(line.starts_with(interval["t"].get<std::string>() + "," + interval["elapsed_s"].dump() + "," +
                               interval["duration_s"].dump() + ",steady,"));
    }
    CHECK_FALSE(std::getline(lines, line));
}

namespace {

/// What the Java implementation reads of a tag, against a histogram of the JSON and the percentiles beside
/// it.
void check_read(const test::HdrPercentiles& read, const json& histogram, const json& latency_ms) {
    std::map<std::int64_t, std::uint64_t> counts;  // by lowest value
    std::uint64_t total = 0;
    for (const auto& bucket : histogram["counts"]) {
        counts[bucket[0]] = bucket[1];
        total += bucket[1].get<std::uint64_t>();
    }
    REQUIRE(total > 1000);
    CHECK(read.total == total);
    const auto max_ns = std::llround(latency_ms["max"].get<double>() * 1e6);
    CHECK(read.max_ns >= max_ns);
    CHECK(static_cast<double>(read.max_ns) <= static_cast<double>(max_ns) * (1 + 1.0 / 1024));

    const std::map<double, const char*> named{{0.5, "p50"}, {0.9, "p90"}, {0.95, "p95"}};
    std::size_t compared = 0;
    for (const auto& row : read.rows) {
        INFO(row.percentile);
        // The same bucket: as many values up to its end, and the rank of the percentile is in it.
        std::uint64_t up_to = 0;
        std::uint64_t in_bucket = 0;
        for (const auto& [lowest, count] : counts) {
            if (lowest > row.value_ns) break;
            up_to += count;
            in_bucket = count;
        }
        CHECK(up_to == row.count);
        const auto rank = std::max(1.0, std::ceil(row.percentile * static_cast<double>(total) - 1e-6));
        CHECK(rank <= static_cast<double>(up_to));
        CHECK(rank > static_cast<double>(up_to - in_bucket));
        for (const auto& [percentile, name] : named) {
            if (row.percentile != percentile) continue;
            ++compared;
            const auto ours = std::llround(latency_ms[name].get<double>() * 1e6);
            CHECK((ours == row.value_ns || (ours == max_ns && row.value_ns == read.max_ns)));
        }
        if (row.percentile == 1.0) CHECK(row.value_ns == read.max_ns);
    }
    CHECK(compared == 3);
    // The JSON's others lie between the printed ones that surround them.
    for (const auto& [percentile, name] : {std::pair{0.99, "p99"}, std::pair{0.999, "p999"}}) {
        const auto ours = std::llround(latency_ms[name].get<double>() * 1e6);
        std::int64_t below = 0;
        std::int64_t above = read.max_ns;
        for (const auto& row : read.rows) {
            if (row.percentile <= percentile) below = row.value_ns;
            if (row.percentile >= percentile) above = std::min(above, row.value_ns);
        }
        CHECK(ours <= above);
        CHECK(ours >= std::min<std::int64_t>(below, max_ns));
    }
}

}  // namespace

TEST_CASE(
    "the Java implementation reads our percentiles from the log, a Python decoder our counts from the JSON") {
    const auto database = test::fresh_database();
    const test::TemporaryFile scenario{R"json({"name": "spread", "operations": [
        {"name": "quick", "weight": 9, "statements": [{"sql": "SELECT 1"}]},
        {"name": "slower", "weight": 1, "statements": [{"sql": "SELECT count(*) FROM generate_series(1, (random() * 50000)::int)"}]}]})json"};
    const test::TemporaryFile log{"", ".hlog"};
    const auto result =
        test::run_and_read(database, {"--scenario", scenario.path(), "--rate", "800", "--duration", "3", "-c",
                                      "20", "--warmup", "0", "--interval", "500ms", "--hdr-log", log.path()});
    const auto& summary = result["summary"];
    const auto& histograms = result["histograms"];
    check_read(test::process_hdr_log(log.path(), "response-total"), histograms["response"],
               summary["response_ms"]);
    check_read(test::process_hdr_log(log.path(), "service-total"), histograms["service"],
               summary["service_ms"]);
    check_read(test::process_hdr_log(log.path(), "lag-total"), histograms["lag"], summary["lag_ms"]);
    // The intervals hold every query once, too, with two digits.
    const auto intervals = test::process_hdr_log(log.path(), "response");
    CHECK(intervals.total == summary["queries"]["planned"].get<std::uint64_t>());
    CHECK(static_cast<double>(intervals.max_ns) >= summary["response_ms"]["max"].get<double>() * 1e6);
    CHECK(static_cast<double>(intervals.max_ns) <=
          summary["response_ms"]["max"].get<double>() * 1e6 * (1 + 1.0 / 128));

    std::vector<std::string> texts;
    for (const char* name : {"response", "service", "lag"}) texts.push_back(histograms[name]["hdr"]);
    const auto decoded = test::decode_hdr(texts);
    CHECK(decoded[0]["counts"] == histograms["response"]["counts"]);
    CHECK(decoded[1]["counts"] == histograms["service"]["counts"]);
    CHECK(decoded[2]["counts"] == histograms["lag"]["counts"]);
}
