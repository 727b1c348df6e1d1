// Conversions of times, and the calendar's text.
#include "pgtraffic/base/time.hpp"

#include <rapidcheck/catch.h>

#include "support/catch.hpp"

namespace pgtraffic::base {
namespace {

TEST_CASE("Seconds become the nearest nanosecond, on both sides of zero") {
    CHECK(from_seconds(0) == Nanos{0});
    CHECK(from_seconds(1.5) == Nanos{1'500'000'000});
    CHECK(from_seconds(-1.5) == Nanos{-1'500'000'000});
    CHECK(from_seconds(1.4e-9) == Nanos{1});
    CHECK(from_seconds(1.6e-9) == Nanos{2});
    CHECK(from_seconds(-1.6e-9) == Nanos{-2});
    CHECK(from_seconds(0.1) == Nanos{100'000'000});
    CHECK(to_seconds(Nanos{2'500'000'000}) == 2.5);
    CHECK(to_millis(Nanos{2'500'000}) == 2.5);
}

TEST_CASE("Nanoseconds survive the way through seconds for a week") {
    rc::prop("there and back", [] {
        const Nanos d{*rc::gen::inRange<std::int64_t>(-604'800'000'000'000, 604'800'000'000'000)};
        RC_ASSERT(from_seconds(to_seconds(d)) == d);
    });
}

TEST_CASE("A wall time is written as RFC 3339 in UTC with milliseconds, cut and not rounded") {
    using std::chrono::milliseconds;
    CHECK(rfc3339_utc(Wall{}) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339_utc(Wall{milliseconds{1'795'415'427'123}}) == "2026-11-23T06:30:27.123Z");
    CHECK(rfc3339_utc(Wall{Nanos{1'709'164'799'999'999'999}}) == "2024-02-28T23:59:59.999Z");
    CHECK(rfc3339_utc(Wall{milliseconds{1'709'164'800'007}}) == "2024-02-29T00:00:00.007Z");
    CHECK(rfc3339_utc(Wall{milliseconds{-1}}) == "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace pgtraffic::base
