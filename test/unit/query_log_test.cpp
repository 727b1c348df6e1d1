// The log of single queries: its lines, and which queries a sample of it has.
#include "pgtraffic/report/query_log.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/clock.hpp"
#include "support/folder.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::Fate;
using report::QueryLog;
using test::kStart;

namespace {

const std::string kHeader =
    "arrival,due_s,lag_ms,pool_wait_ms,service_ms,response_ms,operation,statement,outcome,sqlstate,attempts,"
    "rows,session\n";

std::vector<QueryLog::Operation> operations() {
    return {{"read", {"by key", "by \"name\", sorted"}}, {"write", {"insert"}}};
}

/// Due at 1.5 s, 2 ms late, of which 1.25 the pool's, and 3.000001 ms long.
metrics::Completion completion() {
    metrics::Completion c;
    c.due = kStart + 1500ms;
    c.ready = c.due + 1250us;
    c.sent = c.due + 2ms;
    c.done = c.sent + 3ms + 1ns;
    c.rows = 7;
    return c;
}

std::string lines_of(const std::vector<metrics::QueryRecord>& queries) {
    const test::Folder folder;
    QueryLog log{folder / "log.csv", operations(), {}};
    for (const auto& query : queries) log.add(query);
    CHECK(log.finish().empty());
    const auto text = test::read_file(folder / "log.csv");
    REQUIRE(text.substr(0, kHeader.size()) == kHeader);
    return text.substr(kHeader.size());
}

}  // namespace

TEST_CASE("a query's line has its times to the nanosecond, and what became of it") {
    const auto ok = completion();
    CHECK(lines_of({{Fate::ended, 41, 3, ok, ok.done, kStart}}) ==
          "41,1.500000000,2.000000,1.250000,3.000001,5.000001,read,by key,ok,,1,7,3\n");

    auto failed = completion();
    failed.outcome = metrics::Outcome::failed;
    failed.sqlstate = base::kQueryCanceled;
    failed.attempts = 3;
    failed.rows = 0;
    failed.operation = 1;
    CHECK(lines_of({{Fate::ended, 42, 0, failed, failed.done, kStart}}) ==
          "42,1.500000000,2.000000,1.250000,3.000001,5.000001,write,insert,failed,57014,3,0,0\n");
}

TEST_CASE("a query that succeeded after a failure has no SQLSTATE") {
    auto retried = completion();
    retried.attempts = 2;
    retried.sqlstate = base::kQueryCanceled;
    CHECK(lines_of({{Fate::ended, 1, 0, retried, retried.done, kStart}}).find("ok,,2,") != std::string::npos);
}

TEST_CASE("what has no answer has what is known of its wait, and what was never started no more than that") {
    const auto begun = completion();
    CHECK(lines_of({{Fate::in_flight, 5, 1, begun, begun.due + 60s, kStart}}) ==
          "5,1.500000000,2.000000,1.250000,59998.000000,60000.000000,read,by key,in_flight,,1,7,1\n");

    metrics::Completion unstarted;
    unstarted.operation = 1;
    unstarted.attempts = 0;
    unstarted.due = kStart + 2s;
    CHECK(lines_of({{Fate::missed, 6, {}, unstarted, kStart + 2250ms, kStart},
                    {Fate::waiting, 7, {}, unstarted, kStart + 3s, kStart}}) ==
          "6,2.000000000,250.000000,,,250.000000,write,,missed,,0,0,\n"
          "7,2.000000000,1000.000000,,,1000.000000,write,,waiting,,0,0,\n");
}

TEST_CASE("names are fields of CSV") {
    auto other = completion();
    other.statement = 1;
    CHECK(lines_of({{Fate::ended, 1, 0, other, other.done, kStart}})
              .find(R"(,read,"by ""name"", sorted",ok,)") != std::string::npos);
}

TEST_CASE("a log without a query has its header, and one that never began leaves the last run's file alone") {
    CHECK(lines_of({}).empty());
    const test::Folder folder;
    test::write_file(folder / "log.csv", "of the last run");
    { const QueryLog unused{folder / "log.csv", operations(), {}}; }
    CHECK(test::read_file(folder / "log.csv") == "of the last run");
}

TEST_CASE("what was kept is written once a second, and where a run ends without a report") {
    const test::Folder folder;
    const auto ok = completion();
    {
        QueryLog log{folder / "log.csv", operations(), {}};
        const auto has = [&](const char* line) {
            return test::read_file(folder / "log.csv").find(line) != std::string::npos;
        };
        log.add({Fate::ended, 1, 0, ok, ok.done, kStart});
        CHECK(has("\n1,"));  // at once
        log.add({Fate::ended, 2, 0, ok, ok.done + 999ms, kStart});
        CHECK_FALSE(has("\n2,"));
        log.add({Fate::ended, 3, 0, ok, ok.done + 1s, kStart});
        CHECK(has("\n3,"));
        log.add({Fate::ended, 4, 0, ok, ok.done + 1s, kStart});
    }
    CHECK(test::read_file(folder / "log.csv").find("\n4,") != std::string::npos);
}

TEST_CASE("a sample has each query with the same chance, by its own draw, whatever order they end in") {
    constexpr double kRate = 0.1;
    constexpr std::uint64_t kSeed = 42;
    constexpr std::uint64_t kQueries = 20'000;
    const test::Folder folder;
    const auto ok = completion();
    std::vector<std::string> logs;
    for (const bool backwards : {false, true}) {
        const auto path = folder / (backwards ? "backwards.csv" : "forwards.csv");
        QueryLog log{path, operations(), {kRate, kSeed}};
        for (std::uint64_t i = 0; i < kQueries; ++i)
            log.add({Fate::ended, backwards ? kQueries - 1 - i : i, 0, ok, ok.done, kStart});
        CHECK(log.finish().empty());
        logs.push_back(test::read_file(path));
    }
    const auto lines = static_cast<double>(std::count(logs[0].begin(), logs[0].end(), '\n') - 1);
    CHECK(std::abs(lines - kRate * kQueries) < 5 * std::sqrt(kQueries * kRate * (1 - kRate)));
    CHECK(logs[0].size() == logs[1].size());
    CHECK(logs[0] != logs[1]);
    for (std::uint64_t arrival = 0; arrival < 100; ++arrival) {
        const auto line = "\n" + std::to_string(arrival) + ",";
        CHECK((logs[0].find(line) != std::string::npos) == (logs[1].find(line) != std::string::npos));
    }
}
