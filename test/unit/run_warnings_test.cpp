// What a report warns of: each warning where there is cause for it, and none where there is none.
#include "pgtraffic/cli/run_warnings.hpp"

#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/sample_result.hpp"
#include "support/workload.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using metrics::RunResult;

namespace {

/// The codes of a run of which there is nothing to say, once `change` has had its way with it.
std::vector<std::string> warned(const std::function<void(RunResult&, cli::RunOptions&)>& change) {
    RunResult result = test::sample_closed_run();
    result.warnings.clear();
    result.outages.clear();
    result.errors.clear();
    result.operations.resize(1);
    result.reconnects = 0;
    result.server.temporary = false;
    cli::RunOptions options;
    change(result, options);
    cli::add_warnings(result, test::one_query(), options);
    std::vector<std::string> codes;
    for (const auto& warning : result.warnings) {
        CHECK_FALSE(warning.message.empty());
        codes.push_back(warning.code);
    }
    return codes;
}

void add_error(RunResult& result, const char* state, std::uint64_t count) {
    auto& error = result.errors.emplace_back();
    error.sqlstate = *base::SqlState::parse(state);
    error.count = count;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("a run of which there is nothing to say is warned of nothing") {
    CHECK(warned([](auto&, auto&) {}).empty());
}

TEST_CASE("what the load tested little of, or could not do") {
    CHECK(warned([](auto& run, auto&) {
              run.operations[0].counts.ok = 49;
              run.operations[0].counts.empty = 51;
          }) == Codes{"mostly_empty"});
    CHECK(warned([](auto& run, auto&) {
              run.operations[0].counts.ok = run.operations[0].counts.empty = 50;
          }).empty());
    CHECK(warned([](auto& run, auto&) {
              run.server.read_only = true;
              add_error(run, "25006", 1);
          }) == Codes{"read_only"});
    CHECK(warned([](auto& run, auto&) { add_error(run, "25006", 1); }).empty());  // the server's own doing
    CHECK(warned([](auto& run, auto& options) {
              options.random_seed = 7;
              add_error(run, "23505", run.total.started / 50);
          }) == Codes{"seed_repeated"});
    CHECK(warned([](auto& run, auto&) { add_error(run, "23505", run.total.started / 50); }).empty());
}

TEST_CASE("what helps where nothing is found is of what the statements have") {
    const auto told = [](const std::string& sql, const std::string& parameters) {
        RunResult result = test::sample_closed_run();
        result.warnings.clear();
        result.operations.resize(1);
        result.operations[0].counts.ok = 0;
        result.operations[0].counts.empty = 9;
        cli::add_warnings(
            result,
            test::workload_of(R"({"name": "w", "operations": [{"name": "o", "statements": [{"sql": ")" + sql +
                              R"(", "parameters": )" + parameters + "}]}]}"),
            {});
        return result.warnings.front().message;
    };
    const std::string drawn = R"([{"integer": [1, 2]}])";
    CHECK_THAT(told("SELECT $1", drawn), EndsWith("Give its parameters values that the tables hold"));
    CHECK_THAT(told("SELECT 1", "[]"),
               Contains("as it is written, or row-level security") && !Contains("parameters"));
    CHECK_THAT(told("DELETE FROM t WHERE a = $1", drawn),
               Contains("add inserts to the mix") && EndsWith("values that the tables hold"));
    CHECK_THAT(told("DELETE FROM t", "[]"),
               Contains("fill the tables again") && Contains("row-level security") && !Contains("inserts"));
}

TEST_CASE("what kind of server it was") {
    CHECK(warned([](auto& run, auto&) { run.server.temporary = true; }) == Codes{"temporary_server"});
    CHECK(warned([](auto&, auto& options) { options.unsafe_fast = true; }) == Codes{"unsafe_fast"});
    CHECK(warned([](auto& run, auto& options) {
              run.server.pooler = true;
              options.timeout = 1s;
          }) == Codes{"pooler_timeout"});
    const auto forgets = [](bool pooler, bool prepared) {
        return warned([=](auto& run, auto& options) {
            run.server.pooler = pooler;
            options.prepared = prepared;
            add_error(run, "26000", 3);
        });
    };
    CHECK(forgets(true, true) == Codes{"pooler_prepared"});
    CHECK(forgets(false, true).empty());
    CHECK(forgets(true, false).empty());
}

TEST_CASE("what became of the connections") {
    CHECK(warned([](auto& run, auto&) { run.reconnects = 3; }) == Codes{"reconnects"});
    CHECK(warned([](auto& run, auto&) { run.outages.emplace_back().without_service_s = 0.5; }) ==
          Codes{"outage"});
    CHECK(warned([](auto& run, auto&) { run.outages.emplace_back().silences_s = 0.5; }).empty());

    const auto gone = [](auto& run, auto&) {
        run.connections_at_end = run.connections - 2;
        run.sessions_away_ratio = 0.01;
        run.outages.emplace_back().errors = {{*base::SqlState::parse("57P01"), 12, 0, 0, {}},
                                             {*base::SqlState::parse("28P01"), 0, 9, 0, "password refused"},
                                             {*base::SqlState::parse("08001"), 0, 2, 0, "nobody there"}};
    };
    CHECK(warned(gone) == Codes{"sessions_missing"});
    RunResult result = test::sample_closed_run();
    result.warnings.clear();
    result.outages.clear();
    cli::RunOptions options;
    gone(result, options);
    cli::add_warnings(result, test::one_query(), options);
    CHECK(result.warnings.back().message == "2 of 150 connections were gone at the end: password refused");
    // Lost behind the load, while its last answers were waited for.
    CHECK(warned([](auto& run, auto&) { run.connections_at_end = 0; }).empty());
}

TEST_CASE("answers that are read at steps are warned of where the kernel does not tell when they came") {
    const auto with_steps = [](bool stamped) {
        return warned([=](auto& run, auto& options) {
            options.wake_step = 8ms;
            run.answers_stamped = stamped;
        });
    };
    CHECK(with_steps(false) == Codes{"economy_pacing"});
    CHECK(with_steps(true).empty());
    CHECK(warned([](auto& run, auto&) { run.answers_stamped = false; }).empty());
}
