// The messages of the wire protocol (version 3.0) that a query needs: what is sent for one, and what becomes
// of the bytes that come back. libpq makes the connection and says who we are; a query's way does not lead
// through it, because it keeps every field of every row and asks for a description each time, which costs
// more than everything else that a client does, and because a pipeline of it writes at every query. Knows no
// socket.
//
// Source: PostgreSQL documentation, "Frontend/Backend Protocol", message flow and message formats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pgtraffic/base/big_endian.hpp"
#include "pgtraffic/base/sqlstate.hpp"

namespace pgtraffic::postgres {

/// Bytes on their way out. Grows to some four times the most that was ever unsent, and allocates no more
/// then.
class SendBuffer {
 public:
    /// Room for `bytes` more behind what is there, for the caller to fill; append() counts them in.
    [[nodiscard]] char* room(std::size_t bytes) {
        if (end_ + bytes > capacity_) [[unlikely]]
            make_room(bytes);
        return bytes_.get() + end_;
    }
    void append(std::size_t bytes) noexcept { end_ += bytes; }

    [[nodiscard]] std::span<const char> unsent() const noexcept {
        return {bytes_.get() + begin_, end_ - begin_};
    }
    void sent(std::size_t bytes) noexcept;
    void clear() noexcept { begin_ = end_ = 0; }

 private:
    void make_room(std::size_t bytes);

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// A query's bytes up to its values, which are the same each time: Bind, and Parse before it where the
/// statement is not a prepared one. Made once a statement. A value.
class QueryHead {
 public:
    /// Of a statement that append_prepare() named, with `values` values.
    [[nodiscard]] static QueryHead prepared(std::string_view name, std::size_t values);
    /// Parses, binds and executes in one go, as the unnamed statement.
    [[nodiscard]] static QueryHead unnamed(std::string_view sql, std::size_t values);

    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    /// Where in bytes() the length of Bind has its place.
    [[nodiscard]] std::size_t bind_length() const noexcept { return bind_length_; }

 private:
    void bind(std::string_view statement, std::size_t values);

    std::string bytes_;
    std::size_t bind_length_ = 0;
};

// Each appends all that one answer is given for; texts hold no NUL.

void append_simple(SendBuffer& buffer, std::string_view sql);
void append_prepare(SendBuffer& buffer, std::string_view name, std::string_view sql);
/// In front of a query: closes the statement, if it is there, and prepares it anew. Has no answer of its own.
void append_prepare_again(SendBuffer& buffer, std::string_view name, std::string_view sql);

/// The head, the values and what stands behind them: the end of Bind, which names no format of results (two
/// bytes), and further messages. `write` as in append_query().
template <std::size_t kSize, class WriteValues>
void append_bind(SendBuffer& buffer, const QueryHead& head, std::size_t longest, WriteValues&& write,
                 const char (&behind_values)[kSize]) {
    constexpr std::size_t kBehind = kSize - 1;
    const std::string_view before = head.bytes();
    char* const begin = buffer.room(before.size() + longest + kBehind);
    std::memcpy(begin, before.data(), before.size());
    char* const end = std::forward<WriteValues>(write)(begin + before.size());
    char* const length = begin + head.bind_length();
    base::put_u32(length, static_cast<std::uint32_t>(end + 2 - length));
    std::memcpy(end, behind_values, kBehind);
    buffer.append(static_cast<std::size_t>(end - begin) + kBehind);
}

/// `write(char* to)` puts the values to `to`, each behind its length (base::put_u32), and returns their end:
/// at most `longest` bytes. Values and results are text.
template <class WriteValues>
void append_query(SendBuffer& buffer, const QueryHead& head, std::size_t longest, WriteValues&& write) {
    // Execute of the unnamed portal, without a limit of rows. Sync.
    append_bind(buffer, head, longest, std::forward<WriteValues>(write), "\0\0E\0\0\0\11\0\0\0\0\0S\0\0\0\4");
}

/// Has the server do all for a query but execute it: it plans the statement, and reads from its catalogs what
/// it needs to know of the tables. Changes no row.
template <class WriteValues>
void append_plan(SendBuffer& buffer, const QueryHead& head, std::size_t longest, WriteValues&& write) {
    // Close of the unnamed portal. Sync.
    append_bind(buffer, head, longest, std::forward<WriteValues>(write), "\0\0C\0\0\0\6P\0S\0\0\0\4");
}

/// What came back for one query, all its results together.
struct Answer {
    bool failed = false;
    bool counted = false;    ///< some result tells a number of rows
    bool in_pieces = false;  ///< the server sends a message of it, an error or a notice, before the rest
    base::SqlState sqlstate;
    std::uint64_t rows = 0;  ///< returned or changed
};

/// Bytes of an error's message that are kept.
inline constexpr std::size_t kLongestError = 256;

/// Bytes of a row that keep_row() keeps, at most.
inline constexpr std::size_t kLongestKeptRow = std::size_t{1} << 20U;

/// Makes answers of a stream of bytes, however it is cut. Keeps nothing of a row but where it is asked to, so
/// neither one of a gigabyte nor rows without end take memory. A value of a fixed size.
class AnswerReader {
 public:
    enum class Event : std::uint8_t {
        need_more,  ///< all bytes are taken
        answer,     ///< answer() is whole; there may be bytes left
        unusable,  ///< what came is no answer to a query (COPY, garbage), or the server ends the session: the
                   ///< connection is of no use any more
    };

