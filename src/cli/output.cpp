#include "pgtraffic/cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "pgtraffic/base/error.hpp"

namespace pgtraffic::cli {

void write_stdout(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EPIPE) {
            return;
        } else if (errno != EINTR) {
            throw base::Error(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
        }
    }
}

void write_stderr(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) return;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

bool use_color(Color wanted, bool terminal) noexcept {
    if (wanted != Color::automatic) return wanted == Color::always;
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return terminal && (no_color == nullptr || *no_color == '\0') &&
           (term == nullptr || std::string_view{term} != "dumb");
}

bool stderr_is_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace pgtraffic::cli
