// Whether a statement inserts one row that can be found again: INSERT INTO table (columns) VALUES (…), with a
// code (CodeParameter) as the value of one of the columns. Reads that one shape of SQL and no other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::workload {

struct CodeInsert {
    std::string table;          ///< as written
    std::string column;         ///< as written
    std::size_t parameter = 0;  ///< of the statement: the code
};

/// The first code in it; none for anything else, also for several rows in one statement and for ON CONFLICT,
/// after which it is not sure that a row was inserted.
[[nodiscard]] std::optional<CodeInsert> code_insert(const Statement& statement);

}  // namespace pgtraffic::workload
