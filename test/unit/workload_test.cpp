// A bound workload is a function of the seed and the arrival: the same values in any order, by their weights
// and ranges, and without touching the heap, which the operator new of this file counts.
#include "pgtraffic/workload/workload.hpp"

#include <fmt/format.h>
#include <rapidcheck/catch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"

namespace {
std::size_t allocations = 0;  // by operator new, in the whole program
}

// Every form that a plain delete may meet. Inlined, GCC would see a free() of what another operator new may
// have made, and warn.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* memory = operator new(size, std::nothrow);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}

namespace pgtraffic::workload {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t kEntropy = 99;

Scenario scenario_of(std::string_view text) {
    const auto document = base::parse_json(text, "test");
    return parse_scenario({document, "test"});
}

/// One statement with every kind of parameter.
Scenario every_kind() {
    return scenario_of(
        R"({"name": "every", "operations": [{"name": "o", "statements": [{"sql": "SELECT 1", "parameters": [
        {"key": "t.id"}, {"key": "t.id", "distribution": "recent"}, {"pick": "SELECT name FROM t"},
        {"integer": [-3, 3]}, {"real": [-0.5, 9.99]}, {"choice": ["x", "a long choice, that would not fit the storage of a generated value"]},
        {"code": "ORD", "digits": 9, "uuid_after": 5}, {"uuid": true}, {"constant": "always"},
        {"key": "t.id", "distribution": "zipf"}, {"code": "", "digits": 3, "uuid_after": 0}]}]}]})");
}

const std::vector<DataRows>& answers() {
    static const std::vector<DataRows> kAnswers{{{"1", "242293", "integer"}},
                                                {{"one"}, {"two"}, {std::nullopt}, {"three"}}};
    return kAnswers;
}

Workload bound(std::uint64_t seed, std::uint64_t entropy = kEntropy) {
    return {every_kind(), answers(), KeyDistribution::uniform, seed, entropy};
}

bool all_of_set(std::string_view text, std::string_view set) {
    return text.find_first_not_of(set) == std::string_view::npos;
}

/// The values of one parameter over many arrivals, with how often each came.
std::map<std::string, int> seen(std::string_view parameter, std::uint64_t arrivals) {
    const Workload workload{
        scenario_of(R"({"name": "s", "operations": [{"name": "o", "statements": [{"sql": "SELECT $1",
                                      "parameters": [)" +
                    std::string{parameter} + "]}]}]}"),
        {},
        KeyDistribution::uniform,
        42,
        kEntropy};
    std::map<std::string, int> counts;
    for (std::uint64_t k = 0; k < arrivals; ++k) ++counts[workload.values(0, k, 0).at(0)];
    return counts;
}

TEST_CASE("Values are a function of seed, arrival and attempt, whatever was filled before") {
    rc::prop("same seed, arrival and attempt: same values in any order", [](std::uint64_t seed) {
        const auto asked = *rc::gen::nonEmpty<std::vector<std::pair<std::uint64_t, std::uint8_t>>>();
        const auto workload = bound(seed);
        std::vector<std::vector<std::string>> forward;
        for (const auto& [k, attempt] : asked) forward.push_back(workload.values(0, k, attempt % 7U));
        const auto again = bound(seed);
        for (std::size_t i = asked.size(); i-- > 0;) {
            RC_ASSERT(again.values(0, asked[i].first, asked[i].second % 7U) == forward[i]);
        }
    });
}

TEST_CASE("Another seed or another arrival gives other values") {
    const auto workload = bound(1);
    const auto first = workload.values(0, 7, 0);
    const auto neighbour = workload.values(0, 8, 0);
    const auto other_seed = bound(2).values(0, 7, 0);
    for (const std::size_t parameter : {0U, 6U, 7U}) {  // the key, the code, the UUID: ranges wide enough
        CHECK(first[parameter] != neighbour[parameter]);
        CHECK(first[parameter] != other_seed[parameter]);
    }
}

TEST_CASE("Statements and parameters of one arrival do not share their draws") {
    const auto two =
        R"({"sql": "SELECT 1", "parameters": [{"integer": [0, 1000000000]}, {"integer": [0, 1000000000]}]})";
    const Workload workload{
        scenario_of(std::string{R"({"name": "s", "operations": [{"name": "o", "statements": [)"} + two + "," +
                    two + "]}]}"),
        {},
        KeyDistribution::uniform,
        1,
        kEntropy};
    std::set<std::string> values;
    for (std::uint64_t k = 0; k < 100; ++k) {
        for (const std::uint32_t number : {0U, 1U}) {
            for (auto& value : workload.values(number, k, 0)) values.insert(std::move(value));
        }
    }
    CHECK(values.size() == 400);
}

