// PQcancel() is made to be called from a signal handler: between fork and _exit it allocates nothing and
// takes no lock. It speaks to the very address that the connection is with, so a list of hosts, a name that
// moved and a pooler get what is meant for them.
#include "pgtraffic/postgres/cancel_requests.hpp"

#include <libpq-fe.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/signal_mask.hpp"

namespace pgtraffic::postgres {
namespace {

/// At the same time: each takes two round trips, and the server a process for each.
constexpr std::size_t kChildren = 8;

/// Until it has ended, or killed at the deadline, or when a signal is held back; whether it ended well.
bool ended_well(pid_t child, base::Mono deadline) noexcept {
    int status = 1;
    for (;;) {
        const bool late = base::mono_now() >= deadline || base::held_back_signal() != 0;
        if (late) kill(child, SIGKILL);
        const pid_t ended = waitpid(child, &status, late ? 0 : WNOHANG);
        if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (ended < 0 && errno != EINTR) return false;
        base::nap(std::chrono::milliseconds{1});
    }
}

}  // namespace

void CancelRequests::Free::operator()(pg_cancel* request) const noexcept {
    PQfreeCancel(request);
}

void CancelRequests::add(pg_conn* connection) {
    if (auto* request = PQgetCancel(connection); request != nullptr) requests_.emplace_back(request);
}

void CancelRequests::send_each(std::size_t first, std::size_t step) const noexcept {
    bool all = true;
    std::array<char, 256> why{};
    for (std::size_t i = first; i < requests_.size(); i += step)
        all = PQcancel(requests_[i].get(), why.data(), static_cast<int>(why.size())) == 1 && all;
    _exit(all ? 0 : 1);
}

bool CancelRequests::send(base::Nanos limit) const noexcept {
    const base::Mono deadline = base::mono_now() + limit;
    const std::size_t count = std::min(kChildren, requests_.size());
    const pid_t parent = getpid();
    std::array<pid_t, kChildren> children{};
    {
        // In a child a handler of ours would answer one for its parent.
        const base::SignalMask held{base::SignalMask::Ending::held_back};
        for (std::size_t i = 0; i < count; ++i) {
            children[i] = fork();
            if (children[i] != 0) continue;
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(1);
            send_each(i, count);
        }
    }
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) all = children[i] > 0 && ended_well(children[i], deadline) && all;
    return all;
}

}  // namespace pgtraffic::postgres
