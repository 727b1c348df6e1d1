// One libpq connection, never blocking: a passive state machine that says what to wait for and is told when
// it came. Knows no loop, no clock and no workload. The traps that it keeps its callers from are named where
// they lie.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

struct pg_conn;
struct pg_result;

namespace pgtraffic::postgres {

/// Conninfo settings as the arrays that libpq takes, made once for many connections. A value.
class ConnectParameters {
 public:
    explicit ConnectParameters(const Conninfo& conninfo);

 private:
    friend class Connection;
    std::vector<std::pair<std::string, std::string>> settings_;
};

enum class ConnectStep : std::uint8_t {
    wait_readable,  ///< call connect_poll() when the socket is readable
    wait_writable,  ///< … writable
    connected,
    failed,  ///< error() says why; close() it
};

enum class Progress : std::uint8_t {
    busy,      ///< more of the answer is to come
    finished,  ///< answer() is whole; ready for the next query, or look for the next_answer() of a pipeline
    batch_ended,  ///< pipeline only: the answers since the last one stand, or fell together
    lost,         ///< the connection is gone; its socket is closed already; close() it
};

/// What came back for one query, all its results together.
struct Answer {
    bool failed = false;
    bool skipped = false;  ///< pipeline only: not run, because an earlier query of its batch failed
    bool counted = false;  ///< some result tells a number of rows
    base::SqlState sqlstate;
    std::uint64_t rows = 0;  ///< returned or changed
};

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
    [[nodiscard]] bool open() const noexcept { return connection_ != nullptr; }
    [[nodiscard]] int socket() const noexcept;

    // Each of these begins a query; false: it could not be sent, error() says why, and the connection is
    // lost.
    [[nodiscard]] bool send_simple(const char* sql) noexcept;
    [[nodiscard]] bool send_prepare(const char* name, const char* sql) noexcept;
    [[nodiscard]] bool send_query(const char* sql, std::size_t count, const char* const* values) noexcept;
    [[nodiscard]] bool send_prepared(const char* name, std::size_t count, const char* const* values) noexcept;

    /// From now on queries may be sent before earlier ones are answered; only while none is under way. They
    /// stay in memory until end_batch(). The server runs a batch as one transaction: when one of its queries
    /// fails, it undoes those before and skips those behind. False: as above.
    [[nodiscard]] bool begin_pipeline() noexcept;
    [[nodiscard]] bool end_batch() noexcept;

    /// True while bytes wait for the socket to become writable. `lost()` afterwards tells of a failed write.
    [[nodiscard]] bool flush_pending() noexcept;

    /// Reads once and takes what is whole: one answer.
    [[nodiscard]] Progress receive() noexcept;

    /// Pipeline only: the next one of what receive() read, to be repeated until it says busy.
    [[nodiscard]] Progress next_answer() noexcept;

    /// Whether libpq gave the connection up. It has closed the socket then: stop the poll at once, before
    /// anything can open another one with that number.
    [[nodiscard]] bool lost() const noexcept;

    [[nodiscard]] const Answer& answer() const noexcept { return answer_; }

    /// The last error, one line, at most a few hundred bytes; may hold invalid UTF-8. Good until the next
    /// call.
    [[nodiscard]] std::string_view error() const noexcept { return {error_.data(), error_size_}; }

    [[nodiscard]] bool uses_ssl() const noexcept;

    /// Whether a transaction is open, sound or failed. Only between queries; a pipeline that is never empty
    /// cannot tell.
    [[nodiscard]] bool in_transaction() const noexcept;

 private:
    [[nodiscard]] Progress take() noexcept;
    [[nodiscard]] Progress tell_lost() noexcept;
    void absorb(pg_result* result) noexcept;
    void keep_error(const char* message) noexcept;
    [[nodiscard]] bool begin(int sent) noexcept;

    pg_conn* connection_ = nullptr;
    Answer answer_;
    bool refused_copy_ = false;
    bool pipeline_ = false;
    bool in_answer_ = false;  // pipeline only: some of an answer's results are taken, but not their end
    bool read_failed_ = false;
    int reads_left_ = 0;
    std::array<char, 256> error_{};
    std::size_t error_size_ = 0;
};

[[nodiscard]] std::string libpq_version();

}  // namespace pgtraffic::postgres
