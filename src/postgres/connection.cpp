#include "pgtraffic/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::postgres {
namespace {

constexpr std::size_t kMaxSettings = 64;
/// Decrypted bytes may wait inside the TLS library where the kernel cannot tell of them.
/// A record holds at most 16 kB and libpq makes room for at least half of that a read.
constexpr int kMaxTlsReads = 3;

void swallow_notice(void* /*context*/, const PGresult* /*notice*/) {}

}  // namespace

ConnectParameters::ConnectParameters(const Conninfo& conninfo) : settings_{conninfo.settings()} {
    PGTRAFFIC_CHECK(settings_.size() < kMaxSettings, "libpq has fewer settings than that");
}

ConnectStep Connection::connect(const ConnectParameters& parameters) noexcept {
    PGTRAFFIC_CHECK(connection_ == nullptr, "a connection is closed before it connects again");
    std::array<const char*, kMaxSettings> keywords{};
    std::array<const char*, kMaxSettings> values{};
    std::size_t n = 0;
    for (const auto& [keyword, value] : parameters.settings_) {
        keywords[n] = keyword.c_str();
        values[n++] = value.c_str();
    }
    error_size_ = 0;
    refused_copy_ = pipeline_ = in_answer_ = read_failed_ = false;
    connection_ = PQconnectStartParams(keywords.data(), values.data(), 0);
    if (connection_ == nullptr) {
        keep_error("out of memory");
        return ConnectStep::failed;
    }
    if (PQstatus(connection_) == CONNECTION_BAD) {
        keep_error(PQerrorMessage(connection_));
        return ConnectStep::failed;
    }
    // The default receiver prints to stderr; a server's goodbye to an idle connection arrives here, too, and
    // is told by the end of the stream that follows it.
    PQsetNoticeReceiver(connection_, swallow_notice, nullptr);
    return ConnectStep::wait_writable;
}

ConnectStep Connection::connect_poll() noexcept {
    switch (PQconnectPoll(connection_)) {
        case PGRES_POLLING_READING:
            return ConnectStep::wait_readable;
        case PGRES_POLLING_WRITING:
            return ConnectStep::wait_writable;
        case PGRES_POLLING_OK:
            if (PQsetnonblocking(connection_, 1) == 0) return ConnectStep::connected;
            break;
        default:
            break;
    }
    keep_error(PQerrorMessage(connection_));
    return ConnectStep::failed;
}

void Connection::close() noexcept {
    PQfinish(connection_);
    connection_ = nullptr;
}

int Connection::socket() const noexcept {
    return PQsocket(connection_);
}

bool Connection::begin(int sent) noexcept {
    answer_ = Answer{};
    if (sent == 1) [[likely]]
        return true;
    keep_error(PQerrorMessage(connection_));
    return false;
}

bool Connection::send_simple(const char* sql) noexcept {
    return begin(PQsendQuery(connection_, sql));
}

bool Connection::send_prepare(const char* name, const char* sql) noexcept {
    return begin(PQsendPrepare(connection_, name, sql, 0, nullptr));
}

bool Connection::send_query(const char* sql, std::size_t count, const char* const* values) noexcept {
    return begin(
        PQsendQueryParams(connection_, sql, static_cast<int>(count), nullptr, values, nullptr, nullptr, 0));
}

bool Connection::send_prepared(const char* name, std::size_t count, const char* const* values) noexcept {
    return begin(
        PQsendQueryPrepared(connection_, name, static_cast<int>(count), values, nullptr, nullptr, 0));
}

bool Connection::flush_pending() noexcept {
    const int pending = PQflush(connection_);
    if (pending < 0) keep_error(PQerrorMessage(connection_));
    return pending > 0;
}

bool Connection::lost() const noexcept {
    return PQstatus(connection_) == CONNECTION_BAD;
}

bool Connection::begin_pipeline() noexcept {
    pipeline_ = PQenterPipelineMode(connection_) == 1;
    if (!pipeline_) keep_error(PQerrorMessage(connection_));
    return pipeline_;
}

