// Reading JSON that people write: every complaint names the file, the line (broken syntax) or the JSON
// pointer (wrong content), and what would be right. Used for scenarios and patterns.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::base {

/// Parses one JSON value, // and /* */ comments allowed. Throws Error "<name>:<line>:<column>: …".
[[nodiscard]] nlohmann::ordered_json parse_json(std::string_view text, std::string_view name);

/// As messages name a file that is read: "-" is standard input.
[[nodiscard]] std::string input_name(const std::string& path);

/// Reads a whole file, or standard input for "-". Throws Error if it cannot be read, is empty, or has more
/// than 500 MB.
[[nodiscard]] std::string read_text_file(const std::string& path);

/// The same, and parses it. Throws Error if it cannot be read or parsed.
[[nodiscard]] nlohmann::ordered_json read_json_file(const std::string& path);

/// A place in a document: a borrowed value with the file's name and its pointer. All accessors throw
/// Error "<name>: <pointer>: <what is wrong>" when the value is not what is asked for.
class JsonNode {
 public:
    JsonNode(const nlohmann::ordered_json& value, std::string name, std::string pointer = "")
        : value_{&value}, name_{std::move(name)}, pointer_{std::move(pointer)} {}

    [[noreturn]] void fail(const std::string& what) const;

    /// It is an object with no key outside `known`; names the nearest known key otherwise.
    void expect_object(std::initializer_list<std::string_view> known) const;

    [[nodiscard]] std::vector<std::string> keys() const;  ///< in the file's order; fails unless an object
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] JsonNode at(std::string_view key) const;  ///< fails where the key is missing
    [[nodiscard]] JsonNode at(std::size_t index) const;     ///< fails unless an array that long
    [[nodiscard]] std::size_t array_size() const;           ///< fails unless an array

    /// A string, without NUL bytes, of at most `most` bytes.
    [[nodiscard]] std::string text(std::size_t most = std::string::npos) const;
    /// The same, and of a whole number its digits.
    [[nodiscard]] std::string text_or_integer(std::size_t most = std::string::npos) const;
    [[nodiscard]] double number() const;
    [[nodiscard]] double number_between(double low, double high) const;
    [[nodiscard]] std::int64_t integer() const;
    [[nodiscard]] bool boolean() const;

    [[nodiscard]] bool is_string() const { return value_->is_string(); }
    [[nodiscard]] bool is_number() const { return value_->is_number(); }
    [[nodiscard]] bool is_array() const { return value_->is_array(); }
    [[nodiscard]] bool is_object() const { return value_->is_object(); }
    [[nodiscard]] const nlohmann::ordered_json& value() const { return *value_; }
    [[nodiscard]] const std::string& pointer() const { return pointer_; }

 private:
    const nlohmann::ordered_json* value_;  // owned by the caller's document
    std::string name_;
    std::string pointer_;
};

}  // namespace pgtraffic::base
