// Characters and words of ASCII text: every byte has one answer, bytes of other alphabets are none of it.
#include "pgtraffic/base/text.hpp"

#include <string>

#include "support/catch.hpp"

using namespace pgtraffic;

TEST_CASE("digits, letters and white space are those of ASCII") {
    std::string digits;
    std::string letters;
    std::string spaces;
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        if (base::is_digit(c)) digits += c;
        if (base::is_letter(c)) letters += c;
        if (base::is_space(c)) spaces += c;
    }
    CHECK(digits == "0123456789");
    CHECK(letters == "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
    CHECK(spaces == "\t\n\v\f\r ");
}

TEST_CASE("trimming takes white space off both ends and leaves what is between") {
    CHECK(base::trimmed(" \t a  b\r\n") == "a  b");
    CHECK(base::trimmed("a") == "a");
    CHECK(base::trimmed("").empty());
    CHECK(base::trimmed(" \n\v\f ").empty());
}
