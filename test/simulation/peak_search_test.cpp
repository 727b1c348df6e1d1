// The search for the peak rate against modelled servers, in virtual time.
#include "pgtraffic/simulation/peak_search.hpp"

#include "pgtraffic/simulation/search_words.hpp"

#include <algorithm>
#include <vector>

#include "support/catch.hpp"
#include "support/virtual_pipeline.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using simulation::PeakSearch;
using Verdict = metrics::SearchStep::Verdict;

namespace {

simulation::PeakRate search(std::uint32_t sessions,
                            std::function<test::ModelledAnswer(base::Nanos, base::Random&)> server,
                            simulation::Objectives objectives = {}) {
    PeakSearch search{std::move(objectives)};
    std::uint64_t seed = 1;
    while (!search.finished()) {
        test::VirtualPlan plan;
        plan.duration = search.step_length();
        if (search.next_rate() > 0)
            plan.schedule = traffic::PhaseScheduler::constant(search.next_rate(), plan.duration);
        plan.sessions = sessions;
        plan.seed = seed++;
        plan.server = server;
        // What ends behind a step belongs to none.
        plan.observe = [&](const metrics::Completion& completion) {
            if (completion.done - test::VirtualPlan::kStart < plan.duration) search.query_ended(completion);
        };
        const auto result = run_virtually(plan);
        search.end_step(plan.duration, result.total.planned, result.total.started);
    }
    return search.result();
}

simulation::Objectives objectives(const std::vector<std::string>& expressions, double other_weight = 0) {
    workload::Operation read;
    read.name = "read";
    workload::Operation write;
    write.name = "write";
    write.weight = other_weight;
    const std::vector<workload::Operation> operations{read, write};
    std::vector<metrics::Threshold> thresholds;
    for (const auto& expression : expressions)
        thresholds.push_back(metrics::parse_threshold(
            expression, {.operations = {"read", "write"}, .phases = {"steady"}, .open_loop = true}));
    return {thresholds, operations};
}

metrics::Completion completion_after(base::Nanos response) {
    metrics::Completion completion;
    completion.done = completion.sent + response;
    return completion;
}

}  // namespace

TEST_CASE("the peak is where waiting begins: near 90 per cent of ten exponential servers' capacity") {
    const auto peak = search(10, [](base::Nanos, base::Random& random) {
        return test::ModelledAnswer{base::from_seconds(0.005 * random.exponential())};
    });
    CHECK(peak.closed_loop_per_s == Approx(2000).epsilon(0.05));
    // M/M/10 has a mean wait of half a service time at 88 % load.
    CHECK(peak.rate_per_s > 0.78 * 2000);
    CHECK(peak.rate_per_s < 0.98 * 2000);
    CHECK(peak.lowest_per_s <= peak.rate_per_s);
    CHECK(peak.highest_per_s >= peak.rate_per_s);
    CHECK(peak.highest_per_s - peak.lowest_per_s < 0.25 * peak.rate_per_s);
}

namespace {

/// Whatever is sent waits inside of it: so many at a time.
std::function<test::ModelledAnswer(base::Nanos, base::Random&)> shared_server(std::size_t places,
                                                                              double service_s) {
    return [free_at = std::vector<base::Nanos>(places), before = base::Nanos{0}, service_s](
               base::Nanos at, base::Random& random) mutable {
        if (at < before) std::ranges::fill(free_at, base::Nanos{0});  // another step
        before = at;
        auto& next = *std::ranges::min_element(free_at);
        next = std::max(next, at) + base::from_seconds(service_s * random.exponential());
        return test::ModelledAnswer{next - at};
    };
}

}  // namespace

TEST_CASE("the peak is what the server carries, however many sessions would hold what is more") {
    for (const std::uint32_t sessions : {20U, 100U, 500U}) {
        const auto peak = search(sessions, shared_server(3, 0.010));
        CAPTURE(sessions);
        CHECK(peak.closed_loop_per_s == Approx(300).epsilon(0.1));
        // M/M/3 answers in twice its service time at 80 % load.
        CHECK(peak.rate_per_s > 0.55 * 300);
        CHECK(peak.rate_per_s < 0.95 * 300);
        CHECK_FALSE(peak.at_floor);
    }
    // What piles up behind longer services takes longer to show.
    const auto slow = search(100, shared_server(32, 0.100));
    CHECK(slow.rate_per_s > 0.7 * 320);
    CHECK(slow.rate_per_s < 1.06 * 320);
}

