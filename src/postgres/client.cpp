// The blocking client. The one decision: a failed connect is told in one line of reason and one of cure, told
// apart by the English text of libpq and server (a failed connect has no SQLSTATE to ask for); a text that
// nobody knows still shows the reason. Knows nothing of the event loop.
#include "pgtraffic/postgres/client.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <memory>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/shell_word.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/postgres/answer_size.hpp"
#include "pgtraffic/postgres/blocking_connect.hpp"

namespace pgtraffic::postgres {
namespace {

struct Cure {
    std::string_view symptom;  ///< a part of libpq's or the server's message
    std::string_view cure;
};

// The first that matches is said, so the special ones come first.
constexpr std::array kCures{
    Cure{"password authentication failed", "Check user and password."},
    Cure{"no password supplied", "Give the password in the URL, in PGPASSWORD or in ~/.pgpass."},
    Cure{
        "authentication failed for user",
        "Connect as the operating system's user of that name, or over TCP with a password (host=localhost)."},
    Cure{"requirepeer", "Check PGREQUIREPEER."},
    Cure{"no encryption",
         "The server wants TLS from here: set sslmode=require (GSSAPI encryption is not supported)."},
    Cure{"no pg_hba.conf entry", "Allow this client, user and database in the server's pg_hba.conf."},
    Cure{"response to SSL negotiation", "Is that a PostgreSQL server? Check host and port."},
    Cure{"expected authentication request", "Is that a PostgreSQL server? Check host and port."},
    Cure{"does not support SSL",
         "Set sslmode=prefer (or disable) in the database URL, or enable TLS on the server."},
    Cure{"certificate", "Check sslrootcert and sslmode in the database URL."},
    Cure{"SSL", "Check sslmode in the database URL and TLS on the server."},
    Cure{"too many clients", "Close other clients or raise the server's max_connections."},
    Cure{"remaining connection slots", "Close other clients or raise the server's max_connections."},
    Cure{"too many connections for",
         "Raise the connection limit of this role or database, or close other clients."},
    Cure{"could not translate host name", "Check the host name."},
    Cure{"Connection refused", "Is the server running and listening there? Check host and port."},
    Cure{"No such file or directory",
         "No server has its socket there: start one, or name a host (-h) or a database URL."},
    Cure{"Permission denied", "This user may not use that socket: name a host (-h), or change the user."},
    Cure{"timeout expired",
         "The server does not answer: check host, port and firewall, or raise connect_timeout."},
    Cure{"Connection timed out", "The server does not answer: check host, port and firewall."},
    Cure{"unreachable", "No way leads there: check host and network."},
    Cure{"starting up", "Wait until the server has started."},
    Cure{"not yet accepting connections", "Wait until the server has recovered."},
    Cure{"shutting down", "Start the server again."},
    Cure{"not accepting connections", "The database refuses connections now: wait, or name another."},
    Cure{"port number", "Check the port."},
    Cure{"says too much", "Is that a PostgreSQL server? Check host and port."},
    Cure{"closed the connection unexpectedly",
         "Is that a PostgreSQL server? Check host and port, and its log."},
};

std::string cure_for(const std::string& reason, const std::string& database, const std::string& user) {
    if (reason.find("does not exist") != std::string::npos) {
        if (reason.find("role") != std::string::npos) {
            return fmt::format("Create the role \"{}\", or name another user (-U).", user);
        }
        if (reason.find("database") != std::string::npos) {
            return fmt::format("Create it (createdb {}), or name another database.",
                               base::shell_word(database));
        }
    }
    for (const auto& [symptom, cure] : kCures) {
        if (reason.find(symptom) != std::string::npos) return std::string{cure};
    }
    return "Check the database URL, and the PG* variables of the environment.";
}

/// libpq's many lines (one an address tried, hints indented) as one: "Connection refused".
std::string reason_of(std::string_view message) {
    constexpr std::string_view kFailed = " failed: ";
    constexpr std::string_view kFatal = "FATAL:  ";  // a failed connect is nothing less
    std::vector<std::string> reasons;
    while (!message.empty()) {
        const auto end = std::min(message.find('\n'), message.size());
        std::string_view line = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
        if (line.empty() || line.front() == '\t') continue;
        if (line.starts_with("connection to server")) {
            if (const auto at = line.find(kFailed); at != line.npos) line.remove_prefix(at + kFailed.size());
        }
        if (line.starts_with(kFatal)) line.remove_prefix(kFatal.size());
        while (line.ends_with('.')) line.remove_suffix(1);  // the cure follows, behind one of ours
        if (std::find(reasons.begin(), reasons.end(), line) == reasons.end()) reasons.emplace_back(line);
    }
    return reasons.empty() ? "no reason given" : fmt::format("{}", fmt::join(reasons, "; "));
}

std::string connect_error(const PGconn* connection, const std::string& trouble, const Conninfo& conninfo) {
    std::string host = conninfo.effective("host");
    if (host.empty()) host = conninfo.effective("hostaddr");
    if (const char* used = PQhost(connection); host.empty() && used != nullptr) host = used;
    const std::string database = conninfo.effective("dbname");
    const std::string user = conninfo.effective("user");
    const std::string reason = reason_of(trouble);
    const bool like_url = conninfo.effective("host").empty() && conninfo.effective("hostaddr").empty() &&
                          database.find_first_of("/:") != std::string::npos;
    return conninfo.without_secrets(fmt::format(
        "cannot connect to host \"{}\", port {}, database \"{}\" as user \"{}\": {}. {}", host,
        conninfo.effective("port"), database, user, reason,
        like_url ? "The database's name looks like a URL without its beginning: postgresql://HOST/DATABASE."
                 : cure_for(reason, database, user)));
}

/// `result` may be null: then the connection says why.
[[noreturn]] void throw_sql_error(const PGconn* connection, const PGresult* result,
                                  const Conninfo& conninfo) {
    const auto field = [result](int code) -> std::string {
        const char* text = result != nullptr ? PQresultErrorField(result, code) : nullptr;
        return text != nullptr ? text : "";
    };
    const auto state = base::SqlState::parse(field(PG_DIAG_SQLSTATE));
    if (!state) {
        const std::string message{base::trimmed(PQerrorMessage(connection))};
        throw SqlError(conninfo.without_secrets(message.empty() ? "the connection is lost" : message),
                       base::kConnectionFailure);
    }
    std::string message = fmt::format("{} (SQLSTATE {})", field(PG_DIAG_MESSAGE_PRIMARY), state->text());
    if (const auto detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty()) message += "\nDetail: " + detail;
    if (const auto hint = field(PG_DIAG_MESSAGE_HINT); !hint.empty()) message += "\nHint: " + hint;
    const auto position = base::parse_count(field(PG_DIAG_STATEMENT_POSITION));
    throw SqlError(conninfo.without_secrets(message), *state, position.value_or(0));
}

bool succeeded(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/// Offered by PQgetResult again and again.
bool is_copy(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/// Throws SqlError where `result` is a failure.
void expect_success(const PGconn* connection, const PGresult* result, const Conninfo& conninfo) {
    if (succeeded(result)) return;
    throw_sql_error(connection, result, conninfo);
}

[[noreturn]] void throw_strange_row(std::size_t columns) {
    throw base::Error(
        fmt::format("a row of {} columns was expected and something else came: is that a PostgreSQL "
                    "server?",
                    columns));
}

}  // namespace

std::int64_t whole_number(const std::optional<std::string>& text) {
    constexpr std::int64_t kLargest = 1'000'000'000'000'000;  // of what is counted; sums of a few fit
    if (!text) return 0;
    std::int64_t number = 0;
    const auto end = text->data() + text->size();
    if (const auto [rest, failed] = std::from_chars(text->data(), end, number);
        failed == std::errc{} && rest == end && number >= -kLargest && number <= kLargest) {
        return number;
    }
    throw base::Error("a number was expected and something else came: is that a PostgreSQL server?");
}

void Client::ClearResult::operator()(pg_result* result) const noexcept {
    PQclear(result);
}

Client::Client(const Conninfo& conninfo, base::Nanos timeout, std::optional<base::Nanos> patience)
    : conninfo_{conninfo}, patience_{patience} {
    BlockingConnect opened = connect_blocking(conninfo, conninfo.connect_timeout().value_or(timeout));
    connection_ = opened.connection;
    // The password may come from .pgpass, which only libpq has read.
    if (const char* password = PQpass(connection_); password != nullptr && *password != '\0') {
        conninfo_.set("password", password);
    }
    if (opened.trouble.empty()) {
        // libpq would wait for a server that takes nothing, whatever signals come; we wait ourselves.
        PQsetnonblocking(connection_, 1);
        use_utf8();
        return;
    }
    const std::string message = opened.trouble == base::kInterrupted
                                    ? opened.trouble
                                    : connect_error(connection_, opened.trouble, conninfo_);
    PQfinish(connection_);
    throw base::Error(message);
}

void Client::use_utf8() {
    const auto parameter = [&](const char* name) {
        const char* value = PQparameterStatus(connection_, name);
        return std::string_view{value != nullptr ? value : ""};
    };
    converts_ = parameter("server_encoding") != "SQL_ASCII";
    if (!converts_ || parameter("client_encoding") == "UTF8") return;
    try {
        execute("SET client_encoding = 'UTF8'");
    } catch (const base::Error&) {
        PQfinish(connection_);
        throw;
    }
}

Client::~Client() {
    PQfinish(connection_);
}

/// All that is queued, before an answer to it is waited for. Reads meanwhile: a server that waits for us to
/// take what it says takes nothing from us.
void Client::send_queued(base::Mono deadline) {
    while (PQflush(connection_) == 1) {
        wait_until_ready(POLLIN | POLLOUT, deadline);
        if (PQconsumeInput(connection_) == 0) return;  // it says why
    }
}

Client::Result Client::answer_to(int sent) {
    const base::Mono deadline = patience_ ? base::mono_now() + *patience_ : base::Mono::max();
    Result last;
    if (sent != 1) return last;  // the connection says why
    send_queued(deadline);
    AnswerSize size;
    MemoryWatch memory;
    for (;;) {
        while (PQisBusy(connection_) != 0) {
            wait_until_ready(POLLIN, deadline);
            size.before_read(PQsocket(connection_));
            const bool read = PQconsumeInput(connection_) == 1;
            size.after_read(PQsocket(connection_));
            if (!read) return last && !succeeded(last.get()) ? std::move(last) : Result{};  // it says why
            if (PQisBusy(connection_) == 0) break;
            size.more_to_come(memory);
            if (size.too_large()) give_up(kAnswerTooLargeText);
        }
        Result next{PQgetResult(connection_)};
        if (!next) return last;
        // The first error tells; what follows it (a lost connection, say) is its consequence.
        if (!last || succeeded(last.get())) last = std::move(next);
        if (is_copy(last.get()) || PQstatus(connection_) == CONNECTION_BAD) return last;
    }
}

void Client::wait_until_ready(short events, base::Mono deadline) {
    using std::chrono::milliseconds;
    constexpr milliseconds kLook{100};  // a signal that is held back wakes nobody
    for (;;) {
        give_up_if_interrupted();
        milliseconds limit = kLook;
        if (deadline != base::Mono::max()) {
            const auto left = std::chrono::ceil<milliseconds>(deadline - base::mono_now());
            if (left.count() <= 0) {
                give_up(fmt::format("the server did not answer within {}",
                                    base::format_duration(patience_.value_or(base::Nanos{}))));
            }
            limit = std::min(limit, left);
        }
        pollfd watched{PQsocket(connection_), events, 0};
        const int ready = ::poll(&watched, 1, static_cast<int>(limit.count()));
        if (ready > 0 || (ready < 0 && errno != EINTR)) return;
    }
}

void Client::give_up_if_interrupted() {
    if (base::held_back_signal() != 0) give_up(base::kInterrupted);
}

void Client::give_up(const std::string& why) {
    copying_.clear();
    // What may still come would be taken for the answer to the next statement.
    PQfinish(std::exchange(connection_, nullptr));
    throw base::Error(why);
}

std::vector<Row> Client::query(const std::string& sql, const std::vector<std::string>& parameters,
                               std::size_t columns_wanted) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters) values.push_back(parameter.c_str());
    const Result result =
        answer_to(PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr,
                                    values.data(), nullptr, nullptr, 0));
    if (is_copy(result.get())) refuse_copy();
    expect_success(connection_, result.get(), conninfo_);
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
    const int columns = PQnfields(result.get());
    if (static_cast<std::size_t>(columns) < columns_wanted) throw_strange_row(columns_wanted);
    for (int r = 0; r < PQntuples(result.get()); ++r) {
        Row& row = rows[static_cast<std::size_t>(r)];
        row.reserve(static_cast<std::size_t>(columns));
        for (int c = 0; c < columns; ++c) {
            if (PQgetisnull(result.get(), r, c) != 0) {
                row.emplace_back(std::nullopt);
            } else {
                row.emplace_back(std::string{PQgetvalue(result.get(), r, c),
                                             static_cast<std::size_t>(PQgetlength(result.get(), r, c))});
            }
        }
    }
    return rows;
}

