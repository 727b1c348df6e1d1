// Reads one parameter of a statement from JSON. Every limit that keeps a generated value within
// kLongestGenerated is checked here, once, so that writing it needs no check. Draws nothing and knows no
// statement.
#include "pgtraffic/workload/parameter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::array<std::string_view, 10> kKinds{"key",  "pick", "integer", "real",     "choice",
                                                  "code", "uuid", "run_id",  "constant", "compute"};
constexpr std::size_t kMaxChoices = 10'000;
constexpr std::size_t kMaxPrefix = 40;      // bytes: with 18 digits below kLongestGenerated
constexpr std::size_t kMaxIdentifier = 63;  // bytes: PostgreSQL cuts longer ones
constexpr double kMaxGridPoint = 1e15;      // beyond it doubles cannot tell decimal neighbours apart

/// The length of the SQL identifier, plain or double-quoted, that `text` begins with; 0 if there is none.
std::size_t identifier_length(std::string_view text) {
    if (text.empty()) return 0;
    std::size_t length = 1;
    if (text.front() != '"') {
        if (!base::is_letter(text.front())) return 0;
        while (length < text.size() &&
               (base::is_letter(text[length]) || base::is_digit(text[length]) || text[length] == '$')) {
            ++length;
        }
        return length <= kMaxIdentifier ? length : 0;
    }
    for (; length < text.size(); ++length) {
        if (text[length] != '"') continue;
        if (length + 1 == text.size() || text[length + 1] != '"') {
            return length > 1 && length <= kMaxIdentifier + 1 ? length + 1 : 0;
        }
        ++length;
    }
    return 0;
}

KeyParameter parse_key(const base::JsonNode& node) {
    node.expect_object({"key", "distribution"});
    const auto key = node.at("key").text();
    std::vector<std::size_t> points;
    std::size_t at = 0;
    while (true) {
        const auto length = identifier_length(std::string_view{key}.substr(at));
        if (length == 0) break;
        at += length;
        if (at == key.size() || key[at] != '.') break;
        points.push_back(at++);
    }
    if (at != key.size() || key.empty() || key.back() == '.' || points.empty() || points.size() > 2) {
        node.at("key").fail(fmt::format(
            "\"{}\" must be table.column or schema.table.column, each a plain or double-quoted name", key));
    }
    KeyParameter parameter{key.substr(0, points.back()), key.substr(points.back() + 1), std::nullopt};
    if (node.has("distribution")) {
        const auto word = node.at("distribution").text();
        parameter.distribution = parse_key_distribution(word);
        if (!parameter.distribution) {
            node.at("distribution").fail(fmt::format("must be uniform, zipf or recent, not \"{}\"", word));
        }
    }
    return parameter;
}

PickParameter parse_pick(const base::JsonNode& node) {
    node.expect_object({"pick"});
    const auto pick = node.at("pick");
    auto query = pick.text(kMaxText);
    if (query.find_first_not_of(" \t\r\n;") == std::string::npos) pick.fail("the query is empty");
    return {std::move(query)};
}

int parse_digits(const base::JsonNode& node, int low, int high) {
    const auto digits = node.integer();
    if (digits < low || digits > high) {
        node.fail(fmt::format("must lie between {} and {}, not {}", low, high, digits));
    }
    return static_cast<int>(digits);
}

void expect_pair(const base::JsonNode& node) {
    if (node.array_size() != 2) node.fail("must be [lowest, highest]");
}

/// "uniform", or {"zipf": 1.1}.
std::pair<Skew, double> parse_skew_of(const base::JsonNode& node) {
    if (node.is_string()) {
        if (node.text() != "uniform")
            node.fail(R"(must be "uniform", {"zipf": N}, {"exponential": N} or {"gaussian": N})");
        return {Skew::uniform, 0};
    }
    node.expect_object({"zipf", "exponential", "gaussian"});
    for (const auto skew : {Skew::zipf, Skew::exponential, Skew::gaussian}) {
        const std::string name{to_string(skew)};
        if (!node.has(name)) continue;
        node.expect_object({name});
        const double by = node.at(name).number();
        if (const auto complaint = complaint_about(skew, by)) node.at(name).fail(std::string{*complaint});
        return {skew, by};
    }
    node.fail("must have one of zipf, exponential, gaussian");
}

IntegerParameter parse_integer(const base::JsonNode& node) {
    node.expect_object({"integer", "distribution"});
    const auto range = node.at("integer");
    expect_pair(range);
    const auto low = range.at(std::size_t{0}).integer();
    const auto high = range.at(1).integer();
    if (low > high) range.fail(fmt::format("the lowest, {}, is above the highest, {}", low, high));
    const auto [skew, by] =
        node.has("distribution") ? parse_skew_of(node.at("distribution")) : std::pair{Skew::uniform, 0.0};
    return {IntegerDraw{low, high, skew, by}};
}

/// In units of the last digit: the value itself, where it has no more digits, else the next one on the side
/// that `towards` rounds to.
std::int64_t grid_point(double value, double scale, double (*towards)(double)) {
    const double scaled = value * scale;
    const double nearest = std::round(scaled);
    // What was written with these digits is off by the rounding of two doubles.
    const double error = 2 * std::numeric_limits<double>::epsilon() * std::max(1.0, std::abs(scaled));
    const bool on_grid = std::abs(scaled - nearest) <= error;
    return std::llround(on_grid ? nearest : towards(scaled));
}

