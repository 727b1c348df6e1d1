#include "pgtraffic/postgres/blocking_connect.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pgtraffic/base/numeric_addresses.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/postgres/answer_size.hpp"
#include "pgtraffic/postgres/connect_parameters.hpp"
#include "pgtraffic/postgres/host_list.hpp"

namespace pgtraffic::postgres {
namespace {

using base::Mono;
using base::Nanos;

/// Names of several addresses as a list of these: libpq's limit is for each address, and where we give one
/// up, only a list lets us go on to the next. Other names stay libpq's business.
Conninfo listed(const Conninfo& conninfo, LookUp look_up_names, std::string& troubles) {
    const auto hosts = split_list(conninfo.effective("host"));
    auto addresses = given_addresses(conninfo);
    std::string not_found;
    bool several = false;
    for (const std::size_t host : hosts_to_look_up(conninfo)) {
        addresses[host] = look_up_names(hosts[host], not_found);
        several = several || addresses[host].size() > 1;
    }
    if (!several) return conninfo;
    troubles += not_found;
    return with_addresses(conninfo, addresses);
}

PGconn* begin(const Conninfo& conninfo) {
    const ConnectParameters parameters{conninfo};
    return PQconnectStartParams(parameters.keywords(), parameters.values(),
                                ConnectParameters::kExpandDatabaseName);
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
    ListedHost host = current_host(connection);
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
        if (ListedHost now_at = current_host(connection); !(now_at == host)) {
            host = std::move(now_at);
            deadline = base::mono_now() + limit;
            size.restart();
        }
    }
}

/// Takes the host that libpq is at out of the lists, and those that it tried before. False where none is
/// left.
bool drop_hosts_until(const PGconn* connection, Conninfo& conninfo) {
    const auto tried = place_of(current_host(connection), conninfo);
    if (!tried) return false;
    // Where libpq shuffles them (16 and later) nobody knows which those are, and where it prefers a standby
    // it comes back to those that are none.
    const bool once_in_order = conninfo.effective("load_balance_hosts") != "random" &&
                               conninfo.effective("target_session_attrs") != "prefer-standby";
    const std::size_t first_gone = once_in_order ? 0 : *tried;
    if (*tried + 1 - first_gone == host_count(conninfo)) return false;
    conninfo = without_hosts(conninfo, first_gone, *tried + 1);
    return true;
}

}  // namespace

std::vector<std::string> look_up(const std::string& host, std::string& trouble) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); failed != 0) {
        trouble += fmt::format("cannot find the host \"{}\": {}\n", host, ::gai_strerror(failed));
        return {};
    }
    auto addresses = base::numeric_addresses(found);
    ::freeaddrinfo(found);
    return addresses;
}

BlockingConnect connect_blocking(const Conninfo& conninfo, Nanos limit, LookUp look_up_names) {
    std::string troubles;
    Conninfo left = listed(conninfo, look_up_names, troubles);
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
