// Writing whole texts to a reader that may be slow. A pipe that somebody made non-blocking says "not now"
// (EAGAIN) where others wait, and a wait within write() would not end for a signal that is held back: so the
// wait is ours, and write() only gets what is sure to be taken.
#pragma once

#include <string_view>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::base {

/// Writes all of `text`, however slowly it is read. Returns 0, or the errno of what ended it: EAGAIN once the
/// reader has taken nothing for `patience`, EINTR once it has taken nothing for two seconds and an ending
/// signal is held back (base::SignalMask). Some of the text may be written by then.
[[nodiscard]] int write_all(int fd, std::string_view text, Nanos patience = Nanos::max()) noexcept;

}  // namespace pgtraffic::base
