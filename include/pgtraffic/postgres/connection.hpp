// One connection, never blocking: a passive state machine that says what to wait for and is told when it
// came. libpq connects, encrypts and authenticates; queries go over its socket by messages of our own. Knows
// no loop, no clock and no workload. The traps that it keeps its callers from are named where they lie.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/answer_size.hpp"
#include "pgtraffic/postgres/cancel_requests.hpp"
#include "pgtraffic/postgres/connect_parameters.hpp"
#include "pgtraffic/postgres/host_list.hpp"
#include "pgtraffic/postgres/messages.hpp"
#include "pgtraffic/postgres/stamped_socket.hpp"
#include "pgtraffic/postgres/tls_input.hpp"

struct pg_conn;
struct pg_result;
struct ssl_st;

namespace pgtraffic::postgres {

enum class ConnectStep : std::uint8_t {
    wait_readable,  ///< call connect_poll() when the socket is readable
    wait_writable,  ///< … writable
    connected,
    failed,  ///< error() and connect_error() say why; close() it
};

enum class Sent : std::uint8_t {
    all,
    pending,  ///< the rest goes when the socket is writable: call flush() then
    lost,     ///< the connection is gone; close() it
};

enum class Progress : std::uint8_t {
    busy,      ///< more of the answer is to come
    finished,  ///< answer() is whole; next_answer() looks for another one
    lost,      ///< the connection is gone; close() it
};

/// Where connections read into, one after the other. Over TLS the last quarter is for what came, which fits
/// into the rest decrypted, beside what an earlier read had of its first record.
using ReceiveBuffer = std::span<char>;
inline constexpr std::size_t kReceiveBuffer = 64 * 1024;

/// Why a connection attempt failed, out of libpq's message in its verbose form.
struct RefusedConnection {
    base::SqlState sqlstate = base::kCannotConnect;  ///< the server's last one, or that it never answered
    std::string message;                             ///< without the codes and places in the server's source
};
[[nodiscard]] RefusedConnection read_refusal(std::string_view message);

/// Neither copies nor moves. Owns its PGconn.
class Connection {
 public:
    Connection() = default;
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Begins to connect; close() came before. Name look-ups are the caller's: without "hostaddr" libpq would
    /// block.
    [[nodiscard]] ConnectStep connect(const ConnectParameters& parameters) noexcept;

    /// The next step after the socket became ready. socket() may be another one afterwards, often with the
    /// same number: the caller stops its poll before and makes it anew after each call.
    [[nodiscard]] ConnectStep connect_poll() noexcept;

    void close() noexcept;
    /// What is under way on it is to be cancelled by the server.
    void cancel_by(CancelRequests& requests) const { requests.add(connection_); }
    [[nodiscard]] int socket() const noexcept;
    /// Of the lists that it was to choose from, the host that it is at.
    [[nodiscard]] ListedHost host() const { return current_host(connection_); }

    // Queries, to be sent by flush(). Answers come in their order, and each query is a transaction of its
    // own: several may be under way.
    void queue_simple(std::string_view sql) { append_simple(unsent_, sql); }
    void queue_prepare(std::string_view name, std::string_view sql) { append_prepare(unsent_, name, sql); }
    void queue_prepare_again(std::string_view name, std::string_view sql) {
        append_prepare_again(unsent_, name, sql);
    }
    /// As append_query().
    template <class WriteValues>
    void queue_query(const QueryHead& head, std::size_t longest, WriteValues&& write) {
        append_query(unsent_, head, longest, std::forward<WriteValues>(write));
    }
    /// As append_plan().
    template <class WriteValues>
    void queue_plan(const QueryHead& head, std::size_t longest, WriteValues&& write) {
        append_plan(unsent_, head, longest, std::forward<WriteValues>(write));
    }

    /// Sends what is queued, by one system call where the socket takes it.
    [[nodiscard]] Sent flush() noexcept;

