// Names are unqualified on purpose: the tables go where the connection's search path says, and so do the
// workloads that use them.
#include "pgtraffic/brickhouse/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "pgtraffic/brickhouse/model.hpp"

namespace pgtraffic::brickhouse {

const std::vector<std::string>& table_names() {
    static const std::vector<std::string> names{"products", "stores", "users", "inventory", "orders"};
    return names;
}

std::string_view tables_sql() noexcept {
    return R"sql(
CREATE TABLE products (
    product_id   serial,
    product_name varchar(255) NOT NULL,
    brand        varchar(100) NOT NULL,
    category     varchar(50) NOT NULL,
    package_size varchar(50) NOT NULL,
    unit_price   decimal(10,2) NOT NULL,
    created_at   timestamp DEFAULT now()
);
CREATE TABLE stores (
    store_id   serial,
    store_name varchar(255) NOT NULL,
    store_code varchar(20) NOT NULL,
    address    text NOT NULL,
    city       varchar(100) NOT NULL,
    state      varchar(2) NOT NULL,
    zip_code   varchar(10) NOT NULL,
    region     varchar(50) NOT NULL,
    store_type varchar(50) NOT NULL,
    created_at timestamp DEFAULT now()
);
CREATE TABLE users (
    user_id    serial,
    username   varchar(100) NOT NULL,
    email      varchar(255) NOT NULL,
    first_name varchar(100) NOT NULL,
    last_name  varchar(100) NOT NULL,
    role       varchar(50) NOT NULL CHECK (role IN ('store_manager', 'regional_manager')),
    store_id   integer,
    region     varchar(50),
    avatar_url varchar(500),
    created_at timestamp DEFAULT now()
);
CREATE TABLE inventory (
    inventory_id   serial,
    product_id     integer NOT NULL,
    store_id       integer NOT NULL,
    quantity_cases integer NOT NULL DEFAULT 0,
    reserved_cases integer NOT NULL DEFAULT 0,
    last_updated   timestamp DEFAULT now(),
    version        integer DEFAULT 1
);
CREATE TABLE orders (
    order_id       serial,
    order_number   varchar(50) NOT NULL,
    from_store_id  integer,
    to_store_id    integer NOT NULL,
    product_id     integer NOT NULL,
    quantity_cases integer NOT NULL,
    order_status   varchar(50) NOT NULL DEFAULT 'pending_review'
        CHECK (order_status IN ('pending_review', 'approved', 'fulfilled', 'cancelled')),
    requested_by   integer NOT NULL,
    approved_by    integer,
    order_date     timestamp DEFAULT now(),
    approved_date  timestamp,
    fulfilled_date timestamp,
    notes          text,
    version        integer DEFAULT 1
);
)sql";
}

std::string_view keys_sql() noexcept {
    return R"sql(
ALTER TABLE products ADD PRIMARY KEY (product_id);
ALTER TABLE stores ADD PRIMARY KEY (store_id), ADD UNIQUE (store_code);
ALTER TABLE users ADD PRIMARY KEY (user_id), ADD UNIQUE (username), ADD UNIQUE (email),
    ADD FOREIGN KEY (store_id) REFERENCES stores;
ALTER TABLE inventory ADD PRIMARY KEY (inventory_id), ADD UNIQUE (product_id, store_id),
    ADD FOREIGN KEY (product_id) REFERENCES products, ADD FOREIGN KEY (store_id) REFERENCES stores;
CREATE INDEX ON inventory (store_id, product_id);
ALTER TABLE orders ADD PRIMARY KEY (order_id), ADD UNIQUE (order_number),
    ADD FOREIGN KEY (from_store_id) REFERENCES stores, ADD FOREIGN KEY (to_store_id) REFERENCES stores,
    ADD FOREIGN KEY (product_id) REFERENCES products, ADD FOREIGN KEY (requested_by) REFERENCES users,
    ADD FOREIGN KEY (approved_by) REFERENCES users;
CREATE INDEX ON orders (order_status);
CREATE INDEX ON orders (to_store_id);
)sql";
}

std::string sequences_sql() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKeys{
        {{"products", "product_id"},
         {"stores", "store_id"},
         {"users", "user_id"},
         {"inventory", "inventory_id"},
         {"orders", "order_id"}}};
    std::string sql;
    for (const auto& [table, key] : kKeys) {
        sql += fmt::format("SELECT setval(pg_get_serial_sequence('{0}', '{1}'), (SELECT max({1}) FROM {0}));",
                           table, key);
    }
    return sql;
}

std::string marks_sql(std::string_view details) {
    std::string sql;
    for (const auto& table : table_names()) {
        sql += fmt::format("COMMENT ON TABLE {} IS '{} {}';", table, kMark, details);
    }
    return sql;
}

}  // namespace pgtraffic::brickhouse
