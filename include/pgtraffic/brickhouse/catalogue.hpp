// The invented drinks, and the places and people of the model. Names only: what is random about the rows is
// made in data.cpp.
#pragma once

#include <span>
#include <string_view>

namespace pgtraffic::brickhouse {

struct Product {
    std::string_view name;
    std::string_view brand;
    std::string_view category;
    std::string_view package_size;
    int lowest_cents;  ///< of a case's price
    int highest_cents;
};

struct City {
    std::string_view name;
    std::string_view state;
    std::string_view zip_prefix;  ///< three digits
    std::string_view region;
};

[[nodiscard]] std::span<const Product> products() noexcept;  ///< 100
[[nodiscard]] std::span<const City> cities() noexcept;       ///< 50; the first is where headquarters are
[[nodiscard]] std::span<const std::string_view> streets() noexcept;
[[nodiscard]] std::span<const std::string_view> first_names() noexcept;
[[nodiscard]] std::span<const std::string_view> last_names() noexcept;
[[nodiscard]] std::span<const std::string_view> store_types() noexcept;  ///< of retail stores
[[nodiscard]] std::span<const std::string_view> order_notes() noexcept;
[[nodiscard]] std::span<const std::string_view> cancel_notes() noexcept;

}  // namespace pgtraffic::brickhouse
