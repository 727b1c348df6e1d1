// The model read back with SQL: every number and rule of its description, and what init and cleanup refuse.
#include <fmt/format.h>

#include <cmath>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "support/catch.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;
using postgres::Client;

namespace {

std::string text(Client& client, const std::string& sql) {
    return client.value(sql).value_or("NULL");
}
double decimal(Client& client, const std::string& sql) {
    return std::stod(text(client, sql));
}

brickhouse::InitOptions options(double scale, std::uint64_t seed = 1, bool reset = false) {
    brickhouse::InitOptions result;
    result.scale = scale;
    result.seed = seed;
    result.reset = reset;
    return result;
}

constexpr double kSmall = 0.0005;

/// Of all rows of a table, the columns that do not hang on the day.
std::string digest(Client& client, const std::string& columns, const std::string& table,
                   const std::string& key) {
    return text(client, fmt::format("SELECT md5(string_agg(concat_ws('|', {}), E'\\n' ORDER BY {})) FROM {}",
                                    columns, key, table));
}

std::vector<std::string> digests(Client& client) {
    return {
        digest(client, "product_id, product_name, brand, category, package_size, unit_price", "products",
               "product_id"),
        digest(client, "store_id, store_name, store_code, address, city, state, zip_code, region, store_type",
               "stores", "store_id"),
        digest(client, "user_id, username, email, first_name, last_name, role, store_id, region, avatar_url",
               "users", "user_id"),
        digest(client, "inventory_id, product_id, store_id, quantity_cases, reserved_cases, version",
               "inventory", "inventory_id"),
        digest(
            client,
            "order_id, order_number, from_store_id, to_store_id, product_id, quantity_cases, order_status, "
            "requested_by, approved_by, notes, version",
            "orders", "order_id")};
}

std::string definitions(Client& client, const std::string& table) {
    return text(client,
                fmt::format("SELECT string_agg(contype::text || ' ' || pg_get_constraintdef(oid), '; ' "
                            "ORDER BY contype, pg_get_constraintdef(oid)) FROM pg_constraint "
                            "WHERE conrelid = '{}'::regclass AND contype <> 'n'",
                            table));
}

std::string columns_of(Client& client, const std::string& table) {
    return text(client,
                fmt::format("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || "
                            "CASE WHEN attnotnull THEN ' not null' ELSE '' END || "
                            "coalesce(' default ' || pg_get_expr(adbin, adrelid), ''), ', ' ORDER BY attnum) "
                            "FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
                            "WHERE attrelid = '{}'::regclass AND attnum > 0",
                            table));
}

}  // namespace