TEST_CASE("a light step in which nothing ended is made longer") {
    metrics::Completion completion;
    completion.done = completion.sent + 1s;
    PeakSearch search;
    for (const auto length : {2s, 4s}) search.end_step(length, 0, 0);
    for (int i = 0; i < 8; ++i) search.query_ended(completion);
    search.end_step(8s, 0, 0);
    const double light = search.next_rate();
    CHECK(light == Approx(0.2 * 1));
    CHECK(search.step_length() == 10s);
    search.end_step(10s, 0, 0);
    CHECK(search.last_step() == "0.200 queries/s: queries take long, once more");
    CHECK(search.trace().steps.back().verdict == Verdict::too_short);
    CHECK_FALSE(search.trace().steps.back().response);
    CHECK(search.next_rate() == light);
    CHECK(search.step_length() == 20s);
    search.query_ended(completion);
    search.end_step(20s, 2, 2);
    CHECK(search.next_rate() > light);
    CHECK(search.step_length() == 5s);
}

TEST_CASE("one erratic server carries far less than its throughput in a closed loop") {
    // Two answers in a hundred take a hundred times as long: M/G/1 with a squared variation near 20.
    const auto peak = search(1, [](base::Nanos, base::Random& random) {
        return test::ModelledAnswer{random.unit() < 0.02 ? base::Nanos{50ms} : base::Nanos{500us}};
    });
    CHECK(peak.rate_per_s < 0.6 * peak.closed_loop_per_s);
    CHECK(peak.rate_per_s >= 0.2 * peak.closed_loop_per_s);
}

TEST_CASE("a search in which not even the lightest load is carried says so") {
    metrics::Completion completion;
    completion.done = completion.sent + 10ms;
    PeakSearch search;
    for (int i = 0; i < 100; ++i) search.query_ended(completion);
    search.end_step(2s, 0, 0);
    CHECK(search.step_length() == 10s);  // a hundred arrivals at a fifth of the rate
    while (!search.finished()) {
        search.query_ended(completion);
        search.end_step(search.step_length(), 100, 10);
    }
    CHECK(search.result().at_floor);
    CHECK(search.result().rate_per_s == Approx(0.2 * 50));
}

TEST_CASE("a wait is measured by what succeeds, not by the time-outs of what does not") {
    // Answers take no time, and yet many wait: for the sessions that time-outs keep. A half of the mean of
    // all would be eight milliseconds, and nearly all that a closed loop reached would be carried.
    const auto peak = search(2, [](base::Nanos, base::Random& random) {
        return random.unit() < 0.4 ? test::ModelledAnswer{40ms, metrics::Outcome::timed_out}
                                   : test::ModelledAnswer{100us};
    });
    CHECK(peak.rate_per_s < 0.7 * peak.closed_loop_per_s);
}

TEST_CASE("queries that take longer than a step of the search are waited for") {
    for (const auto service : {700ms, 3000ms}) {
        CAPTURE(service.count());
        const double capacity = 10 / base::to_seconds(service);
        const auto peak =
            search(10, [&](base::Nanos, base::Random&) { return test::ModelledAnswer{service}; });
        CHECK_FALSE(peak.blind);
        CHECK(peak.closed_loop_per_s > 0.7 * capacity);
        CHECK(peak.closed_loop_per_s <= capacity);
        CHECK(peak.rate_per_s > 0.5 * capacity);
        CHECK(peak.rate_per_s <= 1.1 * capacity);
    }
    CHECK(search(10, [](base::Nanos, base::Random&) { return test::ModelledAnswer{60s}; }).blind);
}

