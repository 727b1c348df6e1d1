// `init` and `cleanup` as a user runs them, each checked by reading the database back: what they make, what
// they refuse to touch, what they print where.
#include <fmt/format.h>
#include <signal.h>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "support/catch.hpp"
#include "support/not_run.hpp"
#include "support/private_namespace.hpp"
#include "support/subprocess.hpp"
#include "support/test_server.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using test::holds;
using test::run_pgtraffic;

namespace {

constexpr const char* kSmall = "--scale=0.01";

std::uint64_t rows_in(const test::Database& database, const std::string& table) {
    postgres::Client client{database.conninfo()};
    return base::parse_count(client.value("SELECT count(*) FROM " + table).value()).value();
}

/// All user tables with their number of rows and the newest change to each.
std::string fingerprint(const test::Database& database) {
    postgres::Client client{database.conninfo()};
    std::string text;
    for (const auto& row :
         client.query("SELECT c.oid::regclass::text, c.oid::text, c.relfilenode::text FROM pg_class c JOIN "
                      "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' ORDER BY 1")) {
        text += fmt::format("{} {} {}\n", *row[0], *row[1], *row[2]);
    }
    for (const auto& row :
         client.query("SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = "
                      "c.relnamespace WHERE n.nspname = 'public' AND relkind = 'r' ORDER BY 1")) {
        text += *client.value(
            fmt::format("SELECT count(*)::text || coalesce(max(xmin::text::bigint), 0) FROM {}", *row[0]));
    }
    return text;
}

}  // namespace

TEST_CASE("init fills the database and says what it made") {
    const auto database = test::fresh_database();
    const auto init = run_pgtraffic({"init", "-d", database.dsn(), kSmall});
    INFO(init.out << init.err);
    REQUIRE(init.exit_code == 0);
    CHECK(holds(init.out, "Filled database \"" + database.name() + "\""));
    for (const auto& table : brickhouse::table_names()) {
        const auto rows = rows_in(database, table);
        CHECK(rows > 0);
        CHECK(holds(init.out, fmt::format("  {:<12}{:>14} rows\n", table, base::with_thousands(rows))));
        CHECK(holds(init.err, "filling " + table));
    }
    CHECK_FALSE(holds(init.err, "\r"));
    CHECK_FALSE(holds(init.err, "\033"));
}

TEST_CASE("on a terminal init shows a bar that moves and vanishes") {
    const auto database = test::fresh_database();
    test::ProcessOptions options;
    options.stderr_terminal = true;
    const auto init = run_pgtraffic({"init", "-d", database.dsn(), kSmall}, options);
    INFO(init.err);
    CHECK(init.exit_code == 0);
    CHECK(holds(init.err, "[########################] 100 %"));
    CHECK(init.err.ends_with("\r\033[K"));
    CHECK_FALSE(holds(init.err, "\n"));
}

TEST_CASE("started without a stdout, init does not print into its own connection") {
    const auto database = test::fresh_database();
    test::ProcessOptions options;
    options.out = test::Stdout::closed;
    const auto init = run_pgtraffic({"init", "-d", database.dsn(), kSmall}, options);
    INFO(init.err);
    CHECK(init.exit_code == 1);
    CHECK(holds(init.err, "pgtraffic: cannot write to standard output: "));
}

TEST_CASE("the target may come from DATABASE_URL and from libpq's own variables") {
    const auto database = test::fresh_database();
    test::ProcessOptions options;
    options.environment = {{"DATABASE_URL", database.dsn()}};
    CHECK(run_pgtraffic({"init", kSmall}, options).exit_code == 0);
    CHECK(rows_in(database, "orders") > 0);

    options.environment.clear();
    for (const auto& [keyword, variable] :
         {std::pair{"host", "PGHOST"}, std::pair{"port", "PGPORT"}, std::pair{"user", "PGUSER"},
          std::pair{"password", "PGPASSWORD"}}) {
        if (auto value = database.conninfo().get(keyword); !value.empty())
            options.environment.emplace_back(variable, value);
    }
    options.environment.emplace_back("PGDATABASE", database.name());
    const auto cleanup = run_pgtraffic({"cleanup"}, options);
    INFO(cleanup.err);
    CHECK(cleanup.exit_code == 0);
    CHECK(holds(cleanup.out, "Dropped from database \"" + database.name() + "\""));

    // --database-url stands above both.
    options.environment = {{"DATABASE_URL", "postgresql://127.0.0.1:1/nowhere"}, {"PGHOST", "/nowhere"}};
    CHECK(run_pgtraffic({"init", kSmall, "-d", database.dsn()}, options).exit_code == 0);
}

