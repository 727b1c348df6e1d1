// What the fake server does wrong on purpose, as a table: a row says when it strikes, what it sends, and what
// it does then. A new kind of malice is a row, no code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::test {

enum class Moment : std::uint8_t {
    greeting,     ///< instead of the answer to the start-up packet
    preparation,  ///< instead of the answer to what is asked before the load
    query,        ///< instead of the answer to a query of the load
};

enum class Then : std::uint8_t {
    close,    ///< the connection, once everything is sent
    silence,  ///< says nothing more, whatever it is told
    repeat,   ///< sends `again` without end
    ready,    ///< ReadyForQuery; as if nothing had happened
    go_on,    ///< nothing; as if nothing had happened
};

struct Evil {
    std::string name;
    Moment moment = Moment::query;
    /// The answer begins as it should (ParseComplete … RowDescription), and `bytes` follow.
    bool begins_well = false;
    std::string bytes;
    Then then = Then::close;
    std::string again;
};

[[nodiscard]] const std::vector<Evil>& evil_table();

/// A row of the table, and the connection from which on it strikes (1: the first that is accepted).
struct EvilFrom {
    const Evil* evil = nullptr;
    std::uint64_t connection = 1;
};

/// "NAME" or "NAME@CONNECTION", several of them with commas between. Throws base::Error.
[[nodiscard]] std::vector<EvilFrom> parse_evil(std::string_view text);

}  // namespace pgtraffic::test
