// The page of metrics as text, and the address to serve it at.
#include "pgtraffic/report/prometheus.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pgtraffic/cli/endpoint.hpp"
#include "pgtraffic/report/live_page.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using metrics::Outcome;

namespace {

metrics::Completion query(std::uint32_t operation, Outcome outcome, base::Nanos response,
                          base::Nanos lag = 10us) {
    metrics::Completion c;
    c.operation = operation;
    c.outcome = outcome;
    c.due = base::Mono{1s};
    c.ready = c.due + lag / 2;
    c.sent = c.due + lag;
    c.done = c.due + response;
    c.rows = 2;
    c.attempts = 3;
    return c;
}

metrics::LiveMoment busy_moment() {
    metrics::LiveMoment moment;
    moment.stage = metrics::Stage::measuring;
    moment.phase = "rush";
    moment.open_loop = true;
    moment.planned = 12;
    moment.started = 9;
    moment.waiting = 2;
    moment.missed = 1;
    moment.in_flight = 4;
    moment.connections = {10, 5, 4, 1, 0};
    moment.counts.operations.resize(2);
    moment.counts.operations[0].name = "look \"up\"";
    moment.counts.operations[1].name = "a\\b\nc";
    moment.counts.record(query(0, Outcome::ok, 50us), true);
    moment.counts.record(query(0, Outcome::ok, 51us), true);
    moment.counts.record(query(0, Outcome::ok, 10min), true);
    moment.counts.record(query(1, Outcome::failed, 2ms), true);
    moment.counts.record(query(1, Outcome::empty, 3ms, 1ms), true);
    moment.counts.record_missed(1);
    moment.errors.emplace_back(base::SqlState{{'2', '2', '0', '1', '2'}}, 1);
    return moment;
}

std::string page_of(const metrics::LiveMoment& moment) {
    return report::prometheus_text(moment, {"0123", "mine", "", {{"place", "a \"shed\""}}},
                                   {1.5, 1700000000, 4096});
}

}  // namespace

