// The one exception that leaves a part of this program: "cannot start". What server and network do after the
// start is data (an Outcome), and a bug is PGTRAFFIC_CHECK.
#pragma once

#include <stdexcept>
#include <string>

namespace pgtraffic::base {

/// Thrown before the load starts, or after it where what the user asked to be written cannot be. The message
/// names the place (an option, a file and the place in it, a host) and the cure, holds no secret, and ends
/// without a newline. main() prints it and exits 1.
class Error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

}  // namespace pgtraffic::base
