// Drawn keys against the distributions that they claim: chi-square for uniform, the exact probabilities of
// Zipf's law for the first ranks. Fixed seeds: a pass is a pass for ever.
#include "pgtraffic/workload/key_distribution.hpp"

#include <rapidcheck/catch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::int64_t kDraws = 200'000;
constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();

std::map<std::int64_t, std::int64_t> histogram(const KeyChooser& chooser, std::int64_t draws = kDraws) {
    base::Random random{4711, base::Stream::parameters};
    std::map<std::int64_t, std::int64_t> counts;
    for (std::int64_t i = 0; i < draws; ++i) ++counts[chooser.draw(random)];
    return counts;
}

double harmonic(std::int64_t size) {
    double sum = 0;
    for (std::int64_t rank = size; rank >= 1; --rank) sum += std::pow(static_cast<double>(rank), -0.99);
    return sum;
}

/// Whether `count` of `draws` lies within 4.5 standard deviations of what probability `p` gives.
bool plausible(std::int64_t count, std::int64_t draws, double p) {
    const auto n = static_cast<double>(draws);
    return std::abs(static_cast<double>(count) - n * p) <= 4.5 * std::sqrt(n * p * (1 - p));
}

TEST_CASE("Key distributions are known by their names and by no other") {
    for (const auto distribution :
         {KeyDistribution::uniform, KeyDistribution::zipf, KeyDistribution::recent}) {
        CHECK(parse_key_distribution(to_string(distribution)) == distribution);
    }
    CHECK(to_string(KeyDistribution::recent) == "recent");
    CHECK_FALSE(parse_key_distribution("Uniform"));
    CHECK_FALSE(parse_key_distribution(""));
}

TEST_CASE("Uniform keys pass a chi-square test") {
    const auto counts = histogram({KeyDistribution::uniform, 101, 200});
    REQUIRE(counts.size() == 100);
    CHECK(counts.begin()->first == 101);
    CHECK(counts.rbegin()->first == 200);
    double chi_square = 0;
    for (const auto& [key, count] : counts) {
        const double expected = kDraws / 100.0;
        chi_square += std::pow(static_cast<double>(count) - expected, 2) / expected;
    }
    CHECK(chi_square < 148.2);  // 99.9 % of a chi-square with 99 degrees of freedom
    CHECK(chi_square > 60.2);   // 0.1 %: too even is not random either
}

TEST_CASE("The most recent keys are drawn with the exact probabilities of Zipf's law") {
    // So many that inversion without its rejection, 1.5 % off at rank 2, would be found out.
    constexpr std::int64_t kMany = 3'000'000;
    constexpr std::int64_t kSize = 10'000;
    const KeyChooser chooser{KeyDistribution::recent, 1, kSize};
    base::Random random{4711, base::Stream::parameters};
    std::vector<std::int64_t> counts(kSize + 1);  // by rank
    for (std::int64_t i = 0; i < kMany; ++i) {
        ++counts.at(static_cast<std::size_t>(kSize + 1 - chooser.draw(random)));
    }
    const double sum = harmonic(kSize);
    for (std::size_t rank = 1; rank <= 50; ++rank) {
        CAPTURE(rank);
        CHECK(plausible(counts[rank], kMany, std::pow(static_cast<double>(rank), -0.99) / sum));
    }
    CHECK(counts[kSize] > 0);
}

TEST_CASE("The newest key is the one drawn most under recent") {
    const auto counts = histogram({KeyDistribution::recent, 1, 242'293});
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    CHECK(most->first == 242'293);
}

TEST_CASE("Zipf's frequencies are those of the ranks, scattered over the range") {
    constexpr std::int64_t kSize = 1'000;
    const auto counts = histogram({KeyDistribution::zipf, 5'001, 5'000 + kSize});
    CHECK(counts.begin()->first >= 5'001);
    CHECK(counts.rbegin()->first <= 5'000 + kSize);
    std::vector<std::pair<std::int64_t, std::int64_t>> by_count;
    for (const auto& [key, count] : counts) by_count.emplace_back(count, key);
    std::sort(by_count.rbegin(), by_count.rend());
    for (std::size_t rank = 1; rank <= 5; ++rank) {
        CAPTURE(rank);
        CHECK(plausible(by_count[rank - 1].first, kDraws,
                        std::pow(static_cast<double>(rank), -0.99) / harmonic(kSize)));
    }
    std::vector<std::int64_t> hottest;
    for (std::size_t i = 0; i < 10; ++i) hottest.push_back(by_count[i].second);
    std::sort(hottest.begin(), hottest.end());
    for (std::size_t i = 1; i < hottest.size(); ++i) CHECK(hottest[i] - hottest[i - 1] > 20);
}

TEST_CASE("Scattering gives each rank a key of its own") {
    for (const std::int64_t size : {1, 2, 3, 4, 6, 30, 36, 97, 210}) {
        CAPTURE(size);
        CHECK(static_cast<std::int64_t>(histogram({KeyDistribution::zipf, 1, size}, 100'000).size()) == size);
    }
}

TEST_CASE("Draws stay within any range, up to that of all integers") {
    rc::prop("low <= draw <= high", [](std::uint64_t seed) {
        const auto a = *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::just(kLowest),
                                       rc::gen::just(kHighest), rc::gen::just(std::int64_t{0}));
        const auto b =
            *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::just(kHighest), rc::gen::just(a));
        const auto [low, high] = std::minmax(a, b);
        for (const auto distribution :
             {KeyDistribution::uniform, KeyDistribution::zipf, KeyDistribution::recent}) {
            const KeyChooser chooser{distribution, low, high};
            base::Random random{seed, base::Stream::parameters};
            for (int i = 0; i < 20; ++i) {
                const auto key = chooser.draw(random);
                RC_ASSERT(key >= low);
                RC_ASSERT(key <= high);
            }
        }
    });
    for (const auto distribution : {KeyDistribution::uniform, KeyDistribution::zipf}) {
        base::Random random{1, base::Stream::parameters};
        const KeyChooser everything{distribution, kLowest, kHighest};
        std::set<std::int64_t> keys;
        for (int i = 0; i < 100; ++i) keys.insert(everything.draw(random));
        CHECK(keys.size() > 50);
    }
}

}  // namespace
}  // namespace pgtraffic::workload
