// What the commands print: on stdout a full disk is noticed, and a reader that has seen enough is no error.
// Past stdio, so that nothing waits in a buffer.
#pragma once

#include <string_view>

#include "pgtraffic/cli/command_line.hpp"

namespace pgtraffic::cli {

/// Writes all of it. A closed pipe ends the output quietly; anything else throws base::Error.
void write_stdout(std::string_view text);

/// For progress and messages: at once, and a stderr that cannot be written to stops nothing.
void write_stderr(std::string_view text) noexcept;

/// Whether to colour what goes to a stream that is, or is not, a terminal. Automatic asks NO_COLOR and TERM.
[[nodiscard]] bool use_color(Color wanted, bool terminal) noexcept;

/// Whether stderr is a terminal.
[[nodiscard]] bool stderr_is_terminal() noexcept;

}  // namespace pgtraffic::cli
