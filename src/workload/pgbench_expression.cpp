#include "pgtraffic/workload/pgbench_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::workload {
namespace {

constexpr auto kTooLarge = "a number beyond 64 bits";

/// Reads and computes from left to right, by recursive descent.
class Expression {
 public:
    Expression(std::string_view text, const ScriptValues& variables) : rest_{text}, variables_{variables} {}

    ScriptValue value() {
        ScriptValue result = sum();
        skip_blank();
        if (!rest_.empty()) throw ScriptComplaint{fmt::format("\"{}\" is not understood", rest_)};
        return result;
    }

 private:
    void skip_blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
    bool take(char c) {
        skip_blank();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) throw ScriptComplaint{fmt::format("a \"{}\" is missing", c)};
    }

    ScriptValue sum() {
        ScriptValue left = product();
        for (;;) {
            if (take('+')) {
                left = apply('+', left, product());
            } else if (take('-')) {
                left = apply('-', left, product());
            } else {
                return left;
            }
        }
    }
    ScriptValue product() {
        ScriptValue left = factor();
        for (;;) {
            skip_blank();
            if (rest_.empty() || std::string_view{"*/%"}.find(rest_.front()) == std::string_view::npos)
                return left;
            const char sign = rest_.front();
            rest_.remove_prefix(1);
            left = apply(sign, left, factor());
        }
    }
    ScriptValue factor() {
        if (take('-')) {
            skip_blank();
            // Its sign belongs to a number: the least one has no positive counterpart.
            return begins_number() ? number("-") : apply('-', ScriptValue{std::int64_t{0}}, factor());
        }
        if (take('+')) return factor();
        if (take('(')) {
            ScriptValue inner = sum();
            expect(')');
            return inner;
        }
        if (take(':')) return variable();
        skip_blank();
        if (begins_number()) return number("");
        return function();
    }

    ScriptValue variable() {
        const auto name = rest_.substr(0, variable_length(rest_));
        rest_.remove_prefix(name.size());
        const auto found = variables_.find(name);
        if (found == variables_.end())
            throw ScriptComplaint{fmt::format(":{0} is not set before; -D {0}=VALUE sets it", name)};
        // It is drawn where SQL has it, and there alone: here it would be drawn a second time.
        if (std::holds_alternative<Drawn>(found->second)) {
            throw ScriptComplaint{
                fmt::format(":{0} is drawn, and what is made of it belongs in the SQL: :{0} + 1", name)};
        }
        const auto* text = std::get_if<std::string>(&found->second);
        ScriptValue value = text != nullptr ? value_of_text(*text) : found->second;
        if (std::holds_alternative<std::string>(value))
            throw ScriptComplaint{fmt::format(":{} is no number", name)};
        return value;
    }
    [[nodiscard]] bool begins_number() const {
        return !rest_.empty() && (base::is_digit(rest_.front()) || rest_.front() == '.');
    }
    ScriptValue number(std::string text) {
        std::size_t length = 0;
        while (length < rest_.size() && (base::is_digit(rest_[length]) || rest_[length] == '.' ||
                                         rest_[length] == 'e' || rest_[length] == 'E' ||
                                         (length > 0 && (rest_[length] == '-' || rest_[length] == '+') &&
                                          (rest_[length - 1] == 'e' || rest_[length - 1] == 'E')))) {
            ++length;
        }
        text += rest_.substr(0, length);
        rest_.remove_prefix(length);
        ScriptValue value = value_of_text(text);
        if (std::holds_alternative<std::string>(value))
            throw ScriptComplaint{fmt::format("\"{}\" is no number", text)};
        return value;
    }
    ScriptValue function() {
        const auto name = rest_.substr(0, variable_length(rest_));
        if (name.empty()) {
            throw ScriptComplaint{rest_.empty() ? std::string{"the expression ends too early"}
                                                : fmt::format("\"{}\" is not understood", rest_)};
        }
        const auto skew = skew_of(base::lower_case(name));
        if (!skew) {
            throw ScriptComplaint{fmt::format(
                "{} is not understood: of pgbench's functions there are random(), random_exponential(), "
                "random_gaussian() and random_zipfian(); other draws are those of a --scenario "
                "(docs/scenarios.md)",
                name)};
        }
        rest_.remove_prefix(name.size());
        expect('(');
        Drawn drawn{whole(sum()), 0, *skew, 0};
        expect(',');
        drawn.high = whole(sum());
        if (drawn.skew != Skew::uniform) {
            expect(',');
            drawn.by = real(sum());
        }
        expect(')');
        if (drawn.low > drawn.high) {
            throw ScriptComplaint{
                fmt::format("{}({}, {}): the lowest is above the highest", name, drawn.low, drawn.high)};
        }
        if (const auto complaint = complaint_about(drawn.skew, drawn.by))
            throw ScriptComplaint{fmt::format("the parameter of {}(), {}: {}", name, drawn.by, *complaint)};
        return drawn;
    }

    static std::optional<Skew> skew_of(std::string_view function) {
        constexpr auto kFunctions =
            std::to_array<std::pair<std::string_view, Skew>>({{"random", Skew::uniform},
                                                              {"random_exponential", Skew::exponential},
                                                              {"random_gaussian", Skew::gaussian},
                                                              {"random_zipfian", Skew::zipf}});
        const auto* found =
            std::ranges::find(kFunctions, function, [](const auto& one) { return one.first; });
        return found == kFunctions.end() ? std::nullopt : std::optional{found->second};
    }

