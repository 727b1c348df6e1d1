// What the commands print: on stdout a full disk is noticed, and a reader that has seen enough is no error.
// Past stdio, so that nothing waits in a buffer.
#pragma once

#include <string_view>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::cli {

/// Writes all of it, however slow its reader. A closed pipe ends the output quietly; anything else throws
/// base::Error.
void write_stdout(std::string_view text);

/// A report, to one of the two: one that cannot be written is an error on stderr, too.
void write_report(std::string_view text, bool to_stderr);

/// How long a message waits for a reader of stderr that takes nothing.
inline constexpr base::Nanos kStderrPatience = std::chrono::seconds{5};

/// For progress and messages: a stderr that cannot be written to, or whose reader takes nothing for
/// `patience`, stops nothing.
void write_stderr(std::string_view text, base::Nanos patience = kStderrPatience) noexcept;

/// How a text is shown on stdout, or on stderr: in colour, where that is left to us, on a terminal that
/// NO_COLOR and TERM do not keep from it.
[[nodiscard]] report::TextStyle text_style(Color wanted, bool to_stderr) noexcept;

/// Whether stderr is a terminal.
[[nodiscard]] bool stderr_is_terminal() noexcept;

/// Whether by TERM a terminal can be told of colours and places.
[[nodiscard]] bool knows_escapes() noexcept;

}  // namespace pgtraffic::cli
