// What sessions share, for tests of what surrounds them.
#pragma once

#include "pgtraffic/simulation/session.hpp"

namespace pgtraffic::test {

/// Of one-statement queries; nobody is told anything until the test names who.
[[nodiscard]] inline simulation::SessionContext session_context(event_loop::Loop& loop,
                                                                const workload::Workload& workload,
                                                                simulation::Wakes& wakes,
                                                                simulation::LoopLoad& load) {
    return {.loop = loop,
            .workload = workload,
            .wakes = wakes,
            .load = load,
            .timeout = {},
            .setup = {},
            .statement_names = {},
            .heads = {},
            .receive_buffer = {},
            .on_free = {},
            .on_ended = {},
            .on_statement = {},
            .on_retried = {},
            .on_down = {},
            .on_handshake = {},
            .on_requeued = {},
            .on_backing_off = {},
            .on_rolling_back = {}};
}

}  // namespace pgtraffic::test
