// What a command's target holds beyond what its user named.
#include "pgtraffic/cli/target.hpp"

#include <cstdlib>

#include "support/catch.hpp"

using namespace pgtraffic;

namespace {

postgres::Conninfo target(const char* url) {
    cli::TargetOptions options;
    options.database = url;
    return cli::require_target(options);
}

}  // namespace

TEST_CASE("a network that is dead is noticed within a minute, unless its user said when") {
    const auto usual = target("host=a");
    CHECK(usual.get("tcp_user_timeout") == "30000");
    CHECK(usual.get("keepalives_idle") == "15");
    const auto own = target("host=a tcp_user_timeout=5");
    CHECK(own.get("tcp_user_timeout") == "5");
    CHECK(own.get("keepalives_count") == "3");
}

TEST_CASE("port and user replace what DATABASE_URL says, another host does not ask it") {
    setenv("DATABASE_URL", "postgresql://app@db.example:5432/shop", 1);
    cli::TargetOptions options;
    options.user = "load";
    options.port = "6432";
    const auto target = cli::require_target(options);
    CHECK(target.get("host") == "db.example");
    CHECK(target.get("dbname") == "shop");
    CHECK(target.get("user") == "load");
    CHECK(target.get("port") == "6432");
    options.host = "other.example";
    const auto other = cli::require_target(options);
    unsetenv("DATABASE_URL");
    CHECK(other.get("host") == "other.example");
    CHECK(other.get("dbname").empty());
}

TEST_CASE("what is said twice is refused") {
    cli::TargetOptions options;
    options.database = "host=a";
    options.host = "b";
    CHECK_THROWS_WITH(cli::find_target(options), "--host: --database-url already says host=a; say it once");
}
