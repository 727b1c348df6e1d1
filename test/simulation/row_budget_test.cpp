// --max-rows as arithmetic: what is counted when an operation starts, and what when it ends.
#include "pgtraffic/simulation/row_budget.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;

namespace {

workload::Operation operation(const std::vector<std::string>& statements) {
    workload::Operation result;
    for (const auto& sql : statements) result.statements.push_back({"s", sql, {}, 1});
    return result;
}

}  // namespace

TEST_CASE("a budget of rows ends before an operation could exceed it") {
    const std::vector<workload::Operation> operations{operation({"SELECT 1"}),
                                                      operation({"INSERT INTO t VALUES (1)"})};
    simulation::RowBudget budget{3, operations};
    for (int i = 0; i < 100; ++i) budget.started(0);
    budget.ended(0, 1000);  // rows that were read
    CHECK(budget.used() == 0);
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(budget.used_up());
        budget.started(1);
    }
    CHECK(budget.used_up());
    budget.ended(1, 1);  // was counted when it started
    CHECK(budget.used() == 3);

    simulation::RowBudget many{100, operations};
    many.started(1);
    many.ended(1, 60);  // INSERT … SELECT
    CHECK(many.used() == 60);
    many.started(1);
    many.ended(1, 60);
    CHECK(many.used_up());
}

TEST_CASE("what a failed attempt leaves is taken from the budget before the next one") {
    simulation::RowBudget budget{3, {operation({"INSERT INTO t VALUES (1)"})}};
    budget.started(0);
    budget.begun_again(0);  // it was rolled back
    CHECK(budget.used() == 1);
    for (int i = 0; i < 2; ++i) {
        CHECK(budget.allows_again(1));
        CHECK(budget.allows_again(1));  // asking takes nothing
        budget.begun_again(1);
    }
    CHECK(budget.used_up());
    CHECK_FALSE(budget.allows_again(1));
    CHECK(budget.allows_again(0));
    CHECK(budget.used() == 3);
    CHECK(simulation::RowBudget{std::nullopt, {}}.allows_again(1'000));
}

TEST_CASE("a budget of two rows an operation does not begin what it could not end") {
    simulation::RowBudget budget{3, {operation({"INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"})}};
    CHECK_FALSE(budget.used_up());
    budget.started(0);
    CHECK(budget.used_up());
}

TEST_CASE("a warm-up gets a tenth of the budget, and without a limit or without inserts nothing is used up") {
    const std::vector<workload::Operation> insert{operation({"INSERT INTO t VALUES (1)"})};
    simulation::RowBudget budget{50, insert};
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(budget.warmup_used_up());
        budget.started(0);
    }
    CHECK(budget.warmup_used_up());
    CHECK_FALSE(budget.used_up());

    simulation::RowBudget unlimited{std::nullopt, insert};
    for (int i = 0; i < 1000; ++i) unlimited.started(0);
    CHECK_FALSE(unlimited.used_up());
    CHECK_FALSE(unlimited.warmup_used_up());
    simulation::RowBudget reading{1, {operation({"SELECT 1"})}};
    reading.started(0);
    CHECK_FALSE(reading.used_up());
    CHECK_FALSE(reading.warmup_used_up());
}
