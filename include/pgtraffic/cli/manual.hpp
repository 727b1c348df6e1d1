// The manual page, made of the option table like the help. Made while building; the program itself does not
// print it.
#pragma once

#include <string>

namespace pgtraffic::cli {

/// pgtraffic(1) as troff with the macros of man(7). Ends with a newline.
[[nodiscard]] std::string manual_page();

}  // namespace pgtraffic::cli
