// pgbench's expressions: what they make, what cannot be made, and that drawing them touches no heap and hangs
// on nothing but the arrival's own numbers. That pgbench makes the same of them, run_test asks pgbench.
#include "pgtraffic/workload/expression.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using workload::Complaint;
using workload::Expression;
using workload::Scalar;

namespace {

std::string text_of(const Scalar& value) {
    if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
    if (const auto* real = std::get_if<double>(&value)) return fmt::format("{:#.15g}", *real);
    return "null";
}

/// :x is 7, :y 2.5, :t true and :n NULL, all known when it is evaluated; :five is 5 always.
std::string made(const std::string& text) {
    static const std::map<std::string, Scalar, std::less<>> kValues{
        {"x", std::int64_t{7}}, {"y", 2.5}, {"t", true}, {"n", Scalar{}}, {"x.2", std::int64_t{70}}};
    const Expression expression{text, [](std::string_view name) -> std::optional<Scalar> {
                                    if (name == "five") return Scalar{std::int64_t{5}};
                                    if (!kValues.contains(name)) throw Complaint{fmt::format("no {}", name)};
                                    return std::nullopt;
                                }};
    std::vector<Scalar> values;
    for (const auto& name : expression.names()) values.push_back(kValues.find(name)->second);
    base::Random random{1, base::Stream::parameters};
    return text_of(expression.evaluate(values, random));
}

std::string complaint(const std::string& text) {
    try {
        (void)made(text);
    } catch (const Complaint& complaint) {
        return complaint.what;
    }
    return "none";
}

}  // namespace

TEST_CASE("operators bind as pgbench's do, and are computed by its rules") {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
             {":x + 2 * 3", "13"},
             {"(:x + 2) * 3", "27"},
             {":x / 2", "3"},
             {"-:x / 2", "-3"},
             {"-:x % 4", "-3"},
             {":x / 2.0", "3.50000000000000"},
             {":x - 1 - 1", "5"},
             {":y * 2 = 5", "true"},
             {":x = 7 and :y > 2", "true"},
             {":x = 7 AND NOT :t or :x < 5", "false"},
             {"not :x = 7", "false"},
             {"not not :t", "true"},
             {":x <> 7", "false"},
             {":x != 8", "true"},
             {":x >= 7", "true"},
             {":x > 7", "false"},
             {":x <= 6", "false"},
             {":x << 2", "28"},
             {":x >> 1", "3"},
             {":x & 3", "3"},
             {":x | 8", "15"},
             {":x # 2", "5"},
             {"~:x", "-8"},
             {"~:x + 1", "-9"},  // + before ~
             {"~:x & 12", "8"},
             {"~~:x", "7"},
             {"2 - ~:x * 2", "17"},
             {":y % 2", "0"},  // 2.5 is 2, to the even one
             {":y * 3 & 12", "8"},
             {"random(:y, 1.6)", "2"},
             {"case when :x > 5 then 1 else 1 / 0 end", "1"},
             {"case when :x > 50 then 1 when 1 / 0 > 1 then 3 else 2 end", "2"},
             {":x = 8 and 1 / 0 > 1", "false"},
             {":x = 7 or random(5, 1) > 1", "true"},
             {":x + 1 << 1", "16"},       // + before <<
             {":x & 3 = 3", "true"},      // & before =
             {":x = 7 is true", "true"},  // = before IS
             {":n is null", "true"},
             {":n isnull", "true"},
             {":x notnull", "true"},
             {":x is not null", "true"},
             {":t is false", "false"},
             {":n is not true", "true"},
             {"case when :x > 5 then 1 when :x > 3 then 2 else 3 end", "1"},
             {"case when :x > 50 then 1 when :x > 3 then 2 else 3 end", "2"},
             {"case when :x > 50 then 1 when :x > 30 then 2 else 3 end", "3"},
             {"case when :x > 50 then 1 end", "null"},
             {"case when :n then 1 else 2 end", "2"},
             {"case when :x then 1 else 2 end", "1"},
             {":five * :x", "35"},
             {":x.2 + :x", "77"},
             {":x.2", "70"},
             {"abs(-:x)", "7"},
             {"abs(-:y)", "2.50000000000000"},
             {"least(:x, 3, 5)", "3"},
             {"greatest(:x, 3, 12)", "12"},
             {"greatest(:x, 7.5)", "7.50000000000000"},
             {"int(:y + 0.2)", "3"},
             {"int(:y)", "2"},  // to the even one, as rint does
             {"double(:x)", "7.00000000000000"},
             {"sqrt(:x + 2)", "3.00000000000000"},
             {"power(2, :x)", "128.000000000000"},
             {"pow(2, 3)", "8.00000000000000"},
             {"mod(:x, 4)", "3"},
             {"ln(exp(:y))", "2.50000000000000"},
             {"pi() > 3.14 and pi() < 3.15", "true"},
             {"TRUE", "true"},
             {"9223372036854775807", "9223372036854775807"},
             {"-9223372036854775808", "-9223372036854775808"},
             {":x + 0 * random(1, 9)", "7"},
             {"random(:x, :x)", "7"}}) {
        CAPTURE(text);
        CHECK(made(text) == expected);
    }
}