    /// Reads once and takes one answer. `buffer` holds what next_answer() finds: no other connection may
    /// receive() in between.
    [[nodiscard]] Progress receive(ReceiveBuffer buffer) noexcept;
    /// Another answer among what was read, to be asked until it says busy where several are under way.
    [[nodiscard]] Progress next_answer() noexcept;

    /// Asks the kernel to tell, from now on, when it received what is read. Once connected; costs each read a
    /// little. Whether it will: over TCP only. The first may come before the kernel has begun.
    bool stamp_reads() noexcept;
    /// When the last byte of the last receive() reached this machine, by the calendar's clock; to be asked
    /// behind each answer.
    [[nodiscard]] std::optional<base::Wall> received_at() noexcept;
    /// Of the answers since stamp_reads() one was so long that, read later, it may keep the server from
    /// sending on. For one query under way at a time.
    [[nodiscard]] bool long_answers() const noexcept { return long_answers_; }

    /// There may have been more than the last receive() took; what was there is not told again by itself.
    [[nodiscard]] bool left_unread() const noexcept { return left_unread_; }

    /// The last receive() ended within an answer: the rest is on its way.
    [[nodiscard]] bool within_answer() const noexcept;

    /// All that was queued has been taken by the kernel: where it was not, a query's end never left.
    [[nodiscard]] bool all_sent() const noexcept { return unsent_.unsent().empty() && !send_refused_; }

    // As AnswerReader's.
    [[nodiscard]] bool refused() const noexcept { return reader_.refused(); }
    [[nodiscard]] bool session_ended() const noexcept { return reader_.session_ended(); }
    void forget_unasked() noexcept { reader_.forget_unasked(); }
    void keep_row(std::string* row) noexcept { reader_.keep_row(row); }

    [[nodiscard]] const Answer& answer() const noexcept { return reader_.answer(); }
    /// The SQLSTATE of the queries that a lost connection leaves unanswered.
    [[nodiscard]] base::SqlState unanswered_sqlstate() const noexcept {
        return reader_.unanswered_sqlstate();
    }

    /// The last error, one line, at most a few hundred bytes; may hold invalid UTF-8. Good until the next
    /// call.
    [[nodiscard]] std::string_view error() const noexcept { return reader_.error(); }

    /// Of the last attempt to connect that failed: the server's SQLSTATE, or that it never answered.
    [[nodiscard]] base::SqlState connect_error() const noexcept { return connect_error_; }

    /// Whether the last answer left a transaction open, sound or failed.
    [[nodiscard]] bool in_transaction() const noexcept { return reader_.in_transaction(); }

 private:
    /// Bytes moved, 0: try again when the socket is ready, < 0: the connection is lost.
    [[nodiscard]] std::int64_t write(std::span<const char> bytes) noexcept;
    [[nodiscard]] std::int64_t read(std::span<char> into) noexcept;
    [[nodiscard]] std::int64_t read_socket(std::span<char> into) noexcept;
    [[nodiscard]] std::int64_t decrypt(std::span<const char> bytes, std::span<char> into) noexcept;
    void tell_lost(std::string_view why) noexcept;
    ConnectStep connect_failed() noexcept;
    static void take_notice(void* connection, const pg_result* notice) noexcept;

    // What every query touches first: see Session.
    ssl_st* tls_ = nullptr;  // libpq's, where the connection is encrypted
    int socket_ = -1;
    bool stamps_reads_ = false;
    bool long_answers_ = false;
    bool left_unread_ = false;
    bool send_refused_ = false;       // the connection was gone when something was to be sent
    std::uint32_t answer_bytes_ = 0;  // of the answer that is being read, where stamps_reads_
    SendBuffer unsent_;
    std::span<const char> unread_;
    AnswerReader reader_;

    pg_conn* connection_ = nullptr;
    AnswerSize greeting_;  // what the server said until the connection was made
    StampedSocket stamped_;
    TlsInput tls_input_;
    base::SqlState connect_error_ = base::kCannotConnect;
    std::optional<ListedHost> sent_away_by_;  // this one ended the session behind its greeting
};

[[nodiscard]] std::string libpq_version();

}  // namespace pgtraffic::postgres
