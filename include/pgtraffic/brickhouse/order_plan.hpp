// What an order's place in the book says about it: which status the k-th of n orders has and when it was
// placed. Pure: numbers in, numbers out, in one pass and constant memory, however large the book is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pgtraffic/base/random.hpp"

namespace pgtraffic::brickhouse {

/// Rows by table, and orders by status.
struct Volume {
    std::uint64_t products = 0;
    std::uint64_t stores = 0;
    std::uint64_t orders = 0;
    std::uint64_t pending = 0;
    std::uint64_t approved = 0;
    std::uint64_t cancelled = 0;

    [[nodiscard]] std::uint64_t fulfilled() const { return orders - pending - approved - cancelled; }
};

/// The default volume times `scale`; never fewer than 20 orders, of each status at least one, and two stores.
[[nodiscard]] Volume volume_of(double scale);

enum class OrderStatus : std::uint8_t { pending_review, approved, fulfilled, cancelled };

[[nodiscard]] std::string_view to_text(OrderStatus status) noexcept;

/// The statuses of all orders, oldest first, each exactly as often as the volume says. The youngest are
/// pending, those before them pending or approved, then approved or fulfilled; the rest of the book is
/// fulfilled with cancelled orders strewn in. Selection sampling: Knuth, TAOCP 3.4.2, algorithm S.
class StatusPlan {
 public:
    StatusPlan(const Volume& volume, std::uint64_t seed);

    /// Of the next order; called at most volume.orders times.
    [[nodiscard]] OrderStatus next();

 private:
    /// True for exactly `wanted` of the `left` calls that remain.
    [[nodiscard]] bool select(std::uint64_t& wanted, std::uint64_t& left);

    base::Random random_;
    std::uint64_t position_ = 0;
    std::uint64_t approving_from_;  ///< here approved orders begin
    std::uint64_t pending_from_;    ///< here pending ones
    std::uint64_t fresh_from_;      ///< from here on all are pending
    std::uint64_t approved_wanted_;
    std::uint64_t approved_left_;
    std::uint64_t pending_wanted_;
    std::uint64_t pending_left_;
    std::uint64_t cancelled_wanted_;
    std::uint64_t cancelled_left_;
};

/// Seconds since 1970 on the server's local clock, as its `timestamp` columns mean it.
using LocalSeconds = std::int64_t;

/// Turns a share of all orders into the instant by which that share was placed: 12 % more a month (a sixth of
/// the span), fewer at weekends and at night.
class OrderClock {
 public:
    OrderClock(LocalSeconds start, LocalSeconds end);  ///< start < end

    /// `share` in [0, 1), not smaller than in the call before. The result is in [start, end).
    [[nodiscard]] LocalSeconds at(double share);

 private:
    LocalSeconds start_;
    LocalSeconds end_;
    std::vector<double> until_;  ///< share of the orders placed by the end of each hour
    std::size_t hour_ = 0;
};

struct OrderDates {
    LocalSeconds ordered = 0;
    std::optional<LocalSeconds> approved;   ///< 2 to 48 h later
    std::optional<LocalSeconds> fulfilled;  ///< 4 to 72 h after that
};

/// None lies after `now`: an order too young for its status is moved back until it fits.
[[nodiscard]] OrderDates order_dates(OrderStatus status, LocalSeconds placed, LocalSeconds now,
                                     base::Random& random);

}  // namespace pgtraffic::brickhouse