TEST_CASE("the same seed gives the same rows, another seed others") {
    const auto orders = [](const char* seed) {
        const auto database = test::fresh_database();
        REQUIRE(run_pgtraffic({"init", "-d", database.dsn(), kSmall, "--random-seed", seed}).exit_code == 0);
        postgres::Client client{database.conninfo()};
        return client
            .value(
                "SELECT md5(string_agg(concat_ws('|', order_id, order_number, to_store_id, product_id, "
                "quantity_cases, "
                "order_status), ',' ORDER BY order_id)) FROM orders")
            .value();
    };
    const auto first = orders("5");
    CHECK(orders("5") == first);
    CHECK(orders("6") != first);
}

TEST_CASE("init refuses a database that it filled before, --reset makes the tables anew") {
    const auto database = test::fresh_database();
    REQUIRE(run_pgtraffic({"init", "-d", database.dsn(), kSmall}).exit_code == 0);
    const auto before = fingerprint(database);

    const auto again = run_pgtraffic({"init", "-d", database.dsn(), kSmall});
    INFO(again.err);
    CHECK(again.exit_code == 1);
    CHECK(again.out.empty());
    CHECK(again.err.starts_with("pgtraffic: "));
    CHECK(holds(again.err, "--reset"));
    CHECK(holds(again.err, "pgtraffic cleanup"));
    CHECK(fingerprint(database) == before);

    CHECK(run_pgtraffic({"init", "-d", database.dsn(), "--scale=0.02", "--reset"}).exit_code == 0);
    CHECK(fingerprint(database) != before);
}

TEST_CASE("init refuses a --confirm of another database, wherever that is") {
    const auto database = test::fresh_database();
    postgres::Client client{database.conninfo()};
    client.execute("CREATE TABLE orders (mine int); INSERT INTO orders VALUES (1)");
    const auto refused =
        run_pgtraffic({"init", "-d", database.dsn(), kSmall, "--reset", "--confirm", "staging"});
    CHECK(refused.exit_code == 1);
    CHECK(holds(refused.err, "names the database \"staging\""));
    CHECK(client.value("SELECT mine FROM orders") == "1");
    CHECK(run_pgtraffic({"init", "-d", database.dsn(), kSmall, "--reset", "--confirm", database.name()})
              .exit_code == 0);
}

TEST_CASE("init refuses tables that it did not make and touches nothing, unless --reset") {
    for (const auto* table : {"orders", "products"}) {
        const auto database = test::fresh_database();
        postgres::Client{database.conninfo()}.execute(
            fmt::format("CREATE TABLE {0} (precious int); INSERT INTO {0} VALUES (42)", table));
        const auto before = fingerprint(database);

        const auto refused = run_pgtraffic({"init", "-d", database.dsn(), kSmall});
        INFO(refused.err);
        CHECK(refused.exit_code == 1);
        CHECK(refused.out.empty());
        CHECK(refused.err.starts_with("pgtraffic: "));
        CHECK(holds(refused.err, table));
        CHECK(holds(refused.err, "--reset"));
        CHECK(fingerprint(database) == before);

        CHECK(run_pgtraffic({"init", "-d", database.dsn(), kSmall, "--reset=false"}).exit_code == 1);
        CHECK(fingerprint(database) == before);

        CHECK(run_pgtraffic({"init", "-d", database.dsn(), kSmall, "--reset"}).exit_code == 0);
        CHECK(rows_in(database, "orders") > 1);
    }
}

