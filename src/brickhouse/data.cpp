// One row, one Random named by table and row number: no row depends on another's draws. Rows go out as COPY
// text in large pieces; ids are given, not drawn from sequences, so they are the same everywhere.
#include "pgtraffic/brickhouse/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/catalogue.hpp"

namespace pgtraffic::brickhouse {
namespace {

constexpr std::string_view kNull = "\\N";

/// The rows of each table have names of their own in the data stream (0 and 1 are taken by order_plan.cpp).
enum class Table : std::uint64_t { products = 1, stores, users, inventory, orders };

base::Random random_of(std::uint64_t seed, Table table, std::uint64_t row) {
    return {seed, base::Stream::data, (static_cast<std::uint64_t>(table) << 40) + row};
}

template <class Range>
std::string_view pick(const Range& range, base::Random& random) {
    return range[random.below(range.size())];
}

/// One table's COPY: collects rows as text and sends them in pieces.
class TableWriter {
 public:
    TableWriter(postgres::Client& client, const Progress& progress, std::uint64_t total, InitSummary& summary,
                std::string table, std::string_view columns)
        : client_{client}, progress_{progress}, total_{total}, summary_{summary}, table_{std::move(table)} {
        for (const auto& [name, rows] : summary.rows) before_ += rows;
        // FREEZE: the rows are born in their final state, so the first reads of a load write nothing.
        client_.copy_begin(fmt::format("COPY {} ({}) FROM STDIN WITH (FREEZE)", table_, columns));
        buffer_.reserve(kPiece + 4096);
    }

    template <class... Values>
    void row(fmt::format_string<Values...> columns, Values&&... values) {
        fmt::format_to(std::back_inserter(buffer_), columns, std::forward<Values>(values)...);
        ++rows_;
        if (buffer_.size() >= kPiece) send();
    }

    void finish() {
        send();
        client_.copy_end();
        summary_.rows.emplace_back(table_, rows_);
    }

 private:
    static constexpr std::size_t kPiece = 1 << 20;

    void send() {
        client_.copy_data(buffer_);
        buffer_.clear();
        if (progress_) progress_(table_, before_ + rows_, total_);
    }

    postgres::Client& client_;
    const Progress& progress_;
    std::uint64_t total_;
    InitSummary& summary_;
    std::string table_;
    std::string buffer_;
    std::uint64_t rows_ = 0;
    std::uint64_t before_ = 0;
};

/// "2026-11-23 06:30:27" without an allocation, or NULL.
class Timestamp {
 public:
    explicit Timestamp(std::optional<LocalSeconds> instant) {
        if (!instant) return;
        const std::chrono::sys_seconds time{std::chrono::seconds{*instant}};
        const auto midnight = std::chrono::floor<std::chrono::days>(time);
        const std::chrono::year_month_day date{midnight};
        const std::chrono::hh_mm_ss clock{time - midnight};
        const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
        put(0, year / 100);
        put(2, year % 100);
        put(5, static_cast<unsigned>(date.month()));
        put(8, static_cast<unsigned>(date.day()));
        put(11, static_cast<unsigned>(clock.hours().count()));
        put(14, static_cast<unsigned>(clock.minutes().count()));
        put(17, static_cast<unsigned>(clock.seconds().count()));
        text_ = {digits_.data(), digits_.size()};
    }
    Timestamp(const Timestamp&) = delete;
    Timestamp& operator=(const Timestamp&) = delete;
    [[nodiscard]] std::string_view text() const { return text_; }

 private:
    void put(std::size_t at, unsigned two_digits) {
        digits_[at] = static_cast<char>('0' + two_digits / 10);
        digits_[at + 1] = static_cast<char>('0' + two_digits % 10);
    }