Row Client::row(const std::string& sql, const std::vector<std::string>& parameters, std::size_t columns) {
    auto rows = query(sql, parameters, columns);
    if (rows.empty()) throw_strange_row(columns);
    return std::move(rows.front());
}

void Client::execute(const std::string& sql) {
    if (!copying_.empty()) break_off_copy();
    const Result result = answer_to(PQsendQuery(connection_, sql.c_str()));
    if (is_copy(result.get())) refuse_copy();
    expect_success(connection_, result.get(), conninfo_);
}

void Client::begin_reading() {
    begin_as("BEGIN READ ONLY");
}

void Client::begin() {
    begin_as("BEGIN");
}

void Client::begin_as(const char* begin) {
    constexpr int kHasTransactionTimeout = 170'000;
    execute(fmt::format(
        "{}; SET LOCAL statement_timeout = 0; "
        "SET LOCAL idle_in_transaction_session_timeout = 0{}",
        begin, server_version_num() < kHasTransactionTimeout ? "" : "; SET LOCAL transaction_timeout = 0"));
}

std::optional<std::string> Client::value(const std::string& sql, const std::vector<std::string>& parameters) {
    auto rows = query(sql, parameters);
    if (rows.empty() || rows.front().empty()) return std::nullopt;
    return std::move(rows.front().front());
}

