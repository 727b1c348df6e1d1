#include "pgtraffic/postgres/blocking_connect.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/postgres/answer_size.hpp"

namespace pgtraffic::postgres {
namespace {

using base::Mono;
using base::Nanos;

/// The host that libpq is at, as the settings name it.
std::string current_host(const PGconn* connection) {
    std::string name;
    for (const char* part : {PQhost(connection), PQport(connection)}) {
        name += part != nullptr ? part : "";
        name += '\n';
    }
    return name;
}

PGconn* begin(const Conninfo& conninfo) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : conninfo.settings()) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    // A database name is never expanded as a conninfo: the name of a database must not redirect us.
    return PQconnectStartParams(keywords.data(), values.data(), 0);
}

/// What ended the wait: nothing, the deadline, which holds for a server that lets nobody wait, too, or an
/// ending signal that is held back.
const char* wait_for(int socket, bool writable, Mono deadline) {
    using std::chrono::milliseconds;
    constexpr milliseconds kLook{100};  // such a signal wakes nobody
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - base::mono_now());
        if (left.count() <= 0) return "timeout expired";
        pollfd watched{socket, static_cast<short>(writable ? POLLOUT : POLLIN), 0};
        // A signal that wakes it early costs a look at a socket that has nothing.
        if (::poll(&watched, 1, static_cast<int>(std::min(left, kLook).count())) != 0) return nullptr;
        if (base::held_back_signal() != 0) return base::kInterrupted;
    }
}

/// Until connected, failed, or at a host that takes too long or says too much.
std::string finish(PGconn* connection, Nanos limit) {
    AnswerSize size;
    std::string host = current_host(connection);
    Mono deadline = base::mono_now() + limit;
    auto step = PGRES_POLLING_WRITING;
    for (;;) {
        if (const char* trouble = wait_for(PQsocket(connection), step == PGRES_POLLING_WRITING, deadline))
            return trouble;
        size.before_read(PQsocket(connection));
        if (size.bytes() > kLargestGreeting) return "the server says too much before it lets anybody in";
        step = PQconnectPoll(connection);
        size.after_read(PQsocket(connection));
        if (step == PGRES_POLLING_OK) return {};
        if (step == PGRES_POLLING_FAILED) return PQerrorMessage(connection);
        if (std::string now_at = current_host(connection); now_at != host) {
            host = std::move(now_at);
            deadline = base::mono_now() + limit;
            size.restart();
        }
    }
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    for (;;) {
        const auto comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

/// Takes the hosts up to the one that libpq is at out of the lists. False where none is left.
bool drop_hosts_until(const PGconn* connection, Conninfo& conninfo) {
    constexpr std::array kLists{"host", "hostaddr", "port"};
    std::size_t hosts = 1;
    for (const char* keyword : kLists) hosts = std::max(hosts, split(conninfo.effective(keyword)).size());
    const auto item = [&](const char* keyword, std::size_t i) {
        const auto parts = split(conninfo.effective(keyword));
        return parts.size() == 1 ? parts.front() : i < parts.size() ? parts[i] : std::string{};
    };
    const std::string at = current_host(connection);
    std::size_t tried = 0;
    while (tried + 1 < hosts) {
        const auto host = item("host", tried).empty() ? item("hostaddr", tried) : item("host", tried);
        if (host + '\n' + item("port", tried) + '\n' == at) break;
        ++tried;
    }
    if (++tried >= hosts) return false;
    for (const char* keyword : kLists) {
        const auto parts = split(conninfo.effective(keyword));
        if (parts.size() == 1) continue;  // the same for all
        std::string rest;
        for (std::size_t i = tried; i < parts.size(); ++i) rest += (i == tried ? "" : ",") + parts[i];
        conninfo.set(keyword, rest);
    }
    return true;
}

}  // namespace

BlockingConnect connect_blocking(const Conninfo& conninfo, Nanos limit) {
    Conninfo left = conninfo;
    std::string troubles;
    for (;;) {
        BlockingConnect result{begin(left), {}};
        if (result.connection == nullptr) return {nullptr, "libpq has no memory left for a connection"};
        if (PQstatus(result.connection) == CONNECTION_BAD) {
            result.trouble = troubles + PQerrorMessage(result.connection);
            return result;
        }
        // Before it says anything: libpq's own processor prints to stderr.
        PQsetNoticeProcessor(
            result.connection, [](void*, const char*) {}, nullptr);
        result.trouble = finish(result.connection, limit);
        if (result.trouble.empty() || result.trouble == base::kInterrupted) return result;
        troubles += result.trouble + "\n";
        result.trouble = troubles;
        // libpq itself goes on to the next host where one fails; where we gave one up, we do.
        if (PQstatus(result.connection) == CONNECTION_BAD || !drop_hosts_until(result.connection, left))
            return result;
        PQfinish(result.connection);
    }
}

}  // namespace pgtraffic::postgres