TEST_CASE("A retry sends the same values but for codes and UUIDs, which are new") {
    const auto workload = bound(11);
    for (std::uint64_t k = 0; k < 100; ++k) {
        const auto first = workload.values(0, k, 0);
        std::set<std::string> codes;
        std::set<std::string> uuids;
        for (std::uint32_t attempt = 0; attempt <= 6; ++attempt) {
            const auto values = workload.values(0, k, attempt);
            for (const std::size_t parameter : {0U, 1U, 2U, 3U, 4U, 5U, 8U, 9U}) {
                CHECK(values[parameter] == first[parameter]);
            }
            codes.insert(values[6]);
            uuids.insert(values[7]);
        }
        CHECK(codes.size() == 7);
        CHECK(uuids.size() == 7);
    }
}

TEST_CASE("A code is its prefix and as many digits as configured, leading zeros kept") {
    const auto workload = bound(3);
    bool leading_zero = false;
    for (std::uint64_t k = 0; k < 200; ++k) {
        for (std::uint32_t attempt = 0; attempt <= 5; ++attempt) {
            const auto code = workload.values(0, k, attempt)[6];
            REQUIRE(code.size() == 12);
            CHECK(code.substr(0, 3) == "ORD");
            CHECK(all_of_set(code.substr(3), "0123456789"));
            leading_zero = leading_zero || code[3] == '0';
        }
        CHECK(workload.values(0, k, 0)[10].size() == 3);
    }
    CHECK(leading_zero);
}

TEST_CASE("Beyond its numbers a code ends in twelve hex digits that no other run draws") {
    const auto here = bound(3, 1);
    const auto there = bound(3, 2);
    std::set<std::string> parts;
    for (std::uint64_t k = 0; k < 200; ++k) {
        const auto code = here.values(0, k, 6)[6];
        REQUIRE(code.size() == 15);
        CHECK(code.substr(0, 3) == "ORD");
        CHECK(all_of_set(code.substr(3), "0123456789abcdef"));
        CHECK(code != there.values(0, k, 6)[6]);
        CHECK(here.values(0, k, 5)[6] == there.values(0, k, 5)[6]);
        parts.insert(code);
        CHECK(here.values(0, k, 1)[10].size() == 12);  // uuid_after 0: from the first retry on
    }
    CHECK(parts.size() == 200);
}

TEST_CASE("A UUID has the form of version 4") {
    const auto workload = bound(5);
    for (std::uint64_t k = 0; k < 200; ++k) {
        const auto uuid = workload.values(0, k, 0)[7];
        REQUIRE(uuid.size() == 36);
        for (const std::size_t dash : {8U, 13U, 18U, 23U}) CHECK(uuid[dash] == '-');
        CHECK(uuid[14] == '4');
        CHECK(all_of_set(uuid.substr(19, 1), "89ab"));
        CHECK(all_of_set(uuid, "0123456789abcdef-"));
    }
}