StatementDescription Client::describe(const std::string& sql) {
    // Both questions before one Sync: one round trip, and a pooler puts them to the same backend.
    const bool asked = PQenterPipelineMode(connection_) == 1 &&
                       PQsendPrepare(connection_, "", sql.c_str(), 0, nullptr) == 1 &&
                       PQsendDescribePrepared(connection_, "") == 1 && PQpipelineSync(connection_) == 1;
    const Result prepared = answer_to(asked ? 1 : 0);
    const Result described = answer_to(asked ? 1 : 0);
    const Result synchronised = answer_to(asked ? 1 : 0);
    PQexitPipelineMode(connection_);
    expect_success(connection_, prepared.get(), conninfo_);
    expect_success(connection_, described.get(), conninfo_);
    StatementDescription description{PQnparams(described.get()), {}};
    for (int i = 0; i < PQnfields(described.get()); ++i)
        description.columns.emplace_back(PQfname(described.get(), i));
    return description;
}

void Client::copy_begin(const std::string& sql) {
    PGTRAFFIC_CHECK(copying_.empty(), "one copy at a time");
    const Result result = answer_to(PQsendQuery(connection_, sql.c_str()));
    if (PQresultStatus(result.get()) != PGRES_COPY_IN) {
        if (succeeded(result.get()))
            throw base::Error("COPY was answered by something else: is that a PostgreSQL server?");
        throw_sql_error(connection_, result.get(), conninfo_);
    }
    copying_ = sql;
}