TEST_CASE("what cannot be computed of values is NULL, and so is what is computed of NULL") {
    for (const auto* text : {":n + 1",
                             ":n = :n",
                             "not :n",
                             "abs(:n)",
                             ":n and :t",
                             ":n or :n",
                             ":x / (:x - 7)",
                             ":x % (:x - 7)",
                             ":y / (:x - 7)",
                             "9223372036854775807 + :x",
                             "-9223372036854775808 / (6 - :x)",
                             ":t + 1",
                             ":t and :x",
                             "not :x",

                             "sqrt(-:x)",
                             "ln(:x - 7)",
                             "exp(:x * 1000)",
                             "int(:y * 1e300)",
                             ":t < :t",
                             "random(:x, 3)",
                             "random(:n, 5)",
                             "least(:x, :n)",
                             "abs(-9223372036854775801 - :x)"}) {
        CAPTURE(text);
        CHECK(made(text) == "null");
    }
    CHECK(made("false and :n") == "false");
    CHECK(made(":n or :t") == "true");
    CHECK(made(":x <> 7 and :n") == "false");
    CHECK(made(":t = true") == "true");
}

TEST_CASE("what can be computed at once is refused at once, and so is what is no expression") {
    for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
             {"", "ends too early"},
             {":x +", "ends too early"},
             {":x :x", "\":x\" is not understood"},
             {"(:x", "a \")\" is missing"},
             {":", "a name is missing"},
             {":z", "no z"},
             {"1 / 0", "a division by zero"},
             {"7 % 0", "a division by zero"},
             {"9223372036854775808", "beyond 64 bits"},
             {"9223372036854775807 + 1", "beyond 64 bits"},
             {"1 and true", "a number where a truth is wanted"},
             {"true + 1", "a truth where a number is wanted"},
             {"sqrt(-1)", "no such function's value"},
             {"debug(:x)", "debug is not understood: pgbench has no such function, or we have not"},
             {"hash()", "hash() takes 2 arguments, not 0"},
             {"permute(1)", "permute() takes 3 arguments, not 1"},
             {"abs()", "abs() takes 1 argument, not 0"},
             {"mod(1)", "mod() takes 2 arguments, not 1"},
             {"least()", "least() takes an argument"},
             {"pi(1)", "pi() takes 0 arguments, not 1"},
             {"case :x when 1 then 2 end", "\"WHEN\" is missing"},
             {"case when :x then 2", "\"END\" is missing"},
             {"case when :x", "\"THEN\" is missing"},
             {":x is 5", "IS takes"},
             {":x = 1 = 1", "is not understood"},
             {"random(5, 1)", "the lowest is above the highest"},
             {"random(1, true)", "must be numbers"},
             {"case when 1 / 0 = 1 then 2 end", "a division by zero"},
             {"1 / 0 = 1 and :t", "a division by zero"},
             {"random(1)", "random() takes 2 arguments, not 1"},
             {"random_zipfian(1, 5, :x)", "that are not drawn themselves"},
             {"random_zipfian(1, 5, 0)", "the exponent must be above 0"},
             {"random_gaussian(1, 5, true)", "the parameter of random_gaussian() must be a number"},
             {"'a'", "is not understood"}}) {
        CAPTURE(text);
        CHECK_THAT(complaint(text), Catch::Contains(why));
    }
    CHECK_THAT(complaint(std::string(101, '(') + "1" + std::string(101, ')')),
               Catch::Contains("nested too deeply"));
    CHECK_THAT(complaint(std::string(101, '-') + ":x"), Catch::Contains("nested too deeply"));
    CHECK(made(std::string(99, '(') + "1" + std::string(99, ')')) == "1");
    std::string long_one = ":x";
    for (int i = 0; i < 600; ++i) long_one += " + :x";
    CHECK_THAT(complaint(long_one), Catch::Contains("too many parts"));
    const auto unknown = [](std::string_view) -> std::optional<Scalar> { return std::nullopt; };
    std::string many = ":a0";
    for (int i = 1; i < 32; ++i) many += fmt::format(" + :a{}", i);
    CHECK(Expression(many, unknown).names().size() == 32);
    CHECK_THROWS_AS(Expression(many + " + :b", unknown), Complaint);
}

