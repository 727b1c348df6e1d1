// Lists of hosts, as libpq takes them: their addresses beside them, and which of them are left out.
#include "pgtraffic/postgres/host_list.hpp"

#include "support/catch.hpp"

using namespace pgtraffic;

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

TEST_CASE("addresses that the user gives stand beside the hosts that have none") {
    const auto given = [](const std::string& text) {
        return postgres::given_addresses(postgres::Conninfo::parse(text, "test"));
    };
    using Lists = std::vector<std::vector<std::string>>;
    CHECK(given("host=a,b hostaddr=10.0.0.1,") == Lists{{"10.0.0.1"}, {}});
    CHECK(given("host=a,b") == Lists{{}, {}});
    CHECK(given("hostaddr=10.0.0.1") == Lists{{"10.0.0.1"}});
    CHECK(given("host=a,b,c hostaddr=10.0.0.1,10.0.0.2") == Lists{{}, {}, {}});
}

TEST_CASE("hosts to look up are names without an address, and none where libpq refuses the lists") {
    const auto unknown = [](const std::string& text) {
        return postgres::hosts_to_look_up(postgres::Conninfo::parse(text, "test"));
    };
    using Places = std::vector<std::size_t>;
    CHECK(unknown("host=a,b") == Places{0, 1});
    CHECK(unknown("host=a,10.0.0.1,/run/postgresql,b") == Places{0, 3});
    CHECK(unknown("host=a,b hostaddr=10.0.0.1,") == Places{1});
    CHECK(unknown("host=a,b,c hostaddr=10.0.0.1,10.0.0.2") == Places{});
    CHECK(unknown("host=a,b hostaddr=10.0.0.1") == Places{});
    CHECK(unknown("hostaddr=10.0.0.1") == Places{});
}

TEST_CASE("lists of ports and hosts that do not match are left to libpq, which refuses them") {
    const auto conninfo = postgres::Conninfo::parse("host=localhost,b,c port=5432,5433", "test");
    const auto with = postgres::with_addresses(conninfo, {{"127.0.0.1", "::1"}, {"10.0.0.1"}, {"10.0.0.2"}});
    CHECK(with.get("host") == "localhost,b,c");
    CHECK(with.get("port") == "5432,5433");
    CHECK(with.get("hostaddr").empty());
}

TEST_CASE("hosts can be left out, and those that stay keep their address and port") {
    postgres::Conninfo conninfo;
    conninfo.set("host", "a,b,c");
    conninfo.set("hostaddr", "10.0.0.1,,10.0.0.3");
    conninfo.set("port", "1,2,3");
    conninfo.set("dbname", "x,y");
    CHECK(postgres::host_count(conninfo) == 3);
    const auto others = postgres::without_hosts(conninfo, 0, 1);
    CHECK(others.get("host") == "b,c");
    CHECK(others.get("hostaddr") == ",10.0.0.3");
    CHECK(others.get("port") == "2,3");
    CHECK(others.get("dbname") == "x,y");
    const auto last = postgres::without_hosts(conninfo, 0, 2);
    CHECK(last.get("host") == "c");
    CHECK(postgres::host_count(last) == 1);
    conninfo.set("port", "5432");
    CHECK(postgres::without_hosts(conninfo, 2, 3).get("port") == "5432");
    CHECK(postgres::without_hosts(conninfo, 2, 3).get("host") == "a,b");
}

TEST_CASE("a host is found in the lists by its address, or by name and port") {
    postgres::Conninfo conninfo;
    conninfo.set("host", "a,a,10.0.0.9,/run/postgresql,six");
    conninfo.set("hostaddr", "10.0.0.1,10.0.0.2,,,::0001");
    conninfo.set("port", "5433");
    CHECK(postgres::place_of({"a", "5433", "10.0.0.2"}, conninfo) == 1);
    CHECK(postgres::place_of({"10.0.0.9", "5433", "10.0.0.9"}, conninfo) == 2);
    CHECK(postgres::place_of({"/run/postgresql", "5433", ""}, conninfo) == 3);
    CHECK(postgres::place_of({"six", "5433", "::1"}, conninfo) == 4);
    CHECK(postgres::place_of({"a", "5434", "10.0.0.2"}, conninfo) == std::nullopt);
    CHECK(postgres::place_of({"a", "5433", "10.0.0.3"}, conninfo) == std::nullopt);  // the name has moved
    CHECK(postgres::place_of({"b", "5433", ""}, conninfo) == std::nullopt);
    conninfo.set("host", "a,b");
    conninfo.set("hostaddr", "10.0.0.3,10.0.0.2");
    CHECK(postgres::place_of({"a", "5433", "10.0.0.1"}, conninfo) == std::nullopt);  // so has this one
    conninfo.set("host", "x,y");
    conninfo.set("hostaddr", "127.1,10.0.0.2");  // as the system's resolver reads it
    conninfo.set("port", ",");
    CHECK(postgres::place_of({"x", "5432", "127.0.0.1"}, conninfo) == 0);
}