TEST_CASE("the default volume has the numbers of its description") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    std::uint64_t last = 0;
    std::uint64_t total = 0;
    bool rising = true;
    const auto summary =
        brickhouse::init(client, options(1), [&](const std::string&, std::uint64_t rows, std::uint64_t all) {
            rising = rising && rows >= last && rows <= all;
            last = rows;
            total = all;
        });
    CHECK(rising);
    CHECK(last == total);
    REQUIRE(summary.rows.size() == 5);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        const auto& [table, rows] = summary.rows[i];
        CHECK(table == brickhouse::table_names()[i]);
        CHECK(text(client, "SELECT count(*) FROM " + table) == std::to_string(rows));
        sum += rows;
    }
    CHECK(sum == total);

    // Orders.
    {
        CHECK(text(client, "SELECT count(*) FROM orders") == "242293");
        for (const auto& [status, count] :
             {std::pair{"fulfilled", "226834"}, std::pair{"approved", "13532"},
              std::pair{"pending_review", "1347"}, std::pair{"cancelled", "580"}}) {
            CHECK(text(client, fmt::format("SELECT count(*) FROM orders WHERE order_status = '{}'",
                                           status)) == count);
        }
        CHECK(
            text(client,
                 "SELECT count(*) FROM orders WHERE order_number <> 'ORD' || lpad(order_id::text, 6, '0')") ==
            "0");
        CHECK(text(client, "SELECT min(order_number) || max(order_number) FROM orders") ==
              "ORD000001ORD242293");
        CHECK(text(client, "SELECT min(quantity_cases) || '-' || max(quantity_cases) FROM orders") == "5-50");
        CHECK(decimal(client, "SELECT avg(quantity_cases) FROM orders") == Approx(27.5).margin(0.2));
        CHECK(text(client, "SELECT count(*) FROM orders WHERE from_store_id <> 1 OR to_store_id = 1") == "0");
        CHECK(text(client,
                   "SELECT count(DISTINCT to_store_id) || ' ' || count(DISTINCT product_id) FROM orders") ==
              "49 100");
        CHECK(
            text(client,
                 "SELECT count(*) FROM orders WHERE version <> CASE order_status WHEN 'pending_review' THEN "
                 "1 WHEN 'fulfilled' THEN 3 ELSE 2 END") == "0");
    }
    // Dates.
    {
        CHECK(text(client,
                   "SELECT count(*) FROM orders WHERE greatest(order_date, approved_date, fulfilled_date) > "
                   "localtimestamp OR order_date < localtimestamp - interval '6 months 1 day'") == "0");
        CHECK(text(client,
                   "SELECT count(*) FROM orders WHERE (approved_date IS NOT NULL) <> (order_status IN "
                   "('approved', 'fulfilled')) OR (fulfilled_date IS NOT NULL) <> (order_status = "
                   "'fulfilled')") == "0");
        CHECK(text(client,
                   "SELECT count(*) FROM orders WHERE approved_date - order_date NOT BETWEEN interval '2 h' "
                   "AND interval '48 h' OR fulfilled_date - approved_date NOT BETWEEN interval '4 h' AND "
                   "interval '72 h'") == "0");
        CHECK(decimal(client,
                      "SELECT extract(epoch FROM avg(approved_date - order_date)) / 3600 FROM orders") ==
              Approx(25).margin(0.5));
        CHECK(decimal(client,
                      "SELECT extract(epoch FROM avg(fulfilled_date - approved_date)) / 3600 FROM orders") ==
              Approx(38).margin(0.5));
        // Whole weeks, 17 of them apart: 1.12 to the power of 119 days in months.
        const auto weeks_ago = [&client](int from, int to) {
            return decimal(
                client, fmt::format("SELECT count(*) FROM orders WHERE order_date >= current_date - {} AND "
                                    "order_date < current_date - {}",
                                    from * 7, to * 7));
        };
        CHECK(weeks_ago(5, 1) / weeks_ago(22, 18) == Approx(std::pow(1.12, 119 / 30.44)).epsilon(0.03));
        CHECK(decimal(client,
                      "SELECT count(*) FILTER (WHERE extract(isodow FROM order_date) >= 6) / "
                      "count(*)::float FROM orders") < 0.2);
        CHECK(text(client,
                   "SELECT count(*) FROM orders WHERE order_status = 'pending_review' AND order_date < "
                   "localtimestamp - interval '5 days'") == "0");
        CHECK(decimal(client, "SELECT extract(epoch FROM localtimestamp - max(order_date)) FROM orders") <
              86400);
    }
    // Stores, users, products, inventory.
    {
        CHECK(
            text(client,
                 "SELECT count(*) || ' ' || count(DISTINCT category) || ' ' || count(DISTINCT product_name) "
                 "FROM products") == "100 10 100");
        CHECK(text(client, "SELECT count(*) FROM products WHERE unit_price NOT BETWEEN 5 AND 50") == "0");
        CHECK(text(client, "SELECT count(*) || ' ' || count(DISTINCT store_name) FROM stores") == "50 50");
        CHECK(text(client,
                   "SELECT store_id || ' ' || store_type FROM stores WHERE store_type = 'headquarters'") ==
              "1 headquarters");
        CHECK(text(client,
                   "SELECT count(*) FROM stores WHERE zip_code !~ '^[0-9]{5}$' OR state !~ '^[A-Z]{2}$'") ==
              "0");
        CHECK(text(client,
                   "SELECT count(*) || ' ' || count(DISTINCT store_id) FROM users WHERE role = "
                   "'store_manager'") == "50 50");
        CHECK(text(client,
                   "SELECT string_agg(region, ',' ORDER BY region) FROM users WHERE role = "
                   "'regional_manager' AND store_id IS NULL") ==
              text(client, "SELECT string_agg(DISTINCT region, ',' ORDER BY region) FROM stores"));
        CHECK(
            text(client, "SELECT count(*) || ' ' || count(DISTINCT (product_id, store_id)) FROM inventory") ==
            "5000 5000");
        CHECK(
            text(client,
                 "SELECT count(*) FROM inventory WHERE quantity_cases NOT BETWEEN CASE store_id WHEN 1 THEN "
                 "500 ELSE 20 END AND CASE store_id WHEN 1 THEN 3000 ELSE 150 END OR reserved_cases NOT "
                 "BETWEEN 0 AND quantity_cases OR version <> 1 OR last_updated IS NULL") == "0");
        CHECK(
            text(client,
                 "SELECT count(*) FROM orders o JOIN users u ON u.user_id = o.requested_by WHERE u.store_id "
                 "<> o.to_store_id") == "0");
        CHECK(text(client,
                   "SELECT count(*) FROM orders o JOIN users u ON u.user_id = o.approved_by JOIN stores s ON "
                   "s.store_id = o.to_store_id WHERE u.role <> 'regional_manager' OR u.region <> s.region") ==
              "0");
    }
    // Statistics are there at once.
    {
        CHECK(decimal(client, "SELECT reltuples FROM pg_class WHERE oid = 'orders'::regclass") ==
              Approx(242293));
    }
}