TEST_CASE("an init without the right to create tables says what gives it") {
    const auto database = test::fresh_database();
    postgres::Client owner{database.conninfo()};
    const std::string guest = R"("init ""guest""")";
    owner.execute("DROP ROLE IF EXISTS " + guest + "; CREATE ROLE " + guest + " LOGIN");
    owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    const std::vector<std::string> words{"init", "-d", database.dsn() + R"( user='init "guest"')", kSmall};
    const auto init = run_pgtraffic(words);
    CHECK(init.exit_code == 1);
    INFO(init.err);
    CHECK(holds(init.err, "permission denied for schema public"));
    const auto advice = R"(GRANT CREATE ON SCHEMA "public" TO )" + guest;
    CHECK(holds(init.err, advice + ", which PostgreSQL 15"));
    // Another schema comes first in the search path: it is the one that lacks the right.
    owner.execute("CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO " + guest);
    owner.execute("ALTER ROLE " + guest + " SET search_path = shop, public");
    const auto elsewhere = run_pgtraffic(words);
    CHECK(elsewhere.exit_code == 1);
    CHECK(holds(elsewhere.err, R"(GRANT CREATE ON SCHEMA "shop" TO )" + guest + "), or"));
    owner.execute("ALTER ROLE " + guest + " RESET search_path");
    owner.execute(advice);
    CHECK(run_pgtraffic(words).exit_code == 0);
    owner.execute("DROP OWNED BY " + guest + "; DROP ROLE " + guest);
}

TEST_CASE("an init that is interrupted says that nothing was changed, and nothing was") {
    const auto database = test::fresh_database();
    postgres::Client{database.conninfo()}.execute("CREATE TABLE orders (precious int)");
    const auto before = fingerprint(database);
    for (const int number : {SIGINT, SIGTERM}) {
        test::Process init{test::pgtraffic_argv({"init", "-d", database.dsn(), "--scale", "5", "--reset"})};
        REQUIRE(init.wait_for_stderr("filling orders"));
        init.send_signal(number);
        const auto ended = init.wait();
        CHECK(ended.exit_code == -1);
        CHECK(ended.out.empty());
        CHECK(ended.err.ends_with("pgtraffic: interrupted. Nothing was changed.\n"));
        CHECK(fingerprint(database) == before);  // once the server has let go of the table
    }
}

TEST_CASE("an init that is the first process of a container does not go on behind an interrupt") {
    const auto database = test::fresh_database();
    const auto before = fingerprint(database);
    const test::PrivateNamespace container{test::PrivateNamespace::Of::processes};
    if (!container.entered()) return test::not_run("no process namespace to be had");
    test::Process init{test::pgtraffic_argv({"init", "-d", database.dsn(), "--scale", "5"})};
    REQUIRE(init.wait_for_stderr("filling orders"));
    init.send_signal(SIGINT);
    const auto ended = init.wait();
    CHECK(ended.exit_code == 128 + SIGINT);
    CHECK(ended.err.ends_with("pgtraffic: interrupted. Nothing was changed.\n"));
    CHECK(fingerprint(database) == before);
}

TEST_CASE("cleanup drops what init made and nothing else") {
    const auto database = test::fresh_database();
    REQUIRE(run_pgtraffic({"init", "-d", database.dsn(), kSmall}).exit_code == 0);
    postgres::Client{database.conninfo()}.execute(
        "CREATE TABLE mine (precious int); INSERT INTO mine VALUES (42)");

    const auto cleanup = run_pgtraffic({"cleanup", "-d", database.dsn()});
    INFO(cleanup.out << cleanup.err);
    CHECK(cleanup.exit_code == 0);
    CHECK(cleanup.err.empty());
    for (const auto& table : brickhouse::table_names()) CHECK(holds(cleanup.out, table));
    CHECK(rows_in(database, "mine") == 1);
    CHECK(rows_in(database, "pg_class WHERE relnamespace = 'public'::regnamespace") == 1);

    const auto again = run_pgtraffic({"cleanup", "-d", database.dsn()});
    CHECK(again.exit_code == 0);
    CHECK(holds(again.out, "Nothing to drop"));
}

TEST_CASE("cleanup leaves tables of the model's names that init did not make") {
    const auto database = test::fresh_database();
    postgres::Client{database.conninfo()}.execute(
        "CREATE TABLE orders (precious int); INSERT INTO orders VALUES (42)");
    const auto before = fingerprint(database);
    const auto cleanup = run_pgtraffic({"cleanup", "-d", database.dsn()});
    CHECK(cleanup.exit_code == 0);
    CHECK(holds(cleanup.out, "Nothing to drop"));
    CHECK(fingerprint(database) == before);
}

TEST_CASE("cleanup drops no table that took the place of one it waited for") {
    const auto database = test::fresh_database();
    REQUIRE(run_pgtraffic({"init", "-d", database.dsn(), kSmall}).exit_code == 0);
    postgres::Client other{database.conninfo()};
    other.execute("BEGIN; ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders (precious int)");
    test::Process cleanup{test::pgtraffic_argv({"cleanup", "-d", database.dsn()}), test::without_target()};
    postgres::Client watching{database.conninfo()};
    const auto begun = base::mono_now();
    while (watching.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0")
        REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    other.execute("COMMIT");
    (void)cleanup.wait();
    CHECK(watching.value("SELECT count(*) FROM orders") == "0");
}

TEST_CASE("cleanup refuses where other tables depend on the model, and changes nothing") {
    const auto database = test::fresh_database();
    REQUIRE(run_pgtraffic({"init", "-d", database.dsn(), kSmall}).exit_code == 0);
    postgres::Client{database.conninfo()}.execute("CREATE TABLE mine (order_id int REFERENCES orders)");
    const auto before = fingerprint(database);
    const auto cleanup = run_pgtraffic({"cleanup", "-d", database.dsn()});
    CHECK(cleanup.exit_code == 1);
    CHECK(cleanup.out.empty());
    CHECK(holds(cleanup.err, "mine"));
    CHECK(fingerprint(database) == before);
}
