#include "pgtraffic/base/json_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::base {
namespace {

constexpr std::size_t kLargestFile = 500'000'000;  // a result of a day is a tenth of it

/// The parser's own text without its "[json.exception…] parse error at line …:" head.
std::string parser_reason(const std::string& what) {
    if (const auto at = what.find(": "); at != std::string::npos) return what.substr(at + 2);
    const auto at = what.find("] ");
    return at == std::string::npos ? what : what.substr(at + 2);
}

/// Where in `text` the parser stopped. Besides syntax it complains only of a number beyond a double's range,
/// which it quotes and does not place.
std::size_t place_of(const nlohmann::json::exception& e, std::string_view text) {
    if (const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&e)) {
        return std::min<std::size_t>(syntax->byte > 0 ? syntax->byte - 1 : 0, text.size());
    }
    const std::string_view what{e.what()};
    const auto open = what.find('\'');
    const auto close = what.rfind('\'');
    return open < close ? std::min(text.find(what.substr(open + 1, close - open - 1)), text.size()) : 0;
}

/// A key as a part of a JSON pointer (RFC 6901).
std::string pointer_part(std::string_view key) {
    std::string part;
    for (const char c : key) {
        if (c == '~') {
            part += "~0";
        } else if (c == '/') {
            part += "~1";
        } else {
            part += c;
        }
    }
    return part;
}

const char* type_in_words(const nlohmann::ordered_json& value) {
    if (value.is_null()) return "null";
    if (value.is_boolean()) return "a boolean";
    if (value.is_number()) return "a number";
    if (value.is_string()) return "a string";
    if (value.is_array()) return "an array";
    return "an object";
}

/// Told each step of the parser. Of a key that is there twice one value would win without a word.
class UniqueKeys {
 public:
    explicit UniqueKeys(std::string_view name) : name_{name} {}

    bool operator()(int /*depth*/, nlohmann::ordered_json::parse_event_t event,
                    const nlohmann::ordered_json& parsed) {
        using Event = nlohmann::ordered_json::parse_event_t;
        switch (event) {
            case Event::object_start:
            case Event::array_start:
                next_element();
                open_.push_back({event == Event::array_start, 0, {}, {}});
                break;
            case Event::object_end:
            case Event::array_end:
                open_.pop_back();
                break;
            case Event::key:
                add(parsed.get<std::string>());
                break;
            case Event::value:
                next_element();
                break;
        }
        return true;
    }

 private:
    struct Open {
        bool array;
        std::size_t elements;        // begun, of an array
        std::set<std::string> keys;  // begun, of an object
        std::string key;             // the last of them
    };

    void next_element() {
        if (!open_.empty() && open_.back().array) ++open_.back().elements;
    }

    void add(std::string key) {
        if (!open_.back().keys.insert(key).second) {
            throw Error(fmt::format("{}: {}: the key \"{}\" is there twice", name_, pointer(), key));
        }
        open_.back().key = std::move(key);
    }

    /// To the object that is being read.
    [[nodiscard]] std::string pointer() const {
        std::string pointer;
        for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
            const Open& outer = open_[i];
            pointer += outer.array ? fmt::format("/{}", outer.elements - 1)
                                   : fmt::format("/{}", pointer_part(outer.key));
        }
        return pointer.empty() ? "/" : pointer;
    }

    std::string_view name_;
    std::vector<Open> open_;
};

}  // namespace

nlohmann::ordered_json parse_json(std::string_view text, std::string_view name) {
    UniqueKeys keys{name};
    try {
        return nlohmann::ordered_json::parse(text, std::ref(keys), /*allow_exceptions=*/true,
                                             /*ignore_comments=*/true);
    } catch (const nlohmann::json::exception& e) {
        const auto before = text.substr(0, place_of(e, text));
        const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
        throw Error(fmt::format("{}:{}:{}: not valid JSON: {}", name, 1 + std::ranges::count(before, '\n'),
                                before.size() - line_start + 1, parser_reason(e.what())));
    }
}

std::string input_name(const std::string& path) {
    return path == "-" ? "standard input" : path;
}

