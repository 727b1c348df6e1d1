// What a statement does to a database, as far as its text tells: whether it only reads, and how many of its
// parts insert. Errs on the side of "writes": a word that could write counts wherever it stands outside of
// quotes and comments. What a function does that a SELECT calls, no text can tell; Scenario::read_only can.
#pragma once

#include <cstdint>
#include <string_view>

#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::workload {

/// Whether it is a query or transaction control, and holds no word of something that writes, locks rows or
/// draws from a sequence.
[[nodiscard]] bool only_reads(std::string_view sql);

/// Its author's word where there is one, else whether all its statements only read.
[[nodiscard]] bool only_reads(const Scenario& scenario);

/// The same by its statements alone, whatever it says of itself.
[[nodiscard]] bool looks_like_reading(const Scenario& scenario);

/// Whether it is refused in a transaction that may only read. Errs on the side of "no": of what is unknown to
/// it, such as CALL or LOCK, and of row locks.
[[nodiscard]] bool surely_writes(std::string_view sql);

/// Its author's word where there is one, else whether some statement surely writes.
[[nodiscard]] bool surely_writes(const Scenario& scenario);

/// Whether some statement asks for transactions that may write, which overrules a default.
[[nodiscard]] bool asks_to_write(const Scenario& scenario);

/// Whether some statement sets a parameter by the function set_config(), such as the search path.
[[nodiscard]] bool calls_set_config(const Scenario& scenario);

/// Whether a session that is set to read only would not stay so: a statement asks to write, or sets back what
/// was set (RESET, DISCARD ALL).
[[nodiscard]] bool may_lift_read_only(const Scenario& scenario);

/// Whether it may add rows of which its answer does not tell: DO, CALL, CREATE TABLE AS, an INSERT within a
/// WITH. What a function does is not seen.
[[nodiscard]] bool adds_untold_rows(std::string_view sql);

/// Whether it may make, or choose, what later statements of its session name: CREATE, ALTER, DO, CALL, SET,
/// SELECT … INTO. Those cannot be checked on their own.
[[nodiscard]] bool may_define(std::string_view sql);

/// How many INSERTs and MERGEs the statement holds.
[[nodiscard]] std::uint32_t inserts_in(std::string_view sql);

/// How many INSERTs and MERGEs the operation runs, each of which adds a row or more; of an operation that
/// chooses one statement, the most of any.
[[nodiscard]] std::uint32_t inserts_of(const Operation& operation);

}  // namespace pgtraffic::workload
