#include "pgtraffic/cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/write_all.hpp"

namespace pgtraffic::cli {

void write_stdout(std::string_view text) {
    write_report(text, false);
}

void write_report(std::string_view text, bool to_stderr) {
    const int error = base::write_all(to_stderr ? STDERR_FILENO : STDOUT_FILENO, text);
    if (error == 0 || error == EPIPE) return;
    throw base::Error(
        fmt::format("cannot write to standard {}: {}", to_stderr ? "error" : "output", std::strerror(error)));
}

void write_stderr(std::string_view text, base::Nanos patience) noexcept {
    static_cast<void>(base::write_all(STDERR_FILENO, text, patience));
}

report::TextStyle text_style(Color wanted, bool to_stderr) noexcept {
    if (wanted != Color::automatic) return {.color = wanted == Color::always};
    const char* no_color = std::getenv("NO_COLOR");
    const bool terminal = ::isatty(to_stderr ? STDERR_FILENO : STDOUT_FILENO) == 1;
    return {.color = terminal && (no_color == nullptr || *no_color == '\0') && knows_escapes()};
}

bool stderr_is_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

bool knows_escapes() noexcept {
    const char* term = std::getenv("TERM");
    return term == nullptr || std::string_view{term} != "dumb";
}

}  // namespace pgtraffic::cli