    /// Takes bytes from the front of `bytes` until there is something to tell.
    [[nodiscard]] Event read(std::span<const char>& bytes) noexcept;

    [[nodiscard]] const Answer& answer() const noexcept { return answer_; }
    /// The last error's message; at most a few hundred bytes, may hold invalid UTF-8.
    [[nodiscard]] std::string_view error() const noexcept { return {error_.data(), error_size_}; }
    void keep_error(std::string_view message) noexcept;

    /// Of the answer that comes next, the first row's body (its fields' number in two bytes, then each field
    /// behind its length, -1 for a NULL) is written to `row`, which stays as it is where there is no row. A
    /// longer one than kLongestKeptRow fails the answer. `row` lives until that answer came or this reader
    /// goes.
    void keep_row(std::string* row) noexcept { kept_row_ = row; }

    /// The SQLSTATE of queries that will have no answer: the server's, where it said why it goes.
    [[nodiscard]] base::SqlState unanswered_sqlstate() const noexcept {
        if (!whole_ && answer_.failed) return answer_.sqlstate;
        return whole_ ? base::kConnectionFailure : farewell_.value_or(base::kConnectionFailure);
    }

    /// Whether the last answer left a transaction open, sound or failed.
    [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }

    /// A part of an answer was read, or nothing yet.
    [[nodiscard]] bool within_answer() const noexcept { return !whole_; }

    /// The server refused what is being answered, and nothing of it stands, although the end of its answer
    /// has not come. Not where it, or a pooler, said that a connection broke (class 08), nor where we found
    /// the answer unusable.
    [[nodiscard]] bool refused() const noexcept { return !whole_ && refused_; }

    /// The server said that it ends the session: unanswered_sqlstate() is why, and every query's.
    [[nodiscard]] bool session_ended() const noexcept { return session_ended_ || farewell_; }

    /// What came while nothing was asked, as from a pooler that complains, belongs to no answer. libpq takes
    /// it for a notice, too.
    void forget_unasked() noexcept {
        whole_ = true;
        unasked_ = held_size_ > 0;
    }

 private:
    [[nodiscard]] Event read_slowly(std::span<const char>& bytes) noexcept;
    void begin_answer() noexcept;
    [[nodiscard]] Event take(char type, std::span<const char> body) noexcept;
    [[nodiscard]] Event take_seldom(char type, std::span<const char> body) noexcept;
    [[nodiscard]] Event end_answer(std::span<const char> body) noexcept;
    [[gnu::cold]] void take_kept_row(std::span<const char> body) noexcept;
    [[gnu::cold]] void keep_passed(std::span<const char> piece) noexcept;
    [[gnu::cold]] void keep_piece(std::span<const char> piece) noexcept;
    [[nodiscard]] Event refuse(std::string_view sqlstate, std::string_view message) noexcept;
    void take_completion(std::span<const char> tag) noexcept;
    void take_notice(std::span<const char> fields) noexcept;
    [[nodiscard]] Event take_error(std::span<const char> fields) noexcept;

    static constexpr std::size_t kHeader = 5;   // type, and length with itself
    static constexpr std::size_t kHeld = 1024;  // of a message that comes in pieces; the rest is passed over

    Answer answer_;
    bool whole_ = false;     // answer_ was told; what comes belongs to the next one
    bool complete_ = false;  // some statement of answer_ came to its end
    bool in_transaction_ = false;
    bool refused_ = false;  // answer_ was, by a plain error of the server's
    bool session_ended_ = false;
    std::optional<base::SqlState> farewell_;  // of a warning within answer_, behind which nothing may come
    bool unasked_ = false;                    // the message that is held belongs to no answer
    std::uint64_t row_messages_ = 0;
    std::string* kept_row_ = nullptr;

    // A message that came in part.
    std::size_t held_size_ = 0;
    std::uint64_t missing_ = 0;    // bytes of its body still to come
    bool kept_in_pieces_ = false;  // what of it was passed over is in *kept_row_
    std::array<char, kHeader + kHeld> held_;

    std::size_t error_size_ = 0;
    std::array<char, kLongestError> error_;
};

}  // namespace pgtraffic::postgres