TEST_CASE("columns, keys, checks and indexes are those of the description") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    CHECK(columns_of(client, "orders") ==
          "order_id integer not null default nextval('orders_order_id_seq'::regclass), "
          "order_number character varying(50) not null, from_store_id integer, to_store_id integer not null, "
          "product_id integer not null, quantity_cases integer not null, order_status character varying(50) "
          "not null "
          "default 'pending_review'::character varying, requested_by integer not null, approved_by integer, "
          "order_date timestamp without time zone default now(), approved_date timestamp without time zone, "
          "fulfilled_date timestamp without time zone, notes text, version integer default 1");
    CHECK(
        columns_of(client, "inventory") ==
        "inventory_id integer not null default nextval('inventory_inventory_id_seq'::regclass), "
        "product_id integer not null, store_id integer not null, quantity_cases integer not null default 0, "
        "reserved_cases integer not null default 0, last_updated timestamp without time zone default now(), "
        "version integer default 1");
    CHECK(columns_of(client, "products") ==
          "product_id integer not null default nextval('products_product_id_seq'::regclass), "
          "product_name character varying(255) not null, brand character varying(100) not null, "
          "category character varying(50) not null, package_size character varying(50) not null, "
          "unit_price numeric(10,2) not null, created_at timestamp without time zone default now()");
    CHECK(columns_of(client, "stores") ==
          "store_id integer not null default nextval('stores_store_id_seq'::regclass), "
          "store_name character varying(255) not null, store_code character varying(20) not null, "
          "address text not null, city character varying(100) not null, state character varying(2) not null, "
          "zip_code character varying(10) not null, region character varying(50) not null, "
          "store_type character varying(50) not null, created_at timestamp without time zone default now()");
    CHECK(columns_of(client, "users") ==
          "user_id integer not null default nextval('users_user_id_seq'::regclass), "
          "username character varying(100) not null, email character varying(255) not null, "
          "first_name character varying(100) not null, last_name character varying(100) not null, "
          "role character varying(50) not null, store_id integer, region character varying(50), "
          "avatar_url character varying(500), created_at timestamp without time zone default now()");

    CHECK(definitions(client, "products") == "p PRIMARY KEY (product_id)");
    CHECK(definitions(client, "stores") == "p PRIMARY KEY (store_id); u UNIQUE (store_code)");
    const std::string users = definitions(client, "users");
    CHECK_THAT(users, Catch::Contains("f FOREIGN KEY (store_id) REFERENCES stores(store_id)") &&
                          Catch::Contains("u UNIQUE (email)") && Catch::Contains("u UNIQUE (username)") &&
                          Catch::Contains("'store_manager'") && Catch::Contains("'regional_manager'"));
    CHECK(definitions(client, "inventory") ==
          "f FOREIGN KEY (product_id) REFERENCES products(product_id); f FOREIGN KEY (store_id) REFERENCES "
          "stores(store_id); p PRIMARY KEY (inventory_id); u UNIQUE (product_id, store_id)");
    const std::string orders = definitions(client, "orders");
    CHECK_THAT(orders, Catch::Contains("FOREIGN KEY (approved_by) REFERENCES users(user_id)") &&
                           Catch::Contains("FOREIGN KEY (requested_by) REFERENCES users(user_id)") &&
                           Catch::Contains("FOREIGN KEY (from_store_id) REFERENCES stores(store_id)") &&
                           Catch::Contains("FOREIGN KEY (to_store_id) REFERENCES stores(store_id)") &&
                           Catch::Contains("FOREIGN KEY (product_id) REFERENCES products(product_id)") &&
                           Catch::Contains("PRIMARY KEY (order_id)") &&
                           Catch::Contains("UNIQUE (order_number)"));
    CHECK(text(client,
               "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = "
               "'public' AND indexname LIKE '%_idx'") ==
          "inventory_store_id_product_id_idx orders_order_status_idx orders_to_store_id_idx");
    CHECK_THROWS_WITH(client.execute("UPDATE orders SET order_status = 'lost'"), Catch::Contains("23514"));
    CHECK_THROWS_WITH(client.execute("UPDATE users SET role = 'owner'"), Catch::Contains("23514"));
}

