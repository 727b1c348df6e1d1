#include "pgtraffic/simulation/deadlines.hpp"

#include <algorithm>

namespace pgtraffic::simulation {

base::Nanos client_limit(base::Nanos timeout, bool pooled) noexcept {
    if (pooled) return timeout;
    const base::Nanos slack = timeout / 4;
    return timeout + std::clamp<base::Nanos>(slack, std::chrono::milliseconds{50}, std::chrono::seconds{1});
}

}  // namespace pgtraffic::simulation