TEST_CASE("what a closed loop reaches has those in it that began before, and may be less than one a second") {
    metrics::Completion completion;
    completion.done = completion.sent + 4s;
    PeakSearch search;
    const auto closed_loop = [&](base::Nanos length, int began_before) {
        CHECK(search.step_length() == length);
        for (int i = 0; i < began_before; ++i) search.carried_over(completion);
        if (length >= 8s) search.query_ended(completion);
        search.end_step(length, 0, 0);
    };
    for (const auto length : {2s, 4s, 8s, 16s}) {
        closed_loop(length, 0);
        CHECK(search.next_rate() == 0);
    }
    closed_loop(32s, 3);
    CHECK(search.next_rate() == Approx(4.0 / 32 * 0.2));  // a light load first
    CHECK(search.step_length() == 12s);
    search.query_ended(completion);
    search.end_step(12s, 1, 1);
    CHECK(search.next_rate() == Approx(4.0 / 32 * (0.2 + 1.1) / 2));

    // Those of forty seconds end in a closed loop, and in no step after it.
    PeakSearch blind;
    for (const auto length : {2s, 4s, 8s, 16s}) blind.end_step(length, 0, 0);
    blind.carried_over(completion);
    CHECK(blind.step_length() == 32s);
    blind.end_step(32s, 0, 0);
    CHECK(blind.step_length() == PeakSearch::kLongestStep);
    while (!blind.finished()) blind.end_step(blind.step_length(), 10, 10);
    CHECK(blind.result().blind);

    // Of a server that says nothing a longer step would show no more.
    PeakSearch silent;
    for (const auto length : {2s, 4s, 8s, 16s, 32s}) silent.end_step(length, 0, 0);
    CHECK(silent.step_length() == PeakSearch::kStep);

    completion.outcome = metrics::Outcome::failed;
    PeakSearch failing;
    failing.carried_over(completion);
    failing.query_ended(completion);
    failing.end_step(2s, 0, 0);
    CHECK(failing.step_length() == PeakSearch::kStep);
}

TEST_CASE("a server that fails everything carries nothing, and the search still ends") {
    const auto peak = search(4, [](base::Nanos, base::Random&) {
        return test::ModelledAnswer{1ms, metrics::Outcome::failed};
    });
    CHECK(peak.rate_per_s <= 1);
}

TEST_CASE("the rate that keeps a percentile is the one that theory has") {
    const auto server = [](base::Nanos, base::Random& random) {
        return test::ModelledAnswer{base::from_seconds(0.001 * random.exponential())};
    };
    // M/M/1 answers in an exponential time of rate µ - λ (Kleinrock, Queueing Systems I, 3.2): 99 of a
    // hundred within 20 ms where λ = 1000 - ln(100) / 0.020 = 770 a second, and within 40 ms where it is
    // 885.
    const auto tight = search(1, server, objectives({"response.p99 < 20ms"}));
    CHECK(tight.rate_per_s > 0.85 * 770);
    CHECK(tight.rate_per_s < 1.12 * 770);
    CHECK(tight.lowest_per_s > 0.8 * 770);  // at which a run goes
    CHECK(tight.lowest_per_s < 1.06 * 770);
    CHECK_FALSE(tight.at_floor);
    const auto wide = search(1, server, objectives({"response.p99 < 40ms"}));
    CHECK(wide.rate_per_s > 0.88 * 885);
    CHECK(wide.rate_per_s < 1.1 * 885);
}

TEST_CASE("thresholds that no load breaks decide nothing in the search") {
    const auto left = objectives({"throughput > 1000/s", "response.min < 1ms", "response.p99 > 1ms",
                                  "empty_ratio < 1%", "loop_busy < 80%", "success_ratio < 100%"});
    CHECK(left.empty());
    CHECK_THAT(left.others(), Catch::Matchers::StartsWith("throughput > 1000/s and response.min < 1ms and "));
    CHECK_FALSE(left.limit_response());
    CHECK(left.arrivals() == 0);
    const auto kept = objectives({"throughput > 1000/s", "write.response.p95 < 1ms", "failed_ratio <= 1%",
                                  "success_ratio > 99%", "phase:steady.service.max < 1s"},
                                 0.25);
    CHECK(kept.text() ==
          "write.response.p95 < 1ms and failed_ratio <= 1% and success_ratio > 99% and "
          "phase:steady.service.max < 1s");
    CHECK(kept.limit_response());
    CHECK(kept.arrivals() == Approx(10 / 0.05 / 0.2));  // a fifth of the arrivals are writes
    CHECK(objectives({"write.failed_ratio < 1%"}, 0.01).arrivals() == Approx(10 * 101));
    CHECK_FALSE(objectives({"service.p99 < 1ms", "failed_ratio < 1%"}).limit_response());
}

