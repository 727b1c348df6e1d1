#include "support/fake_server/evil.hpp"

#include <algorithm>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/units.hpp"
#include "support/fake_server/messages.hpp"

namespace pgtraffic::test {
namespace {

constexpr std::uint32_t kHuge = 0x3FFFFFF0;     // as large as a field may be
constexpr std::uint32_t kLargest = 0x7FFFFFF0;  // beyond what any client has room for

/// The same bytes in each run.
std::string garbage(std::size_t size) {
    base::Random random{4711, base::Stream::data};
    std::string bytes(size, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
    return bytes;
}

/// A title for the terminal's window, a cleared screen (in seven bits and in eight), a line overwritten, text
/// turned around.
const std::string kRude =
    "\x1b]0;owned\x07\x1b[2J\xc2\x9b"
    "2J\x7f\rowned\xe2\x80\xae"
    "denwo";

std::string order_row() {
    return data_row({"123456", "ORD123456", "fulfilled", "24"});
}

std::string times(std::size_t n, const std::string& part) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += part;
    return all;
}

std::string many_parameters(std::size_t n) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += parameter_status("p" + std::to_string(i), "x");
    return all;
}

std::string notification() {
    std::string body;
    put_u32(body, 1);
    return message('A', body + text0("channel") + text0(std::string(100, 'x')));
}

/// CopyInResponse, CopyOutResponse, CopyBothResponse: text format, one column.
std::string copy_response(char type) {
    return message(type, std::string("\0\0\1\0\0", 5));
}

std::vector<Evil> greetings() {
    const auto in = Moment::greeting;
    const std::string ok = authentication(0);
    return {
        {"greeting-close", in, false, "", Then::close, ""},
        {"greeting-silence", in, false, "", Then::silence, ""},
        {"greeting-garbage", in, false, garbage(4096), Then::close, ""},
        {"greeting-http", in, false, "HTTP/1.1 400 Bad Request\r\n\r\n", Then::close, ""},
        {"greeting-huge", in, false, message_head('R', kHuge), Then::silence, ""},
        {"greeting-endless-error", in, false, "E", Then::repeat, std::string(65536, 'x')},
        {"greeting-truncated", in, false, authentication(0).substr(0, 6), Then::close, ""},
        {"greeting-notices", in, false, ok, Then::repeat, times(100, notice_response("welcome"))},
        {"greeting-parameters", in, false, ok, Then::repeat, many_parameters(100)},
        {"auth-unknown", in, false, authentication(99), Then::silence, ""},
        {"auth-password", in, false, authentication(3), Then::silence, ""},
        {"auth-short-md5", in, false, authentication(5, "ab"), Then::silence, ""},
        {"auth-unknown-sasl", in, false, authentication(10, text0("NONSENSE") + '\0'), Then::silence, ""},
        {"auth-endless-sasl", in, false, authentication(11, garbage(64)), Then::silence, ""},
        {"auth-gss", in, false, authentication(7), Then::silence, ""},
        {"close-after-auth", in, false, ok, Then::close, ""},
        {"close-after-parameters", in, false, ok + server_parameters(), Then::close, ""},
        {"close-before-ready", in, false, ok + server_parameters() + backend_key(1), Then::close, ""},
        {"silence-after-auth", in, false, ok, Then::silence, ""},
        {"silence-before-ready", in, false, ok + server_parameters() + backend_key(1), Then::silence, ""},
        {"error-after-auth", in, false, ok + error_response("57P03", "the fake database is starting up"),
         Then::close, ""},
        {"greeting-rude", in, false, error_response("28000", kRude), Then::close, ""},
        {"greeting-rude-parameters", in, false,
         ok + server_parameters() + parameter_status("server_version", "15.0" + kRude) + backend_key(2),
         Then::ready, ""},
        {"greeting-then-goodbye", in, false,
         ok + server_parameters() + backend_key(2) + ready_for_query() +
             fatal_response("57P01", "terminating by command of the fake"),
         Then::close, ""},
        {"rows-after-auth", in, false, ok + row_description(4) + order_row(), Then::silence, ""},
    };
}

std::vector<Evil> preparations() {
    const auto in = Moment::preparation;
    return {
        {"prepare-close", in, false, "", Then::close, ""},
        {"prepare-silence", in, false, "", Then::silence, ""},
        {"prepare-garbage", in, false, garbage(4096), Then::close, ""},
        {"prepare-no-rows", in, true, complete("SELECT 0"), Then::ready, ""},
        {"prepare-words", in, false,
         message('1', "") + message('2', "") + row_description(4) +
             data_row({"many", "none", "some", "few"}) + complete("SELECT 1"),
         Then::ready, ""},
        {"prepare-narrow", in, false,
         message('1', "") + message('2', "") + row_description(1) + data_row({"1"}) + complete("SELECT 1"),
         Then::ready, ""},
        {"prepare-error", in, false, error_response("42501", "permission denied, the fake server says"),
         Then::ready, ""},
        {"prepare-rude", in, false, error_response("42501", kRude), Then::ready, ""},
        {"prepare-rude-rows", in, false,
         message('1', "") + message('2', "") + row_description(4) + data_row({kRude, "t", kRude, kRude}) +
             complete("SELECT 1"),
         Then::ready, ""},
        {"prepare-copy", in, false, message('1', "") + message('2', "") + copy_response('H'), Then::silence,
         ""},
        {"prepare-endless-rows", in, true, "", Then::repeat, times(100, data_row({"1", "2"}))},
    };
}

std::vector<Evil> answers() {
    const auto in = Moment::query;
    const std::string good = order_row() + complete("SELECT 1");
    const std::string megabyte = data_row({"1", std::string(1 << 20, 'x'), "", ""});
    return {
        {"garbage", in, false, garbage(4096), Then::silence, ""},
        {"garbage-in-rows", in, true, order_row() + garbage(4096), Then::silence, ""},
        {"truncated", in, true, order_row().substr(0, 17), Then::close, ""},
        {"truncated-silence", in, true, order_row().substr(0, 17), Then::silence, ""},
        {"huge", in, true, message_head('D', kHuge), Then::silence, ""},
        {"huge-endless", in, true, message_head('D', kHuge), Then::repeat, std::string(65536, 'x')},
        {"huge-beyond", in, true, message_head('D', kLargest), Then::silence, ""},
        {"huge-unknown", in, false, message_head('~', kHuge), Then::silence, ""},
        {"length-negative", in, true, message_head('D', 0xFFFFFFFF), Then::silence, ""},
        {"length-zero", in, true, message_head('D', 0), Then::silence, ""},
        {"endless-rows", in, true, "", Then::repeat, times(100, order_row())},
        {"endless-wide-rows", in, true, "", Then::repeat, megabyte},
        {"endless-notices", in, true, "", Then::repeat, times(100, notice_response("and another thing"))},
        {"endless-results", in, true, good, Then::repeat, row_description(4) + good},
        {"error-in-rows", in, true, times(3, order_row()) + error_response("22012", "division by zero"),
         Then::ready, ""},
        {"error-then-close", in, true, error_response("57P01", "terminating by command of the fake"),
         Then::close, ""},
        {"pooler-error-then-close", in, false, error_response("08P01", "server conn crashed?"), Then::close,
         ""},
        {"fatal-then-silence", in, true, fatal_response("57P01", "terminating by command of the fake"),
         Then::silence, ""},
        {"error-without-fields", in, false, message('E', std::string(1, '\0')), Then::ready, ""},
        {"error-bad-sqlstate", in, false, error_response("\x1b[31m", "of a kind that nobody knows"),
         Then::ready, ""},
        {"error-markup", in, false,
         error_response("XX000", kRude + "<script>alert(1)</script>\xff\xfe\r\n% {}"), Then::ready, ""},
        {"error-long", in, false, error_response("XX000", std::string(1 << 20, 'e')), Then::ready, ""},
        {"rows-undescribed", in, false, message('1', "") + message('2', "") + good, Then::ready, ""},
        {"columns-too-few", in, true, data_row({"1"}) + complete("SELECT 1"), Then::ready, ""},
        {"field-too-long", in, true,
         message('D', std::string("\0\4\x7f\xff\xff\xff", 6)) + complete("SELECT 1"), Then::ready, ""},
        {"close-before-answer", in, false, "", Then::close, ""},
        {"close-after-head", in, true, "", Then::close, ""},
        {"close-in-rows", in, true, order_row(), Then::close, ""},
        {"close-before-end", in, true, good, Then::close, ""},
        {"silence", in, false, "", Then::silence, ""},
        {"silence-in-rows", in, true, order_row(), Then::silence, ""},
        {"silence-before-end", in, true, good, Then::silence, ""},
        {"silence-after-failed-transaction", in, false,
         error_response("22012", "division by zero") + message('Z', "E"), Then::silence, ""},
        {"notices", in, true, times(10'000, notice_response("and another thing")) + good, Then::ready, ""},
        {"notifications", in, true, times(1000, notification()) + good, Then::ready, ""},
        {"parameters", in, true, many_parameters(100) + good, Then::ready, ""},
        {"copy-in", in, false, message('1', "") + message('2', "") + copy_response('G'), Then::silence, ""},
        {"copy-out", in, false,
         message('1', "") + message('2', "") + copy_response('H') + message('d', "1\n") + message('c', "") +
             complete("COPY 1"),
         Then::ready, ""},
        {"copy-both", in, false, message('1', "") + message('2', "") + copy_response('W'), Then::silence, ""},
        {"copy-endless", in, false, message('1', "") + message('2', "") + copy_response('H'), Then::repeat,
         times(100, message('d', std::string(500, 'x')))},
        {"unknown-type", in, true, message('~', "what is this?") + good, Then::ready, ""},
        {"authentication", in, true, authentication(3) + good, Then::ready, ""},
        {"unasked-answer", in, true, good + ready_for_query() + row_description(4) + good, Then::ready, ""},
        {"unasked-error", in, true,
         good + ready_for_query() + error_response("XX000", "who asked, says the fake server"), Then::go_on,
         ""},
        {"ready-without-answer", in, false, "", Then::ready, ""},
        {"ready-behind-rows", in, true, order_row(), Then::ready, ""},
    };
}

}  // namespace

const std::vector<Evil>& evil_table() {
    static const std::vector<Evil> table = [] {
        std::vector<Evil> all;
        for (const auto& part : {greetings(), preparations(), answers()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return table;
}

std::vector<EvilFrom> parse_evil(std::string_view text) {
    std::vector<EvilFrom> result;
    while (!text.empty()) {
        std::string_view word = text.substr(0, text.find(','));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        EvilFrom from;
        if (const auto at = word.find('@'); at != std::string_view::npos) {
            const auto connection = base::parse_count(word.substr(at + 1));
            if (!connection) throw base::Error("not a connection's number: " + std::string{word});
            from.connection = *connection;
            word = word.substr(0, at);
        }
        const auto& table = evil_table();
        const auto row =
            std::find_if(table.begin(), table.end(), [&](const Evil& evil) { return evil.name == word; });
        if (row == table.end()) throw base::Error("the fake server knows no evil " + std::string{word});
        from.evil = &*row;
        result.push_back(from);
    }
    return result;
}

}  // namespace pgtraffic::test
