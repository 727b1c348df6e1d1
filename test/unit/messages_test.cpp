// The wire protocol's messages: what is sent, byte for byte, and answers made of streams that are cut
// anywhere, broken, or without end.
#include "pgtraffic/postgres/messages.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using postgres::Answer;
using postgres::AnswerReader;
using postgres::kLongestKeptRow;
using postgres::QueryHead;
using postgres::SendBuffer;
using Event = AnswerReader::Event;
using namespace std::string_literals;

namespace {

std::string taken(SendBuffer& buffer) {
    const auto bytes = buffer.unsent();
    std::string all{bytes.begin(), bytes.end()};
    buffer.clear();
    return all;
}

std::string message(char type, const std::string& body) {
    const auto length = static_cast<std::uint32_t>(body.size() + 4);
    std::string all{type};
    for (int shift = 24; shift >= 0; shift -= 8) all += static_cast<char>(length >> shift & 0xFFU);
    return all + body;
}

std::string ready(char status = 'I') {
    return message('Z', {status});
}

std::string error(const std::string& sqlstate, const std::string& text) {
    return message('E', "SERROR\0VERROR\0C"s + sqlstate + "\0M"s + text + "\0Fx.c\0\0"s);
}

/// What a stream in pieces of `piece` bytes makes: a line an answer, and how it ended.
std::string told(const std::string& stream, std::size_t piece) {
    AnswerReader reader;
    std::string lines;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        std::span<const char> bytes{stream.data() + at, std::min(piece, stream.size() - at)};
        for (;;) {
            const Event event = reader.read(bytes);
            if (event == Event::need_more) {
                CHECK(bytes.empty());
                break;
            }
            const Answer& answer = reader.answer();
            lines += event == Event::unusable ? "unusable" : "answer";
            if (answer.failed) {
                lines += " failed " + std::string{answer.sqlstate.text()} + " " + std::string{reader.error()};
            }
            if (answer.in_pieces && !answer.failed) lines += " in pieces";
            if (answer.counted) lines += " rows " + std::to_string(answer.rows);
            if (reader.in_transaction()) lines += " in transaction";
            lines += "\n";
            if (event == Event::unusable) return lines;
        }
    }
    return lines;
}

void check_told(const std::string& stream, const std::string& expected) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5},
                                    std::size_t{7}, std::size_t{64}, stream.size()}) {
        INFO("in pieces of " << piece);
        CHECK(told(stream, piece) == expected);
    }
}

const std::string kRow = message('D', "\0\1\0\0\0\2ab"s);

}  // namespace

TEST_CASE("an error that nobody asked for is not the next query's") {
    AnswerReader reader;
    const std::string good = message('1', "") + message('2', "") + message('C', "SELECT 1\0"s) + ready();
    const auto read = [&](const std::string& bytes) {
        std::span<const char> left{bytes};
        return reader.read(left);
    };
    REQUIRE(read(good) == Event::answer);
    const std::string stray = error("XX000", "who asked?");
    // Cut anywhere: its second half comes behind the query.
    for (std::size_t cut = 1; cut <= stray.size(); ++cut) {
        REQUIRE(read(stray.substr(0, cut)) == Event::need_more);
        reader.forget_unasked();
        REQUIRE(read(stray.substr(cut) + good) == Event::answer);
        CHECK_FALSE(reader.answer().failed);
        CHECK(reader.answer().rows == 1);
    }
}

TEST_CASE("a query that was refused is told from a session that was ended") {
    AnswerReader reader;
    const auto read = [&](const std::string& bytes) {
        std::span<const char> left{bytes};
        return reader.read(left);
    };
    CHECK_FALSE(reader.refused());
    REQUIRE(read(error("23505", "twice")) == Event::need_more);
    CHECK(reader.refused());
    CHECK_FALSE(reader.session_ended());
    AnswerReader broken;
    std::span<const char> none;
    const auto pooler = error("08P01", "server conn crashed?");
    none = pooler;
    REQUIRE(broken.read(none) == Event::need_more);
    CHECK_FALSE(broken.refused());
    const auto goodbye = message('E', "SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0"s);
    REQUIRE(read(goodbye) == Event::unusable);
    CHECK(reader.refused());  // before it went
    CHECK(reader.session_ended());
    AnswerReader sent_away;
    none = goodbye;
    REQUIRE(sent_away.read(none) == Event::unusable);
    CHECK_FALSE(sent_away.refused());
}