RealParameter parse_real(const base::JsonNode& node) {
    node.expect_object({"real", "digits"});
    const auto range = node.at("real");
    expect_pair(range);
    const double low = range.at(std::size_t{0}).number();
    const double high = range.at(1).number();
    RealParameter parameter;
    if (node.has("digits")) parameter.digits = parse_digits(node.at("digits"), 0, 12);
    if (low > high) range.fail(fmt::format("the lowest, {}, is above the highest, {}", low, high));
    const double largest = std::max(std::abs(low), std::abs(high));
    const double scale = std::pow(10.0, parameter.digits);
    if (largest * scale > kMaxGridPoint) {
        range.fail(fmt::format("{} with {} digits behind the point is more than 15 digits", largest,
                               parameter.digits));
    }
    parameter.lowest = grid_point(low, scale, std::ceil);
    parameter.highest = grid_point(high, scale, std::floor);
    if (parameter.lowest > parameter.highest) {
        range.fail(fmt::format("between {} and {} lies no number with {} digits behind the point", low, high,
                               parameter.digits));
    }
    return parameter;
}

ChoiceParameter parse_choice(const base::JsonNode& node) {
    node.expect_object({"choice"});
    const auto values = node.at("choice");
    const auto count = values.array_size();
    if (count == 0 || count > kMaxChoices) {
        values.fail(fmt::format("must hold 1 to {} values, not {}", kMaxChoices, count));
    }
    ChoiceParameter parameter;
    for (std::size_t i = 0; i < count; ++i)
        parameter.values.push_back(values.at(i).text_or_integer(kMaxText));
    return parameter;
}

CodeParameter parse_code(const base::JsonNode& node) {
    node.expect_object({"code", "digits", "uuid_after"});
    CodeParameter parameter;
    parameter.prefix = node.at("code").text(kMaxPrefix);
    if (node.has("digits")) parameter.digits = parse_digits(node.at("digits"), 1, 18);
    if (node.has("uuid_after")) {
        parameter.uuid_after = static_cast<std::uint32_t>(parse_digits(node.at("uuid_after"), 0, 100));
    }
    return parameter;
}

ComputedParameter parse_computed(const base::JsonNode& node, std::span<const NamedValue> values) try {
    const auto find = [&](std::string_view name) {
        return std::ranges::find(values, name, &NamedValue::name);
    };
    ComputedParameter parameter{
        Expression{node.text(kMaxText),
                   [&](std::string_view name) {
                       const auto found = find(name);
                       if (found == values.end())
                           throw Complaint{fmt::format("the operation has no value \"{}\" before it", name)};
                       return number_of(*found);
                   }},
        {}};
    for (const auto& name : parameter.expression.names())
        parameter.values.push_back(static_cast<std::uint32_t>(find(name) - values.begin()));
    return parameter;
} catch (const Complaint& complaint) {
    node.fail(complaint.what);
}

}  // namespace

std::optional<Scalar> number_of(const NamedValue& value) {
    const auto* constant = std::get_if<ConstantParameter>(&value.parameter);
    if (constant != nullptr) {
        const auto scalar = scalar_of_text(constant->value);
        if (std::holds_alternative<std::int64_t>(scalar) || std::holds_alternative<double>(scalar))
            return scalar;
    } else if (std::holds_alternative<KeyParameter>(value.parameter) ||
               std::holds_alternative<IntegerParameter>(value.parameter) ||
               std::holds_alternative<RealParameter>(value.parameter) ||
               std::holds_alternative<ComputedParameter>(value.parameter)) {
        return std::nullopt;
    }
    throw Complaint{fmt::format(":{} is no number", value.name)};
}

Parameter parse_parameter(const base::JsonNode& node, std::span<const NamedValue> values,
                          bool beside_values) {
    if (beside_values) {
        node.expect_object({"value", "key", "pick", "integer", "real", "choice", "code", "uuid", "run_id",
                            "constant", "compute", "distribution", "digits", "uuid_after"});
    } else {
        node.expect_object({"key", "pick", "integer", "real", "choice", "code", "uuid", "run_id", "constant",
                            "compute", "distribution", "digits", "uuid_after"});
    }
    std::vector<std::string_view> given;
    std::copy_if(kKinds.begin(), kKinds.end(), std::back_inserter(given),
                 [&](std::string_view kind) { return node.has(kind); });
    if (given.size() != 1) {
        node.fail(fmt::format("must have exactly one of {}{}; it has {}", beside_values ? "value, " : "",
                              fmt::join(kKinds, ", "),
                              given.empty() ? "none" : fmt::format("{}", fmt::join(given, " and "))));
    }
    const auto kind = given.front();
    if (kind == "key") return parse_key(node);
    if (kind == "pick") return parse_pick(node);
    if (kind == "integer") return parse_integer(node);
    if (kind == "real") return parse_real(node);
    if (kind == "choice") return parse_choice(node);
    if (kind == "code") return parse_code(node);
    node.expect_object({kind});
    if (kind == "run_id") return RunIdParameter{node.at("run_id").text(kMaxPrefix)};
    if (kind == "compute") return parse_computed(node.at("compute"), values);
    if (kind == "constant") return ConstantParameter{node.at("constant").text_or_integer(kMaxText)};
    if (!node.at("uuid").boolean()) node.at("uuid").fail("must be true");
    return UuidParameter{};
}

}  // namespace pgtraffic::workload
