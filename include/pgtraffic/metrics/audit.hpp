// What --audit found in one table after the load: whether everything that was acknowledged is there, and what
// became of the inserts whose answer was lost. A value that the reports print.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace pgtraffic::metrics {

struct AuditResult {
    std::string table;
    std::string column;  ///< that identifies a row: of the first operation that inserts there
    std::uint64_t rows_before = 0;
    std::uint64_t rows_after = 0;
    std::uint64_t acknowledged = 0;  ///< inserts whose success was told, warm-up included
    std::uint64_t in_doubt = 0;      ///< inserts whose answer was lost = stored + not_stored + unchecked
    std::uint64_t stored = 0;        ///< of those: in the table
    std::uint64_t not_stored = 0;
    std::uint64_t unchecked = 0;  ///< beyond what is remembered
    std::uint64_t twice = 0;      ///< of those stored: there more than once

    /// Rows that must be there and are not.
    [[nodiscard]] std::uint64_t lost() const noexcept {
        return expected() - std::min(expected(), rows_after);
    }
    /// Rows that nobody here inserted: another program wrote, or an unchecked one was stored.
    [[nodiscard]] std::uint64_t unexplained() const noexcept {
        return rows_after - std::min(expected(), rows_after);
    }
    /// Rows that this run has accounted for: a second copy makes up for no row that is missing.
    [[nodiscard]] std::uint64_t expected() const noexcept {
        return rows_before + acknowledged + stored + twice;
    }
    [[nodiscard]] bool sound() const noexcept { return lost() == 0 && twice == 0; }
};

}  // namespace pgtraffic::metrics
