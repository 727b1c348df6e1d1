// How a run ended, by what ended it: which of several reasons decides, and what is warned of.
#include "pgtraffic/cli/run_judgement.hpp"

#include <algorithm>
#include <csignal>

#include "support/catch.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using metrics::RunOutcome;
using metrics::RunResult;

namespace {

struct Case {
    RunResult result = test::sample_closed_run();
    cli::RunOptions options;
    cli::RunChoice choice;
    simulation::SimulationEnd end;

    Case() {
        result.warnings.clear();
        result.thresholds.clear();
        options.interval = std::chrono::seconds{1};
        options.abort_window = std::chrono::milliseconds{700};
    }

    void judge() { cli::judge_run(result, options, choice, end); }
    void threshold(const std::string& expression) {
        choice.thresholds.push_back(metrics::parse_threshold(expression, {}));
    }
    [[nodiscard]] bool warns_of(std::string_view code) const {
        return std::any_of(result.warnings.begin(), result.warnings.end(),
                           [&](const auto& warning) { return warning.code == code; });
    }
    [[nodiscard]] bool ended(RunOutcome outcome, int exit_code) const {
        return result.outcome == outcome && result.exit_code == exit_code;
    }
};

}  // namespace

TEST_CASE("a run that met its thresholds is completed") {
    Case run;
    run.threshold("throughput>1");
    run.judge();
    CHECK(run.ended(RunOutcome::completed, 0));
    REQUIRE(run.result.thresholds.size() == 1);
    CHECK(run.result.thresholds[0].ok);
    CHECK(run.result.warnings.empty());
}

TEST_CASE("a missed threshold, a condition of --abort-if and rows that are missing end with 99") {
    Case missed;
    missed.threshold("throughput>1000000000");
    missed.judge();
    CHECK(missed.ended(RunOutcome::threshold_failed, 99));

    Case stopped;
    auto& condition = stopped.end.condition.emplace();
    condition.expression = "response.p99>1s";
    condition.actual_text = "2 s";
    stopped.judge();
    CHECK(stopped.ended(RunOutcome::threshold_failed, 99));
    REQUIRE(stopped.warns_of("aborted"));
    CHECK(stopped.result.warnings[0].message.find("was true over 1.00 s (2 s)") != std::string::npos);

    Case lost;
    metrics::AuditResult table;
    table.acknowledged = 1;
    lost.result.audit.push_back(table);
    REQUIRE_FALSE(table.sound());
    lost.judge();
    CHECK(lost.ended(RunOutcome::threshold_failed, 99));

    Case unaudited;
    unaudited.options.audit = true;
    unaudited.judge();
    CHECK(unaudited.ended(RunOutcome::threshold_failed, 99));
}

TEST_CASE("a run that failed says so whatever its thresholds: nothing succeeded, or no connection is left") {
    Case nothing;
    nothing.threshold("throughput>1000000000");
    nothing.result.total.ok = nothing.result.total.empty = 0;
    nothing.judge();
    CHECK(nothing.ended(RunOutcome::failed, 2));

    Case lost;
    lost.result.disconnected_s = 0.5;
    lost.judge();
    CHECK(lost.ended(RunOutcome::failed, 2));
}

TEST_CASE("a run that ends just as its connections were lost has not lost them for good") {
    Case run;  // in an outage of five seconds, whose connections came back and went again
    run.result.disconnected_s = 0.05;
    metrics::Outage outage;
    outage.duration_s = 5;
    run.result.outages = {outage};
    run.judge();
    CHECK(run.ended(RunOutcome::completed, 0));

    Case drained;  // lost behind the measured time
    drained.result.connections_at_end = 0;
    drained.judge();
    CHECK(drained.ended(RunOutcome::completed, 0));
}

TEST_CASE("figures that mean nothing are a failure only where --strict says so") {
    for (const bool strict : {false, true}) {
        Case run;
        run.result = test::sample_overloaded_run();
        run.options.strict = strict;
        run.judge();
        CHECK(run.result.verdict.status == metrics::VerdictStatus::invalid);
        CHECK(run.ended(strict ? RunOutcome::failed : RunOutcome::completed, strict ? 2 : 0));
        CHECK(run.warns_of("strict") == strict);
    }
}

TEST_CASE("a signal stands above everything, the stop file above all but a signal") {
    Case signalled;
    signalled.threshold("throughput>1000000000");
    signalled.result.total.ok = signalled.result.total.empty = 0;
    signalled.result.disconnected_s = 5;
    signalled.end.signal = SIGTERM;
    signalled.end.stop_file = true;
    signalled.judge();
    CHECK(signalled.ended(RunOutcome::interrupted, 143));
    CHECK_FALSE(signalled.warns_of("stop_file"));

    Case stopped;
    stopped.threshold("throughput>1000000000");
    stopped.end.stop_file = true;
    stopped.judge();
    CHECK(stopped.ended(RunOutcome::interrupted, 130));
    CHECK(stopped.warns_of("stop_file"));
}

TEST_CASE("an end by --max-rows is no failure, and told") {
    Case run;
    run.options.max_rows = 1000;
    run.end.rows_used_up = true;
    run.judge();
    CHECK(run.ended(RunOutcome::completed, 0));
    CHECK(run.warns_of("max_rows"));
}
