#include "pgtraffic/postgres/messages.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

namespace pgtraffic::postgres {

using base::put_u16;
using base::put_u32;
using base::read_u32;

namespace {

char* put_text(char* to, std::string_view text) noexcept {
    std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
    return to + text.size() + 1;
}

template <std::size_t kSize>
char* put_bytes(char* to, const char (&bytes)[kSize]) noexcept {
    std::memcpy(to, bytes, kSize - 1);
    return to + kSize - 1;
}

constexpr char kSync[] = "S\0\0\0\4";

constexpr std::size_t parse_size(std::string_view name, std::string_view sql) noexcept {
    return 4 + name.size() + 1 + sql.size() + 1 + 2;
}

char* put_parse(char* to, std::string_view name, std::string_view sql) noexcept {
    *to++ = 'P';
    to = put_u32(to, static_cast<std::uint32_t>(parse_size(name, sql)));
    to = put_text(to, name);
    to = put_text(to, sql);
    return put_u16(to, 0);  // the server infers every parameter's type
}

/// What take() knows, for messages that lie in several reads.
constexpr std::string_view kKnownTypes = "DCZ1IE23TtnsNSAKGHW";

/// PostgreSQL holds no row beyond a gigabyte; a little more for its other columns' headers.
constexpr std::uint32_t kLongestMessage = 0x40100000;

/// Of an error's fields, a letter and a text each up to a zero, the one of that letter.
std::optional<std::string_view> error_field(std::span<const char> fields, char kind) noexcept {
    while (!fields.empty() && fields[0] != '\0') {
        const auto rest = fields.subspan(1);
        const auto end = std::find(rest.begin(), rest.end(), '\0');
        const std::string_view text{rest.data(), static_cast<std::size_t>(end - rest.begin())};
        if (fields[0] == kind) return text;
        fields = rest.subspan(std::min(text.size() + 1, rest.size()));
    }
    return std::nullopt;
}

/// 'S' is in the server's language; 'V' is not there in those before 9.6, nor in a pooler's.
bool ends_session(std::span<const char> fields) noexcept {
    const auto told = error_field(fields, 'V');
    const auto severity = told ? *told : error_field(fields, 'S').value_or("");
    return severity == "FATAL" || severity == "PANIC";
}

}  // namespace

/// What was sent makes room first. It is moved over only where that frees half of the buffer, so that a byte
/// is moved at most once on average.
void SendBuffer::make_room(std::size_t bytes) {
    const std::size_t unsent = end_ - begin_;
    if (unsent + bytes <= capacity_ / 2) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, unsent);
    } else {
        const std::size_t capacity = std::bit_ceil(2 * (unsent + bytes));
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        if (unsent > 0) std::memcpy(larger.get(), bytes_.get() + begin_, unsent);
        bytes_ = std::move(larger);
        capacity_ = capacity;
    }
    begin_ = 0;
    end_ = unsent;
}

void SendBuffer::sent(std::size_t bytes) noexcept {
    begin_ += bytes;
    if (begin_ == end_) clear();
}

void append_simple(SendBuffer& buffer, std::string_view sql) {
    const std::size_t size = 4 + sql.size() + 1;
    char* const begin = buffer.room(1 + size);
    *begin = 'Q';
    put_text(put_u32(begin + 1, static_cast<std::uint32_t>(size)), sql);
    buffer.append(1 + size);
}

void append_prepare(SendBuffer& buffer, std::string_view name, std::string_view sql) {
    char* const begin = buffer.room(1 + parse_size(name, sql) + sizeof kSync);
    const char* const end = put_bytes(put_parse(begin, name, sql), kSync);
    buffer.append(static_cast<std::size_t>(end - begin));
}

void append_prepare_again(SendBuffer& buffer, std::string_view name, std::string_view sql) {
    const std::size_t size = 4 + 1 + name.size() + 1;
    char* const begin = buffer.room(1 + size + 1 + parse_size(name, sql));
    *begin = 'C';
    char* to = put_u32(begin + 1, static_cast<std::uint32_t>(size));
    *to++ = 'S';
    const char* const end = put_parse(put_text(to, name), name, sql);
    buffer.append(static_cast<std::size_t>(end - begin));
}

QueryHead QueryHead::prepared(std::string_view name, std::size_t values) {
    QueryHead head;
    head.bind(name, values);
    return head;
}

QueryHead QueryHead::unnamed(std::string_view sql, std::size_t values) {
    QueryHead head;
    head.bytes_.resize(1 + parse_size("", sql));
    put_parse(head.bytes_.data(), "", sql);
    head.bind("", values);
    return head;
}