TEST_CASE("a warning that the server goes at once tells why no answer comes, and only there") {
    const auto warning = message(
        'N',
        "SWARNING\0VWARNING\0C57P02\0Mterminating connection because of crash of another server process\0\0"s);
    AnswerReader reader;
    std::span<const char> bytes{warning};
    REQUIRE(reader.read(bytes) == Event::need_more);
    CHECK(reader.unanswered_sqlstate().text() == "57P02");
    CHECK(reader.session_ended());
    CHECK_FALSE(reader.refused());
    CHECK(reader.error() == "terminating connection because of crash of another server process");
    // It goes on all the same: it was no farewell.
    const auto rest = message('C', "SELECT 1\0"s) + ready();
    bytes = rest;
    REQUIRE(reader.read(bytes) == Event::answer);
    CHECK_FALSE(reader.answer().failed);
    CHECK(reader.unanswered_sqlstate() == base::kConnectionFailure);
    const auto other = message('N', "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"s);
    bytes = other;
    REQUIRE(reader.read(bytes) == Event::need_more);
    CHECK_FALSE(reader.session_ended());
    CHECK(reader.unanswered_sqlstate() == base::kConnectionFailure);
}

TEST_CASE("a prepared statement is bound, executed and synced in one piece") {
    SendBuffer buffer;
    postgres::append_query(buffer, QueryHead::prepared("s1", 2), 100, [](char* to) {
        to = std::copy_n("42", 2, base::put_u32(to, 2));
        return base::put_u32(to, 0);
    });
    CHECK(taken(buffer) ==
          "B\0\0\0\x18\0s1\0\0\0\0\2\0\0\0\2"
          "42\0\0\0\0\0\0"
          "E\0\0\0\x9\0\0\0\0\0"
          "S\0\0\0\4"s);
}

TEST_CASE("an unnamed statement is parsed, bound, executed and synced") {
    SendBuffer buffer;
    postgres::append_query(buffer, QueryHead::unnamed("select 1", 0), 0, [](char* to) { return to; });
    CHECK(taken(buffer) ==
          "P\0\0\0\x10\0select 1\0\0\0"
          "B\0\0\0\xc\0\0\0\0\0\0\0\0"
          "E\0\0\0\x9\0\0\0\0\0"
          "S\0\0\0\4"s);
    postgres::append_prepare_again(buffer, "s1", "x");
    CHECK(taken(buffer) ==
          "C\0\0\0\x8Ss1\0"
          "P\0\0\0\xbs1\0x\0\0\0"s);
    postgres::append_simple(buffer, "x");
    postgres::append_prepare(buffer, "n", "x");
    CHECK(taken(buffer) ==
          "Q\0\0\0\6x\0"
          "P\0\0\0\xan\0x\0\0\0"
          "S\0\0\0\4"s);
}

TEST_CASE("a statement is planned as it is bound, and its portal closed in place of executed") {
    SendBuffer buffer;
    postgres::append_plan(buffer, QueryHead::prepared("s1", 1), 100,
                          [](char* to) { return std::copy_n("42", 2, base::put_u32(to, 2)); });
    CHECK(taken(buffer) ==
          "B\0\0\0\x14\0s1\0\0\0\0\1\0\0\0\2"
          "42\0\0"
          "C\0\0\0\6P\0"
          "S\0\0\0\4"s);
    check_told(message('2', "") + message('3', "") + ready(), "answer\n");
}

TEST_CASE("a buffer that was sent in part goes on where it stopped, and behind it what came later") {
    SendBuffer buffer;
    postgres::append_simple(buffer, std::string(3000, 'x'));
    const std::string all = [&] {
        const auto bytes = buffer.unsent();
        return std::string{bytes.begin(), bytes.end()};
    }();
    buffer.sent(1000);
    postgres::append_simple(buffer, std::string(5000, 'y'));
    const auto rest = taken(buffer);
    CHECK(rest.substr(0, 2006) == all.substr(1000));
    CHECK(rest.size() == 2006 + 5006);
    CHECK(buffer.unsent().empty());
}

