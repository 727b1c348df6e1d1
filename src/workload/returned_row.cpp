#include "pgtraffic/workload/returned_row.hpp"

#include "pgtraffic/base/big_endian.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::size_t kFieldCount = 2;  // bytes in front of the fields
constexpr std::size_t kLength = 4;
constexpr std::string_view kNull{"\xFF\xFF\xFF\xFF", kLength};

/// With its length; empty where it is cut off.
std::string_view first_field(std::string_view fields) noexcept {
    if (fields.size() < kLength) return {};
    const std::uint32_t told = base::read_u32(fields.data());
    const std::size_t bytes = told == kNullLength ? 0 : told;
    return bytes > fields.size() - kLength ? std::string_view{} : fields.substr(0, kLength + bytes);
}

}  // namespace

std::string_view field_of_row(std::string_view row, std::size_t column) noexcept {
    if (row.size() < kFieldCount) return kNull;
    row.remove_prefix(kFieldCount);
    for (;; --column) {
        const auto field = first_field(row);
        if (field.empty()) return kNull;
        if (column == 0) return field;
        row.remove_prefix(field.size());
    }
}

}  // namespace pgtraffic::workload
