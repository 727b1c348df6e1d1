// A blocking connection for what happens before and after the load: reading key ranges, creating the model,
// asking the server what it is. The load itself never uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

struct pg_conn;
struct pg_result;

namespace pgtraffic::postgres {

/// An SQL statement that the server refused.
class SqlError : public base::Error {
 public:
    SqlError(const std::string& message, base::SqlState state, std::uint64_t position = 0)
        : Error(message), state_{state}, position_{position} {}
    [[nodiscard]] base::SqlState state() const noexcept { return state_; }
    /// Of the statement's character at which it went wrong, from 1 on; 0 where the server names none.
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
    base::SqlState state_;
    std::uint64_t position_;
};

using Row = std::vector<std::optional<std::string>>;

/// 0 where there is none; throws base::Error where it is no whole number: whatever answers may be no
/// PostgreSQL.
[[nodiscard]] std::int64_t whole_number(const std::optional<std::string>& text);

struct StatementDescription {
    int parameters = 0;
    std::vector<std::string> columns;  ///< of the rows that it returns: their names
};

/// Neither copies nor moves. Owns its PGconn. Speaks UTF-8, whatever the database's encoding is and the
/// environment says. Where ending signals are held back (base::SignalMask), one that
/// comes ends a wait for the server, to answer or to take what is sent, within 100 ms: base::Error that says
/// base::kInterrupted, and the connection is closed. The signal waits on.
class Client {
 public:
    /// Throws base::Error that names host, port, database and user (never the password), libpq's reason, and
    /// what to do. Gives up after `timeout` unless the conninfo has a connect_timeout. Where `patience` is
    /// given, it is how long the answer to a statement may take; after that, and after an answer that is too
    /// large, the statement throws base::Error and the connection is closed.
    explicit Client(const Conninfo& conninfo, base::Nanos timeout = std::chrono::seconds{10},
                    std::optional<base::Nanos> patience = std::nullopt);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Runs one statement with text parameters and returns its rows, of at least `columns` columns. Throws
    /// SqlError, and base::Error where the answer has fewer.
    std::vector<Row> query(const std::string& sql, const std::vector<std::string>& parameters = {},
                           std::size_t columns = 0);

    /// The first row of that; throws base::Error where there is none.
    Row row(const std::string& sql, const std::vector<std::string>& parameters, std::size_t columns);

    /// Runs one or more statements without parameters; a copy under way is broken off before. Throws
    /// SqlError.
    void execute(const std::string& sql);

    /// Begins a transaction that takes the time it needs: a limit of the role's or the database's is one for
    /// its queries, not for filling tables or looking at them. Throws SqlError.
    void begin();

    /// The same, and the transaction can only read.
    void begin_reading();

    /// The first column of the first row; empty where there is none or it is NULL. Throws SqlError.
    std::optional<std::string> value(const std::string& sql, const std::vector<std::string>& parameters = {});

    /// Asks the server to parse and describe a statement without running it; throws SqlError with its
    /// complaint.
    [[nodiscard]] StatementDescription describe(const std::string& sql);

    /// COPY … FROM STDIN: begin, any number of pieces, end. Throws SqlError; after that the copy is over.
    void copy_begin(const std::string& sql);
    void copy_data(std::string_view piece);
    void copy_end();

    /// The time that an empty query takes, there and back.
    [[nodiscard]] base::Nanos round_trip();

    /// Whether the backend that greeted is `backend`, the pg_backend_pid() of one that answered. Where it is
    /// not, a pooler stands in between.
    [[nodiscard]] bool greeted_by(std::string_view backend) const;

    [[nodiscard]] int server_version_num() const noexcept;
    [[nodiscard]] std::string server_version() const;  ///< "15.18 (Debian 15.18-0+deb12u1)"
    [[nodiscard]] bool over_unix_socket() const noexcept;
    [[nodiscard]] bool uses_ssl() const noexcept;
    /// Whether the server converts between its encoding and ours. SQL_ASCII is none: bytes come and go as
    /// they are.
    [[nodiscard]] bool converts() const noexcept { return converts_; }
    [[nodiscard]] std::string host() const;
    [[nodiscard]] std::string address() const;  ///< the IP address connected to; empty over a Unix socket
    [[nodiscard]] std::string port() const;
    [[nodiscard]] std::string database() const;
    [[nodiscard]] std::string user() const;
    [[nodiscard]] std::string password()
        const;  ///< wherever libpq had it from; empty without. Only for masking

 private:
    struct ClearResult {
        void operator()(pg_result* result) const noexcept;
    };
    using Result = std::unique_ptr<pg_result, ClearResult>;

    /// The last result of what was sent, as PQexec gives it, but bounded in time and size.
    [[nodiscard]] Result answer_to(int sent);
    void begin_as(const char* begin);
    void use_utf8();
    void send_queued(base::Mono deadline);
    void wait_until_ready(short events, base::Mono deadline);
    void break_off_copy();
    [[noreturn]] void refuse_copy();
    void give_up_if_interrupted();
    [[noreturn]] void give_up(const std::string& why);

    Conninfo conninfo_;  // for masking
    std::optional<base::Nanos> patience_;
    pg_conn* connection_ = nullptr;
    bool converts_ = true;
    std::string copying_;  // the statement of a copy under way
};

}  // namespace pgtraffic::postgres
