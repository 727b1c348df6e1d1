#include "support/fake_server/messages.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <utility>

namespace pgtraffic::test {
namespace {

/// Of an ErrorResponse or a NoticeResponse.
std::string fields(std::string_view severity, std::string_view sqlstate, std::string_view text) {
    std::string body;
    body += 'S' + text0(severity);
    body += 'V' + text0(severity);
    body += 'C' + text0(sqlstate);
    body += 'M' + text0(text);
    body += '\0';
    return body;
}

}  // namespace

std::uint32_t read_u32(const char* p) {
    std::uint32_t n = 0;
    std::memcpy(&n, p, 4);
    return ntohl(n);
}

void put_u32(std::string& out, std::uint32_t n) {
    n = htonl(n);
    out.append(reinterpret_cast<const char*>(&n), 4);
}

void put_u16(std::string& out, std::uint16_t n) {
    n = htons(n);
    out.append(reinterpret_cast<const char*>(&n), 2);
}

void put_message(std::string& out, char type, std::string_view body) {
    out += type;
    put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    out += body;
}

std::string text0(std::string_view text) {
    return std::string{text} + '\0';
}

std::string message(char type, std::string_view body) {
    std::string out;
    put_message(out, type, body);
    return out;
}

std::string message_head(char type, std::uint32_t length) {
    std::string out{type};
    put_u32(out, length);
    return out;
}

std::string authentication(std::uint32_t method, std::string_view rest) {
    std::string body;
    put_u32(body, method);
    body += rest;
    return message('R', body);
}

std::string parameter_status(std::string_view name, std::string_view value) {
    return message('S', text0(name) + text0(value));
}

std::string server_parameters() {
    std::string out;
    for (const auto& [name, value] : {std::pair{"server_version", "15.0 (fake)"},
                                      {"server_encoding", "UTF8"},
                                      {"client_encoding", "UTF8"},
                                      {"standard_conforming_strings", "on"},
                                      {"integer_datetimes", "on"}}) {
        out += parameter_status(name, value);
    }
    return out;
}

std::string backend_key(std::uint32_t pid) {
    std::string key;
    put_u32(key, pid);
    put_u32(key, 1);
    return message('K', key);
}

std::string ready_for_query() {
    return message('Z', "I");
}

std::string row_description(std::size_t columns) {
    std::string body;
    put_u16(body, static_cast<std::uint16_t>(columns));
    for (std::size_t i = 0; i < columns; ++i) {
        body += text0("column");
        put_u32(body, 0);
        put_u16(body, 0);
        put_u32(body, kInt4);
        put_u16(body, 4);
        put_u32(body, 0xFFFFFFFF);
        put_u16(body, 0);
    }
    return message('T', body);
}

std::string data_row(const std::vector<std::string>& values) {
    std::string body;
    put_u16(body, static_cast<std::uint16_t>(values.size()));
    for (const auto& value : values) {
        put_u32(body, static_cast<std::uint32_t>(value.size()));
        body += value;
    }
    return message('D', body);
}

std::string complete(std::string_view tag) {
    return message('C', text0(tag));
}

std::string error_response(std::string_view sqlstate, std::string_view text) {
    return message('E', fields("ERROR", sqlstate, text));
}

std::string fatal_response(std::string_view sqlstate, std::string_view text) {
    return message('E', fields("FATAL", sqlstate, text));
}

std::string notice_response(std::string_view text) {
    return message('N', fields("NOTICE", "00000", text));
}

}  // namespace pgtraffic::test