TEST_CASE("rows inserted after init get the next numbers") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    for (const auto& [table, key] :
         {std::pair{"products", "product_id"}, std::pair{"stores", "store_id"}, std::pair{"users", "user_id"},
          std::pair{"inventory", "inventory_id"}, std::pair{"orders", "order_id"}}) {
        CHECK(text(client,
                   fmt::format("SELECT nextval(pg_get_serial_sequence('{0}', '{1}')) - max({1}) FROM {0}",
                               table, key)) == "1");
    }
}

TEST_CASE("the same seed gives the same rows, another seed others") {
    const auto one = test::filled_database();
    const auto two = test::fresh_database();
    Client first{one.conninfo()};
    Client second{two.conninfo()};
    brickhouse::init(second, options(test::kScale, test::kSeed), nullptr);
    const auto expected = digests(first);
    CHECK(digests(second) == expected);
    brickhouse::init(second, options(test::kScale, test::kSeed + 1, true), nullptr);
    const auto other = digests(second);
    for (std::size_t table = 0; table < 5; ++table) CHECK(other[table] != expected[table]);
}

TEST_CASE("a scale multiplies orders and stores and keeps the shares of the statuses") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    CHECK(text(client, "SELECT count(*) FROM orders") == "4846");
    CHECK(text(client,
               "SELECT string_agg(n::text, ' ' ORDER BY order_status) FROM (SELECT order_status, count(*) n "
               "FROM orders GROUP BY 1) x") == "271 12 4536 27");
    CHECK(text(client, "SELECT count(*) FROM stores") == "2");
    CHECK(text(client, "SELECT count(*) FROM inventory") == "200");
    const auto larger = test::fresh_database();
    Client grown{larger.conninfo()};
    brickhouse::init(grown, options(1.5), nullptr);
    CHECK(text(grown, "SELECT count(*) FROM stores") == "75");
    CHECK(text(grown, "SELECT count(*) FROM orders") == "363440");
    CHECK(text(grown, "SELECT count(*) FROM users WHERE role = 'store_manager'") == "75");
}

TEST_CASE("the smallest book still has everything") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    brickhouse::init(client, options(1e-9), nullptr);
    CHECK(text(client, "SELECT count(*) || ' ' || count(DISTINCT order_status) FROM orders") == "20 4");
    CHECK(text(client, "SELECT count(*) FROM stores") == "2");
}

TEST_CASE("dates follow the time zone of the connection") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    for (const char* zone : {"Pacific/Kiritimati", "Pacific/Pago_Pago"}) {
        client.execute(fmt::format("SET TIME ZONE '{}'", zone));
        brickhouse::init(client, options(kSmall, 1, true), nullptr);
        CHECK(text(client, "SELECT count(*) FROM orders WHERE order_date > localtimestamp") == "0");
        CHECK(decimal(client, "SELECT extract(epoch FROM localtimestamp - max(order_date)) FROM orders") <
              5 * 86400);
    }
}

TEST_CASE("init refuses a table that it did not make, and touches nothing") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE orders (precious int); INSERT INTO orders VALUES (42)");
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall), nullptr),
                      Catch::Contains("did not make: orders.") && Catch::Contains("--reset"));
    CHECK(text(client, "SELECT precious FROM orders") == "42");
    CHECK(text(client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1");
    CHECK(brickhouse::cleanup(client).empty());
    CHECK(text(client, "SELECT precious FROM orders") == "42");
    // Named so, it is dropped.
    brickhouse::init(client, options(kSmall, 1, true), nullptr);
    CHECK(text(client, "SELECT count(*) > 20 FROM orders") == "t");
}

TEST_CASE("a view of such a name is foreign, and not even --reset drops it") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE VIEW users AS SELECT 42 AS precious");
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall), nullptr),
                      Catch::Contains("did not make: users."));
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall, 1, true), nullptr),
                      Catch::Contains("Nothing was changed"));
    CHECK(text(client, "SELECT precious FROM users") == "42");
    CHECK(text(client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0");
}

TEST_CASE("a second init says that there is one, --reset makes it anew") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute("UPDATE orders SET notes = 'touched' WHERE order_id = 1");
    CHECK_THROWS_WITH(
        brickhouse::init(client, options(kSmall), nullptr),
        Catch::Contains("initialised already") && Catch::Contains("--reset") && Catch::Contains("cleanup"));
    CHECK(text(client, "SELECT notes FROM orders WHERE order_id = 1") == "touched");
    brickhouse::init(client, options(kSmall, 1, true), nullptr);
    CHECK(decimal(client, "SELECT count(*) FROM orders") == 121);
}

