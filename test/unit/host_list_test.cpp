// Lists of hosts, as libpq takes them: their addresses beside them, and from which one an attempt begins.
#include "pgtraffic/postgres/host_list.hpp"

#include "support/catch.hpp"

using namespace pgtraffic;
using postgres::beginning_with;

TEST_CASE("a host of several addresses is listed once for each, with its port") {
    postgres::Conninfo conninfo;
    conninfo.set("host", "a,10.0.0.9");
    conninfo.set("port", "1,2");
    const auto with = postgres::with_addresses(conninfo, {{"10.0.0.1", "10.0.0.2"}, {}});
    CHECK(with.get("host") == "a,a,10.0.0.9");
    CHECK(with.get("hostaddr") == "10.0.0.1,10.0.0.2,");
    CHECK(with.get("port") == "1,1,2");
}

TEST_CASE("a host whose name is not found is left to libpq only where there is no other") {
    postgres::Conninfo conninfo;
    conninfo.set("host", "a,b,/run/postgresql");
    conninfo.set("port", "1,2,3");
    const auto with = postgres::with_addresses(conninfo, {{}, {"10.0.0.2"}, {}});
    CHECK(with.get("host") == "b,/run/postgresql");
    CHECK(with.get("hostaddr") == "10.0.0.2,");
    CHECK(with.get("port") == "2,3");
    conninfo.set("host", "a,b");
    CHECK(postgres::with_addresses(conninfo, {{}, {}}).get("host") == "a,b");
}

TEST_CASE("lists of ports and hosts that do not match are left to libpq, which refuses them") {
    const auto conninfo = postgres::Conninfo::parse("host=localhost,b,c port=5432,5433", "test");
    const auto with = postgres::with_addresses(conninfo, {{"127.0.0.1", "::1"}, {"10.0.0.1"}, {"10.0.0.2"}});
    CHECK(with.get("host") == "localhost,b,c");
    CHECK(with.get("port") == "5432,5433");
    CHECK(with.get("hostaddr").empty());
}

TEST_CASE("an attempt can begin with any host, and each keeps its address and port") {
    postgres::Conninfo conninfo;
    conninfo.set("host", "a,b,c");
    conninfo.set("hostaddr", "10.0.0.1,,10.0.0.3");
    conninfo.set("port", "1,2,3");
    conninfo.set("dbname", "x,y");
    const auto second = beginning_with(conninfo, 1);
    CHECK(second.get("host") == "b,c,a");
    CHECK(second.get("hostaddr") == ",10.0.0.3,10.0.0.1");
    CHECK(second.get("port") == "2,3,1");
    CHECK(second.get("dbname") == "x,y");
    CHECK(beginning_with(conninfo, 3).get("host") == "a,b,c");
    conninfo.set("port", "5432");
    CHECK(beginning_with(conninfo, 2).get("port") == "5432");
}
