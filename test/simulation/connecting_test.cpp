// What sessions are given to connect with, and what is said where they cannot.
#include "pgtraffic/simulation/connecting.hpp"

#include "pgtraffic/simulation/plan.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using postgres::Conninfo;
using simulation::SimulationPlan;
using Statements = std::vector<std::string>;

namespace {

Conninfo conninfo(const std::string& text) {
    return Conninfo::parse(text, "test");
}

}  // namespace

TEST_CASE("only who asked for a server that writes leaves one that does not") {
    CHECK(simulation::wants_writable(conninfo("target_session_attrs=read-write")));
    CHECK(simulation::wants_writable(conninfo("target_session_attrs=primary")));
    CHECK_FALSE(simulation::wants_writable(conninfo("target_session_attrs=any")));
    CHECK_FALSE(simulation::wants_writable(conninfo("host=a")));
}

TEST_CASE("sessions begin with their limit and their intent, behind a pooler with nothing of the server's") {
    SimulationPlan plan;
    CHECK(simulation::session_setup(plan).empty());
    plan.timeout = 1500us;
    plan.read_only = true;
    const auto setup = simulation::session_setup(plan);
    REQUIRE(setup.size() == 2);
    CHECK(setup[0].find("set_config('statement_timeout', '2', false)") != std::string::npos);
    CHECK(setup[1] == "SET default_transaction_read_only = on");
    plan.read_only = false;
    plan.pooled = true;
    CHECK(simulation::session_setup(plan).empty());
}

TEST_CASE("a failure to connect tells every reason and how often, and the cure that fits") {
    SimulationPlan plan;
    plan.connections = 5;
    CHECK(simulation::connect_failure(plan, 2, {{"refused", 1}, {"sorry, too many clients already", 3}},
                                      false) ==
          "connected 2 of 5 sessions; the rest failed: sorry, too many clients already (3×); refused (1×). "
          "Ask for fewer with --connections, or raise the server's max_connections");
    CHECK(simulation::connect_failure(plan, 0, {{"a", 1}, {"b", 2}, {"refused", 4}, {"d", 1}, {"e", 1}},
                                      false) ==
          "connected 0 of 5 sessions; the rest failed: refused (4×); b (2×); a (1×); and 2 others. The "
          "server answered when this program first asked it: its log tells what happened since");
    plan.pooled = true;
    plan.protocol = simulation::Protocol::prepared;
    CHECK(simulation::connect_failure(plan, 0, {{"prepared statement \"pgtraffic_0\" exists", 4}}, true)
              .ends_with(simulation::kPoolerPreparedCure));
    CHECK(simulation::connect_failure(plan, 0, {{"no more connections allowed (max_client_conn)", 4}}, false)
              .ends_with("raise the pooler's max_client_conn"));
    plan.pooled = false;
    const auto unprepared =
        simulation::connect_failure(plan, 0, {{"relation \"q\" does not exist", 9}}, true);
    CHECK(unprepared.find("--protocol extended") != std::string::npos);
    CHECK(unprepared.find("max_connections") == std::string::npos);
}