TEST_CASE("cleanup drops what init made and nothing else") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE other AS SELECT 1 AS a");
    CHECK(brickhouse::cleanup(client).size() == 5);
    CHECK(text(client,
               "SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace") ==
          "other");
    CHECK(brickhouse::cleanup(client).empty());
}

TEST_CASE("cleanup leaves a table of ours whose mark somebody took away") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute("COMMENT ON TABLE orders IS 'mine now'");
    // orders refers to the others, so they cannot go without it.
    CHECK_THROWS_WITH(brickhouse::cleanup(client),
                      Catch::Contains("orders") && Catch::Contains("Nothing was changed"));
    CHECK(text(client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "5");
}

TEST_CASE("a foreign table that refers to ours blocks cleanup and --reset") {
    const auto database = test::filled_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE reviews (order_id int REFERENCES orders)");
    CHECK_THROWS_WITH(brickhouse::cleanup(client),
                      Catch::Contains("reviews") && Catch::Contains("Nothing was changed"));
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall, 1, true), nullptr),
                      Catch::Contains("reviews"));
    CHECK(text(client, "SELECT count(*) FROM orders") == "4846");
    client.execute("DROP TABLE reviews");
    CHECK(brickhouse::cleanup(client).size() == 5);
}

TEST_CASE("a failure in the middle of the rows leaves nothing") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const auto stop = [](const std::string& table, std::uint64_t, std::uint64_t) {
        if (table == "orders") throw base::Error("interrupted");
    };
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall), stop), "interrupted");
    CHECK(text(client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0");
    brickhouse::init(client, options(kSmall), nullptr);
}

TEST_CASE("a connection that is lost while it commits leaves a doubt, and says so") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    const auto backend = text(client, "SELECT pg_backend_pid()");
    auto lost = options(kSmall);
    lost.before_commit = [&] {
        Client other{database.conninfo()};
        other.query("SELECT pg_terminate_backend($1::int, 60000)", {backend});
    };
    CHECK_THROWS_WITH(brickhouse::init(client, lost, nullptr),
                      Catch::Contains("That was while it committed: look whether the tables are there."));
}

TEST_CASE("filling takes its time, whatever limits the role has") {
    const auto database = test::fresh_database();
    Client{database.conninfo()}.execute(
        fmt::format("ALTER DATABASE \"{0}\" SET statement_timeout = '30ms'; ALTER DATABASE \"{0}\" SET "
                    "idle_in_transaction_session_timeout = '30ms'",
                    database.name()));
    Client client{database.conninfo()};
    auto patient = options(kSmall);
    // For as long as another transaction that idles needs to be ended by these limits.
    patient.before_commit = [&] {
        Client idle{database.conninfo()};
        const auto backend = text(idle, "SELECT pg_backend_pid()");
        idle.execute("BEGIN");
        Client looking{database.conninfo()};
        looking.execute("SET statement_timeout = 0");
        const auto ended = [&] {
            return looking.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1::int", {backend}).empty();
        };
        for (const auto begun = base::mono_now(); !ended();)
            REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    };
    brickhouse::init(client, patient, nullptr);
    CHECK(text(client, "SELECT count(*) > 0 FROM orders") == "t");
}

TEST_CASE("the tables go where the search path says, and a path to nowhere is named") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE orders (precious int)");
    client.execute("CREATE SCHEMA shop; SET search_path = shop, public");
    const auto summary = brickhouse::init(client, options(kSmall), nullptr);
    CHECK(summary.hidden == std::vector<std::string>{"public.orders"});
    CHECK(text(client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'shop'") == "5");
    CHECK(brickhouse::cleanup(client).size() == 5);
    CHECK(text(client, "SELECT count(*) FROM public.orders") == "0");
    client.execute("SET search_path = nowhere");
    CHECK_THROWS_WITH(brickhouse::init(client, options(kSmall), nullptr), Catch::Contains("search path"));
}
