// The messages of PostgreSQL's protocol that the fake server puts together.
// Source: PostgreSQL documentation, "Frontend/Backend Protocol", section "Message Formats".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::test {

inline constexpr std::uint32_t kInt4 = 23;  ///< the OID of integer

[[nodiscard]] std::uint32_t read_u32(const char* p);
void put_u32(std::string& out, std::uint32_t n);
void put_u16(std::string& out, std::uint16_t n);
void put_message(std::string& out, char type, std::string_view body);

/// Zero-terminated.
[[nodiscard]] std::string text0(std::string_view text);

/// A message as put_message makes it.
[[nodiscard]] std::string message(char type, std::string_view body);

/// The five bytes before a body of any length, whether or not one follows.
[[nodiscard]] std::string message_head(char type, std::uint32_t length);

[[nodiscard]] std::string authentication(std::uint32_t method, std::string_view rest = {});
[[nodiscard]] std::string parameter_status(std::string_view name, std::string_view value);
/// All that a client waits for from its start-up packet on, but for the ReadyForQuery.
[[nodiscard]] std::string server_parameters();
[[nodiscard]] std::string backend_key(std::uint32_t pid);
[[nodiscard]] std::string ready_for_query();
[[nodiscard]] std::string row_description(std::size_t columns);
[[nodiscard]] std::string data_row(const std::vector<std::string>& values);
[[nodiscard]] std::string complete(std::string_view tag);
[[nodiscard]] std::string error_response(std::string_view sqlstate, std::string_view text);
[[nodiscard]] std::string fatal_response(std::string_view sqlstate, std::string_view text);
[[nodiscard]] std::string notice_response(std::string_view text);

}  // namespace pgtraffic::test