/// To the unnamed portal, all values as text.
void QueryHead::bind(std::string_view statement, std::size_t values) {
    constexpr std::size_t kBind = 1 + 4 + 1;
    const std::size_t start = bytes_.size();
    bind_length_ = start + 1;
    bytes_.resize(start + kBind + statement.size() + 1 + 2 + 2);
    bytes_[start] = 'B';
    char* to = put_text(bytes_.data() + start + kBind, statement);
    to = put_u16(to, 0);
    put_u16(to, static_cast<std::uint16_t>(values));
}

// ---- reading ------------------------------------------------------------------------------------------

AnswerReader::Event AnswerReader::read(std::span<const char>& bytes) noexcept {
    if (bytes.empty()) return Event::need_more;
    if (whole_) begin_answer();
    if (held_size_ > 0) [[unlikely]]
        return read_slowly(bytes);
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (end - at >= static_cast<std::ptrdiff_t>(kHeader)) {
        const std::uint32_t size = read_u32(at + 1) - 4;  // wraps where the length is an impossible one
        if (size > static_cast<std::size_t>(end - at) - kHeader) break;
        const Event event = take(*at, {at + kHeader, size});
        at += kHeader + size;
        if (event != Event::need_more) {
            bytes = {at, end};
            return event;
        }
    }
    bytes = {at, end};
    return bytes.empty() ? Event::need_more : read_slowly(bytes);
}

void AnswerReader::begin_answer() noexcept {
    whole_ = complete_ = refused_ = false;
    farewell_.reset();
    answer_ = Answer{};
    row_messages_ = 0;
}

/// A message that lies in several reads: its beginning is held, what exceeds that is passed over.
AnswerReader::Event AnswerReader::read_slowly(std::span<const char>& bytes) noexcept {
    const auto hold = [&](std::size_t most) {
        const std::size_t n = std::min(most, bytes.size());
        std::memcpy(held_.data() + held_size_, bytes.data(), n);
        held_size_ += n;
        bytes = bytes.subspan(n);
        return n;
    };
    if (held_size_ < kHeader) {
        hold(kHeader - held_size_);
        if (held_size_ < kHeader) return Event::need_more;
        const std::uint32_t length = read_u32(held_.data() + 1);
        const bool known = kKnownTypes.find(held_[0]) != std::string_view::npos;
        // Told by its head: whoever waits for the rest of such a message waits for ever.
        if (length < 4 || (known && length > kLongestMessage))
            return refuse("08P01", "the server sent a message of an impossible length");
        if (!known) return refuse("08P01", "the server sent something that is no answer to a query");
        missing_ = length - 4;
    }
    missing_ -= hold(static_cast<std::size_t>(std::min<std::uint64_t>(missing_, held_.size() - held_size_)));
    const auto passed = static_cast<std::size_t>(std::min<std::uint64_t>(missing_, bytes.size()));
    if (passed > 0 && kept_row_ != nullptr && held_[0] == 'D') [[unlikely]]
        keep_passed(bytes.first(passed));
    bytes = bytes.subspan(passed);
    missing_ -= passed;
    if (missing_ > 0) return Event::need_more;
    const std::size_t size = std::exchange(held_size_, 0);
    const auto body = std::span<const char>{held_}.subspan(kHeader, size - kHeader);
    const bool goodbye = held_[0] == 'E' && ends_session(body);
    const Event event = std::exchange(unasked_, false) && !goodbye ? Event::need_more : take(held_[0], body);
    return event == Event::need_more ? read(bytes) : event;
}

/// What every answer consists of; the rest is seldom and takes a call.
inline AnswerReader::Event AnswerReader::take(char type, std::span<const char> body) noexcept {
    switch (type) {
        case '1':  // ParseComplete, all that a PREPARE has
            complete_ = true;
            return Event::need_more;
        case '2':  // BindComplete: what was parsed in front of it was a part of this query
            complete_ = false;
            return Event::need_more;
        case 'D':  // DataRow
            if (kept_row_ != nullptr) [[unlikely]]
                take_kept_row(body);
            ++row_messages_;
            return Event::need_more;
        case 'C':
            take_completion(body);
            return Event::need_more;
        case 'Z':
            return end_answer(body);
        default:
            return take_seldom(type, body);
    }
}

AnswerReader::Event AnswerReader::take_seldom(char type, std::span<const char> body) noexcept {
    switch (type) {
        case 'I':  // EmptyQueryResponse
        case '3':  // CloseComplete, all that a plan has
            complete_ = true;
            break;
        case 'E':
            answer_.in_pieces = true;
            return take_error(body);
        case 'N':  // NoticeResponse
            take_notice(body);
            [[fallthrough]];
        case 'A':  // NotificationResponse
            answer_.in_pieces = true;
            break;
        case 'T':  // RowDescription
        case 't':  // ParameterDescription
        case 'n':  // NoData
        case 's':  // PortalSuspended
        case 'S':  // ParameterStatus
        case 'K':  // BackendKeyData
            break;
        case 'G':
        case 'H':
        case 'W':
            return refuse("0A000", "COPY cannot be used in a workload");
        default:
            return refuse("08P01", "the server sent something that is no answer to a query");
    }
    return Event::need_more;
}

