// A connection of the load by itself: what the server told before it went is not lost in an error of sending.
#include "pgtraffic/postgres/connection.hpp"

#include <poll.h>

#include <string>
#include <vector>

#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/connect_parameters.hpp"
#include "support/catch.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using postgres::Connection;
using postgres::ConnectStep;
using postgres::Progress;
using postgres::Sent;

namespace {

void wait_for(const Connection& connection, short events) {
    pollfd descriptor{connection.socket(), events, 0};
    REQUIRE(::poll(&descriptor, 1, 10'000) == 1);
}

void connect(Connection& connection, const postgres::Conninfo& conninfo) {
    auto step = connection.connect(postgres::ConnectParameters{conninfo});
    while (step == ConnectStep::wait_readable || step == ConnectStep::wait_writable) {
        wait_for(connection, step == ConnectStep::wait_readable ? POLLIN : POLLOUT);
        step = connection.connect_poll();
    }
    REQUIRE(step == ConnectStep::connected);
}

}  // namespace

TEST_CASE("why a server went is told by the query that was sent too late") {
    const auto database = test::fresh_database();
    postgres::Client client{database.conninfo()};
    Connection connection;
    connect(connection, database.conninfo());
    client.query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()");
    std::vector<char> buffer(postgres::kReceiveBuffer);
    connection.queue_simple("SELECT 1");
    CHECK(connection.flush() == Sent::all);
    wait_for(connection, POLLIN);
    CHECK(connection.receive(buffer) == Progress::lost);
    CHECK(connection.unanswered_sqlstate().text() == "57P01");
    CHECK_THAT(std::string{connection.error()}, Catch::Matchers::Contains("terminating connection"));
    // And again: nothing but the end is left of it.
    connection.queue_simple("SELECT 1");
    CHECK(connection.flush() == Sent::all);
    wait_for(connection, POLLIN);
    CHECK(connection.receive(buffer) == Progress::lost);
}