    std::array<char, 19> digits_{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0',
                                 ' ', '0', '0', ':', '0', '0', ':', '0', '0'};
    std::string_view text_ = kNull;
};

const City& city_of(std::uint64_t store) {
    return cities()[(store - 1) % cities().size()];
}

/// The regions that have a store, in the order of their first; each has a regional manager.
std::vector<std::string_view> regions_of(std::uint64_t stores) {
    std::vector<std::string_view> result;
    for (std::uint64_t store = 1; store <= std::min<std::uint64_t>(stores, cities().size()); ++store) {
        const std::string_view region = city_of(store).region;
        if (std::find(result.begin(), result.end(), region) == result.end()) result.push_back(region);
    }
    return result;
}

/// Users are the store managers, numbered as their stores, then the regional managers.
class Staff {
 public:
    explicit Staff(std::uint64_t stores) : stores_{stores}, regions_{regions_of(stores)} {}
    [[nodiscard]] const std::vector<std::string_view>& regions() const { return regions_; }
    [[nodiscard]] std::uint64_t count() const { return stores_ + regions_.size(); }
    [[nodiscard]] std::uint64_t regional_manager_of(std::uint64_t store) const {
        const auto found = std::find(regions_.begin(), regions_.end(), city_of(store).region);
        return stores_ + 1 + static_cast<std::uint64_t>(found - regions_.begin());
    }

