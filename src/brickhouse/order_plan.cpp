// Statuses follow from an order's number alone, dates from its number and today: so two runs of init on two
// days give the same rows, dates apart.
#include "pgtraffic/brickhouse/order_plan.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::brickhouse {
namespace {

constexpr std::uint64_t kStatusIndex = 1;  // of the data stream; rows use the indexes of data.cpp
constexpr LocalSeconds kHour = 3600;
constexpr LocalSeconds kDay = 24 * kHour;
constexpr double kGrowthAMonth = 1.12;
constexpr double kMonths = 6;

// Shares of a day's orders by hour, and of a day by weekday from Sunday on.
constexpr std::array<double, 24> kHours{1, 1, 1,  1, 1, 2, 4, 7, 9, 10, 10, 9,
                                        8, 9, 10, 9, 8, 6, 4, 3, 2, 2,  1,  1};
constexpr std::array<double, 7> kWeekdays{0.3, 1.05, 1, 1, 1, 0.95, 0.4};

std::uint64_t scaled(std::uint64_t count, double scale, std::uint64_t least) {
    return std::max(least, static_cast<std::uint64_t>(std::llround(static_cast<double>(count) * scale)));
}

std::uint64_t times(double factor, std::uint64_t count) {
    return static_cast<std::uint64_t>(std::llround(factor * static_cast<double>(count)));
}

}  // namespace

Volume volume_of(double scale) {
    PGTRAFFIC_CHECK(scale > 0 && scale <= 1000, "a scale that the command line let through");
    Volume volume;
    volume.products = 100;
    volume.stores = scaled(50, scale, 2);
    volume.orders = scaled(242'293, scale, 20);
    volume.approved = scaled(13'532, scale, 1);
    volume.pending = scaled(1'347, scale, 1);
    volume.cancelled = scaled(580, scale, 1);
    return volume;
}

std::string_view to_text(OrderStatus status) noexcept {
    switch (status) {
        case OrderStatus::pending_review:
            return "pending_review";
        case OrderStatus::approved:
            return "approved";
        case OrderStatus::fulfilled:
            return "fulfilled";
        case OrderStatus::cancelled:
            return "cancelled";
    }
    return "";
}

StatusPlan::StatusPlan(const Volume& volume, std::uint64_t seed)
    : random_{seed, base::Stream::data, kStatusIndex},
      cancelled_wanted_{volume.cancelled},
      cancelled_left_{volume.orders - volume.pending - volume.approved} {
    const std::uint64_t fresh = std::clamp<std::uint64_t>(times(0.35, volume.pending), 1, volume.pending);
    pending_wanted_ = volume.pending - fresh;
    pending_left_ = std::min(times(1.5, volume.pending), pending_wanted_ + volume.approved);
    approved_wanted_ = volume.approved - (pending_left_ - pending_wanted_);
    fresh_from_ = volume.orders - fresh;
    pending_from_ = fresh_from_ - pending_left_;
    approved_left_ = std::min(times(1.4, approved_wanted_), pending_from_);
    approving_from_ = pending_from_ - approved_left_;
    PGTRAFFIC_CHECK(approved_left_ >= approved_wanted_ && pending_left_ >= pending_wanted_,
                    "a plan with room");
}

bool StatusPlan::select(std::uint64_t& wanted, std::uint64_t& left) {
    const bool chosen = random_.below(left--) < wanted;
    if (chosen) --wanted;
    return chosen;
}

OrderStatus StatusPlan::next() {
    const std::uint64_t k = position_++;
    if (k >= fresh_from_) return OrderStatus::pending_review;
    if (k >= pending_from_) {
        return select(pending_wanted_, pending_left_) ? OrderStatus::pending_review : OrderStatus::approved;
    }
    if (k >= approving_from_ && select(approved_wanted_, approved_left_)) return OrderStatus::approved;
    return select(cancelled_wanted_, cancelled_left_) ? OrderStatus::cancelled : OrderStatus::fulfilled;
}

OrderClock::OrderClock(LocalSeconds start, LocalSeconds end) : start_{start}, end_{end} {
    PGTRAFFIC_CHECK(start < end && start >= 0, "a span of time");
    const double month = static_cast<double>(end - start) / kMonths;
    double sum = 0;
    for (LocalSeconds hour = start / kHour; hour * kHour < end; ++hour) {
        const LocalSeconds from = std::max(start, hour * kHour);
        const LocalSeconds length = std::min(end, (hour + 1) * kHour) - from;
        const std::chrono::sys_days day{std::chrono::days{from / kDay}};
        const double growth = std::pow(kGrowthAMonth, static_cast<double>(from - start) / month);
        sum += growth * kWeekdays[std::chrono::weekday{day}.c_encoding()] *
               kHours[static_cast<std::size_t>(hour % 24)] * static_cast<double>(length);
        until_.push_back(sum);
    }
    for (double& share : until_) share /= sum;
}

LocalSeconds OrderClock::at(double share) {
    while (hour_ + 1 < until_.size() && until_[hour_] <= share) ++hour_;
    const double before = hour_ == 0 ? 0 : until_[hour_ - 1];
    const LocalSeconds first = start_ / kHour + static_cast<LocalSeconds>(hour_);
    const LocalSeconds from = std::max(start_, first * kHour);
    const LocalSeconds to = std::min(end_, (first + 1) * kHour);
    const double part = (share - before) / (until_[hour_] - before);
    const auto offset = static_cast<LocalSeconds>(part * static_cast<double>(to - from));
    return from + std::clamp<LocalSeconds>(offset, 0, to - from - 1);
}

OrderDates order_dates(OrderStatus status, LocalSeconds placed, LocalSeconds now, base::Random& random) {
    constexpr LocalSeconds kApproveLeast = 2 * kHour;
    constexpr LocalSeconds kApproveMost = 48 * kHour;
    constexpr LocalSeconds kFulfilLeast = 4 * kHour;
    constexpr LocalSeconds kFulfilMost = 72 * kHour;
    const LocalSeconds after_approval = status == OrderStatus::fulfilled ? kFulfilLeast : 0;
    const bool open = status == OrderStatus::pending_review || status == OrderStatus::cancelled;

    OrderDates dates;
    dates.ordered = placed;
    if (open) return dates;
    const LocalSeconds youngest = now - kApproveLeast - after_approval;
    if (placed > youngest) dates.ordered = youngest - random.between(0, kHour);
    dates.approved =
        dates.ordered +
        random.between(kApproveLeast, std::min(kApproveMost, now - after_approval - dates.ordered));
    if (status == OrderStatus::fulfilled) {
        dates.fulfilled =
            *dates.approved + random.between(kFulfilLeast, std::min(kFulfilMost, now - *dates.approved));
    }
    return dates;
}

}  // namespace pgtraffic::brickhouse
