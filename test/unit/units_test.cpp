// Quantities as users write them, with what must be refused, and as they read them.
#include "pgtraffic/base/units.hpp"

#include <rapidcheck/catch.h>

#include <algorithm>
#include <array>

#include "pgtraffic/base/shell_word.hpp"
#include "support/catch.hpp"

namespace pgtraffic::base {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("A count is decimal digits and nothing else") {
    CHECK(parse_count("0") == 0U);
    CHECK(parse_count("150") == 150U);
    CHECK(parse_count("18446744073709551615") == 18446744073709551615U);
    for (const auto* text :
         {"", " 1", "1 ", "-1", "+1", "1.0", "1e3", "0x10", "1,000", "18446744073709551616", "ten"}) {
        INFO(text);
        CHECK_FALSE(parse_count(text));
    }
}

TEST_CASE("A number is finite and stands alone") {
    CHECK(parse_number("12") == 12.0);
    CHECK(parse_number("0.5") == 0.5);
    CHECK(parse_number("-2.5") == -2.5);
    CHECK(parse_number("1e3") == 1000.0);
    for (const auto* text :
         {"", "nan", "inf", "-inf", "NaN", "infinity", "1e999", "1,5", "1.5x", " 1", "1 ", "0x1p3", "--1"}) {
        INFO(text);
        CHECK_FALSE(parse_number(text));
    }
}

TEST_CASE("A duration is a number with a unit, seconds where none is given") {
    CHECK(parse_duration("90") == seconds{90});
    CHECK(parse_duration("90s") == seconds{90});
    CHECK(parse_duration("5m") == minutes{5});
    CHECK(parse_duration("250ms") == milliseconds{250});
    CHECK(parse_duration("10us") == microseconds{10});
    CHECK(parse_duration("1h") == hours{1});
    CHECK(parse_duration("1.5h") == minutes{90});
    CHECK(parse_duration("1m30s") == seconds{90});
    CHECK(parse_duration("1h30m") == minutes{90});
    CHECK(parse_duration("1h0.5m5s250ms10us") == seconds{3635} + milliseconds{250} + microseconds{10});
    CHECK(parse_duration("0") == seconds{0});
    CHECK(parse_duration("36525h") == hours{36525});
    for (const auto* text : {"",     "s",      "-1",    "-1s",    "1d",       "1 s",    "5min",
                             "nan",  "inf",    "30s1m", "1m1m",   "1m30",     "30m1.5", "1m-30s",
                             "m30s", "1m 30s", "1e999", "101e9h", "1000000h", "1.5.5s", "1S"}) {
        INFO(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("A rate has three digits where they say something") {
    CHECK(rate_text(0) == "0");
    CHECK(rate_text(0.00012) == "0.00012");
    CHECK(rate_text(0.25) == "0.250");
    CHECK(rate_text(3.4) == "3.40");
    CHECK(rate_text(12.34) == "12.3");
    CHECK(rate_text(40) == "40");
    CHECK(rate_text(99.96) == "100.0");
    CHECK(rate_text(1249.6) == "1,250");
}

TEST_CASE("Thousands are set apart") {
    CHECK(with_thousands(0) == "0");
    CHECK(with_thousands(999) == "999");
    CHECK(with_thousands(1000) == "1,000");
    CHECK(with_thousands(628800) == "628,800");
    CHECK(with_thousands(18446744073709551615U) == "18,446,744,073,709,551,615");
    CHECK(with_thousands(20955.694, 2) == "20,955.69");
    CHECK(with_thousands(999.999, 2) == "1,000.00");
    CHECK(with_thousands(-1234567.5, 1) == "-1,234,567.5");
    CHECK(with_thousands(-123.0, 0) == "-123");
    CHECK(with_thousands(0.25, 2) == "0.25");
    CHECK(with_thousands(std::nan(""), 2) == "n/a");
    CHECK(with_thousands(HUGE_VAL, 0) == "n/a");
}

TEST_CASE("Five digits, and more where they would read as another number") {
    using base::with_telling_digits;
    CHECK(with_telling_digits(0) == "0");
    CHECK(with_telling_digits(20) == "20");
    CHECK(with_telling_digits(29.5) == "29.5");
    CHECK(with_telling_digits(1234.5678) == "1,234.6");
    CHECK(with_telling_digits(0.123456) == "0.12346");
    CHECK(with_telling_digits(20.004) == "20.004");
    CHECK(with_telling_digits(20.0004) == "20.0004");
    CHECK(with_telling_digits(20.50004) == "20.50004");
    CHECK(with_telling_digits(99.999589646) == "99.9996");
    CHECK(with_telling_digits(-99.999589646) == "-99.9996");
    CHECK(with_telling_digits(0.0000000001) == "0.0000000001");
    CHECK(with_telling_digits(123456789.26) == "123,456,789.3");
    CHECK(with_telling_digits(std::nan("")) == "n/a");
}

TEST_CASE("A shell takes what is proposed to it for one word") {
    CHECK(base::shell_word("shop") == "shop");
    CHECK(base::shell_word("/tmp/a-b_c.sql") == "/tmp/a-b_c.sql");
    CHECK(base::shell_word("") == "''");
    CHECK(base::shell_word("--rate=20%") == "--rate=20%");
    CHECK(base::shell_word("my db") == "'my db'");
    CHECK(base::shell_word("it's $HOME") == "'it'\\''s $HOME'");
}

TEST_CASE("Taking the separators away gives the number back") {
    rc::prop("with_thousands", [](std::uint64_t n) {
        auto text = with_thousands(n);
        for (std::size_t i = 0; i < text.size(); ++i)
            RC_ASSERT((text[text.size() - 1 - i] == ',') == (i % 4 == 3));
        std::erase(text, ',');
        RC_ASSERT(parse_count(text) == n);
    });
}

TEST_CASE("Bytes are written in the unit that reads well") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1536) == "1.5 KiB");
    CHECK(format_bytes(1024.0 * 1024 * 300) == "300.0 MiB");
    CHECK(format_bytes(1024.0 * 1024 - 1) == "1.0 MiB");
    CHECK(format_bytes(1024.0 * 1024 * 1024 * 1024 * 5000) == "5000.0 TiB");
}

TEST_CASE("Durations are written in the unit that reads well") {
    CHECK(format_duration(Nanos{850}) == "850 ns");
    CHECK(format_duration(Nanos{12'400}) == "12.4 µs");
    CHECK(format_duration(Nanos{4'350'000}) == "4.35 ms");
    CHECK(format_duration(milliseconds{1200}) == "1.20 s");
    CHECK(format_duration(seconds{90}) == "90.00 s");
    CHECK(format_duration(seconds{312}) == "5m 12s");
    CHECK(format_duration(hours{24}) == "24h 00m");
}

TEST_CASE("A duration that rounds up to the next unit is written in it") {
    CHECK(format_duration(Nanos{999'949}) == "999.9 µs");
    CHECK(format_duration(Nanos{999'950}) == "1.00 ms");
    CHECK(format_duration(Nanos{999'994'999}) == "999.99 ms");
    CHECK(format_duration(Nanos{999'996'000}) == "1.00 s");
    CHECK(format_duration(Nanos{119'996'000'000}) == "2m 00s");
}

TEST_CASE("A negative duration is its length behind a sign") {
    CHECK(format_duration(Nanos{-850}) == "-850 ns");
    CHECK(format_duration(milliseconds{-1200}) == "-1.20 s");
}

TEST_CASE("The edit distance counts insertions, removals and replacements, whatever the case") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("Select", "sELECT") == 0);
    rc::prop("it is a distance", [](const std::string& a, const std::string& b) {
        RC_ASSERT(edit_distance(a, a) == 0U);
        RC_ASSERT(edit_distance(a, b) == edit_distance(b, a));
        RC_ASSERT(edit_distance(a, b) <= std::max(a.size(), b.size()));
    });
}

TEST_CASE("A typing error finds its word, and a stranger none") {
    constexpr std::array<std::string_view, 4> kWords{"select", "insert", "update", "mixed"};
    CHECK(nearest_word("selct", kWords) == "select");
    CHECK(nearest_word("MIXD", kWords) == "mixed");
    CHECK(nearest_word("updaet", kWords) == "update");
    CHECK(nearest_word("truncate", kWords).empty());
    CHECK(nearest_word("", kWords).empty());
}

}  // namespace
}  // namespace pgtraffic::base
