// A five-character SQLSTATE as a value that fits a register. On floor 0, because retry policies, counters
// and connections all speak of it and do not know each other.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string_view>

#include "pgtraffic/base/text.hpp"

namespace pgtraffic::base {

struct SqlState {
    std::array<char, 5> code{'0', '0', '0', '0', '0'};

    [[nodiscard]] std::string_view text() const noexcept { return {code.data(), code.size()}; }
    [[nodiscard]] constexpr std::string_view error_class() const noexcept { return {code.data(), 2}; }
    auto operator<=>(const SqlState&) const = default;

    /// What the statement asks for, or a value in it, is refused, and would be at the next try: it is not
    /// supported, a cardinality, value or constraint is violated, a name is unknown or forbidden (classes 0A,
    /// 21, 22, 23, 3F, 42, 44).
    [[nodiscard]] constexpr bool blames_statement() const noexcept {
        constexpr std::array<std::string_view, 7> kClasses{"0A", "21", "22", "23", "3F", "42", "44"};
        for (const auto& one : kClasses) {
            if (error_class() == one) return true;
        }
        return false;
    }

    /// Five digits or upper-case letters; empty otherwise.
    [[nodiscard]] static constexpr std::optional<SqlState> parse(std::string_view text) noexcept {
        if (text.size() != 5) return std::nullopt;
        SqlState state;
        for (std::size_t i = 0; i < 5; ++i) {
            const char c = text[i];
            if (!is_digit(c) && !(c >= 'A' && c <= 'Z')) return std::nullopt;
            state.code[i] = c;
        }
        return state;
    }
};

/// libpq's own "server closed the connection" carries no SQLSTATE; it is counted as connection_failure.
inline constexpr SqlState kConnectionFailure{{'0', '8', '0', '0', '6'}};
/// An attempt to connect that got no answer from the server.
inline constexpr SqlState kCannotConnect{{'0', '8', '0', '0', '1'}};
/// A transaction was left open (active_sql_transaction).
inline constexpr SqlState kTransactionOpen{{'2', '5', '0', '0', '1'}};
/// A write refused by a server that is read-only, as the old primary is after a fail-over.
inline constexpr SqlState kReadOnly{{'2', '5', '0', '0', '6'}};
/// A prepared statement that is there no more, as after DEALLOCATE ALL.
inline constexpr SqlState kNoSuchStatement{{'2', '6', '0', '0', '0'}};
/// Among others a prepared statement whose columns are not what they were: its table was altered.
inline constexpr SqlState kNotSupported{{'0', 'A', '0', '0', '0'}};
/// A statement names a table that is not there.
inline constexpr SqlState kUndefinedTable{{'4', '2', 'P', '0', '1'}};
/// Our own deadline closed the query; the server's cancellation has the same code.
inline constexpr SqlState kQueryCanceled{{'5', '7', '0', '1', '4'}};

}  // namespace pgtraffic::base