bool Connection::end_batch() noexcept {
    if (PQpipelineSync(connection_) == 1) [[likely]]
        return true;
    keep_error(PQerrorMessage(connection_));
    return false;
}

Progress Connection::receive() noexcept {
    reads_left_ = kMaxTlsReads;
    read_failed_ = PQconsumeInput(connection_) == 0;
    --reads_left_;
    return next_answer();
}

Progress Connection::next_answer() noexcept {
    Progress progress = take();
    while (progress == Progress::busy && PQsslInUse(connection_) != 0 && reads_left_ > 0) {
        read_failed_ = PQconsumeInput(connection_) == 0;
        --reads_left_;
        progress = take();
    }
    return progress;
}

Progress Connection::take() noexcept {
    // PQgetResult blocks when asked while busy: ask before every one.
    while (PQisBusy(connection_) == 0) {
        PGresult* result = PQgetResult(connection_);
        if (result == nullptr) {
            if (pipeline_ && !in_answer_) break;  // nothing is under way
            if (!pipeline_ && (read_failed_ || lost())) break;
            in_answer_ = false;
            return Progress::finished;
        }
        if (pipeline_ && !in_answer_) answer_ = Answer{};
        in_answer_ = true;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) [[unlikely]] {
            in_answer_ = false;
            PQclear(result);
            return Progress::batch_ended;
        }
        absorb(result);
        PQclear(result);
        if (refused_copy_) return Progress::lost;  // it would be offered for ever
    }
    return read_failed_ || lost() ? tell_lost() : Progress::busy;
}

Progress Connection::tell_lost() noexcept {
    // What libpq says of a broken stream has no SQLSTATE; what the server said before stands.
    if (!answer_.failed) {
        answer_.failed = true;
        answer_.sqlstate = base::kConnectionFailure;
        keep_error(PQerrorMessage(connection_));
    }
    return Progress::lost;
}

void Connection::absorb(PGresult* result) noexcept {
    switch (PQresultStatus(result)) {
        case PGRES_TUPLES_OK:
            answer_.rows += static_cast<std::uint64_t>(PQntuples(result));
            answer_.counted = true;
            break;
        case PGRES_COMMAND_OK: {
            const char* tuples = PQcmdTuples(result);
            std::uint64_t rows = 0;
            if (*tuples != '\0') {
                std::from_chars(tuples, tuples + std::strlen(tuples), rows);
                answer_.rows += rows;
                answer_.counted = true;
            }
            break;
        }
        case PGRES_EMPTY_QUERY:
            break;
        case PGRES_PIPELINE_ABORTED:
            answer_.skipped = true;
            break;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            refused_copy_ = true;
            answer_.failed = true;
            answer_.sqlstate = base::SqlState{{'0', 'A', '0', '0', '0'}};
            keep_error("COPY cannot be used in a workload");
            break;
        default: {
            // The first error tells; what follows it (a lost connection, say) is its consequence.
            if (answer_.failed) break;
            answer_.failed = true;
            const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            answer_.sqlstate =
                base::SqlState::parse(code != nullptr ? code : "").value_or(base::kConnectionFailure);
            const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            keep_error(primary != nullptr ? primary : PQresultErrorMessage(result));
        }
    }
}

void Connection::keep_error(const char* message) noexcept {
    error_size_ = std::min(std::strlen(message), error_.size());
    std::copy_n(message, error_size_, error_.begin());
    while (error_size_ > 0 && (error_[error_size_ - 1] == '\n' || error_[error_size_ - 1] == ' '))
        --error_size_;
    std::replace(error_.begin(), error_.begin() + static_cast<std::ptrdiff_t>(error_size_), '\n', ' ');
}

bool Connection::uses_ssl() const noexcept {
    return PQsslInUse(connection_) != 0;
}

bool Connection::in_transaction() const noexcept {
    // "Active", which says nothing of the transaction, is a pipeline's with queries under way.
    const PGTransactionStatusType status = PQtransactionStatus(connection_);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

std::string libpq_version() {
    const int version = PQlibVersion();
    return fmt::format("{}.{}", version / 10000, version % 10000);
}

}  // namespace pgtraffic::postgres