TEST_CASE("an objective is judged by the queries that it speaks of") {
    auto judged = objectives({"write.response.p50 < 10ms", "phase:steady.failed_ratio < 50%"}, 1);
    CHECK_FALSE(judged.met());  // nobody knows
    auto read = completion_after(1s);
    auto write = completion_after(5ms);
    write.operation = 1;
    judged.record(read);
    judged.record(write);
    CHECK(judged.met());
    write.outcome = metrics::Outcome::failed;
    for (int i = 0; i < 2; ++i) judged.record(write);
    CHECK_FALSE(judged.met());
    judged.clear();
    write = completion_after(20ms);
    write.operation = 1;
    judged.record(write);
    CHECK_FALSE(judged.met());

    // One that hangs shows by its age.
    auto hanging = objectives({"response.p50 < 10ms"});
    hanging.record(completion_after(1ms));
    CHECK(hanging.met());
    for (int i = 0; i < 2; ++i) hanging.record_in_flight(read, 2s);
    CHECK_FALSE(hanging.met());

    // One that has just begun does not: some are under way at the end of any step.
    auto begun = objectives({"response.max < 10ms"});
    begun.record(completion_after(1ms));
    begun.record_in_flight(read, 1ms);
    CHECK(begun.met());

    // Of one that timed out nobody knows for how long it would have taken.
    auto timed = objectives({"response.p50 < 1s"});
    auto late = completion_after(10ms);
    late.outcome = metrics::Outcome::timed_out;
    timed.record(late);
    CHECK_FALSE(timed.met());
}

namespace {

/// Of the rate at which the next step goes.
simulation::PeakRate search_stepwise(PeakSearch& search,
                                     const std::function<base::Nanos(double)>& response_at,
                                     std::vector<double>& rates) {
    while (!search.finished()) {
        const double rate = search.next_rate();
        rates.push_back(rate);
        const auto completion = completion_after(rate > 0 ? response_at(rate) : 10ms);
        const int arrivals = rate > 0 ? 100 : 2000;
        for (int i = 0; i < arrivals; ++i) search.query_ended(completion);
        search.end_step(search.step_length(), 100, 100);
    }
    return search.result();
}

}  // namespace

TEST_CASE("where a fifth is too much less is tried, and where that is too much the search ends") {
    std::vector<double> rates;
    PeakSearch lower{objectives({"response.p50 < 5ms"})};
    const auto found = search_stepwise(
        lower, [](double rate) { return rate < 100 ? 1ms : 20ms; }, rates);
    CHECK(rates.at(0) == 0);
    CHECK(rates.at(1) == Approx(200));
    CHECK(rates.at(2) == Approx(200));  // once more
    CHECK(rates.at(3) == Approx(40));
    CHECK(rates.at(4) == Approx(120));
    CHECK(found.rate_per_s == Approx(100).margin(160.0 / 32));
    CHECK(found.rate_per_s < 100);
    CHECK(found.highest_per_s - found.lowest_per_s == Approx(160.0 / 32));  // as fine as a search looks
    CHECK(found.highest_per_s >= 100);
    const auto& trace = lower.trace();
    REQUIRE(trace.steps.size() == rates.size());
    CHECK(trace.found_per_s == std::vector(3, found.rate_per_s));
    for (std::size_t i = 0; i < rates.size(); ++i) CHECK(trace.steps[i].rate_per_s == rates[i]);
    CHECK(trace.steps[0].verdict == Verdict::closed_loop);
    CHECK(trace.steps[0].throughput_per_s == Approx(1000));
    CHECK(trace.steps[1].verdict == Verdict::not_carried);
    REQUIRE(trace.steps[3].response);
    CHECK(trace.steps[3].verdict == Verdict::carried);
    CHECK(trace.steps[3].response->count == 100);
    CHECK(base::to_seconds(trace.steps[3].response->p99) == Approx(0.001).epsilon(0.001));
    CHECK(trace.steps[3].search == 0);
    CHECK(trace.steps[4].search == 1);
    CHECK(trace.steps.back().search == 4);  // the proof
    CHECK(trace.steps.back().rate_per_s == found.lowest_per_s);
    CHECK_FALSE(found.at_floor);

    rates.clear();
    PeakSearch vain{objectives({"response.p50 < 5ms"})};
    const auto none = search_stepwise(
        vain, [](double) { return 20ms; }, rates);
    CHECK(none.at_floor);
    CHECK(none.lowest_per_s == Approx(40));
    CHECK(rates.size() == 5);
}

