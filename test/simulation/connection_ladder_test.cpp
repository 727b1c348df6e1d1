// How many connections are enough, on servers whose throughput is a formula.
#include "pgtraffic/simulation/connection_ladder.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using metrics::ConnectionStep;
using simulation::ConnectionLadder;

namespace {

using Throughput = std::function<double(std::uint32_t connections, std::size_t step)>;

ConnectionStep step_with(const ConnectionLadder& ladder, double throughput_per_s) {
    ConnectionStep step;
    step.connections = ladder.next();
    step.duration_s = base::to_seconds(ladder.step_length());
    step.throughput_per_s = throughput_per_s;
    return step;
}

/// Runs a search to its end.
ConnectionLadder searched(std::uint32_t most, const Throughput& throughput) {
    ConnectionLadder ladder{most};
    for (std::size_t step = 0; !ladder.finished(); ++step) {
        REQUIRE(step < 100);
        ladder.end_step(step_with(ladder, throughput(ladder.next(), step)));
    }
    return ladder;
}

std::vector<std::uint32_t> tried(const ConnectionLadder& ladder) {
    std::vector<std::uint32_t> connections;
    for (const auto& step : ladder.trace().steps) connections.push_back(step.connections);
    return connections;
}

/// A server of so many cores, each of which does 1,000 queries a second.
Throughput cores(double n) {
    return [n](std::uint32_t connections, std::size_t) { return 1'000 * std::min<double>(connections, n); };
}

}  // namespace

TEST_CASE("as many connections are found as the server can work on at once") {
    const auto ladder = searched(500, cores(8));
    CHECK(tried(ladder) == std::vector<std::uint32_t>{1, 2, 3, 4, 6, 8, 12, 16, 24,  // more brought no more
                                                      24, 16, 12, 8});
    const auto& search = ladder.trace();
    REQUIRE(search.found);
    CHECK(search.found->connections == 8);
    CHECK(search.found->throughput_per_s == 8'000);
    CHECK(search.best->throughput_per_s == 8'000);
    CHECK_FALSE(search.grew_to_the_end);
    CHECK_FALSE(ladder.given_up());
    // Between two rungs the next one above is the first that reaches it.
    CHECK(searched(500, cores(5)).trace().found->connections == 6);
    CHECK(searched(500, cores(1)).trace().found->connections == 1);
}

TEST_CASE("the fewest connections that nearly reach the highest throughput are enough") {
    // As of locks: the more, the less each one adds.
    const auto search =
        searched(500, [](std::uint32_t n, std::size_t) { return 10'000.0 * n / (n + 2.0); }).trace();
    CHECK(search.found->throughput_per_s >= 0.95 * search.best->throughput_per_s);
    CHECK(search.found->connections < search.best->connections);
    const auto fewer = std::ranges::find_if(search.steps, [&](const auto& step) {
        return step.connections < search.found->connections &&
               step.throughput_per_s >= 0.95 * search.best->throughput_per_s;
    });
    CHECK(fewer == search.steps.end());
}

TEST_CASE("a server that more connections slow down is left with those that it had at its best") {
    const auto search = searched(500, [](std::uint32_t n, std::size_t) {
                            return n <= 16 ? 500.0 * n : 8'000.0 * std::pow(16.0 / n, 0.3);
                        }).trace();
    CHECK(search.found->connections == 16);
    CHECK(search.best->connections == 16);
    CHECK_FALSE(search.grew_to_the_end);
}

TEST_CASE("a machine that becomes faster all the time favours no number of connections") {
    // By 1 % a step: the rungs above the knee are 4 % faster than it on the way up, and slower on the way
    // down.
    const auto search = searched(500, [](std::uint32_t n, std::size_t step) {
                            return cores(4)(n, step) * (1 + 0.01 * static_cast<double>(step));
                        }).trace();
    CHECK(search.found->connections == 4);
    CHECK(search.found->lowest_per_s < search.found->throughput_per_s);
    CHECK(search.found->highest_per_s > search.found->throughput_per_s);
    // Twice each: 4 and 16 have the same mean.
    CHECK(search.found->throughput_per_s == Approx(search.best->throughput_per_s));
}

TEST_CASE("where throughput grows to the end more connections may do more") {
    const auto ladder = searched(97, cores(1'000));
    CHECK(tried(ladder).back() == 97);
    CHECK(ladder.trace().found->connections == 97);
    CHECK(ladder.trace().grew_to_the_end);
    const auto one = searched(1, cores(1'000));
    CHECK(tried(one) == std::vector<std::uint32_t>{1, 1});
    CHECK(one.trace().grew_to_the_end);
    // The last rung was needed only to see that it brings nothing.
    const auto last = searched(12, cores(8)).trace();
    CHECK(last.found->connections == 8);
    CHECK_FALSE(last.grew_to_the_end);
}

TEST_CASE("connections that cannot be made end the ladder below them") {
    ConnectionLadder ladder{500};
    while (ladder.next() < 6) ladder.end_step(step_with(ladder, 100.0 * ladder.next()));
    ladder.no_room();
    REQUIRE_FALSE(ladder.finished());
    CHECK(ladder.next() == 4);
    ladder.end_step(step_with(ladder, 400));
    REQUIRE(ladder.finished());
    CHECK(ladder.trace().found->connections == 4);
    CHECK(ladder.trace().grew_to_the_end);
}

TEST_CASE("connections that cannot be made again, on the way down, take nothing back") {
    ConnectionLadder ladder{500};
    while (ladder.trace().steps.size() < 9) ladder.end_step(step_with(ladder, cores(8)(ladder.next(), 0)));
    REQUIRE(ladder.next() == 24);
    ladder.end_step(step_with(ladder, 8'000));
    REQUIRE(ladder.next() == 16);
    CHECK_FALSE(ladder.at_first_rung());
    SECTION("if they can a little later") {
        ladder.no_room();
        CHECK(ladder.next() == 16);
        while (!ladder.finished()) ladder.end_step(step_with(ladder, 8'000));
    }
    SECTION("and if they cannot") {
        while (!ladder.finished()) ladder.no_room();
        CHECK(ladder.given_up());
    }
    CHECK(ladder.trace().found->connections == 8);
    CHECK_FALSE(ladder.trace().grew_to_the_end);
}

TEST_CASE("a step in which connections are lost is made again, some times") {
    ConnectionLadder ladder{4};
    ladder.end_step(step_with(ladder, 100));
    for (int lost = 0; lost < ConnectionLadder::kMostDisturbed; ++lost) {
        CHECK(ladder.next() == 2);
        auto step = step_with(ladder, 1'000'000);
        step.disturbed = true;
        ladder.end_step(step);
    }
    CHECK_FALSE(ladder.finished());
    SECTION("then it counts") {
        while (!ladder.finished()) ladder.end_step(step_with(ladder, 100.0 * ladder.next()));
        CHECK(ladder.trace().found->connections == 4);
        CHECK(ladder.trace().found->throughput_per_s == 400);
        CHECK_FALSE(ladder.given_up());
    }
    SECTION("or the search is given up") {
        auto step = step_with(ladder, 1'000'000);
        step.disturbed = true;
        ladder.end_step(step);
        REQUIRE(ladder.finished());
        CHECK(ladder.given_up());
        CHECK(ladder.trace().found->connections == 1);
    }
}

TEST_CASE("a step lasts for some queries one after the other") {
    ConnectionLadder ladder{500};
    CHECK(ladder.step_length() == ConnectionLadder::kStep);
    // Of 3 s each, however many: nothing was answered at first.
    ladder.end_step(step_with(ladder, 0));
    CHECK(ladder.next() == 1);
    CHECK(ladder.step_length() == 2 * ConnectionLadder::kStep);
    ladder.end_step(step_with(ladder, 1.0 / 3));
    CHECK(ladder.next() == 2);
    // If the second one adds nothing, each takes 6 s: 48 s are more than a step may last.
    CHECK(ladder.step_length() == ConnectionLadder::kLongestStep);
    ladder.end_step(step_with(ladder, 20));
    CHECK(ladder.step_length() == ConnectionLadder::kStep);
}

TEST_CASE("where no query succeeds nothing is found, soon if they fail") {
    ConnectionLadder failing{500};
    auto step = step_with(failing, 0);
    step.failed = 1'000;
    failing.end_step(step);
    CHECK(failing.finished());
    CHECK_FALSE(failing.trace().found);
    CHECK_FALSE(failing.given_up());
    const auto silent = searched(500, [](std::uint32_t, std::size_t) { return 0.0; });
    CHECK(silent.trace().steps.back().duration_s == base::to_seconds(ConnectionLadder::kLongestStep));
    CHECK_FALSE(silent.trace().found);
}
