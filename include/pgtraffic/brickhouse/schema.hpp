// The five tables as SQL text. Keys and indexes come after the rows: checking them once over a full table is
// many times faster than row by row.
#pragma once

#include <string>
#include <string_view>

namespace pgtraffic::brickhouse {

/// CREATE TABLE for the five, columns, defaults and checks only.
[[nodiscard]] std::string_view tables_sql() noexcept;

/// Primary, unique and foreign keys and indexes, under PostgreSQL's own names for them.
[[nodiscard]] std::string_view keys_sql() noexcept;

/// Sets the sequences behind the rows' numbers.
[[nodiscard]] std::string sequences_sql();

/// How the comment begins that says a table is ours; the same in every version.
inline constexpr std::string_view kMark = "made by pgtraffic init";

/// COMMENT ON TABLE for the five: the mark, then `details`. `details` holds no quote.
[[nodiscard]] std::string marks_sql(std::string_view details);

}  // namespace pgtraffic::brickhouse