TEST_CASE("where no objective limits the response the server has to keep up all the same") {
    const auto none_fails = search(100, shared_server(3, 0.010), objectives({"failed_ratio < 1%"}));
    CHECK(none_fails.lowest_per_s > 0.5 * 300);
    CHECK(none_fails.highest_per_s < 0.97 * 300);
}

TEST_CASE("one bad step is none: what misses an objective is tried once more") {
    std::vector<double> rates;
    PeakSearch search{objectives({"response.p50 < 5ms"})};
    int steps = 0;
    const auto found = search_stepwise(
        search, [&](double) { return ++steps % 2 == 1 ? 20ms : 1ms; }, rates);
    // All that was tried is carried, but the longer look has one bad step, too, and no second chance.
    const double searched = search.trace().found_per_s.front();
    CHECK(searched == Approx(1000).epsilon(0.03));
    CHECK(found.lowest_per_s == Approx(0.9 * searched));
    CHECK(found.highest_per_s == Approx(searched));
    CHECK(rates.size() == 1 + 2 * (1 + 15) + 2);
}

TEST_CASE("what steps of seconds kept and a longer look does not is given up for less") {
    const auto found_where = [](double holds_up_to, std::vector<double>& rates) {
        PeakSearch search{objectives({"response.p50 < 5ms"})};
        // All that is tried for less than the proof's time is kept.
        const auto found = search_stepwise(
            search,
            [&](double rate) {
                return search.step_length() < PeakSearch::kProof || rate <= holds_up_to ? 1ms : 20ms;
            },
            rates);
        CHECK(search.trace().steps.back().search == 4);
        return found;
    };
    std::vector<double> rates;
    const auto found = found_where(850, rates);
    const double searched = 1000 - 800.0 / 64;  // the last step of a round that all were carried in
    CHECK(found.lowest_per_s == Approx(searched * 0.81).epsilon(0.02));
    CHECK(found.highest_per_s == Approx(searched * 0.9).epsilon(0.02));
    CHECK(found.found());
    CHECK(found.proven);
    CHECK_FALSE(found.unproven);
    CHECK(rates.size() == 1 + 1 + 15 + 3);

    rates.clear();
    const auto none = found_where(0, rates);
    CHECK(none.unproven);
    CHECK_FALSE(none.proven);
    CHECK_THAT(simulation::found_rate_text(none),
               Catch::Matchers::Contains("which did not hold on a longer"));
    CHECK(none.lowest_per_s == Approx(searched * 0.6561).epsilon(0.02));
    const auto warnings = simulation::search_warnings(none, true, true, 0);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0].message, Catch::Matchers::Contains("less held on a longer look"));
}