void Client::copy_data(std::string_view piece) {
    PGTRAFFIC_CHECK(!copying_.empty(), "copy_data() follows copy_begin()");
    constexpr std::size_t kLargest = std::numeric_limits<int>::max();
    give_up_if_interrupted();
    while (!piece.empty()) {
        const std::string_view part = piece.substr(0, kLargest);
        if (PQputCopyData(connection_, part.data(), static_cast<int>(part.size())) != 1) {
            copying_.clear();
            throw_sql_error(connection_, nullptr, conninfo_);
        }
        send_queued(base::Mono::max());
        // libpq takes on what it cannot send any more.
        if (PQstatus(connection_) == CONNECTION_BAD) {
            copying_.clear();
            // What the server said before it went is read as the answer.
            const Result result = answer_to(PQputCopyEnd(connection_, nullptr));
            throw_sql_error(connection_, result.get(), conninfo_);
        }
        piece.remove_prefix(part.size());
    }
}

void Client::copy_end() {
    PGTRAFFIC_CHECK(!copying_.empty(), "copy_end() follows copy_begin()");
    copying_.clear();
    const Result result = answer_to(PQputCopyEnd(connection_, nullptr));
    expect_success(connection_, result.get(), conninfo_);
}

void Client::break_off_copy() {
    copying_.clear();
    (void)answer_to(PQputCopyEnd(connection_, "broken off"));
}