 private:
    std::uint64_t stores_;
    std::vector<std::string_view> regions_;
};

void write_products(TableWriter writer, std::uint64_t seed) {
    for (std::uint64_t id = 1; id <= products().size(); ++id) {
        base::Random random = random_of(seed, Table::products, id);
        const Product& product = products()[id - 1];
        const auto cents = random.between(product.lowest_cents, product.highest_cents);
        writer.row("{}\t{}\t{}\t{}\t{}\t{}.{:02}\n", id, product.name, product.brand, product.category,
                   product.package_size, cents / 100, cents % 100);
    }
    writer.finish();
}

void write_stores(TableWriter writer, std::uint64_t seed, std::uint64_t stores) {
    for (std::uint64_t id = 1; id <= stores; ++id) {
        base::Random random = random_of(seed, Table::stores, id);
        const City& city = city_of(id);
        const std::uint64_t round = (id - 1) / cities().size() + 1;  // of the list of cities
        const bool headquarters = id == 1;
        const std::string name =
            headquarters ? "Brickhouse Brands Headquarters"
            : round == 1 ? fmt::format("Brickhouse Market {} {}", city.name, city.state)
                         : fmt::format("Brickhouse Market {} {} {}", city.name, city.state, round);
        const std::string code = headquarters ? "HQ001" : fmt::format("{}{:05}", city.state, id);
        const auto number = random.between(10, 4999);
        const auto street = pick(streets(), random);
        const auto zip = random.between(1, 99);
        const auto type = headquarters ? "headquarters" : pick(store_types(), random);
        writer.row("{}\t{}\t{}\t{} {}\t{}\t{}\t{}{:02}\t{}\t{}\n", id, name, code, number, street, city.name,
                   city.state, city.zip_prefix, zip, city.region, type);
    }
    writer.finish();
}

void write_users(TableWriter writer, std::uint64_t seed, std::uint64_t stores, const Staff& staff) {
    for (std::uint64_t id = 1; id <= staff.count(); ++id) {
        base::Random random = random_of(seed, Table::users, id);
        const bool regional = id > stores;
        const auto first = pick(first_names(), random);
        const auto last = pick(last_names(), random);
        const auto username = base::lower_case(fmt::format("{}.{}{}", first, last, id));
        writer.row("{}\t{}\t{}@brickhouse.example\t{}\t{}\t{}\t{}\t{}\t/avatars/{}.png\n", id, username,
                   username, first, last, regional ? "regional_manager" : "store_manager",
                   regional ? std::string{kNull} : std::to_string(id),
                   regional ? staff.regions()[id - stores - 1] : city_of(id).region, id);
    }
    writer.finish();
}

void write_inventory(TableWriter writer, std::uint64_t seed, const Volume& volume) {
    std::uint64_t id = 0;
    for (std::uint64_t store = 1; store <= volume.stores; ++store) {
        for (std::uint64_t product = 1; product <= volume.products; ++product) {
            base::Random random = random_of(seed, Table::inventory, ++id);
            const auto quantity = store == 1 ? random.between(500, 3000) : random.between(20, 150);
            const auto reserved = random.between(0, quantity / 10);
            writer.row("{}\t{}\t{}\t{}\t{}\n", id, product, store, quantity, reserved);
        }
    }
    writer.finish();
}

std::string_view notes_of(OrderStatus status, base::Random& random) {
    if (status == OrderStatus::cancelled) return pick(cancel_notes(), random);
    constexpr std::uint64_t kOneIn = 12;
    return random.below(kOneIn) == 0 ? pick(order_notes(), random) : kNull;
}

struct Span {
    LocalSeconds start;
    LocalSeconds now;
};

void write_orders(TableWriter writer, std::uint64_t seed, const Volume& volume, const Staff& staff,
                  const Span& span) {
    StatusPlan statuses{volume, seed};
    OrderClock clock{span.start, span.now};
    const auto total = static_cast<double>(volume.orders);
    for (std::uint64_t id = 1; id <= volume.orders; ++id) {
        base::Random random = random_of(seed, Table::orders, id);
        const OrderStatus status = statuses.next();
        const std::uint64_t store = 2 + random.below(volume.stores - 1);
        const std::uint64_t product = 1 + random.below(volume.products);
        const std::int64_t quantity = random.between(5, 50);
        const std::string_view notes = notes_of(status, random);
        const double share = (static_cast<double>(id - 1) + random.unit()) / total;
        // Dates last: how often they draw depends on the clock, and must not shift what comes after.
        const OrderDates dates = order_dates(status, clock.at(share), span.now, random);
        const Timestamp ordered{dates.ordered};
        const Timestamp approved{dates.approved};
        const Timestamp fulfilled{dates.fulfilled};
        const int version = status == OrderStatus::pending_review ? 1
                            : status == OrderStatus::fulfilled    ? 3
                                                                  : 2;
        const std::uint64_t approver = dates.approved ? staff.regional_manager_of(store) : 0;
        writer.row("{0}\tORD{0:06}\t1\t{1}\t{2}\t{3}\t{4}\t{1}\t{5}\t{6}\t{7}\t{8}\t{9}\t{10}\n", id, store,
                   product, quantity, to_text(status),
                   approver != 0 ? fmt::to_string(approver) : std::string{kNull}, ordered.text(),
                   approved.text(), fulfilled.text(), notes, version);
    }
    writer.finish();
}

/// The last six months on the server's clock, in the time zone of this connection, as now() fills columns.
Span last_six_months(postgres::Client& client) {
    const auto row = client.row(
        "SELECT floor(extract(epoch FROM localtimestamp - interval '6 months'))::bigint, "
        "floor(extract(epoch FROM localtimestamp))::bigint",
        {}, 2);
    const Span span{postgres::whole_number(row[0]), postgres::whole_number(row[1])};
    constexpr LocalSeconds kYear9999 = 253'370'764'800;
    if (span.start < 0 || span.start >= span.now || span.now > kYear9999)
        throw base::Error("the server's clock is out of order: it should show a time between 1971 and 9999");
    return span;
}

}  // namespace

InitSummary fill(postgres::Client& client, const Volume& volume, std::uint64_t seed,
                 const Progress& progress) {
    PGTRAFFIC_CHECK(volume.products == products().size(), "the catalogue holds every product");
    const Staff staff{volume.stores};
    const Span span = last_six_months(client);
    const std::uint64_t total =
        volume.products + volume.stores + staff.count() + volume.products * volume.stores + volume.orders;
    InitSummary summary;
    const auto writer = [&](const char* table, std::string_view columns) {
        return TableWriter{client, progress, total, summary, table, columns};
    };
    write_products(writer("products", "product_id, product_name, brand, category, package_size, unit_price"),
                   seed);
    write_stores(
        writer("stores",
               "store_id, store_name, store_code, address, city, state, zip_code, region, store_type"),
        seed, volume.stores);
    write_users(writer("users",
                       "user_id, username, email, first_name, last_name, role, store_id, region, avatar_url"),
                seed, volume.stores, staff);
    write_inventory(writer("inventory", "inventory_id, product_id, store_id, quantity_cases, reserved_cases"),
                    seed, volume);
    write_orders(
        writer(
            "orders",
            "order_id, order_number, from_store_id, to_store_id, product_id, quantity_cases, order_status, "
            "requested_by, approved_by, order_date, approved_date, fulfilled_date, notes, version"),
        seed, volume, staff, span);
    return summary;
}

}  // namespace pgtraffic::brickhouse
