// Writing to a reader that may be slow. A pipe that somebody made non-blocking says "not now" (EAGAIN) where
// others wait, and a wait within write() would not end for a signal that is held back: so the wait is ours,
// and write() only gets what is sure to be taken.
#pragma once

#include <string_view>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::base {

/// Writes what `fd` takes of `rest` and leaves in it what it did not. Returns 0 once all of it is written, or
/// the errno of what ended it: EAGAIN once the reader has taken nothing for `patience`, which may be none at
/// all; EINTR once it has taken nothing for two seconds and an ending signal is held back (base::SignalMask).
///
/// A pipe gets no more at a time than it takes without waiting where poll() says "ready", a file all at once.
/// Of a terminal nobody can say how much that is: it gets little, which may wait where its reader stands
/// still.
[[nodiscard]] int write_ready(int fd, std::string_view& rest, Nanos patience) noexcept;

/// The same where nobody asks for the rest: writes all of `text`, however slowly it is read. Where it returns
/// an errno, some of the text may be written.
[[nodiscard]] int write_all(int fd, std::string_view text, Nanos patience = Nanos::max()) noexcept;

}  // namespace pgtraffic::base
