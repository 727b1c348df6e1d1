#include "pgtraffic/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::postgres {
namespace {

constexpr std::string_view kClosed = "server closed the connection unexpectedly";

}  // namespace

RefusedConnection read_refusal(std::string_view message) {
    RefusedConnection refused;
    std::string_view rest = message;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        // "… FATAL:  53300: sorry, …": the code is the first thing of five characters between colons.
        std::optional<base::SqlState> state;
        std::size_t at = line.find(":  ");
        for (; at != std::string_view::npos && !state; at = line.find(":  ", at + 1)) {
            const auto code = line.substr(at + 3);
            if (code.size() > 6 && code.substr(5, 2) == ": ")
                state = base::SqlState::parse(code.substr(0, 5));
            if (state) break;
        }
        if (state) {
            refused.sqlstate = *state;
            refused.message.append(line.substr(0, at + 3)).append(line.substr(at + 3 + 7));
        } else if (line.starts_with("LOCATION:")) {
            continue;
        } else {
            refused.message.append(line);
        }
        refused.message += '\n';
    }
    return refused;
}

ConnectStep Connection::connect(const ConnectParameters& parameters) noexcept {
    PGTRAFFIC_CHECK(connection_ == nullptr, "a connection is closed before it connects again");
    reader_ = AnswerReader{};
    connect_error_ = base::kCannotConnect;
    sent_away_by_.reset();
    greeting_.restart();
    connection_ = PQconnectStartParams(parameters.keywords(), parameters.values(),
                                       ConnectParameters::kExpandDatabaseName);
    if (connection_ == nullptr) {
        reader_.keep_error("out of memory");
        return ConnectStep::failed;
    }
    if (PQstatus(connection_) == CONNECTION_BAD) return connect_failed();
    // No function tells the SQLSTATE of a refused connection; a verbose message has it.
    PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(connection_, take_notice, this);  // the default one prints to stderr
    return ConnectStep::wait_writable;
}

ConnectStep Connection::connect_poll() noexcept {
    greeting_.before_read(PQsocket(connection_));
    if (greeting_.bytes() > kLargestGreeting) {
        reader_.keep_error(
            "the server says too much before it lets anybody in: is that a PostgreSQL server?");
        return ConnectStep::failed;
    }
    const PostgresPollingStatusType polled = PQconnectPoll(connection_);
    greeting_.after_read(PQsocket(connection_));
    switch (polled) {
        case PGRES_POLLING_READING:
            return ConnectStep::wait_readable;
        case PGRES_POLLING_WRITING:
            return ConnectStep::wait_writable;
        case PGRES_POLLING_OK:
            // libpq made the socket non-blocking when it opened it, and waits all the same where the socket
            // takes no more: PQfinish() would say good-bye to a server that does not listen, for ever.
            PQsetnonblocking(connection_, 1);
            // What libpq read behind the greeting is its to tell: nobody else will see it.
            (void)PQisBusy(connection_);
            if (sent_away_by_ == host()) return ConnectStep::failed;
            socket_ = PQsocket(connection_);
            tls_ = static_cast<ssl_st*>(PQsslStruct(connection_, "OpenSSL"));
            if (PQgssEncInUse(connection_) != 0 || (tls_ == nullptr && PQsslInUse(connection_) != 0)) {
                reader_.keep_error("encrypted by GSSAPI, which cannot carry a load: set gssencmode=disable");
                return ConnectStep::failed;
            }
            if (tls_ != nullptr && !tls_input_.feed(tls_)) {
                reader_.keep_error("out of memory");
                return ConnectStep::failed;
            }
            return ConnectStep::connected;
        default:
            return connect_failed();
    }
}

/// libpq makes a notice of an error that answers nothing.
void Connection::take_notice(void* connection, const PGresult* notice) noexcept {
    const auto field = [&](int code) {
        const char* text = PQresultErrorField(notice, code);
        return std::string_view{text != nullptr ? text : ""};
    };
    auto severity = field(PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity.empty()) severity = field(PG_DIAG_SEVERITY);  // servers before 9.6, and poolers
    if (severity != "FATAL" && severity != "PANIC") return;
    auto& self = *static_cast<Connection*>(connection);
    self.sent_away_by_ = self.host();
    self.connect_error_ = base::SqlState::parse(field(PG_DIAG_SQLSTATE)).value_or(base::kCannotConnect);
    self.reader_.keep_error(field(PG_DIAG_MESSAGE_PRIMARY));
}

ConnectStep Connection::connect_failed() noexcept {
    const RefusedConnection refused = read_refusal(PQerrorMessage(connection_));
    connect_error_ = refused.sqlstate;
    reader_.keep_error(refused.message);
    return ConnectStep::failed;
}

void Connection::close() noexcept {
    tls_input_.give({});  // libpq may read while it says good-bye
    PQfinish(connection_);
    connection_ = nullptr;
    tls_ = nullptr;
    socket_ = -1;
    stamps_reads_ = long_answers_ = left_unread_ = send_refused_ = false;
    answer_bytes_ = 0;
    stamped_.forget();
    unsent_.clear();
    unread_ = {};
}

int Connection::socket() const noexcept {
    return PQsocket(connection_);
}

bool Connection::stamp_reads() noexcept {
    stamps_reads_ = stamped_.stamp(socket_);
    return stamps_reads_;
}

