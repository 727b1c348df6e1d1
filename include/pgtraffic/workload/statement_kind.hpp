// What a statement can do to the data, as far as its first words tell. Where they do not, the answer is the
// careful one: it may write. A function that is called by SELECT and writes is the exception; nothing short
// of asking the server could tell.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgtraffic::workload {

enum class StatementKind : std::uint8_t {
    reads,       ///< SELECT, VALUES, TABLE, SHOW, EXPLAIN, FETCH, a WITH of these (only_reads); SET and the
                 ///< like, too: nothing that stays
    writes,      ///< everything that is not known to be one of the others
    begins,      ///< BEGIN, START TRANSACTION
    commits,     ///< COMMIT, END, PREPARE TRANSACTION
    rolls_back,  ///< ROLLBACK, ABORT (not to a savepoint: that "reads")
};

[[nodiscard]] StatementKind kind_of(std::string_view text);

/// ROLLBACK TO a savepoint: what was done since then is undone.
[[nodiscard]] bool rolls_back_to_savepoint(std::string_view text);

/// Of one that ends a transaction: AND CHAIN, so that the next one has begun.
[[nodiscard]] bool chains(std::string_view text);

}  // namespace pgtraffic::workload
