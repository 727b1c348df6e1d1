#include "support/faulty_load.hpp"

#include <fmt/format.h>

#include <cmath>
#include <csignal>

#include "support/catch.hpp"

namespace pgtraffic::test {
namespace {

constexpr const char* kScenario = R"json({"name": "orders", "operations": [{"name": "place", "statements": [
    {"sql": "INSERT INTO orders (order_number, note) VALUES ($1, 'x')", "parameters": [{"code": "ORD"}]}],
    "retry": {"on": ["23505"], "max": 6}}]})json";

std::vector<std::string> arguments(const std::string& dsn, const std::string& scenario,
                                   const std::vector<std::string>& more, double rate, int sessions) {
    std::vector<std::string> all{"run",        "-d",      dsn,
                                 "--format",   "json",    "--scenario",
                                 scenario,     "--rate",  fmt::format("{}", rate),
                                 "--arrivals", "uniform", "--duration",
                                 "600",        "-c",      std::to_string(sessions),
                                 "--warmup",   "0",       "--progress",
                                 "250ms"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

ProcessOptions patient() {
    ProcessOptions options;
    options.limit = std::chrono::seconds{120};
    return without_target(options);
}

}  // namespace

std::string dsn_of(const postgres::Conninfo& conninfo, const std::string& more) {
    std::string dsn;
    for (const auto& [keyword, value] : conninfo.settings()) dsn += fmt::format("{}='{}' ", keyword, value);
    return dsn + more;
}

void make_orders(const postgres::Conninfo& conninfo) {
    postgres::Client{conninfo}.execute("CREATE TABLE orders (order_number text PRIMARY KEY, note text)");
}

int sessions_at(postgres::Client& client) {
    return std::stoi(
        client.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgtraffic'").value());
}

FaultyLoad::FaultyLoad(const std::string& dsn, const std::vector<std::string>& more, double rate,
                       int sessions)
    : rate_{rate},
      scenario_{kScenario},
      process_{pgtraffic_argv(arguments(dsn, scenario_.path(), more, rate, sessions)), patient()} {
    const bool measuring = process_.wait_for_stderr("measuring");
    INFO((measuring ? std::string{} : process_.wait().err));
    REQUIRE(measuring);
    wait_for_lines(1);
}

void FaultyLoad::wait_for_lines(int lines) {
    for (int i = 0; i < lines; ++i) REQUIRE(process_.wait_for_more_stderr());
}

void FaultyLoad::wait_for(std::string_view text) {
    REQUIRE(process_.wait_for_stderr(text));
}

void FaultyLoad::wait_until_back(postgres::Client& client, int sessions) {
    // Those that have just been harmed may still be counted: what is there a second later counts.
    int found = 0;
    for (int i = 0; i < 25 && found != sessions; ++i) {
        wait_for_lines(4);
        found = sessions_at(client);
    }
    CHECK(found == sessions);
}

nlohmann::json FaultyLoad::finish(int exit_code) {
    process_.send_signal(SIGINT);
    auto result = read_result(process_.wait(), exit_code);
    const auto& q = result["summary"]["queries"];
    const auto n = [&](const char* key) { return q[key].get<double>(); };
    check_conserved(result);
    CHECK(n("in_doubt") <= n("failed") + n("timed_out") + n("in_flight"));
    // The schedule went on, evenly spaced, whatever happened.
    CHECK(std::abs(n("planned") - rate_ * result["summary"]["duration_s"].get<double>()) <= 2);
    // A wait for the server or for a name within a callback would take a second.
    CHECK(result["client"]["longest_loop_turn_ms"].get<double>() < 500);
    return result;
}

const nlohmann::json& whole_outage(const nlohmann::json& result, double rate) {
    INFO(result["outages"].dump(1));
    REQUIRE(result["outages"].size() == 1);
    const auto& outage = result["outages"][0];
    CHECK(outage["scope"] == "service");
    CHECK(result["run"]["warnings"].dump().find("there was no service for") != std::string::npos);
    REQUIRE(outage["to_s"].is_number());
    REQUIRE(outage["first_success_s"].is_number());
    CHECK(outage["first_success_s"].get<double>() <= outage["duration_s"].get<double>() + 1e-9);
    CHECK(outage["arrivals_hit"].get<double>() >= rate * outage["silence_s"].get<double>() - 2);
    return outage;
}

void check_sound_audit(const nlohmann::json& result) {
    REQUIRE(result.contains("audit"));
    const auto& audit = result["audit"][0];
    INFO(audit.dump());
    CHECK(audit["lost"] == 0);
    CHECK(audit["twice"] == 0);
    CHECK(audit["unexplained"] == 0);
    CHECK(audit["acknowledged"] == result["summary"]["queries"]["ok"]);
    CHECK(audit["in_doubt"] == result["summary"]["queries"]["in_doubt"]);
    CHECK(audit["stored"].get<int>() + audit["not_stored"].get<int>() == audit["in_doubt"].get<int>());
}

void report_recovery(const std::string& fault, const nlohmann::json& outage) {
    // Into the log of the test, whence docs/reliability.md has its figures.
    fmt::print("{}: silence {} s, outage {} s, hit {}, errors {}\n", fault, outage["silence_s"].dump(),
               outage["duration_s"].dump(), outage["arrivals_hit"].dump(), outage["errors"].dump());
}

}  // namespace pgtraffic::test