TEST_CASE("a buffer that is never empty stays as small as what is unsent") {
    SendBuffer buffer;
    const char* lowest = nullptr;
    const char* highest = nullptr;
    postgres::append_simple(buffer, std::string(994, 'x'));
    for (int i = 0; i < 10'000; ++i) {
        const char digit = static_cast<char>('0' + i % 10);
        postgres::append_simple(buffer, std::string(994, digit));  // 1,000 bytes with its head
        CHECK(buffer.unsent().size() == 2000);
        CHECK(buffer.unsent()[1998] == digit);
        buffer.sent(1000);
        if (i < 100) continue;  // has grown to its size
        const char* const at = buffer.room(1);
        lowest = lowest == nullptr ? at : std::min(lowest, at);
        highest = highest == nullptr ? at : std::max(highest, at);
    }
    CHECK(highest - lowest < 16'000);
}

TEST_CASE("answers are the same however the stream is cut") {
    const std::string notice = message('N', "SNOTICE\0Mhello\0\0"s);
    check_told(message('2', "") + kRow + kRow + message('C', "SELECT 2\0"s) + ready(), "answer rows 2\n");
    check_told(message('1', "") + ready(), "answer\n");
    check_told(message('2', "") + message('C', "INSERT 0 5\0"s) + ready('T'),
               "answer rows 5 in transaction\n");
    check_told(message('2', "") + message('C', "UPDATE 0\0"s) + notice + ready(),
               "answer in pieces rows 0\n");
    check_told(message('C', "BEGIN\0"s) + ready('T') + message('C', "COMMIT\0"s) + ready(),
               "answer in transaction\nanswer\n");
    check_told(kRow + message('C', "SHOW\0"s) + ready(), "answer rows 1\n");
    check_told(message('I', "") + ready(), "answer\n");
    check_told(message('S', "a\0b\0"s) + message('A', "\0\0\0\1c\0d\0"s) + kRow +
                   message('C', "SELECT 1\0"s) + ready() + error("23505", "twice\nthere") + ready('E'),
               "answer in pieces rows 1\nanswer failed 23505 twice there in transaction\n");
}

TEST_CASE("an error in the middle of rows counts, its consequences do not") {
    check_told(message('2', "") + kRow + error("40001", "first") + error("57P01", "second") + ready(),
               "answer failed 40001 first\n");
    // What a failed one leaves is not the next one's.
    check_told(error("22012", "zero") + ready() + message('C', "SELECT 0\0"s) + ready(),
               "answer failed 22012 zero\nanswer rows 0\n");
    check_told(message('E', "") + ready(), "answer failed 08006 an error without a message\n");
    check_told(message('E', "Cxy\0Mcut"s) + ready(), "answer failed 08006 cut\n");
}

TEST_CASE("what is no answer makes the connection useless, and says why") {
    const std::string nonsense = "answer to a query\n";
    check_told(message('G', "\0\0\0"s), "unusable failed 0A000 COPY cannot be used in a workload\n");
    check_told(message('H', "\0\0\0"s), "unusable failed 0A000 COPY cannot be used in a workload\n");
    check_told(message('W', "\0\0\0"s), "unusable failed 0A000 COPY cannot be used in a workload\n");
    for (const char type : {'R', 'x', '\0', '\xff', 'Q'}) {
        check_told(message(type, "xyz"),
                   "unusable failed 08P01 the server sent something that is no answer to a query\n");
    }
    check_told("D\0\0\0\3"s, "unusable failed 08P01 the server sent a message of an impossible length\n");
    check_told("Z\0\0\0\0"s, "unusable failed 08P01 the server sent a message of an impossible length\n");
    check_told("\0\0\0\0\0"s, "unusable failed 08P01 the server sent a message of an impossible length\n");
    check_told(message('C', "SELECT 1\0"s) + message('Z', ""),
               "unusable failed 08P01 the server sent a message of an impossible length rows 1\n");
    check_told(ready(), "answer failed 08P01 the server ended its answer without a result\n");
    check_told(message('2', "") + kRow + ready(),
               "answer failed 08P01 the server ended its answer without a result\n");
}

TEST_CASE("a row of a gigabyte and rows without end pass through") {
    AnswerReader reader;
    const std::string piece(1U << 20U, '\0');
    const std::string header = "D\x40\0\0\4"s;  // 2^30 bytes
    std::span<const char> bytes{header};
    CHECK(reader.read(bytes) == Event::need_more);
    for (int i = 0; i < 1024; ++i) {
        bytes = piece;
        REQUIRE(reader.read(bytes) == Event::need_more);
    }
    const std::string end = message('C', "SELECT 1\0"s) + ready();
    bytes = end;
    CHECK(reader.read(bytes) == Event::answer);
    CHECK(reader.answer().rows == 1);

    std::string rows;
    for (int i = 0; i < 1000; ++i) rows += kRow;
    for (int i = 0; i < 1000; ++i) {
        bytes = rows;
        REQUIRE(reader.read(bytes) == Event::need_more);
    }
    bytes = end;
    CHECK(reader.read(bytes) == Event::answer);
    CHECK(sizeof(AnswerReader) < 2048);
}

TEST_CASE("a goodbye tells why the queries behind it have no answer; an old error does not") {
    AnswerReader reader;
    CHECK(reader.unanswered_sqlstate() == base::kConnectionFailure);
    std::string stream = error("22012", "zero") + ready();
    std::span<const char> bytes{stream};
    CHECK(reader.read(bytes) == Event::answer);
    CHECK(reader.unanswered_sqlstate() == base::kConnectionFailure);
    stream = error("57P01", "terminating connection due to administrator command");
    bytes = stream;
    CHECK(reader.read(bytes) == Event::need_more);
    CHECK(reader.unanswered_sqlstate().text() == "57P01");
    CHECK(reader.error() == "terminating connection due to administrator command");
}

TEST_CASE("a goodbye behind an error tells why the connection goes") {
    for (const std::size_t piece : {1000U, 1U}) {
        AnswerReader reader;
        const auto stream =
            error("23505", "twice") + message('E', "SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0"s);
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            std::span<const char> bytes{stream.data() + at, std::min(piece, stream.size() - at)};
            CHECK(reader.read(bytes) == (at + piece < stream.size() ? Event::need_more : Event::unusable));
        }
        CHECK(reader.unanswered_sqlstate().text() == "57P01");
        CHECK(reader.error() == "going down");
    }
}

