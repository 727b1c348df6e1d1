// Random numbers: golden values, computed by another implementation of the same definition, so that a seed
// means the same run on every machine and in every version; and the shapes of the distributions.
#include "pgtraffic/base/random.hpp"

#include <rapidcheck/catch.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>

#include "support/catch.hpp"

namespace pgtraffic::base {
namespace {

using Four = std::array<std::uint64_t, 4>;

Four first_four(Random random) {
    return {random.next(), random.next(), random.next(), random.next()};
}

TEST_CASE("A seed, a stream and an index name the same numbers for ever") {
    CHECK(first_four({42, Stream::arrivals}) ==
          Four{0x7a2389ea6b3213adU, 0xecd80a5d5f824e66U, 0xe759cedd26361a79U, 0x0f8e67fc4dda234aU});
    CHECK(first_four({42, Stream::intensity}) ==
          Four{0xd52b8aa6e2d20b85U, 0xf4ef48170f2ad0cfU, 0x537116dc1e3673b2U, 0xf6da962669f8adfdU});
    CHECK(first_four({42, Stream::arrivals, 1}) ==
          Four{0x3fdfcd61e0d0a863U, 0x7a7c308cf1289b4dU, 0x4ea88f006d13365dU, 0x1cae414daaf87adeU});
    CHECK(first_four({0, Stream::jitter, std::uint64_t{1} << 63}) ==
          Four{0xbb9f68af3aebbae8U, 0xefb01d63872926ffU, 0x7c0aee54ce24a035U, 0x282777c87bf0ae8aU});
    CHECK(first_four({std::numeric_limits<std::uint64_t>::max(), Stream::parameters, 12345}) ==
          Four{0x08ece34ecc47d7a4U, 0xba50fec6f8fc93f7U, 0xc95b809ba14be57aU, 0x44495a705e6644e2U});
    const Randoms jitter{0, Stream::jitter};
    for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63})
        CHECK(first_four(jitter.at(index)) == first_four({0, Stream::jitter, index}));
}

TEST_CASE("The distributions draw the same values for ever") {
    Random unit{42, Stream::arrivals};
    CHECK(unit.unit() == 0.47710477803338613);
    CHECK(unit.unit() == 0.9251715162240625);
    Random exponential{42, Stream::arrivals};
    CHECK(exponential.exponential() == Approx(0.6483741753960385).epsilon(1e-15));
    CHECK(exponential.exponential() == Approx(2.5925566673437483).epsilon(1e-15));
    Random below{42, Stream::arrivals};
    for (const std::uint64_t expected : {4U, 9U, 9U, 0U, 6U, 8U, 9U, 5U}) CHECK(below.below(10) == expected);
    const std::array<std::uint64_t, 4> by_index{149, 274, 671, 772};
    for (std::uint64_t k = 0; k < 4; ++k) CHECK(Random(42, Stream::mix, k).below(1000) == by_index[k]);
}

TEST_CASE("Names that differ in one part begin differently") {
    std::set<std::uint64_t> firsts;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        for (const auto stream : {Stream::arrivals, Stream::intensity, Stream::mix, Stream::parameters,
                                  Stream::data, Stream::jitter}) {
            for (std::uint64_t index = 0; index < 100; ++index)
                firsts.insert(Random(seed, stream, index).next());
        }
    }
    CHECK(firsts.size() == 10U * 6U * 100U);
}

TEST_CASE("Draws stay in their ranges, at the edges of 64 bits too") {
    rc::prop("ranges", [](std::uint64_t seed, std::uint64_t n, std::int64_t a, std::int64_t b) {
        Random random{seed, Stream::data};
        const auto [low, high] = std::minmax(a, b);
        RC_ASSERT(random.below(n | 1) < (n | 1));
        const auto drawn = random.between(low, high);
        RC_ASSERT(drawn >= low);
        RC_ASSERT(drawn <= high);
        RC_ASSERT(random.between(a, a) == a);
        const double u = random.unit();
        RC_ASSERT(u >= 0);
        RC_ASSERT(u < 1);
    });
    constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
    constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();
    Random whole{1, Stream::data};
    CHECK(whole.between(kLowest, kHighest) != whole.between(kLowest, kHighest));
    CHECK(Random(1, Stream::data).between(kHighest - 1, kHighest) >= kHighest - 1);
}

TEST_CASE("Small ranges are drawn evenly") {
    constexpr int kDraws = 70'000;
    std::array<int, 7> counts{};
    Random random{5, Stream::mix};
    for (int i = 0; i < kDraws; ++i) ++counts[random.below(7)];
    double chi_square = 0;
    for (const int n : counts) chi_square += (n - 10'000.0) * (n - 10'000.0) / 10'000.0;
    CHECK(chi_square < 16.8);  // 6 degrees of freedom at 1 %
}

TEST_CASE("A range near 64 bits is drawn without bias") {
    // Without rejection every third value below 3·2^62 would come twice as often as the others.
    constexpr std::uint64_t kRange = 3ULL << 62;
    constexpr int kDraws = 30'000;
    Random random{6, Stream::mix};
    int remainder_zero = 0;
    for (int i = 0; i < kDraws; ++i) remainder_zero += random.below(kRange) % 3 == 0 ? 1 : 0;
    CHECK(remainder_zero == Approx(kDraws / 3.0).margin(4 * std::sqrt(kDraws * 2.0 / 9)));
}

TEST_CASE("Exponential draws have mean and variance 1 and are never negative") {
    constexpr int kDraws = 100'000;
    Random random{9, Stream::arrivals};
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDraws; ++i) {
        const double x = random.exponential();
        REQUIRE(x >= 0);
        sum += x;
        squares += (x - 1) * (x - 1);
    }
    CHECK(sum / kDraws == Approx(1).margin(4 / std::sqrt(double{kDraws})));
    CHECK(squares / kDraws == Approx(1).margin(4 * std::sqrt(8.0 / kDraws)));
}

TEST_CASE("Seeds that nobody chose differ") {
    CHECK(entropy() != entropy());
}

}  // namespace
}  // namespace pgtraffic::base