    static double real(const ScriptValue& value) {
        if (const auto* n = std::get_if<std::int64_t>(&value)) return static_cast<double>(*n);
        if (const auto* n = std::get_if<double>(&value)) return *n;
        throw ScriptComplaint{"the parameter of a distribution must be a number that is not drawn itself"};
    }

    static std::int64_t whole(const ScriptValue& value) {
        if (const auto n = as_whole(value)) return *n;
        throw ScriptComplaint{"the ends of random() must be whole numbers that are not drawn themselves"};
    }
    /// A real number that is whole and within 64 bits will do.
    static std::optional<std::int64_t> as_whole(const ScriptValue& value) {
        constexpr double kBeyond = 9'223'372'036'854'775'808.0;  // 2^63
        if (const auto* n = std::get_if<std::int64_t>(&value)) return *n;
        const auto* real = std::get_if<double>(&value);
        if (real == nullptr || *real != std::round(*real) || *real < -kBeyond || *real >= kBeyond)
            return std::nullopt;
        return static_cast<std::int64_t>(*real);
    }

    static ScriptValue apply(char sign, const ScriptValue& left, const ScriptValue& right) {
        const auto* drawn = std::get_if<Drawn>(&left);
        const auto* other = std::get_if<Drawn>(&right);
        if (drawn != nullptr || other != nullptr) {
            const auto* moved = std::get_if<std::int64_t>(drawn != nullptr ? &right : &left);
            if (moved == nullptr || (sign != '+' && sign != '-')) {
                throw ScriptComplaint{
                    "what random() draws can be moved by a whole number and no more: compute the rest in "
                    "SQL"};
            }
            if (drawn != nullptr) return moved_by(*drawn, sign, *moved);
            if (sign == '+') return moved_by(*other, '+', *moved);
            // Turned round it would begin with the rare ones.
            if (other->skew == Skew::zipf || other->skew == Skew::exponential) {
                throw ScriptComplaint{fmt::format(
                    "what random_{}() draws can be added to, and not be subtracted: do that in SQL",
                    other->skew == Skew::zipf ? "zipfian" : "exponential")};
            }
            return Drawn{whole_of('-', *moved, other->high), whole_of('-', *moved, other->low), other->skew,
                         other->by};
        }
        const auto* a = std::get_if<std::int64_t>(&left);
        const auto* b = std::get_if<std::int64_t>(&right);
        if (a != nullptr && b != nullptr) return whole_of(sign, *a, *b);
        if (sign == '%') {
            const auto whole_a = as_whole(left);
            const auto whole_b = as_whole(right);
            if (!whole_a || !whole_b) throw ScriptComplaint{"% takes whole numbers"};
            return whole_of('%', *whole_a, *whole_b);
        }
        return real_of(sign, a != nullptr ? static_cast<double>(*a) : std::get<double>(left),
                       b != nullptr ? static_cast<double>(*b) : std::get<double>(right));
    }
    static Drawn moved_by(const Drawn& drawn, char sign, std::int64_t by) {
        return {whole_of(sign, drawn.low, by), whole_of(sign, drawn.high, by), drawn.skew, drawn.by};
    }
    /// Division rounds towards zero, as pgbench's does.
    static std::int64_t whole_of(char sign, std::int64_t a, std::int64_t b) {
        std::int64_t result = 0;
        bool over = false;
        switch (sign) {
            case '+':
                over = __builtin_add_overflow(a, b, &result);
                break;
            case '-':
                over = __builtin_sub_overflow(a, b, &result);
                break;
            case '*':
                over = __builtin_mul_overflow(a, b, &result);
                break;
            default:
                if (b == 0) throw ScriptComplaint{"a division by zero"};
                // The least number divided by -1 is beyond 64 bits, and leaves nothing.
                if (b == -1) {
                    over = sign == '/' && __builtin_sub_overflow(std::int64_t{0}, a, &result);
                } else {
                    result = sign == '/' ? a / b : a % b;
                }
        }
        if (over) throw ScriptComplaint{kTooLarge};
        return result;
    }
    static double real_of(char sign, double a, double b) {
        switch (sign) {
            case '+':
                return a + b;
            case '-':
                return a - b;
            case '*':
                return a * b;
            default:
                if (b == 0) throw ScriptComplaint{"a division by zero"};
                return a / b;
        }
    }

    std::string_view rest_;
    const ScriptValues& variables_;
};

}  // namespace

bool is_variable_part(char c) noexcept {
    return base::is_letter(c) || base::is_digit(c) || static_cast<unsigned char>(c) > 127;
}

std::size_t variable_length(std::string_view text) noexcept {
    if (!text.empty() && base::is_digit(text.front())) return 0;
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_variable_part) - text.begin());
}

ScriptValue value_of_text(const std::string& text) {
    const bool negative = text.starts_with('-');
    const auto digits = std::string_view{text}.substr(negative ? 1 : 0);
    if (!digits.empty() && std::ranges::all_of(digits, base::is_digit)) {
        constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        const auto whole = base::parse_count(digits);
        if (!whole || *whole > kMost + (negative ? 1 : 0)) throw ScriptComplaint{kTooLarge};
        return static_cast<std::int64_t>(negative ? 0 - *whole : *whole);
    }
    if (const auto real = base::parse_number(text)) return *real;
    return text;
}

ScriptValue evaluate(std::string_view expression, const ScriptValues& variables) {
    return Expression{expression, variables}.value();
}

}  // namespace pgtraffic::workload