TEST_CASE("an error that ends the session is its end, before the socket says so") {
    const std::string told = "unusable failed 57P01 going down\n";
    check_told(message('E', "SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0"s), told);
    check_told(message('E', "SFATAL\0C57P01\0Mgoing down\0\0"s), told);            // before 9.6
    check_told(message('E', "SSCHLIMM\0VPANIC\0C57P01\0Mgoing down\0\0"s), told);  // in whatever language
    // The server's own words are not for us to judge where it says what they mean.
    check_told(message('E', "SFATAL\0VERROR\0C57P01\0Mgoing down\0\0"s) + ready(),
               "answer failed 57P01 going down\n");
}

TEST_CASE("an error longer than what is held is cut, and the next answer is whole") {
    check_told(error("54000", std::string(5000, 'x')) + ready() + message('C', "SELECT 7\0"s) + ready(),
               "answer failed 54000 " + std::string(256, 'x') + "\nanswer rows 7\n");
}

namespace {

/// A DataRow's body; a null pointer is a NULL.
std::string row_of(const std::vector<const std::string*>& fields) {
    std::string body{'\0', static_cast<char>(fields.size())};
    for (const auto* field : fields) {
        const auto length =
            static_cast<std::uint32_t>(field == nullptr ? -1 : static_cast<int>(field->size()));
        char bytes[4];
        base::put_u32(bytes, length);
        body.append(bytes, sizeof bytes);
        if (field != nullptr) body += *field;
    }
    return body;
}

/// What is kept of an answer of these rows that comes in pieces of `piece` bytes, and how the answer ended.
std::pair<std::string, Answer> kept(const std::vector<std::string>& rows, std::size_t piece) {
    std::string stream = message('2', "");
    for (const auto& row : rows) stream += message('D', row);
    stream += message('C', "SELECT "s + std::to_string(rows.size()) + "\0"s) + ready('T');
    // Another answer behind it, of which nothing was asked to be kept.
    stream += message('2', "") + message('D', row_of({})) + message('C', "SELECT 1\0"s) + ready();
    AnswerReader reader;
    std::string row = "as it was";
    reader.keep_row(&row);
    std::vector<Answer> answers;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        std::span<const char> bytes{stream.data() + at, std::min(piece, stream.size() - at)};
        while (reader.read(bytes) == Event::answer) answers.push_back(reader.answer());
        CHECK(bytes.empty());
    }
    REQUIRE(answers.size() == 2);
    CHECK_FALSE(answers[1].failed);
    return {row, answers[0]};
}

}  // namespace

TEST_CASE("the first row is kept where it is asked for, however its bytes are cut") {
    const std::string text = "a value";
    const std::string none;
    const std::string page(3'000, 'x');
    const std::string large(kLongestKeptRow - 2 - 4, 'y');
    const auto row = row_of({&text, nullptr, &none});
    const auto long_row = row_of({&page, &text});
    const auto largest = row_of({&large});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1'000}, std::size_t{1'029},
                                    std::size_t{1'030}, std::size_t{100'000}, std::size_t{10'000'000}}) {
        INFO("in pieces of " << piece);
        CHECK(kept({row, long_row}, piece).first == row);
        CHECK(kept({long_row, row}, piece).first == long_row);
        CHECK(kept({}, piece).first == "as it was");
        CHECK(kept({row_of({}), row}, piece).first == row_of({}));
        CHECK(kept({row, row}, piece).second.rows == 2);
        if (piece == 1) continue;  // a megabyte takes its time
        CHECK((kept({largest, row}, piece).first == largest));
        CHECK_FALSE(kept({largest}, piece).second.failed);
        CHECK_FALSE(kept({row, largest + "!"}, piece).second.failed);  // only the first counts
    }
}

TEST_CASE("a row that is too large to be kept fails its answer, and no more") {
    const std::string large(kLongestKeptRow - 2 - 4 + 1, 'y');
    const std::string text = "b";
    for (const std::size_t piece : {std::size_t{64}, std::size_t{65'536}, std::size_t{10'000'000}}) {
        INFO("in pieces of " << piece);
        const auto [row, answer] = kept({row_of({&large}), row_of({&text})}, piece);
        CHECK(row.empty());
        CHECK(answer.failed);
        CHECK(answer.sqlstate.text() == "54000");
        CHECK(answer.rows == 2);
    }
}