TEST_CASE("Ranges hit both ends and nothing beyond") {
    const auto integers = seen(R"({"integer": [-2, 2]})", 1'000);
    CHECK(integers.size() == 5);
    for (const auto* text : {"-2", "-1", "0", "1", "2"}) CHECK(integers.count(text) == 1);

    const auto tenths = seen(R"({"real": [-0.2, 0.3], "digits": 1})", 1'000);
    CHECK(tenths.size() == 6);
    for (const auto* text : {"-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"}) CHECK(tenths.count(text) == 1);

    const auto whole = seen(R"({"real": [7, 9], "digits": 0})", 1'000);
    CHECK(whole.size() == 3);
    CHECK(whole.count("7") == 1);
    CHECK(whole.count("9") == 1);

    struct Range {
        const char* parameter;
        std::uint64_t draws;
        std::size_t values;
        const char* lowest;
        const char* highest;
    };
    // 0.29 is 28.999999999999996 hundredths, and the ends after it have more digits than are drawn.
    for (const auto& range :
         std::vector<Range>{{R"({"real": [0.5, 9.99]})", 50'000, 950, "0.50", "9.99"},
                            {R"({"real": [0.29, 0.30]})", 1'000, 2, "0.29", "0.30"},
                            {R"({"real": [0.004, 0.029]})", 1'000, 2, "0.01", "0.02"},
                            {R"({"real": [9999999.98, 9999999.999]})", 1'000, 2, "9999999.98", "9999999.99"},
                            {R"({"real": [0.1234567893, 0.12345678949], "digits": 10})", 1'000, 2,
                             "0.1234567893", "0.1234567894"},
                            {R"({"real": [-1.9, -0.5], "digits": 0})", 1'000, 1, "-1", "-1"}}) {
        CAPTURE(range.parameter);
        const auto drawn = seen(range.parameter, range.draws);
        CHECK(drawn.size() == range.values);
        CHECK(drawn.begin()->first == range.lowest);
        CHECK(drawn.rbegin()->first == range.highest);
    }

    const auto extremes = seen(R"({"integer": [-9223372036854775808, 9223372036854775807]})", 1'000);
    CHECK(extremes.size() == 1'000);
}

TEST_CASE("Choices are drawn evenly") {
    const auto counts = seen(R"({"choice": ["a", "b", "c", "d"]})", 40'000);
    REQUIRE(counts.size() == 4);
    double chi_square = 0;
    for (const auto& [value, count] : counts) chi_square += std::pow(count - 10'000, 2) / 10'000;
    CHECK(chi_square < 16.3);  // 99.9 % of a chi-square with 3 degrees of freedom
}

TEST_CASE("Picked values are those of the answer, without its NULLs") {
    const auto workload = bound(1);
    std::set<std::string> picked;
    for (std::uint64_t k = 0; k < 200; ++k) picked.insert(workload.values(0, k, 0)[2]);
    CHECK(picked == std::set<std::string>{"one", "two", "three"});
}

TEST_CASE("Keys without a distribution of their own take the run's") {
    const auto newest = [](KeyDistribution distribution) {
        const Workload workload{every_kind(), answers(), distribution, 1, kEntropy};
        int count = 0;
        for (std::uint64_t k = 0; k < 10'000; ++k) count += workload.values(0, k, 0)[0] == "242293" ? 1 : 0;
        return count;
    };
    CHECK(newest(KeyDistribution::uniform) < 10);
    CHECK(newest(KeyDistribution::recent) > 300);
}

TEST_CASE("Operations come by their weights, within four sigma") {
    const auto scenario = built_in_scenario("mixed");
    const auto queries = Workload::data_queries(scenario);
    std::vector<DataRows> data;
    data.reserve(queries.size());
    for (const auto& query : queries) {
        data.push_back(query.range ? DataRows{{"1", "100", "bigint"}} : DataRows{{"1"}, {"2"}});
    }
    const Workload workload{scenario, data, KeyDistribution::uniform, 7, kEntropy};
    constexpr int kArrivals = 100'000;
    std::array<int, 3> operations{};
    std::array<int, 3> statements{};
    for (std::uint64_t k = 0; k < kArrivals; ++k) {
        const auto choice = workload.choose(k);
        ++operations.at(choice.operation);
        CHECK(choice.statement == choice.last);
        if (choice.operation == 2) ++statements.at(choice.statement);
    }
    const auto plausible = [](int count, double n, double p) {
        return std::abs(count - n * p) <= 4 * std::sqrt(n * p * (1 - p));
    };
    CHECK(plausible(operations[0], kArrivals, 0.60));
    CHECK(plausible(operations[1], kArrivals, 0.25));
    CHECK(plausible(operations[2], kArrivals, 0.15));
    for (const int count : statements) CHECK(plausible(count, operations[2], 1.0 / 3));
    CHECK(workload.choose(123).operation == workload.choose(123).operation);
}

TEST_CASE("What weighs nothing is never chosen, wherever it stands") {
    const Workload workload{scenario_of(R"({"name": "s", "operations": [
        {"name": "a", "weight": 0, "statements": [{"sql": "SELECT 1"}]},
        {"name": "b", "weight": 1e-9, "choose": "one", "statements":
            [{"sql": "SELECT 1", "weight": 0}, {"sql": "SELECT 1"}, {"sql": "SELECT 1", "weight": 0}]},
        {"name": "c", "weight": 0, "statements": [{"sql": "SELECT 1"}]}]})"),
                            {},
                            KeyDistribution::uniform,
                            1,
                            kEntropy};
    for (std::uint64_t k = 0; k < 10'000; ++k) {
        const auto choice = workload.choose(k);
        CHECK(choice.operation == 1);
        CHECK(choice.statement == 1);
        CHECK(choice.last == 1);
    }
}

TEST_CASE("An operation of several statements sends all of them, and each has its number") {
    const Workload workload{scenario_of(R"({"name": "s", "operations": [
        {"name": "a", "weight": 0, "statements": [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}]},
        {"name": "b", "statements": [{"sql": "SELECT 3"}, {"sql": "SELECT 4"}, {"sql": "SELECT 5"}]}]})"),
                            {},
                            KeyDistribution::uniform,
                            1,
                            kEntropy};
    const auto choice = workload.choose(0);
    CHECK(choice.operation == 1);
    CHECK(choice.statement == 0);
    CHECK(choice.last == 2);
    CHECK(workload.statement_count() == 5);
    CHECK(workload.statement_number(1, 2) == 4);
    CHECK(workload.statement(workload.statement_number(0, 1)).sql == "SELECT 2");
    CHECK(workload.statement(workload.statement_number(1, 0)).sql == "SELECT 3");
}

TEST_CASE("A copy of a workload outlives what it was copied from") {
    auto original = std::make_unique<Workload>(bound(1));
    const auto expected = original->values(0, 5, 0);
    const Workload copy = *original;
    original.reset();
    CHECK(copy.values(0, 5, 0) == expected);
    CHECK(copy.statement(0).sql == "SELECT 1");
}

TEST_CASE("A value of an operation is drawn once for all that name it") {
    const auto scenario = scenario_of(R"json({"name": "s", "operations": [
        {"name": "first", "statements": [{"sql": "SELECT $1", "parameters": [{"integer": [1, 1000000]}]}]},
        {"name": "o",
         "values": {"account": {"key": "t.id"}, "code": {"code": "C", "digits": 9}, "delta": {"integer": [-5000, 5000]}},
         "statements": [
            {"sql": "UPDATE t SET a = a + $1 WHERE id = $2", "parameters": [{"value": "delta"}, {"value": "account"}]},
            {"sql": "SELECT $1, $2", "parameters": [{"integer": [-5000, 5000]}, {"value": "account"}]},
            {"sql": "SELECT $1, $2, $3",
             "parameters": [{"value": "code"}, {"value": "account"}, {"value": "delta"}]},
            {"sql": "SELECT $1", "parameters": [{"value": "code"}]}]},
        {"name": "other", "values": {"account": {"key": "t.id"}},
         "statements": [{"sql": "SELECT $1", "parameters": [{"value": "account"}]}]}]})json");
    CHECK(Workload::data_queries(scenario).size() == 1);
    const Workload workload{scenario, {{{"1", "1000000", "integer"}}}, KeyDistribution::uniform, 3, kEntropy};
    std::set<std::string> accounts;
    int alike = 0;
    for (std::uint64_t k = 0; k < 1'000; ++k) {
        const auto attempt = static_cast<std::uint32_t>(k % 3);
        const auto update = workload.values(1, k, attempt);
        const auto read = workload.values(2, k, attempt);
        const auto all = workload.values(3, k, attempt);
        CHECK(update == std::vector{all[2], all[1]});
        CHECK(read[1] == all[1]);
        CHECK(workload.values(4, k, attempt) == std::vector{all[0]});
        CHECK(workload.values(3, k, attempt + 1)[0] != all[0]);  // a code is new for each attempt
        CHECK(workload.values(3, k, attempt + 1)[1] == all[1]);
        accounts.insert(all[1]);
        // Drawn for itself, and of the same name in another operation: other values.
        alike +=
            static_cast<int>(read[0] == update[0]) + static_cast<int>(workload.values(5, k, 0)[0] == all[1]);
    }
    CHECK(accounts.size() > 990);
    CHECK(alike < 5);
}

namespace {

Workload taking_rows(const ReturnedColumns& columns) {
    return {scenario_of(R"json({"name": "s", "operations": [
        {"name": "first", "statements": [{"sql": "SELECT 1"}]},
        {"name": "o", "values": {"id": {"constant": "own"}, "b": {"constant": "own b"}}, "statements": [
            {"sql": "SELECT $1", "parameters": [{"value": "id"}]},
            {"sql": "INSERT INTO t RETURNING id, a", "returns": "*"},
            {"sql": "SELECT $1, $2, $3", "parameters": [{"value": "id"}, {"integer": [7, 7]}, {"value": "b"}]},
            {"sql": "INSERT INTO t RETURNING id", "returns": "*"},
            {"sql": "SELECT 1 AS c", "returns": "p_*"},
            {"sql": "SELECT 1 AS unused", "returns": "*"},
            {"sql": "SELECT $1", "parameters": [{"value": "id"}, {"value": "a"}, {"value": "p_c"}, {"value": "a"}]}
        ]}]})json"),
            {},
            KeyDistribution::uniform,
            1,
            kEntropy,
            columns};
}

const ReturnedColumns kColumns{{"?column?"}, {"?column?"}, {"id", "id", "a"}, {"x", "y", "z"},
                               {"id"},       {"c"},        {"unused"},        {"?column?"}};

/// A DataRow's body.
std::string row_of(const std::vector<std::string>& fields) {
    std::string body{'\0', static_cast<char>(fields.size())};
    for (const auto& field : fields)
        body += std::string{'\0', '\0', '\0', static_cast<char>(field.size())} + field;
    return body;
}

}  // namespace

TEST_CASE("A later statement takes the value of the column of its name, of the last one that returns it") {
    const auto workload = taking_rows(kColumns);
    CHECK(workload.kept_rows() == 3);
    CHECK_FALSE(workload.row_of(1));
    CHECK_FALSE(workload.row_of(6));  // nobody takes what it returns
    std::vector<std::string> rows(workload.kept_rows());
    rows[workload.row_of(2).value()] = row_of({"40", "41", "alpha"});  // the last of a name, as with pgbench
    rows[workload.row_of(4).value()] = row_of({"42"});
    rows[workload.row_of(5).value()] = row_of({"gamma"});
    CHECK(workload.values(1, 0, 0, rows) == std::vector<std::string>{"own"});
    CHECK(workload.values(3, 0, 0, rows) == std::vector<std::string>{"41", "7", "own b"});
    CHECK(workload.values(7, 0, 0, rows) == std::vector<std::string>{"42", "alpha", "gamma", "alpha"});
    std::vector<char> bytes(workload.longest_values(7, rows));
    CHECK(workload.fill(7, 0, 0, bytes.data(), rows) <= bytes.data() + bytes.size());
    // The heap is not touched for it.
    const auto before = allocations;
    for (std::uint64_t k = 0; k < 100; ++k) (void)workload.fill(7, k, 0, bytes.data(), rows);
    CHECK(allocations == before);
}

namespace {

constexpr std::string_view kComputing = R"json({"name": "s", "operations": [
    {"name": "o", "values": {
        "id": {"key": "t.id"}, "n": {"integer": [1, 6]}, "price": {"real": [0, 9.99]}, "five": {"constant": 5},
        "twice": {"compute": ":n * 2"}, "sum": {"compute": ":twice + :id * 100 + :five"},
        "die": {"compute": "random(1, 6) + 0 * :n"}, "none": {"compute": "1 / (:n - :n)"},
        "cost": {"compute": ":price * 3"}, "even": {"compute": ":n % 2 = 0"}},
     "statements": [
        {"sql": "SELECT 1", "parameters": [{"value": "n"}, {"value": "id"}, {"value": "twice"}, {"value": "sum"},
            {"value": "die"}, {"value": "die"}, {"value": "none"}, {"value": "price"}, {"value": "cost"},
            {"value": "even"}, {"compute": ":sum - :die"}]},
        {"sql": "SELECT 2", "parameters": [{"value": "die"}, {"value": "sum"}]}]}]})json";

}  // namespace

TEST_CASE("Computed values are made of the very values that statements have, once an arrival") {
    const auto scenario = scenario_of(kComputing);
    REQUIRE(Workload::data_queries(scenario).size() == 1);
    const Workload workload{scenario, {{{"1", "1000", "integer"}}}, KeyDistribution::uniform, 3, kEntropy};
    std::map<std::string, int> dice;
    for (std::uint64_t k = 0; k < 6'000; ++k) {
        const auto values = workload.values(0, k, static_cast<std::uint32_t>(k % 3));
        const auto number = [&](std::size_t i) { return std::stoll(values[i]); };
        CHECK(number(2) == 2 * number(0));
        CHECK(number(3) == number(2) + number(1) * 100 + 5);
        CHECK(values[4] == values[5]);
        CHECK(values[6].empty());  // NULL
        CHECK(std::abs(std::stod(values[8]) - 3 * std::stod(values[7])) < 1e-9);
        CHECK(values[9] == (number(0) % 2 == 0 ? "true" : "false"));
        CHECK(number(10) == number(3) - number(4));
        CHECK(workload.values(1, k, 0) == std::vector{values[4], values[3]});
        ++dice[values[4]];
    }
    CHECK(dice.size() == 6);
    for (const auto& [face, times] : dice) CHECK(std::abs(times - 1'000) < 150);
    std::vector<char> bytes(workload.longest_values(0));
    const auto before = allocations;
    for (std::uint64_t k = 0; k < 100; ++k) {
        CHECK(workload.fill(0, k, 0, bytes.data()) <= bytes.data() + bytes.size());
    }
    const auto after = allocations;
    CHECK(after == before);
}

TEST_CASE("A value that is asked for often is computed once") {
    // Each is made of the one before it, twice: without remembering them 2^30 draws.
    std::string values = R"("v0": {"integer": [1, 1]})";
    for (int i = 1; i < 31; ++i)
        values += fmt::format(R"(, "v{0}": {{"compute": ":v{1} + :v{1}"}})", i, i - 1);
    const Workload workload{
        scenario_of(R"({"name": "s", "operations": [{"name": "o", "values": {)" + values +
                    R"(}, "statements": [{"sql": "SELECT 1", "parameters": [{"value": "v30"}]}]}]})"),
        {},
        KeyDistribution::uniform,
        1,
        kEntropy};
    CHECK(workload.values(0, 0, 0)[0] == std::to_string(1 << 30));
}

TEST_CASE("Conditions decide what an arrival sends, and its answers which way it goes on") {
    const Workload workload{scenario_of(R"json({"name": "s", "operations": [
        {"name": "plain", "weight": 1e-9, "statements": [{"sql": "SELECT 1"}]},
        {"name": "o", "values": {"r": {"integer": [1, 3]}}, "statements": [
            {"if": ":r = 1", "then": [{"sql": "A", "returns": "*"}],
             "else": [{"if": ":r = 2", "then": [{"sql": "B"}, {"sql": "C", "returns": "*"}], "else": [{"sql": "D"}]}]},
            {"if": ":id > 40", "then": [{"sql": "E", "parameters": [{"value": "id"}]}]},
            {"if": "random(1, 2) = 1", "then": [{"sql": "F", "parameters": [{"value": "r"}]}]}]}]})json"),
                            {},
                            KeyDistribution::uniform,
                            1,
                            kEntropy,
                            {{}, {"id"}, {}, {"x", "id"}, {}, {}, {}}};
    CHECK(workload.kept_rows() == 2);
    std::map<std::string, int> ways;
    for (std::uint64_t k = 0; k < 3'000; ++k) {
        const auto choice = workload.choose(k);
        REQUIRE(choice.operation == 1);
        std::vector<std::string> rows(2);
        std::string way;
        std::string r;
        for (std::optional<std::uint32_t> sent = choice.statement; sent;
             sent = workload.next_statement(choice, *sent, k, rows)) {
            const auto number = workload.statement_number(1, *sent);
            const auto sql = workload.statement(number).sql;
            way += sql;
            if (sql == "A") rows[workload.row_of(number).value()] = row_of({k % 2 == 0 ? "41" : "40"});
            if (sql == "C") rows[workload.row_of(number).value()] = row_of({"0", "50"});
            if (sql == "E") CHECK(workload.values(number, k, 0, rows)[0] == (way[0] == 'A' ? "41" : "50"));
            if (sql == "F") r = workload.values(number, k, 0, rows)[0];
        }
        if (!r.empty()) CHECK(r == (way[0] == 'A' ? "1" : way[0] == 'B' ? "2" : "3"));
        ++ways[way];
        // The same again, whoever asks.
        CHECK(workload.choose(k).statement == choice.statement);
    }
    std::string names;
    for (const auto& [way, times] : ways) names += way + " ";
    CHECK(names == "A AE AEF AF BCE BCEF D DF ");
    for (const auto& [way, times] : ways) {
        CAPTURE(way);
        CHECK(std::abs(times - (way[0] == 'A' ? 250 : 500)) < (way[0] == 'A' ? 80 : 110));
    }
}

TEST_CASE("Where conditions decide, what writes leaves a doubt whatever block it may be in") {
    const Workload workload{scenario_of(R"json({"name": "s", "operations": [{"name": "o", "statements": [
        {"if": "random(1, 2) = 1", "then": [{"sql": "BEGIN"}]}, {"sql": "INSERT INTO t VALUES (1)"},
        {"sql": "SELECT 1"}, {"if": "random(1, 2) = 1", "then": [{"sql": "COMMIT"}]}]}]})json"),
                            {},
                            KeyDistribution::uniform,
                            1,
                            kEntropy};
    CHECK_FALSE(workload.leaves_doubt(0));
    CHECK(workload.leaves_doubt(1));
    CHECK_FALSE(workload.leaves_doubt(2));
    CHECK(workload.leaves_doubt(3));
}