TEST_CASE("a step has the arrivals that its percentile needs, as far as patience goes") {
    PeakSearch search{objectives({"response.p99 < 5ms"})};
    for (int i = 0; i < 400; ++i) search.query_ended(completion_after(1ms));
    search.end_step(2s, 0, 0);
    CHECK(search.step_length() == 25s);  // a thousand at 40 a second
    for (int i = 0; i < 1000; ++i) search.query_ended(completion_after(1ms));
    search.end_step(25s, 1000, 1000);
    CHECK(base::to_seconds(search.step_length()) == Approx(1000 / search.next_rate()));

    PeakSearch slow{objectives({"response.p99.9 < 5ms"})};
    for (int i = 0; i < 400; ++i) slow.query_ended(completion_after(1ms));
    slow.end_step(2s, 0, 0);
    CHECK(slow.step_length() == PeakSearch::kLongestStep);

    PeakSearch quick{objectives({"response.p99 < 5ms"})};
    for (int i = 0; i < 400'000; ++i) quick.query_ended(completion_after(100us));
    quick.end_step(2s, 0, 0);
    CHECK(quick.step_length() == PeakSearch::kStepForObjectives);
}

TEST_CASE("a search that cannot be relied on says why, in the words of its option") {
    simulation::PeakRate peak{100, 90, 110, 200, false, false, 40, false};
    CHECK(simulation::search_warnings(peak, true, false, 0).empty());
    CHECK(simulation::peak_rate_text(peak) ==
          "peak rate 100 queries/s, between 90 and 110 in 3 searches (a closed loop reached 200)");
    CHECK(simulation::found_rate_text(peak) ==
          "found 90 queries/s, the least of 3 searches; 110 was too much (a closed loop reached 200)");
    peak.proven = true;
    CHECK(simulation::found_rate_text(peak) ==
          "found 90 queries/s, which held on a longer look; 110 was too much (a closed loop reached 200)");
    peak.proven = false;
    const auto text_of = [&](bool of_rate, bool by_thresholds, std::uint64_t lost) {
        const auto warnings = simulation::search_warnings(peak, of_rate, by_thresholds, lost);
        REQUIRE(warnings.size() == 1);
        CHECK(warnings.front().code == "peak_disturbed");
        return warnings.front().message;
    };
    CHECK(
        text_of(false, false, 1) ==
        "1 connection was lost while --peak-rate auto looked for the peak, which may be too low: run again");
    CHECK_THAT(text_of(true, false, 2),
               Catch::Matchers::StartsWith("2 connections were lost while --rate auto"));
    peak.at_floor = true;
    CHECK_THAT(text_of(false, false, 0),
               Catch::Matchers::EndsWith("hardly more than a guess; give --peak-rate N"));
    CHECK(text_of(true, true, 0) ==
          "not even 40 queries/s, 20 % of what a closed loop reached, kept the thresholds");
    peak.blind = true;
    CHECK_THAT(text_of(true, true, 0), Catch::Matchers::EndsWith("which means nothing then: give --rate N"));
}

TEST_CASE("a step in which connections were lost is made again, and too many of them end the search") {
    PeakSearch search;
    const auto step = [&](bool disturbed) {
        for (int i = 0; i < 2000; ++i) search.query_ended(completion_after(1ms));
        search.end_step(search.step_length(), 2000, 2000, disturbed);
    };
    step(true);
    CHECK(search.next_rate() == 0);  // a closed loop again
    step(false);
    CHECK(search.last_step() == "closed loop: 1,000 queries/s, mean 1.00 ms");
    const double light = search.next_rate();
    step(true);
    CHECK(search.next_rate() == light);
    CHECK(search.last_step() == "200 queries/s: connections were lost");
    CHECK(search.trace().steps.back().verdict == Verdict::disturbed);
    step(false);
    CHECK(search.last_step() == "200 queries/s: carried, mean 1.00 ms");
    CHECK(search.takes_at_least() > 15 * 900ms);
    for (int i = 0; i < 3; ++i) step(true);
    CHECK_FALSE(search.finished());
    CHECK_THAT(search.broken_off().message,
               Catch::Matchers::EndsWith("search 1 of 3 for its rate, before anything was measured; a closed "
                                         "loop reached 1,000 queries/s"));
    step(true);
    REQUIRE(search.finished());
    CHECK(search.result().given_up);
    CHECK_FALSE(search.result().found());
    const auto warnings = simulation::search_warnings(search.result(), true, true, 6);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0].message, Catch::Matchers::Contains("it was given up: give --rate N"));
}

TEST_CASE("searches that found rates far apart say so") {
    const simulation::PeakRate peak{100, 90, 130, 200, false, false, 40, false};
    const auto warnings = simulation::search_warnings(peak, true, true, 0);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0].message, Catch::Matchers::StartsWith("the searches found between 90 and 130"));
    CHECK(simulation::search_warnings(peak, false, false, 0).empty());  // a pattern's peak tells its spread
}
