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

/// What a write takes without waiting where poll() says "ready": of a pipe, no more than that.
std::size_t piece_for(int fd) noexcept {
    struct stat status {};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    return regular ? std::numeric_limits<std::size_t>::max() : std::size_t{PIPE_BUF};
}

/// 0 once the descriptor takes something, or has an error to tell.
int wait_until_writable(int fd, Nanos patience) noexcept {
    const Mono begin = mono_now();
    for (;;) {
        const Nanos waited = mono_now() - begin;
        const Nanos limit = std::clamp(patience - waited, Nanos{0}, kLook);
        pollfd watched{fd, POLLOUT, 0};
        const int ready =
            ::poll(&watched, 1, static_cast<int>(std::chrono::ceil<milliseconds>(limit).count()));
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return errno;
        if (waited >= patience) return EAGAIN;
        if (waited >= kFarewell && held_back_signal() != 0) return EINTR;
    }
}

}  // namespace

int write_all(int fd, std::string_view text, Nanos patience) noexcept {
    const std::size_t piece = piece_for(fd);
    while (!text.empty()) {
        if (const int error = wait_until_writable(fd, patience); error != 0) return error;
        const ssize_t written = ::write(fd, text.data(), std::min(text.size(), piece));
        if (written < 0 && errno != EINTR && errno != EAGAIN) return errno;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

}  // namespace pgtraffic::base
