// The digits of whole numbers, beside those of the standard library.
#include "pgtraffic/base/decimal.hpp"

#include <rapidcheck/catch.h>

#include <array>
#include <limits>
#include <string>

#include "support/catch.hpp"

using namespace pgtraffic;

namespace {

template <class Number>
std::string written(Number n) {
    std::array<char, base::kLongestDecimal> room{};
    return {room.data(), base::put_decimal(room.data(), n)};
}

}  // namespace

TEST_CASE("numbers are written as the standard library writes them") {
    std::uint64_t power = 1;
    for (int exponent = 0; exponent < 20; ++exponent, power *= 10) {
        for (const std::uint64_t n : {power - 1, power, power + 1, power / 5 * 7}) {
            CHECK(written(n) == std::to_string(n));
            CHECK(written(static_cast<std::int64_t>(n)) == std::to_string(static_cast<std::int64_t>(n)));
        }
    }
    CHECK(written(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(written(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    rc::prop("any number", [](std::int64_t n) { RC_ASSERT(written(n) == std::to_string(n)); });
}

TEST_CASE("each number of four digits comes out of both halves") {
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        REQUIRE(written(n) == std::to_string(n));
        REQUIRE(written(n * 10'000 + 9'999 - n) == std::to_string(n * 10'000 + 9'999 - n));
    }
}
