// Numbers of a range against the exact probabilities of each shape, by chi-square.
#include "pgtraffic/workload/integer_draw.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using workload::IntegerDraw;
using workload::Skew;

namespace {

constexpr std::int64_t kLow = -7;
constexpr int kNumbers = 30;
constexpr int kDraws = 300'000;

/// Chi-square of what is drawn, against the probability of each number, the lowest being 1.
double chi_square(Skew skew, double by, const std::function<double(int)>& weight) {
    const IntegerDraw numbers{kLow, kLow + kNumbers - 1, skew, by};
    base::Random random{99, base::Stream::parameters};
    std::vector<double> counts(kNumbers);
    for (int i = 0; i < kDraws; ++i) ++counts.at(static_cast<std::size_t>(numbers.draw(random) - kLow));
    double sum = 0;
    for (int i = 1; i <= kNumbers; ++i) sum += weight(i);
    double chi = 0;
    for (int i = 1; i <= kNumbers; ++i) {
        const double expected = kDraws * weight(i) / sum;
        chi += std::pow(counts[static_cast<std::size_t>(i - 1)] - expected, 2) / expected;
    }
    return chi;
}

constexpr double kTooUneven = 58.3;  // 99.9 % of a chi-square with 29 degrees of freedom

}  // namespace

TEST_CASE("each shape has the probabilities of its formula") {
    CHECK(chi_square(Skew::uniform, 0, [](int) { return 1.0; }) < kTooUneven);
    for (const double by : {0.5, 1.0, 1.1, 1.7}) {
        CAPTURE(by);
        CHECK(chi_square(Skew::zipf, by, [by](int i) { return std::pow(i, -by); }) < kTooUneven);
    }
    for (const double by : {0.1, 2.0, 5.0}) {
        CAPTURE(by);
        CHECK(chi_square(Skew::exponential, by, [by](int i) {
                  return std::exp(-by * (i - 1) / kNumbers) - std::exp(-by * i / kNumbers);
              }) < kTooUneven);
    }
    for (const double by : {2.0, 3.5}) {
        CAPTURE(by);
        CHECK(chi_square(Skew::gaussian, by, [by](int i) {
                  const auto below = [by](int n) {
                      return std::erf((2.0 * n / kNumbers - 1) * by / std::sqrt(2.0));
                  };
                  return below(i) - below(i - 1);
              }) < kTooUneven);
    }
}

TEST_CASE("a shape that is another one is told") {
    CHECK(chi_square(Skew::zipf, 1.1, [](int i) { return std::pow(i, -1.13); }) > kTooUneven);
    CHECK(chi_square(Skew::gaussian, 2.1, [](int) { return 1.0; }) > kTooUneven);
}

TEST_CASE("every draw lies in its range, however long or short it is, and whatever the shape") {
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    for (const auto& [skew, by] :
         {std::pair{Skew::uniform, 0.0}, std::pair{Skew::zipf, 0.01}, std::pair{Skew::zipf, 1000.0},
          std::pair{Skew::exponential, 1e-9}, std::pair{Skew::exponential, 1e9},
          std::pair{Skew::gaussian, 2.0}, std::pair{Skew::gaussian, 1e300}}) {
        CAPTURE(workload::to_string(skew), by);
        for (const auto& [low, high] : {std::pair{kLeast, kMost}, std::pair{kMost, kMost},
                                        std::pair{kLeast, kLeast + 1}, std::pair{kMost - 1, kMost}}) {
            const IntegerDraw numbers{low, high, skew, by};
            base::Random random{5, base::Stream::parameters};
            for (int i = 0; i < 1000; ++i) {
                const auto drawn = numbers.draw(random);
                CHECK((low <= drawn && drawn <= high));
            }
        }
    }
    base::Random random{5, base::Stream::parameters};
    CHECK(IntegerDraw{10, 20, Skew::zipf, 1000}.draw(random) == 10);
    CHECK(IntegerDraw{10, 20, Skew::exponential, 1e9}.draw(random) == 10);
    CHECK(IntegerDraw{10, 20, Skew::gaussian, 1e300}.draw(random) == 15);
}

TEST_CASE("what no shape can be drawn by is complained about") {
    using workload::complaint_about;
    CHECK_FALSE(complaint_about(Skew::uniform, 0));
    CHECK_FALSE(complaint_about(Skew::zipf, 1000));
    CHECK_FALSE(complaint_about(Skew::gaussian, 2));
    const auto nan = std::numeric_limits<double>::quiet_NaN();
    for (const auto skew : {Skew::zipf, Skew::exponential, Skew::gaussian}) {
        for (const double by : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()})
            CHECK(complaint_about(skew, by));
    }
    CHECK(complaint_about(Skew::zipf, 1000.1));
    CHECK(complaint_about(Skew::gaussian, 1.99));
    for (const auto skew : {Skew::uniform, Skew::zipf, Skew::exponential, Skew::gaussian})
        CHECK(workload::parse_skew(workload::to_string(skew)) == skew);
    CHECK_FALSE(workload::parse_skew("pareto"));
}