TEST_CASE("a label's value cannot leave its quotes") {
    CHECK(report::label_value("plain") == "plain");
    CHECK(report::label_value("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
    CHECK(report::label_value("\x1b[31mred") == "\\\\x1b[31mred");
    const auto page = page_of(busy_moment());
    CHECK_THAT(page, Contains("pgtraffic_queries_total{operation=\"look \\\"up\\\"\",outcome=\"ok\"} 3\n"));
    CHECK_THAT(page, Contains("pgtraffic_queries_total{operation=\"a\\\\b\\nc\",outcome=\"failed\"} 1\n"));
}

TEST_CASE("a page of metrics counts what was recorded, and each bucket holds those below it") {
    const auto page = page_of(busy_moment());
    INFO(page);
    const std::string labels = "operation=\"look \\\"up\\\"\",outcome=\"ok\"";
    CHECK_THAT(page, Contains("response_seconds_bucket{" + labels + ",le=\"5e-05\"} 1\n"));
    CHECK_THAT(page, Contains("response_seconds_bucket{" + labels + ",le=\"0.0001\"} 2\n"));
    CHECK_THAT(page, Contains("response_seconds_bucket{" + labels + ",le=\"300\"} 2\n"));
    CHECK_THAT(page, Contains("response_seconds_bucket{" + labels + ",le=\"+Inf\"} 3\n"));
    CHECK_THAT(page, Contains("response_seconds_count{" + labels + "} 3\n"));
    CHECK_THAT(page, Contains("response_seconds_sum{" + labels + "} 600.000101\n"));
    CHECK_THAT(page, Contains("pgtraffic_generator_lag_seconds_count 5\n"));
    CHECK_THAT(page, Contains("pgtraffic_generator_lag_seconds_bucket{le=\"5e-05\"} 4\n"));
    CHECK_THAT(page,
               Contains("pgtraffic_schedule_lag_seconds_bucket{operation=\"a\\\\b\\nc\",le=\"0.001\"} 2\n"));
    CHECK_THAT(page, Contains("pgtraffic_query_rows_total{operation=\"look \\\"up\\\"\"} 6\n"));
    CHECK_THAT(page, Contains("pgtraffic_query_retries_total{operation=\"look \\\"up\\\"\"} 6\n"));
    CHECK_THAT(page, Contains("pgtraffic_errors_total{sqlstate=\"22012\"} 1\n"));
    CHECK_THAT(page, Contains("pgtraffic_arrivals_planned_total 12\n"));
    CHECK_THAT(page, Contains("pgtraffic_arrivals_missed_total 1\n"));
    CHECK_THAT(page, Contains("pgtraffic_connections{state=\"busy\"} 4\n"));
    CHECK_THAT(page, Contains("pgtraffic_stage{stage=\"measuring\"} 1\n"));
    CHECK_THAT(page, Contains("pgtraffic_stage{stage=\"finished\"} 0\n"));
    CHECK_THAT(page, Contains("process_cpu_seconds_total 1.5\n"));
    CHECK_THAT(page, Contains("pgtraffic_run_info{run=\"0123\",scenario=\"mine\",pattern=\"\","
                              "label_place=\"a \\\"shed\\\"\"} 1\n"));
    // A zero that may rise is there from the start, or a rate would not see its first rise: so is the
    // histogram of what is in the response.
    CHECK_THAT(page, Contains("outcome=\"timed_out\"} 0\n"));
    CHECK_THAT(page, Contains("outcome=\"timed_out\",le=\"+Inf\"} 0\n"));
    CHECK_THAT(page, !Contains("{operation=\"look \\\"up\\\"\",outcome=\"failed\",le="));
}

TEST_CASE("a closed loop has no lag and no target to show") {
    auto moment = busy_moment();
    moment.open_loop = false;
    const auto page = page_of(moment);
    CHECK_THAT(page, !Contains("lag_seconds"));
    CHECK_THAT(page, !Contains("target"));
    CHECK_THAT(page, Contains("pgtraffic_response_seconds_count"));
}

TEST_CASE("a ladder's bounds rise, and a value on a bound lies below it") {
    const auto& bounds = metrics::LadderHistogram::kBounds;
    CHECK(std::is_sorted(bounds.begin(), bounds.end()));
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        metrics::LadderHistogram ladder;
        ladder.record(bounds[i]);
        ladder.record(bounds[i] + 1ns);
        CHECK(ladder.buckets()[i] == 1);
        CHECK(ladder.buckets()[i + 1] == 1);
        CHECK(ladder.count() == 2);
    }
}

TEST_CASE("an event is two lines and a blank one, whatever the names hold") {
    const auto event = report::moment_event(busy_moment());
    CHECK(event.starts_with("event: moment\ndata: {"));
    CHECK(event.ends_with("}\n\n"));
    CHECK(std::count(event.begin(), event.end(), '\n') == 3);
    const auto data = nlohmann::json::parse(event.substr(event.find('{')));
    CHECK(data["operations"][1]["name"] == "a\\b\nc");
    CHECK(data["succeeded"] == 4);
    CHECK(data["failed"] == 1);
}

TEST_CASE("a port alone is on loopback; elsewhere only where the address is written out") {
    CHECK(cli::parse_listen("9187").text() == "127.0.0.1:9187");
    CHECK(cli::parse_listen("localhost:9187").text() == "127.0.0.1:9187");
    CHECK(cli::parse_listen("0.0.0.0:80").text() == "0.0.0.0:80");
    CHECK(cli::parse_listen("[::1]:0").text() == "[::1]:0");
    for (const auto* bad : {":9187", "::1:9187", "example.org:80", "127.0.0.1", "127.0.0.1:", "1.2.3.4:65536",
                            "nine", "*:9187", "[::1]", "[::1:80", "-1", "0.0.0.0:9187/metrics"}) {
        INFO(bad);
        CHECK_THROWS_WITH(cli::parse_listen(bad), Catch::Matchers::StartsWith("--listen: "));
    }
}
