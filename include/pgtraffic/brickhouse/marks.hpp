// What is ours in a database: tables by init's mark, orders by the note that a run writes into them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::brickhouse {

/// How the note of an order begins that a run placed; the run's id follows. The built-in scenarios write it.
inline constexpr std::string_view kRunNote = "pgtraffic run ";

/// What some statements write that init did not make.
struct ForeignTargets {
    std::vector<std::string> tables;  ///< as the server names them
    bool unknown = false;             ///< a statement whose tables the server does not tell: DDL, a function

    [[nodiscard]] bool none() const noexcept { return tables.empty() && !unknown; }
};

/// Has the server parse each of `statements`, which write, in a transaction that is rolled back, and looks
/// which tables it locked for writing. Executes none of them. Throws SqlError.
[[nodiscard]] ForeignTargets foreign_targets(postgres::Client& client,
                                             const std::vector<std::string>& statements);

/// Whether `text` has the form of a run's id: 16 hexadecimal digits in lower case.
[[nodiscard]] bool is_run_id(std::string_view text) noexcept;

/// Deletes exactly the orders that the run placed and returns how many there were. Throws base::Error where
/// there is no table "orders" with notes.
std::uint64_t remove_orders_of_run(postgres::Client& client, const std::string& run_id);

}  // namespace pgtraffic::brickhouse