TEST_CASE("What was not returned is NULL") {
    const auto workload = taking_rows(kColumns);
    const std::string null = "\xFF\xFF\xFF\xFF";
    const auto filled = [&](ReturnedRows rows) {
        std::vector<char> bytes(workload.longest_values(7, rows));
        const char* const end = workload.fill(7, 0, 0, bytes.data(), rows);
        CHECK(end <= bytes.data() + bytes.size());
        return std::string(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
    };
    const auto four = null + null + null + null;
    // As for a plan, before anything was sent.
    const auto own = "\0\0\0\3own"s;
    CHECK(filled({}) == own + null + null + null);
    std::vector<std::string> rows(workload.kept_rows());
    CHECK(filled(rows) == own + null + null + null);
    // Answers without a row.
    for (auto& row : rows) row = kNoRow;
    CHECK(filled(rows) == four);
    // Whatever a server sends: fields that end too early, or are too few.
    const auto whole = row_of({"40", "41", "alpha"});
    for (std::size_t size = 1; size < whole.size(); ++size) {
        rows[workload.row_of(4).value()] = whole.substr(0, std::min<std::size_t>(size, 7));
        rows[workload.row_of(2).value()] = whole.substr(0, size);
        CHECK(filled(rows) == four);
    }
    rows[workload.row_of(2).value()] = "\0\3"s + null + null + "\0\0\0\1x"s;  // a NULL, and then its column
    CHECK(filled(rows) == null + "\0\0\0\1x"s + null + "\0\0\0\1x"s);
}

TEST_CASE("A value that nothing returns is refused, and what is returned is named") {
    auto columns = kColumns;
    columns[2] = {"id", "A"};
    CHECK_THROWS_WITH(
        taking_rows(columns),
        "operation \"o\", statement \"o 7\": no statement before it returns \"a\"; they return A, id, "
        "p_c, unused");
    CHECK_THROWS_WITH(taking_rows({}),
                      "operation \"o\", statement \"o 7\": no statement before it returns \"a\"");
}

TEST_CASE("Data is asked for once, in a fixed order, and named") {
    const auto queries = Workload::data_queries(every_kind());
    REQUIRE(queries.size() == 2);
    CHECK(queries[0].sql == "SELECT min(id), max(id), pg_typeof(min(id)) FROM t");
    CHECK(queries[0].purpose == "keys of t.id");
    CHECK(queries[0].table == "t");
    CHECK(queries[0].range);
    CHECK(queries[1].sql == "SELECT name FROM t");
    CHECK(queries[1].table.empty());
    CHECK_FALSE(queries[1].range);

    std::set<std::string> sql;
    const auto mixed = Workload::data_queries(built_in_scenario("mixed"));
    for (const auto& query : mixed) sql.insert(query.sql);
    CHECK(sql.size() == mixed.size());
    CHECK(mixed.size() == 6);
}

TEST_CASE("Data that cannot be used is refused in words") {
    const auto bind = [](const std::vector<DataRows>& data) {
        (void)Workload{every_kind(), data, KeyDistribution::uniform, 1, kEntropy};
    };
    CHECK_THROWS_WITH(bind({{{std::nullopt, std::nullopt, "integer"}}, {{"x"}}}),
                      "t has no key: fill it (the built-in workloads' tables: `pgtraffic init`)");
    CHECK_THROWS_WITH(
        bind({{{"1", "2", "integer"}}, {}}),
        R"(the answer to "SELECT name FROM t" is empty: fill its tables (the built-in workloads': `pgtraffic init`))");
    CHECK_THROWS_WITH(
        bind({{{"1", "2", "integer"}}, {{std::nullopt}}}),
        R"(the answer to "SELECT name FROM t" is empty: fill its tables (the built-in workloads': `pgtraffic init`))");
    CHECK_THROWS_WITH(bind({{{"2026-01-01", "2026-12-31", "date"}}, {{"x"}}}),
                      R"(keys of t.id: "2026-01-01" is no whole number; a key needs a column of integers)");
    // Their digits would have another order, and lose their zeros.
    for (const char* type : {"text", "character varying", "character", "public.citext"}) {
        CHECK_THROWS_WITH(
            bind({{{"02134", "99950", type}}, {{"x"}}}),
            fmt::format("keys of t.id: the column holds {}; a key needs a column of integers, and "
                        "\"pick\" takes the values of any",
                        type));
    }
    CHECK_THROWS_WITH(bind({{{"1", "2"}}, {{"x"}}}), Catch::Contains("is that a PostgreSQL"));
    CHECK_THROWS_WITH(bind({{{"1", "1.5", "numeric"}}, {{"x"}}}),
                      R"(keys of t.id: "1.5" is no whole number; a key needs a column of integers)");
}

TEST_CASE("Only the first hundred thousand picked values are kept") {
    DataRows many(kMaxPicked + 1'000, {"kept"});
    for (std::size_t i = kMaxPicked; i < many.size(); ++i) many[i] = {"left out"};
    const Workload workload{
        every_kind(), {{{"1", "2", "integer"}}, many}, KeyDistribution::uniform, 1, kEntropy};
    for (std::uint64_t k = 0; k < 2'000; ++k) CHECK(workload.values(0, k, 0)[2] == "kept");
    REQUIRE(workload.cut_picks().size() == 1);
    CHECK(workload.cut_picks()[0].rows == kMaxPicked + 1'000);
    many.resize(kMaxPicked);
    const Workload whole{
        every_kind(), {{{"1", "2", "integer"}}, many}, KeyDistribution::uniform, 1, kEntropy};
    CHECK(whole.cut_picks().empty());
}

TEST_CASE("A policy retries its own SQLSTATEs until they are used up") {
    const auto scenario = scenario_of(R"({"name": "s", "operations": [
        {"name": "a", "statements": [{"sql": "SELECT 1"}], "retry": {"on": ["23505", "40001"], "max": 2}},
        {"name": "b", "statements": [{"sql": "SELECT 1"}]}]})");
    const Workload workload{scenario, {}, KeyDistribution::uniform, 1, kEntropy};
    const auto duplicate = *base::SqlState::parse("23505");
    CHECK(workload.retries(0, duplicate, 0));
    CHECK(workload.retries(0, *base::SqlState::parse("40001"), 1));
    CHECK_FALSE(workload.retries(0, duplicate, 2));
    CHECK_FALSE(workload.retries(0, *base::SqlState::parse("23503"), 0));
    CHECK_FALSE(workload.retries(1, duplicate, 0));
}

TEST_CASE("Values are written behind their lengths, within the room that was told") {
    const auto workload = bound(1);
    const std::size_t room = workload.longest_values(0);
    std::vector<char> bytes(room + 1, '#');
    std::size_t longest = 0;
    for (std::uint64_t k = 0; k < 2'000; ++k) {
        const auto attempt = static_cast<std::uint32_t>(k % 7);
        const char* const end = workload.fill(0, k, attempt, bytes.data());
        longest = std::max(longest, static_cast<std::size_t>(end - bytes.data()));
        std::string expected;
        for (const auto& value : workload.values(0, k, attempt))
            expected += std::string{'\0', '\0', '\0', static_cast<char>(value.size())} + value;
        REQUIRE(std::string_view{bytes.data(), static_cast<std::size_t>(end - bytes.data())} == expected);
    }
    CHECK(longest > 11 * 4);
    CHECK(longest <= room);
    CHECK(bytes[room] == '#');
}

TEST_CASE("Room is told for the longest of the values that can be picked or chosen") {
    const std::string longest(300, 'x');
    const auto scenario = scenario_of(R"({"name": "s", "operations": [{"name": "o", "statements": [
        {"sql": "SELECT $1", "parameters": [{"pick": "SELECT name FROM t"}]},
        {"sql": "SELECT $1", "parameters": [{"choice": ["a", ")" +
                                      longest + R"(", "b"]}]},
        {"sql": "SELECT $1", "parameters": [{"constant": ")" +
                                      longest + R"("}]},
        {"sql": "SELECT 1"}]}]})");
    const std::vector<DataRows> picked{{{"a"}, {longest}, {"b"}}};
    const Workload workload{scenario, picked, KeyDistribution::uniform, 1, kEntropy};
    CHECK(workload.longest_values(0) == 304);
    CHECK(workload.longest_values(1) == 304);
    CHECK(workload.longest_values(2) == 304);
    CHECK(workload.longest_values(3) == 0);
    CHECK(workload.values(2, 0, 0) == std::vector<std::string>{longest});
    CHECK(workload.values(3, 0, 0).empty());
}

TEST_CASE("Choosing and filling leave the heap alone") {
    const auto workload = bound(1);
    std::vector<char> values(workload.longest_values(0));
    const auto before = allocations;
    std::size_t work = 0;
    for (std::uint64_t k = 0; k < 1'000; ++k) {
        work += workload.choose(k).statement;
        const char* const end = workload.fill(0, k, static_cast<std::uint32_t>(k % 7), values.data());
        work += static_cast<std::size_t>(end - values.data());
    }
    const auto after = allocations;
    CHECK(after == before);
    CHECK(work > 1'000 * 11 * 4);
    const auto counted = std::make_unique<int>(1);
    CHECK(allocations > after);  // the counter counts
}

}  // namespace
}  // namespace pgtraffic::workload