TEST_CASE("permute gives each number a place of its own, and hardly its own") {
    std::set<std::string> orders;
    for (const int size : {1, 2, 3, 7, 8, 9, 1000, 1024, 1025}) {
        CAPTURE(size);
        std::set<std::string> places;
        std::string order;
        int kept = 0;
        for (int i = 0; i < size; ++i) {
            const auto place = made(fmt::format("permute({} + 0 * :x, {}, 5)", i, size));
            places.insert(place);
            kept += place == std::to_string(i) ? 1 : 0;
            order += place + " ";
        }
        CHECK(places.size() == static_cast<std::size_t>(size));
        CHECK_FALSE(places.contains(std::to_string(size)));
        CHECK_FALSE(places.contains("null"));
        if (size > 10) CHECK(kept < 10);  // one, on average
        orders.insert(order);
    }
    CHECK(orders.size() == 9);
    CHECK(made("permute(:x, 1000)") == made("permute(:x + 1000, 1000, 0)"));
    CHECK(made("permute(-1 + 0 * :x, 1000)") == made("permute(999, 1000)"));
    CHECK(made("permute(:x, 1000, 1)") != made("permute(:x, 1000, 2)"));
    CHECK(made("permute(:x, 9223372036854775807)") != "null");
    CHECK(made("permute(9223372036854775806 + 0 * :x, 9223372036854775807)")[0] != '-');
    for (const auto* none : {"permute(:x, 0)", "permute(:x, -5)", "permute(:n, 5)", "permute(:x, 5, :n)"})
        CHECK(made(none) == "null");
}

TEST_CASE("draws are within their range, apart from one another, and the same for the same numbers") {
    const auto none = [](std::string_view) -> std::optional<Scalar> { return std::nullopt; };
    const Expression dice{"random(1, 6) * 10 + random(1, :sides)", none};
    CHECK(dice.draws());
    CHECK_FALSE(dice.constant());
    CHECK_FALSE(dice.draw());
    const std::vector<Scalar> values{std::int64_t{6}};
    std::map<std::int64_t, int> seen;
    for (std::uint64_t k = 0; k < 36'000; ++k) {
        base::Random random{1, base::Stream::parameters, k};
        base::Random again{1, base::Stream::parameters, k};
        const auto value = dice.evaluate(values, random);
        CHECK(value == dice.evaluate(values, again));
        ++seen[std::get<std::int64_t>(value)];
    }
    CHECK(seen.size() == 36);
    // Each 1,000 times with a deviation of 31: five of them.
    for (const auto& [value, times] : seen) {
        CAPTURE(value);
        CHECK(value % 10 >= 1);
        CHECK(value % 10 <= 6);
        CHECK(std::abs(times - 1'000) < 155);
    }
}

TEST_CASE("one draw that is moved is one draw") {
    const auto none = [](std::string_view) -> std::optional<Scalar> { return std::nullopt; };
    const auto moved = Expression{"5 - (random_gaussian(1, 10, 2.5) + 1)", none}.draw();
    REQUIRE(moved);
    CHECK(moved->low == -6);
    CHECK(moved->high == 3);
    CHECK(moved->skew == workload::Skew::gaussian);
    // Turned round it would begin with the rare ones: computed, and not drawn from another range.
    const Expression turned{"5 - random_zipfian(1, 10, 1.5)", none};
    CHECK_FALSE(turned.draw());
    CHECK(turned.draws());
    base::Random random{1, base::Stream::parameters};
    std::map<std::int64_t, int> seen;
    for (int i = 0; i < 1'000; ++i) ++seen[std::get<std::int64_t>(turned.evaluate({}, random))];
    CHECK(seen.begin()->first >= -5);
    CHECK(seen[4] > 400);
    CHECK_FALSE(Expression{"random(1, 2) + random(1, 2)", none}.draw());
    CHECK_FALSE(Expression{"random(1, 2) * 2", none}.draw());
    CHECK_FALSE(Expression{":a", none}.draws());
}

TEST_CASE("a text is the number or the truth that it says") {
    CHECK(text_of(workload::scalar_of_text("-12")) == "-12");
    CHECK(text_of(workload::scalar_of_text("1.5")) == "1.50000000000000");
    CHECK(text_of(workload::scalar_of_text("t")) == "true");
    CHECK(text_of(workload::scalar_of_text("f")) == "false");
    for (const auto* yes : {"t", "true", "TRUE", "y", "Yes", "on", "tr"})
        CHECK(text_of(workload::scalar_of_text(yes)) == "true");
    for (const auto* no : {"f", "false", "n", "NO", "off", "of"})
        CHECK(text_of(workload::scalar_of_text(no)) == "false");
    for (const auto* other : {"", "x", "1x", "truer", "nan", " 1", "o", "null"})
        CHECK(text_of(workload::scalar_of_text(other)) == "null");
    CHECK(workload::holds(std::int64_t{-1}));
    CHECK(workload::holds(0.1));
    CHECK(workload::holds(true));
    CHECK_FALSE(workload::holds(std::int64_t{0}));
    CHECK_FALSE(workload::holds(0.0));
    CHECK_FALSE(workload::holds(false));
    CHECK_FALSE(workload::holds(Scalar{}));
}
