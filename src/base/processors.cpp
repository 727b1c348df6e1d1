#include "pgtraffic/base/processors.hpp"

#include <cstddef>

namespace pgtraffic::base {

std::optional<SharedProcessors> share_processors() noexcept {
    SharedProcessors shared;
    if (sched_getaffinity(0, sizeof shared.server, &shared.server) != 0) return std::nullopt;
    shared.count = CPU_COUNT(&shared.server);
    if (shared.count < 2) return std::nullopt;
    // The last: what the kernel does for itself tends to be on the first.
    std::size_t last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &shared.server)) --last;
    CPU_ZERO(&shared.load);
    CPU_SET(last, &shared.load);
    CPU_CLR(last, &shared.server);
    return shared;
}

void keep_to(const Processors& processors) noexcept {
    (void)sched_setaffinity(0, sizeof processors, &processors);
}

}  // namespace pgtraffic::base
