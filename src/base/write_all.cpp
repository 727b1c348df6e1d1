#include "pgtraffic/base/write_all.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "pgtraffic/base/signal_mask.hpp"

namespace pgtraffic::base {
namespace {

using std::chrono::milliseconds;

constexpr Nanos kLook = milliseconds{100};       // for a signal that is held back, this often
constexpr Nanos kFarewell = milliseconds{2000};  // a reader that goes on reading gets its text all the same
constexpr std::size_t kTerminalPiece = 1024;

/// What a write gets at most.
std::size_t piece_for(int fd) noexcept {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return PIPE_BUF;
    if (S_ISREG(status.st_mode)) return std::numeric_limits<std::size_t>::max();
    return S_ISCHR(status.st_mode) ? kTerminalPiece : std::size_t{PIPE_BUF};
}

/// Whether the descriptor takes something, or has an error to tell; as poll() says it.
int poll_writable(int fd, Nanos patience) noexcept {
    pollfd watched{fd, POLLOUT, 0};
    const Nanos limit = std::clamp(patience, Nanos{0}, kLook);
    return ::poll(&watched, 1, static_cast<int>(std::chrono::ceil<milliseconds>(limit).count()));
}

}  // namespace

int write_ready(int fd, std::string_view& rest, Nanos patience) noexcept {
    const std::size_t piece = piece_for(fd);
    Mono taken = mono_now();  // when it last took something
    while (!rest.empty()) {
        const Nanos waited = mono_now() - taken;
        const int ready = poll_writable(fd, patience - waited);
        const ssize_t written = ready > 0 ? ::write(fd, rest.data(), std::min(rest.size(), piece)) : ready;
        if (written > 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
            taken = mono_now();
            continue;
        }
        // A pipe that was ready may be full by now: it has other writers.
        if (written < 0 && errno != EINTR && errno != EAGAIN) return errno;
        if (waited >= patience) return EAGAIN;
        if (waited >= kFarewell && held_back_signal() != 0) return EINTR;
    }
    return 0;
}

int write_all(int fd, std::string_view text, Nanos patience) noexcept {
    return write_ready(fd, text, patience);
}

}  // namespace pgtraffic::base
