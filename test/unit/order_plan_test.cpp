// The plan of the order book without a database: counts are exact at any scale, dates keep their distances on
// any day, and nothing lies in the future.
#include <map>

#include "pgtraffic/brickhouse/order_plan.hpp"
#include "support/catch.hpp"

using namespace pgtraffic::brickhouse;
using pgtraffic::base::Random;
using pgtraffic::base::Stream;

namespace {

constexpr LocalSeconds kHour = 3600;
constexpr LocalSeconds kDay = 24 * kHour;
constexpr LocalSeconds kMonday = 20'003 * kDay;  // 2024-10-07

}  // namespace

TEST_CASE("the default volume is the book that the model describes") {
    const Volume volume = volume_of(1);
    CHECK(volume.orders == 242'293);
    CHECK(volume.fulfilled() == 226'834);
    CHECK(volume.approved == 13'532);
    CHECK(volume.pending == 1'347);
    CHECK(volume.cancelled == 580);
    CHECK(volume.products == 100);
    CHECK(volume.stores == 50);
}

TEST_CASE("every status is dealt exactly as often as the volume says, at any scale") {
    for (const double scale : {1e-6, 1e-4, 0.001, 0.02, 0.37, 1.0, 1.5}) {
        CAPTURE(scale);
        const Volume volume = volume_of(scale);
        StatusPlan plan{volume, 42};
        std::map<OrderStatus, std::uint64_t> counts;
        for (std::uint64_t k = 0; k < volume.orders; ++k) ++counts[plan.next()];
        CHECK(counts[OrderStatus::pending_review] == volume.pending);
        CHECK(counts[OrderStatus::approved] == volume.approved);
        CHECK(counts[OrderStatus::cancelled] == volume.cancelled);
        CHECK(counts[OrderStatus::fulfilled] == volume.fulfilled());
        CHECK(volume.stores >= 2);
        CHECK(volume.orders >= 20);
    }
}

TEST_CASE("open orders are the young ones") {
    const Volume volume = volume_of(1);
    StatusPlan plan{volume, 1};
    std::uint64_t first_pending = volume.orders;
    std::uint64_t first_approved = volume.orders;
    std::uint64_t last_fulfilled = 0;
    for (std::uint64_t k = 0; k < volume.orders; ++k) {
        const OrderStatus status = plan.next();
        if (status == OrderStatus::pending_review) first_pending = std::min(first_pending, k);
        if (status == OrderStatus::approved) first_approved = std::min(first_approved, k);
        if (status == OrderStatus::fulfilled) last_fulfilled = k;
    }
    CHECK(first_pending > volume.orders - 2 * volume.pending);
    CHECK(first_approved > volume.orders - 2 * volume.approved);
    CHECK(last_fulfilled < first_pending);
}

TEST_CASE("another seed deals other statuses, the same seed the same") {
    const Volume volume = volume_of(0.02);
    StatusPlan one{volume, 1};
    StatusPlan again{volume, 1};
    StatusPlan other{volume, 2};
    int differences = 0;
    for (std::uint64_t k = 0; k < volume.orders; ++k) {
        const OrderStatus status = one.next();
        REQUIRE(again.next() == status);
        if (other.next() != status) ++differences;
    }
    CHECK(differences > 10);
}

TEST_CASE("the clock never runs backwards, grows by 12 % a month, and rests at weekends and at night") {
    const LocalSeconds start = kMonday + 7 * kHour + 123;
    const LocalSeconds end = start + 26 * 7 * kDay;  // whole weeks, so that halves compare
    OrderClock clock{start, end};
    constexpr int kOrders = 400'000;
    std::vector<int> by_month(6);
    std::vector<int> by_weekday(7);
    int at_night = 0;
    LocalSeconds before = start;
    bool in_order = true;
    for (int k = 0; k < kOrders; ++k) {
        const LocalSeconds at = clock.at((k + 0.5) / kOrders);
        in_order = in_order && at >= before && at < end;
        before = at;
        ++by_month[static_cast<std::size_t>((at - start) * 6 / (end - start))];
        ++by_weekday[static_cast<std::size_t>((at / kDay + 4) % 7)];  // 1970-01-01 was a Thursday
        if (at % kDay < 5 * kHour) ++at_night;
    }
    CHECK(in_order);
    CHECK(by_month[5] / static_cast<double>(by_month[0]) ==
          Approx(1.12 * 1.12 * 1.12 * 1.12 * 1.12).epsilon(0.08));
    for (const std::size_t workday : {1U, 2U, 3U, 4U, 5U}) {
        CHECK(by_weekday[0] < by_weekday[workday] / 2);
        CHECK(by_weekday[6] < by_weekday[workday] / 2);
    }
    CHECK(at_night / static_cast<double>(kOrders) < 5.0 / 24 / 2);
}

TEST_CASE("the clock's first and last shares stay inside the span") {
    OrderClock clock{kMonday + 59, kMonday + 3 * kHour + 1};
    CHECK(clock.at(0) == kMonday + 59);
    CHECK(clock.at(0.999999999999) == kMonday + 3 * kHour);
}

TEST_CASE("dates keep their distances and none lies in the future, however young the order") {
    Random random{3, Stream::data};
    for (LocalSeconds age = 0; age < 6 * kDay; age += 600) {
        const LocalSeconds now = kMonday + 400 * kDay;
        const OrderDates fulfilled = order_dates(OrderStatus::fulfilled, now - age, now, random);
        REQUIRE(fulfilled.approved);
        REQUIRE(fulfilled.fulfilled);
        CHECK(*fulfilled.approved - fulfilled.ordered >= 2 * kHour);
        CHECK(*fulfilled.approved - fulfilled.ordered <= 48 * kHour);
        CHECK(*fulfilled.fulfilled - *fulfilled.approved >= 4 * kHour);
        CHECK(*fulfilled.fulfilled - *fulfilled.approved <= 72 * kHour);
        CHECK(*fulfilled.fulfilled <= now);
        const OrderDates approved = order_dates(OrderStatus::approved, now - age, now, random);
        REQUIRE(approved.approved);
        CHECK_FALSE(approved.fulfilled);
        CHECK(*approved.approved - approved.ordered >= 2 * kHour);
        CHECK(*approved.approved <= now);
        for (const auto status : {OrderStatus::pending_review, OrderStatus::cancelled}) {
            const OrderDates open = order_dates(status, now - age, now, random);
            CHECK(open.ordered == now - age);
            CHECK_FALSE(open.approved);
            CHECK_FALSE(open.fulfilled);
        }
    }
}