std::optional<base::Wall> Connection::received_at() noexcept {
    if (reader_.answer().in_pieces) [[unlikely]]
        stamped_.look_at_order();
    return stamped_.received_at();
}

Sent Connection::flush() noexcept {
    for (auto bytes = unsent_.unsent(); !bytes.empty(); bytes = unsent_.unsent()) {
        const std::int64_t n = write(bytes);
        if (n < 0) return Sent::lost;
        if (n == 0) return Sent::pending;
        unsent_.sent(static_cast<std::size_t>(n));
    }
    return Sent::all;
}

Progress Connection::receive(ReceiveBuffer buffer) noexcept {
    const std::int64_t n = read(buffer);
    if (n < 0) return Progress::lost;
    unread_ = buffer.first(static_cast<std::size_t>(n));
    if (stamps_reads_) {
        // The kernel takes 64 KB before the first of it is read, unless it is configured to take less.
        constexpr std::uint32_t kMuch = 32 * 1024;
        answer_bytes_ += static_cast<std::uint32_t>(n);
        long_answers_ = long_answers_ || answer_bytes_ > kMuch;
    }
    return next_answer();
}

bool Connection::within_answer() const noexcept {
    return reader_.within_answer() || (tls_ != nullptr && SSL_has_pending(tls_) != 0);
}

Progress Connection::next_answer() noexcept {
    if (unread_.empty()) return Progress::busy;  // nearly always, behind an answer
    switch (reader_.read(unread_)) {
        case AnswerReader::Event::need_more:
            return Progress::busy;
        case AnswerReader::Event::answer:
            answer_bytes_ = 0;
            return Progress::finished;
        case AnswerReader::Event::unusable:
            break;
    }
    return Progress::lost;
}

std::int64_t Connection::write(std::span<const char> bytes) noexcept {
    if (tls_ == nullptr) [[likely]] {
        const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n >= 0) [[likely]]
            return n;
        if (errno == EAGAIN || errno == EINTR) return 0;
        // It went. Why, it may have told before, which nobody read yet. The next read, for which the socket
        // is ready from now on, finds that, and then the end.
        if (errno == EPIPE || errno == ECONNRESET) {
            ::shutdown(socket_, SHUT_RD);
            send_refused_ = true;
            return static_cast<std::int64_t>(bytes.size());
        }
        tell_lost(fmt::format("could not send to the server: {}", std::strerror(errno)));
        return -1;
    }
    ERR_clear_error();  // SSL_get_error() would read what an earlier call on any connection left
    std::size_t n = 0;
    const int done = SSL_write_ex(tls_, bytes.data(), bytes.size(), &n);
    if (done == 1) return static_cast<std::int64_t>(n);
    const int why = SSL_get_error(tls_, done);
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) return 0;
    tell_lost("could not send to the server: the TLS connection broke");
    return -1;
}

std::int64_t Connection::read(std::span<char> into) noexcept {
    if (tls_ == nullptr) [[likely]]
        return read_socket(into);
    const auto encrypted = into.last(into.size() / 4);
    const std::int64_t n = read_socket(encrypted);
    if (n <= 0) return n;
    return decrypt(encrypted.first(static_cast<std::size_t>(n)), into.first(into.size() - encrypted.size()));
}

std::int64_t Connection::read_socket(std::span<char> into) noexcept {
    const std::int64_t n = stamps_reads_ ? stamped_.read(into) : ::recv(socket_, into.data(), into.size(), 0);
    left_unread_ = n == static_cast<std::int64_t>(into.size());
    if (n > 0) [[likely]]
        return n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    tell_lost(n == 0 ? std::string{kClosed}
                     : fmt::format("could not receive from the server: {}", std::strerror(errno)));
    return -1;
}

/// All records that are whole; TLS keeps the beginning of another.
std::int64_t Connection::decrypt(std::span<const char> bytes, std::span<char> into) noexcept {
    tls_input_.give(bytes);
    std::size_t total = 0;
    int why = SSL_ERROR_NONE;
    while (why == SSL_ERROR_NONE && total < into.size()) {
        ERR_clear_error();
        std::size_t n = 0;
        const int done = SSL_read_ex(tls_, into.data() + total, into.size() - total, &n);
        if (done == 1) {
            total += n;
        } else {
            why = SSL_get_error(tls_, done);
        }
    }
    // It may want to write where it was asked for new keys and the socket is full: flush() does, later.
    const bool sound = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    if (sound && tls_input_.used_up()) return static_cast<std::int64_t>(total);
    if (total == 0) {
        tell_lost(why == SSL_ERROR_ZERO_RETURN
                      ? kClosed
                      : "could not receive from the server: the TLS connection broke");
        return -1;
    }
    // It was closed, or broke, behind what it had said, which counts. Then the next read, for which the
    // socket is ready from now on, finds the end.
    ::shutdown(socket_, SHUT_RD);
    return static_cast<std::int64_t>(total);
}

/// What the server said before it went stands.
void Connection::tell_lost(std::string_view why) noexcept {
    if (reader_.unanswered_sqlstate() == base::kConnectionFailure) reader_.keep_error(why);
}

std::string libpq_version() {
    const int version = PQlibVersion();
    return fmt::format("{}.{}", version / 10000, version % 10000);
}

}  // namespace pgtraffic::postgres
