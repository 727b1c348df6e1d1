// A row that a statement returned, as later statements of its operation take values from it: the body of the
// wire's DataRow, whose fields have the very form of a query's values.
//
// Source: PostgreSQL documentation, "Message Formats", DataRow and Bind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pgtraffic::workload {

/// The rows of a session's operation, by Workload::row_of(); one that is empty was not returned.
using ReturnedRows = std::span<const std::string>;

/// What stands for the length of a NULL.
inline constexpr std::uint32_t kNullLength = 0xFFFFFFFF;

/// Of an answer without a row: all its columns are NULL.
inline constexpr std::string_view kNoRow{"\0\0", 2};

/// Field `column` of `row`, from 0, with the four bytes of its length in front, which are -1 and all of a
/// NULL. A NULL, too, where there is no such row, or it is cut off.
[[nodiscard]] std::string_view field_of_row(std::string_view row, std::size_t column) noexcept;

}  // namespace pgtraffic::workload
