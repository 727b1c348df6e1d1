#include "pgtraffic/report/query_log.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/report/csv.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::string_view kHeader =
    "arrival,due_s,lag_ms,pool_wait_ms,service_ms,response_ms,operation,statement,outcome,sqlstate,attempts,"
    "rows,session\n";

/// One write for some hundred queries.
constexpr std::size_t kEnough = std::size_t{1} << 16;
constexpr base::Nanos kLongestKept = std::chrono::seconds{1};
/// Of a line without its names: twelve numbers of 21 characters at most, and the commas.
constexpr std::size_t kNumbers = 320;

constexpr std::int64_t kMilli = 1'000'000;  // ns
constexpr std::int64_t kSecond = 1'000'000'000;

/// Writes behind one another; there must be room.
class Pen {
 public:
    explicit Pen(char* at) noexcept : at_{at} {}
    [[nodiscard]] char* at() const noexcept { return at_; }

    Pen& text(std::string_view words) noexcept {
        at_ = std::copy(words.begin(), words.end(), at_);
        return *this;
    }
    Pen& number(std::uint64_t value) noexcept {
        at_ = std::to_chars(at_, at_ + 20, value).ptr;
        return *this;
    }
    /// In units of `unit` ns, a power of ten, none of it rounded away: the figures are made of nanoseconds.
    Pen& time(base::Nanos time, std::int64_t unit) noexcept {
        const bool negative = time.count() < 0;
        if (negative) *at_++ = '-';
        const auto ns = static_cast<std::uint64_t>(negative ? -time.count() : time.count());
        const auto parts = static_cast<std::uint64_t>(unit);
        number(ns / parts);
        // A 1 before the rest keeps the noughts with which it begins; the point stands in its place.
        char digits[20];
        const auto* end = std::to_chars(digits, digits + sizeof digits, parts + ns % parts).ptr;
        digits[0] = '.';
        return text({digits, static_cast<std::size_t>(end - digits)});
    }

 private:
    char* at_;
};

}  // namespace

QueryLog::QueryLog(std::string path, std::vector<Operation> operations, Sample sample)
    : file_{"--query-log", std::move(path)}, operations_{std::move(operations)}, sample_{sample} {
    std::size_t longest = kHeader.size();
    for (auto& operation : operations_) {
        operation.name = csv_field(operation.name);
        for (auto& statement : operation.statements) {
            statement = csv_field(statement);
            longest = std::max(longest, kNumbers + operation.name.size() + statement.size());
        }
    }
    text_.resize(kEnough + longest);
}

QueryLog::~QueryLog() {
    if (!finished_) flush();
}

void QueryLog::add(const metrics::QueryRecord& query) noexcept {
    if (sample_.rate < 1 &&
        base::Random{sample_.seed, base::Stream::sample, query.arrival}.unit() >= sample_.rate) {
        return;
    }
    begin();
    write_line(query);
    if (length_ < kEnough && query.until - kept_since_ < kLongestKept) return;
    kept_since_ = query.until;
    flush();
}

void QueryLog::begin() noexcept {
    if (std::exchange(begun_, true)) return;
    std::ranges::copy(kHeader, text_.begin());
    length_ = kHeader.size();
}

void QueryLog::write_line(const metrics::QueryRecord& query) noexcept {
    const auto& c = query.completion;
    const auto& operation = operations_[c.operation];
    const bool started = query.session.has_value();
    Pen pen{text_.data() + length_};
    pen.number(query.arrival).text(",").time(c.due - query.start, kSecond).text(",");
    pen.time((started ? c.sent : query.until) - c.due, kMilli).text(",");
    if (started) pen.time(c.pool_wait(), kMilli);
    pen.text(",");
    if (started) pen.time(query.until - c.sent, kMilli);
    pen.text(",").time(query.until - c.due, kMilli);
    pen.text(",").text(operation.name).text(",");
    if (started) pen.text(operation.statements[c.statement]);
    pen.text(",").text(query.outcome()).text(",");
    // One that succeeded may have that of an attempt before.
    if (query.fate == metrics::Fate::ended && !metrics::succeeded(c.outcome)) pen.text(c.sqlstate.text());
    pen.text(",").number(c.attempts).text(",").number(c.rows).text(",");
    if (started) pen.number(*query.session);
    pen.text("\n");
    length_ = static_cast<std::size_t>(pen.at() - text_.data());
}

void QueryLog::flush() noexcept {
    if (length_ == 0) return;
    file_.write({text_.data(), length_});
    length_ = 0;
}

std::string QueryLog::finish() noexcept {
    begin();
    flush();
    finished_ = true;
    return file_.finish();
}

}  // namespace pgtraffic::report