AnswerReader::Event AnswerReader::end_answer(std::span<const char> body) noexcept {
    if (body.size() != 1) return refuse("08P01", "the server sent a message of an impossible length");
    in_transaction_ = body[0] != 'I';
    if (!complete_ && !answer_.failed) {
        (void)refuse("08P01", "the server ended its answer without a result");
    }
    whole_ = true;
    kept_row_ = nullptr;
    return Event::answer;
}

/// `body` is the beginning only, where the row came in pieces and is too long to be held.
void AnswerReader::take_kept_row(std::span<const char> body) noexcept {
    if (!kept_in_pieces_) {
        kept_row_->clear();
        keep_piece(body);
    }
    kept_in_pieces_ = false;
    kept_row_ = nullptr;
}

/// What is not held of a row that comes in pieces.
void AnswerReader::keep_passed(std::span<const char> piece) noexcept {
    if (!std::exchange(kept_in_pieces_, true))
        kept_row_->assign(held_.data() + kHeader, held_size_ - kHeader);
    keep_piece(piece);
}

void AnswerReader::keep_piece(std::span<const char> piece) noexcept {
    if (kept_row_->size() + piece.size() <= kLongestKeptRow) {
        kept_row_->append(piece.data(), piece.size());
        return;
    }
    kept_row_->clear();
    kept_row_ = nullptr;
    kept_in_pieces_ = false;
    (void)refuse("54000", "a row that values are taken from has more than a megabyte");
}

AnswerReader::Event AnswerReader::refuse(std::string_view sqlstate, std::string_view message) noexcept {
    if (!answer_.failed) {
        answer_.failed = true;
        answer_.sqlstate = *base::SqlState::parse(sqlstate);
        keep_error(message);
    }
    return Event::unusable;
}

/// "SELECT 5", "INSERT 0 1", "UPDATE 3"; "BEGIN", "SET". Rows that came count where the tag has no number.
void AnswerReader::take_completion(std::span<const char> tag) noexcept {
    complete_ = true;
    std::size_t at = tag.size();
    if (at > 0 && tag[at - 1] == '\0') --at;
    std::uint64_t rows = 0;
    std::uint64_t weight = 1;
    for (; at > 0; --at, weight *= 10) {
        const auto digit = static_cast<unsigned char>(tag[at - 1] - '0');
        if (digit > 9) break;
        rows += weight * digit;
    }
    const bool told = weight > 1 && at > 0 && tag[at - 1] == ' ';
    answer_.rows += told ? rows : row_messages_;
    answer_.counted = answer_.counted || told || row_messages_ > 0;
    row_messages_ = 0;
}

/// The first error tells; what follows it is its consequence. But for one that ends the session: it is why
/// whoever waits on this connection gets no answer, and nothing may be sent to a backend that is on its way
/// out, which takes it milliseconds.
AnswerReader::Event AnswerReader::take_error(std::span<const char> fields) noexcept {
    const bool goodbye = ends_session(fields);
    if (answer_.failed && !goodbye) return Event::need_more;
    answer_.failed = true;
    session_ended_ = goodbye;
    answer_.sqlstate =
        base::SqlState::parse(error_field(fields, 'C').value_or("")).value_or(base::kConnectionFailure);
    keep_error(error_field(fields, 'M').value_or("an error without a message"));
    // What a goodbye follows was refused all the same.
    refused_ = goodbye ? refused_ : answer_.sqlstate.error_class() != "08";
    return goodbye ? Event::unusable : Event::need_more;
}

/// A backend that has to go at once, because the server is shut down (immediate) or another one crashed, says
/// so in a warning, and no more.
void AnswerReader::take_notice(std::span<const char> fields) noexcept {
    const auto state = base::SqlState::parse(error_field(fields, 'C').value_or(""));
    if (answer_.failed || !state || !state->text().starts_with("57P0")) return;
    farewell_ = state;
    keep_error(error_field(fields, 'M').value_or("the server ends the session"));
}

/// In one line: libpq's and the server's have several, with hints that are indented.
void AnswerReader::keep_error(std::string_view message) noexcept {
    error_size_ = 0;
    for (const char c : message.substr(0, error_.size())) {
        const bool blank = c == ' ' || c == '\n' || c == '\t';
        if (blank && (error_size_ == 0 || error_[error_size_ - 1] == ' ')) continue;
        error_[error_size_++] = blank ? ' ' : c;
    }
    if (error_size_ > 0 && error_[error_size_ - 1] == ' ') --error_size_;
}

}  // namespace pgtraffic::postgres
