#include "pgtraffic/simulation/connecting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/simulation/plan.hpp"

namespace pgtraffic::simulation {

bool wants_writable(const postgres::Conninfo& conninfo) {
    const auto wanted = conninfo.effective("target_session_attrs");
    return wanted == "read-write" || wanted == "primary";
}

std::vector<std::string> session_setup(const SimulationPlan& plan) {
    std::vector<std::string> setup;
    // In a pooler's transaction mode a setting would stay on a server's connection, for whoever comes next.
    if (plan.timeout && !plan.pooled) {
        const auto ms =
            std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(*plan.timeout).count());
        // A role, a database or PGOPTIONS may have a limit that is shorter: that is what production does.
        setup.push_back(fmt::format(
            "SELECT pg_catalog.set_config('statement_timeout', '{0}', false) WHERE NOT "
            "pg_catalog.current_setting('statement_timeout')::pg_catalog.interval BETWEEN '1ms' AND '{0}ms'",
            ms));
    }
    if (plan.read_only) setup.emplace_back("SET default_transaction_read_only = on");
    return setup;
}

namespace {

/// Each in one line, with how often it came.
std::string most_frequent(const std::map<std::string, std::uint64_t, std::less<>>& failures) {
    constexpr std::size_t kShown = 3;
    std::vector<std::pair<std::string, std::uint64_t>> sorted{failures.begin(), failures.end()};
    std::ranges::stable_sort(sorted, std::ranges::greater{}, &std::pair<std::string, std::uint64_t>::second);
    std::string text;
    for (const auto& [reason, times] : std::span{sorted}.first(std::min(kShown, sorted.size()))) {
        text += fmt::format("{}{} ({}×)", text.empty() ? "" : "; ", reason, times);
    }
    return sorted.size() > kShown ? fmt::format("{}; and {} others", text, sorted.size() - kShown) : text;
}

}  // namespace

std::string connect_failure(const SimulationPlan& plan, std::uint32_t connected,
                            const std::map<std::string, std::uint64_t, std::less<>>& failures,
                            bool refused_to_prepare) {
    const std::string reasons = most_frequent(failures);
    const bool lost_in_pooler = plan.pooled && plan.protocol == Protocol::prepared &&
                                reasons.find("prepared statement") != std::string::npos;
    if (lost_in_pooler) {
        return fmt::format("connected {} of {} sessions; the rest failed: {}. {}", connected,
                           plan.connections, reasons, kPoolerPreparedCure);
    }
    if (refused_to_prepare && plan.protocol == Protocol::prepared) {
        return fmt::format(
            "connected {} of {} sessions; the rest failed: {}. With --protocol prepared each statement is "
            "prepared when a session connects, so all that it names must be there by then; --protocol "
            "extended "
            "parses it when its turn comes",
            connected, plan.connections, reasons);
    }
    const bool full = std::ranges::any_of(failures, [](const auto& failure) {
        return failure.first.find("too many") != std::string::npos ||
               failure.first.find("no more connections") != std::string::npos ||  // PgBouncer
               failure.first.find("connection slots") != std::string::npos;
    });
    const char* cure =
        "The server answered when this program first asked it: its log tells what happened since";
    if (full) {
        cure = plan.pooled ? "Ask for fewer with --connections, or raise the pooler's max_client_conn"
                           : "Ask for fewer with --connections, or raise the server's max_connections";
    }
    return fmt::format("connected {} of {} sessions; the rest failed: {}. {}", connected, plan.connections,
                       reasons, cure);
}

}  // namespace pgtraffic::simulation
