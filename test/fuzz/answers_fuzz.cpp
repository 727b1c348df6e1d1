// What a server may send: anything. The same bytes in one piece and in many make the same answers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pgtraffic/postgres/messages.hpp"

namespace {

using pgtraffic::postgres::AnswerReader;

/// The first byte chooses the size of the pieces; 0: one piece.
std::string told(const std::uint8_t* data, std::size_t size, std::size_t piece) {
    AnswerReader reader;
    std::string all;
    for (std::size_t at = 0; at < size; at += piece) {
        std::span<const char> bytes{reinterpret_cast<const char*>(data) + at, std::min(piece, size - at)};
        AnswerReader::Event event = reader.read(bytes);
        for (; event == AnswerReader::Event::answer; event = reader.read(bytes)) {
            all += reader.answer().failed ? 'f' : 'o';
            all += std::to_string(reader.answer().rows);
            all += reader.answer().sqlstate.text();
            if (reader.answer().failed) all += reader.error();
        }
        if (event == AnswerReader::Event::unusable) return all + 'u' + std::string{reader.error()};
        if (!bytes.empty()) std::abort();
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece = data[0] % 17 + 1;
    // A message longer than what a reader holds of one in pieces is cut there: not told alike.
    if (size < 1024 && told(data + 1, size - 1, size - 1) != told(data + 1, size - 1, piece)) std::abort();
    (void)told(data + 1, size - 1, piece);
    return 0;
}