std::string read_text_file(const std::string& path) {
    errno = 0;
    std::ifstream file;
    if (path != "-") file.open(path, std::ios::binary);
    std::istream& input = path == "-" ? std::cin : file;
    std::string text;
    std::array<char, 65536> piece;
    while (input.read(piece.data(), piece.size()) || input.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(input.gcount()));
        if (text.size() > kLargestFile)
            throw Error(fmt::format("{}: more than {} MB are no file of ours", input_name(path),
                                    kLargestFile / 1'000'000));
    }
    if (text.empty() || input.bad()) {
        throw Error(fmt::format("{}: cannot read it: {}", input_name(path),
                                errno != 0 ? std::strerror(errno) : "it is empty"));
    }
    return text;
}

nlohmann::ordered_json read_json_file(const std::string& path) {
    return parse_json(read_text_file(path), input_name(path));
}

void JsonNode::fail(const std::string& what) const {
    throw Error(fmt::format("{}: {}: {}", name_, pointer_.empty() ? "/" : pointer_, what));
}

void JsonNode::expect_object(std::initializer_list<std::string_view> known) const {
    if (!value_->is_object()) fail(fmt::format("must be an object, not {}", type_in_words(*value_)));
    for (const auto& [key, ignored] : value_->items()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        const auto near = nearest_word(key, known);
        fail(near.empty() ? fmt::format("unknown key \"{}\"; known are {}", key, fmt::join(known, ", "))
                          : fmt::format("unknown key \"{}\"; did you mean \"{}\"?", key, near));
    }
}

std::vector<std::string> JsonNode::keys() const {
    if (!value_->is_object()) fail(fmt::format("must be an object, not {}", type_in_words(*value_)));
    std::vector<std::string> keys;
    for (const auto& [key, ignored] : value_->items()) keys.push_back(key);
    return keys;
}

bool JsonNode::has(std::string_view key) const {
    return value_->is_object() && value_->contains(key);
}

JsonNode JsonNode::at(std::string_view key) const {
    if (!value_->is_object()) fail(fmt::format("must be an object, not {}", type_in_words(*value_)));
    const auto found = value_->find(key);
    if (found == value_->end()) fail(fmt::format("the key \"{}\" is missing", key));
    return {*found, name_, fmt::format("{}/{}", pointer_, pointer_part(key))};
}

JsonNode JsonNode::at(std::size_t index) const {
    if (index >= array_size()) fail(fmt::format("must hold more than {} values", index));
    return {(*value_)[index], name_, fmt::format("{}/{}", pointer_, index)};
}

std::size_t JsonNode::array_size() const {
    if (!value_->is_array()) fail(fmt::format("must be an array, not {}", type_in_words(*value_)));
    return value_->size();
}

std::string JsonNode::text(std::size_t most) const {
    if (!value_->is_string()) fail(fmt::format("must be a string, not {}", type_in_words(*value_)));
    auto text = value_->get<std::string>();
    if (text.find('\0') != std::string::npos) fail("must not hold a NUL character");
    if (text.size() > most)
        fail(fmt::format("must not be longer than {} bytes, but has {}", most, text.size()));
    return text;
}

std::string JsonNode::text_or_integer(std::size_t most) const {
    if (value_->is_number_integer()) return value_->dump();
    // 0.10, 1e6 and what has twenty digits would not be what was written.
    if (value_->is_number()) fail("must be a string or a whole number: write this one in quotes");
    if (!value_->is_string())
        fail(fmt::format("must be a string or a whole number, not {}", type_in_words(*value_)));
    return text(most);
}

double JsonNode::number() const {
    if (!value_->is_number()) fail(fmt::format("must be a number, not {}", type_in_words(*value_)));
    const auto x = value_->get<double>();
    if (!std::isfinite(x)) fail("must be a finite number");
    return x;
}

double JsonNode::number_between(double low, double high) const {
    const double x = number();
    if (x < low || x > high) fail(fmt::format("must lie between {} and {}, not {}", low, high, x));
    return x;
}

std::int64_t JsonNode::integer() const {
    if (!value_->is_number_integer() ||
        (value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX)) {
        fail(fmt::format("must be a whole number, not {}",
                         value_->is_number() ? value_->dump() : type_in_words(*value_)));
    }
    return value_->get<std::int64_t>();
}

bool JsonNode::boolean() const {
    if (!value_->is_boolean()) fail(fmt::format("must be true or false, not {}", type_in_words(*value_)));
    return value_->get<bool>();
}

}  // namespace pgtraffic::base
