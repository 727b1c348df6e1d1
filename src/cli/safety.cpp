#include "pgtraffic/cli/safety.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/shell_word.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/postgres/host_list.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/workload/intent.hpp"
#include "pgtraffic/workload/statement_kind.hpp"

namespace pgtraffic::cli {
namespace {

bool is_loopback_v4(const in_addr& address) noexcept {
    return (ntohl(address.s_addr) >> 24U) == 127;
}

/// A line from stdin without its end; empty at the end of the file.
std::string read_line() {
    std::string line;
    char c = 0;
    while (line.size() < 1000 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
    return line;
}

std::string in_safe_quotes(const std::string& text) {
    return fmt::format("\"{}\"", report::printable(text));
}

/// All but what begins and ends transactions.
bool touches_data(const std::string& sql) {
    const auto kind = workload::kind_of(sql);
    return kind == workload::StatementKind::reads || kind == workload::StatementKind::writes;
}

}  // namespace

bool is_local(std::string_view address_or_host) noexcept {
    if (address_or_host.empty() || address_or_host.front() == '/' || address_or_host.front() == '@')
        return true;
    if (address_or_host == "localhost") return true;
    char text[INET6_ADDRSTRLEN] = {};
    if (address_or_host.size() >= sizeof text) return false;
    std::copy(address_or_host.begin(), address_or_host.end(), text);
    in_addr v4{};
    if (::inet_pton(AF_INET, text, &v4) == 1) return is_loopback_v4(v4);
    in6_addr v6{};
    if (::inet_pton(AF_INET6, text, &v6) != 1) return false;
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) return false;
    std::copy_n(v6.s6_addr + 12, 4, reinterpret_cast<unsigned char*>(&v4));
    return is_loopback_v4(v4);
}

bool needs_confirmation(const WriteRisk& risk) noexcept {
    return risk.writes && !risk.temporary && !risk.local && !risk.ours;
}

bool all_local(const postgres::Conninfo& conninfo, std::string_view address) {
    if (!is_local(address)) return false;
    // Of several hosts the sessions may reach others than we did. One host is known by its address, so that
    // a name that leads here is local.
    const auto addresses = postgres::split_list(conninfo.effective("hostaddr"));
    const auto hosts = postgres::split_list(conninfo.effective("host"));
    const std::size_t places = std::max(addresses.size(), hosts.size());
    if (places == 1) return true;
    const auto at = [](const std::vector<std::string>& list, std::size_t i) {
        return i < list.size() ? list[i] : std::string{};
    };
    for (std::size_t i = 0; i < places; ++i) {
        if (!is_local(at(addresses, i).empty() ? at(hosts, i) : at(addresses, i))) return false;
    }
    return true;
}

std::string describe_target(const metrics::ServerInfo& server) {
    std::string text = fmt::format("host {}", in_safe_quotes(server.host));
    if (!server.address.empty() && server.address != server.host)
        text += fmt::format(" ({})", server.address);
    text += fmt::format(", port {}, database {}, user {}: PostgreSQL {}, {}", report::printable(server.port),
                        in_safe_quotes(server.database), in_safe_quotes(server.user),
                        report::printable(server.version), server.standby ? "standby" : "primary");
    if (server.temporary) text += ", temporary";
    if (server.ssl) text += ", TLS";
    if (server.pooler) text += ", behind a pooler";
    if (server.other_sessions) {
        text += fmt::format(", {}", base::counted(*server.other_sessions, "other session", "other sessions"));
    }
    if (server.free_connections) {
        text += fmt::format(
            ", {}", base::counted(*server.free_connections, "free connection slot", "free connection slots"));
    }
    return text;
}

void refuse_other_database(const std::string& database, const std::optional<std::string>& given) {
    if (!given || *given == database) return;
    throw base::Error(
        fmt::format("--confirm: names the database {}, and the target is {}; nothing was changed",
                    in_quotes(*given), in_safe_quotes(database)));
}

void require_confirmation(const metrics::ServerInfo& server, const std::string& what,
                          const std::optional<std::string>& given, bool may_ask) {
    refuse_other_database(server.database, given);
    if (given) return;
    const auto where = fmt::format("database {} on {}", in_safe_quotes(server.database),
                                   in_safe_quotes(server.address.empty() ? server.host : server.address));
    if (may_ask && ::isatty(STDIN_FILENO) == 1 && stderr_is_terminal()) {
        write_stderr(fmt::format("This {} in {}.\nType the name of the database to go on: ", what, where));
        if (read_line() == server.database) return;
        throw base::Error("that is not the name of the database; nothing was changed");
    }
    throw base::Error(fmt::format("this {} in {}. Nothing was changed. If that is meant, say --confirm {}",
                                  what, where, base::shell_word(report::printable(server.database))));
}

bool all_local(const postgres::Conninfo& conninfo, postgres::Client& client, bool pooler) {
    if (!all_local(conninfo, client.address())) return false;
    // Where a pooler stands in between, what is here is the pooler.
    return !pooler || client.value(
                          "SELECT coalesce(pg_catalog.inet_server_addr() <<= '127.0.0.0/8' "
                          "OR pg_catalog.inet_server_addr() = '::1', true)") == "t";
}

void confirm_run(postgres::Client& client, const postgres::Conninfo& conninfo,
                 const metrics::ServerInfo& server, const workload::Scenario& scenario,
                 const std::optional<std::string>& given, bool may_ask) {
    refuse_other_database(server.database, given);
    WriteRisk risk;
    // Behind a pooler no session is set to read only, whatever the scenario says of itself.
    risk.writes =
        !workload::only_reads(scenario) || (server.pooler && !workload::looks_like_reading(scenario));
    risk.temporary = server.temporary;
    risk.local = all_local(conninfo, client, server.pooler);
    if (given || !needs_confirmation(risk)) return;  // the tables need not be looked up

    std::vector<std::string> writing;
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            // Of a scenario that says that it writes any statement may be the one, by a function that it
            // calls.
            const bool may_write =
                scenario.read_only ? touches_data(statement.sql) : !workload::only_reads(statement.sql);
            if (may_write) writing.push_back(statement.sql);
        }
    }
    const auto foreign = brickhouse::foreign_targets(client, writing);
    // Where names lead is looked up by the search path that it may change.
    risk.ours = foreign.none() && !writing.empty() && !workload::calls_set_config(scenario);
    if (!needs_confirmation(risk)) return;
    const auto tables = foreign.tables.empty() ? std::string{"what its statements do not tell"}
                                               : fmt::format("{}", fmt::join(foreign.tables, ", "));
    require_confirmation(server,
                         fmt::format("run writes to tables that `pgtraffic init` did not make ({})",
                                     report::printable(tables)),
                         given, may_ask);
}

}  // namespace pgtraffic::cli