void Client::refuse_copy() {
    constexpr const char* kRefused = "COPY is not possible here (SQLSTATE 0A000)";
    if (patience_) give_up(kRefused);             // nobody knows when it would end
    const Result ended{PQexec(connection_, "")};  // which ends it before it asks
    throw SqlError(kRefused, base::kNotSupported);
}

base::Nanos Client::round_trip() {
    const base::Mono sent = base::mono_now();
    const Result result = answer_to(PQsendQuery(connection_, ""));
    const base::Mono done = base::mono_now();
    expect_success(connection_, result.get(), conninfo_);
    return done - sent;
}

bool Client::greeted_by(std::string_view backend) const {
    return backend == std::to_string(PQbackendPID(connection_));
}

int Client::server_version_num() const noexcept {
    return PQserverVersion(connection_);
}

std::string Client::server_version() const {
    const char* version = PQparameterStatus(connection_, "server_version");
    return version != nullptr ? version : "unknown";
}

/// PQhost() is what was written, also where "hostaddr" led elsewhere.
bool Client::over_unix_socket() const noexcept {
    const char first = *PQhost(connection_);
    return address().empty() && (first == '/' || first == '@');
}

bool Client::uses_ssl() const noexcept {
    return PQsslInUse(connection_) != 0;
}
std::string Client::host() const {
    return PQhost(connection_);
}
std::string Client::address() const {
    const char* address = PQhostaddr(connection_);  // "" of a Unix socket
    return address != nullptr ? address : "";
}
std::string Client::port() const {
    return PQport(connection_);
}
std::string Client::database() const {
    return PQdb(connection_);
}
std::string Client::password() const {
    const char* password = PQpass(connection_);
    return password != nullptr ? password : "";
}
std::string Client::user() const {
    return PQuser(connection_);
}

}  // namespace pgtraffic::postgres
