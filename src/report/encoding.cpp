#include "pgtraffic/report/encoding.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::report {

std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
        }
        const std::size_t digits = std::min<std::size_t>(bytes.size() - i, 3) + 1;
        for (std::size_t j = 0; j < 4; ++j) {
            text += j < digits ? kDigits[group >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return text;
}

std::string gzip(std::string_view text) {
    constexpr int kGzipWindow = 15 + 16;  // zlib's sign for gzip's head and tail
    constexpr int kMemory = 9;
    constexpr const char* kBroken = "zlib has the memory that it needs and the room that it asked for";
    z_stream stream{};
    int status =
        ::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY);
    PGTRAFFIC_CHECK(status == Z_OK, kBroken);
    std::string packed(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    std::string input{text};  // zlib's pointer is not to const
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    status = ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    PGTRAFFIC_CHECK(status == Z_STREAM_END, kBroken);
    return packed;
}

std::string bytes_of_hex(std::string_view hex) {
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(static_cast<std::uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
    }
    return bytes;
}

}  // namespace pgtraffic::report
