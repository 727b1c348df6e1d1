#include "pgtraffic/workload/scalar.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::workload {
namespace {

constexpr auto kTooLarge = "a number beyond 64 bits";
constexpr auto kNoNumber = "a truth where a number is wanted";
constexpr auto kNoTruth = "a number where a truth is wanted: compare it, as in :x <> 0";
constexpr auto kNotWhole = "no whole number where one is wanted";
constexpr auto kDivision = "a division by zero";
constexpr auto kOutside = "a number for which there is no such function's value";

/// Real numbers are rounded for it.
bool takes_wholes(Operator op) {
    switch (op) {
        case Operator::modulo:
        case Operator::bit_and:
        case Operator::bit_or:
        case Operator::bit_xor:
        case Operator::shift_left:
        case Operator::shift_right:
        case Operator::hash_fnv1a:
        case Operator::hash_murmur2:
            return true;
        default:
            return false;
    }
}

Computed wrong(const char* trouble) {
    return {{}, trouble};
}

Computed real(double value) {
    if (!std::isfinite(value)) return wrong(kTooLarge);
    return {value};
}

}  // namespace

bool holds(const Scalar& value) noexcept {
    if (const auto* truth = std::get_if<bool>(&value)) return *truth;
    return is_number(value) && as_real(value) != 0;
}

Scalar scalar_of_text(std::string_view text) noexcept {
    std::int64_t whole = 0;
    const char* const end = text.data() + text.size();
    if (const auto [rest, error] = std::from_chars(text.data(), end, whole);
        error == std::errc{} && rest == end)
        return whole;
    if (const auto number = base::parse_number(text)) return *number;
    // pgbench takes the beginnings of these words, too.
    const auto begins = [text](std::string_view word, std::size_t least) {
        return text.size() >= least && text.size() <= word.size() &&
               std::equal(text.begin(), text.end(), word.begin(),
                          [](char c, char wanted) { return (c | 0x20) == wanted; });
    };
    if (begins("true", 1) || begins("yes", 1) || begins("on", 2)) return true;
    if (begins("false", 1) || begins("no", 1) || begins("off", 2)) return false;
    return {};
}

bool is_number(const Scalar& value) noexcept {
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double as_real(const Scalar& value) noexcept {
    const auto* n = std::get_if<std::int64_t>(&value);
    return n != nullptr ? static_cast<double>(*n) : std::get<double>(value);
}

std::optional<std::int64_t> as_whole(const Scalar& value) noexcept {
    constexpr double kBeyond = 0x1p63;
    if (const auto* n = std::get_if<std::int64_t>(&value)) return *n;
    const auto* real = std::get_if<double>(&value);
    if (real == nullptr) return std::nullopt;
    const double rounded = std::rint(*real);
    if (rounded < -kBeyond || rounded >= kBeyond) return std::nullopt;
    return static_cast<std::int64_t>(rounded);
}

bool takes_one(Operator op) noexcept {
    switch (op) {
        case Operator::invert:
        case Operator::is_null:
        case Operator::is_true:
        case Operator::is_false:
        case Operator::absolute:
        case Operator::to_whole:
        case Operator::to_real:
        case Operator::square_root:
        case Operator::exponential:
        case Operator::logarithm:
            return true;
        default:
            return false;
    }
}

namespace {

/// Division rounds towards zero, as pgbench's does.
Computed quotient(std::int64_t a, std::int64_t b, bool rest) {
    if (b == 0) return wrong(kDivision);
    std::int64_t result = 0;
    if (b != -1) return {rest ? a % b : a / b};
    // The least number divided by -1 is beyond 64 bits, and leaves nothing.
    if (!rest && __builtin_sub_overflow(std::int64_t{0}, a, &result)) return wrong(kTooLarge);
    return {result};
}

/// FNV-1a of the value's eight bytes, the lowest first. Source: Fowler, Noll, Vo, "FNV Hash", public domain.
std::int64_t fnv1a(std::int64_t value, std::int64_t seed) {
    std::uint64_t hash = 0xCBF29CE484222325 ^ static_cast<std::uint64_t>(seed);
    for (int shift = 0; shift < 64; shift += 8) {
        hash ^= (static_cast<std::uint64_t>(value) >> shift) & 0xFFU;
        hash *= 0x100000001B3;
    }
    return static_cast<std::int64_t>(hash);
}

/// MurmurHash64A of the value's eight bytes. Source: Appleby, "SMHasher", public domain.
std::int64_t murmur2(std::int64_t value, std::int64_t seed) {
    constexpr std::uint64_t kFactor = 0xC6A4A7935BD1E995;
    const auto mixed = [](std::uint64_t n) { return n ^ n >> 47U; };
    const std::uint64_t block = mixed(static_cast<std::uint64_t>(value) * kFactor) * kFactor;
    const std::uint64_t hash = ((static_cast<std::uint64_t>(seed) ^ 8 * kFactor) ^ block) * kFactor;
    return static_cast<std::int64_t>(mixed(mixed(hash) * kFactor));
}

/// `<<` and `>>` as the processor has them: by the lowest six bits.
std::int64_t shifted(std::int64_t value, std::int64_t by, bool left) {
    const auto count = static_cast<std::uint64_t>(by) & 63U;
    return left ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << count) : value >> count;
}

Computed of_wholes(Operator op, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    bool over = false;
    switch (op) {
        case Operator::add:
            over = __builtin_add_overflow(a, b, &result);
            break;
        case Operator::subtract:
            over = __builtin_sub_overflow(a, b, &result);
            break;
        case Operator::multiply:
            over = __builtin_mul_overflow(a, b, &result);
            break;
        case Operator::divide:
        case Operator::modulo:
            return quotient(a, b, op == Operator::modulo);
        case Operator::bit_and:
            return {a & b};
        case Operator::bit_or:
            return {a | b};
        case Operator::bit_xor:
            return {a ^ b};
        case Operator::shift_left:
        case Operator::shift_right:
            return {shifted(a, b, op == Operator::shift_left)};
        case Operator::equal:
            return {a == b};
        case Operator::less:
            return {a < b};
        case Operator::less_or_equal:
            return {a <= b};
        case Operator::least:
            return {std::min(a, b)};
        case Operator::greatest:
            return {std::max(a, b)};
        case Operator::hash_fnv1a:
            return {fnv1a(a, b)};
        case Operator::hash_murmur2:
            return {murmur2(a, b)};
        default:
            return wrong(kNoNumber);
    }
    if (over) return wrong(kTooLarge);
    return {result};
}

Computed of_reals(Operator op, double a, double b) {
    switch (op) {
        case Operator::add:
            return real(a + b);
        case Operator::subtract:
            return real(a - b);
        case Operator::multiply:
            return real(a * b);
        case Operator::divide:
            return b == 0 ? wrong(kDivision) : real(a / b);
        case Operator::power:
            return real(std::pow(a, b));
        case Operator::equal:
            return {a == b};
        case Operator::less:
            return {a < b};
        case Operator::less_or_equal:
            return {a <= b};
        case Operator::least:
            return {std::min(a, b)};
        case Operator::greatest:
            return {std::max(a, b)};
        default:
            return wrong(kNotWhole);
    }
}

/// Of two numbers, or two truths that are compared; NULL makes NULL.
Computed of_two(Operator op, const Scalar& a, const Scalar& b) {
    if (a.index() == 0 || b.index() == 0) return {};
    if (op == Operator::equal && std::holds_alternative<bool>(a) && std::holds_alternative<bool>(b))
        return {a == b};
    if (!is_number(a) || !is_number(b)) return wrong(kNoNumber);
    const bool wholes = std::holds_alternative<std::int64_t>(a) && std::holds_alternative<std::int64_t>(b);
    if (!takes_wholes(op) && (!wholes || op == Operator::power)) return of_reals(op, as_real(a), as_real(b));
    const auto whole_a = as_whole(a);
    const auto whole_b = as_whole(b);
    return whole_a && whole_b ? of_wholes(op, *whole_a, *whole_b) : wrong(kNotWhole);
}

/// Of one number; NULL makes NULL.
Computed of_one(Operator op, const Scalar& a) {
    if (a.index() == 0) return {};
    if (!is_number(a)) return wrong(kNoNumber);
    const auto* whole = std::get_if<std::int64_t>(&a);
    switch (op) {
        case Operator::absolute:
            if (whole == nullptr) return {std::abs(std::get<double>(a))};
            if (*whole >= 0) return {a};
            return of_wholes(Operator::subtract, 0, *whole);
        case Operator::to_real:
            return {as_real(a)};
        case Operator::to_whole: {
            if (whole != nullptr) return {a};
            const auto rounded = as_whole(a);
            return rounded ? Computed{*rounded} : wrong(kTooLarge);
        }
        case Operator::square_root:
            return as_real(a) < 0 ? wrong(kOutside) : real(std::sqrt(as_real(a)));
        case Operator::exponential:
            return real(std::exp(as_real(a)));
        default:  // logarithm
            return as_real(a) <= 0 ? wrong(kOutside) : real(std::log(as_real(a)));
    }
}

/// AND of two truths, or OR as the AND of their opposites: what is false decides, whatever NULL would be.
Computed both(const Scalar& a, const Scalar& b, bool inverted) {
    const auto no_truth = [](const Scalar& value) { return is_number(value); };
    if (no_truth(a) || no_truth(b)) return wrong(kNoTruth);
    const auto decides = [inverted](const Scalar& value) {
        const auto* truth = std::get_if<bool>(&value);
        return truth != nullptr && *truth == inverted;
    };
    if (decides(a) || decides(b)) return {inverted};
    if (a.index() == 0 || b.index() == 0) return {};
    return {!inverted};
}

}  // namespace

/// Where a number is among those below `size`, when they are mixed: each takes one place. It walks through
/// the numbers below the next power of two, which multiplying by an odd one, adding and folding mix one to
/// one, until it comes to one that is small enough.
///
/// Source: Black, Rogaway: Ciphers with Arbitrary Finite Domains, 2002 ("cycle walking").
Computed permuted(const Scalar& value, const Scalar& size, const Scalar& seed) noexcept {
    if (value.index() == 0 || size.index() == 0 || seed.index() == 0) return {};
    const auto number = as_whole(value);
    const auto count = as_whole(size);
    const auto by = as_whole(seed);
    if (!number || !count || !by || *count <= 0) return wrong(kNotWhole);
    const auto below = static_cast<std::uint64_t>(*count);
    const auto bits = static_cast<unsigned>(std::bit_width(below - 1));
    const std::uint64_t mask = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
    base::Random keys{static_cast<std::uint64_t>(*by), base::Stream::parameters};
    std::array<std::uint64_t, 6> factors{};
    std::array<std::uint64_t, 6> terms{};
    for (std::size_t i = 0; i < factors.size(); ++i) {
        factors[i] = keys.next() | 1U;
        terms[i] = keys.next();
    }
    const std::int64_t rest = *number % *count;
    auto at = static_cast<std::uint64_t>(rest < 0 ? rest + *count : rest);
    do {
        for (std::size_t i = 0; i < factors.size(); ++i) {
            at = (at * factors[i] + terms[i]) & mask;
            at ^= at >> (bits / 2 + 1);
        }
    } while (at >= below);
    return {static_cast<std::int64_t>(at)};
}

Computed compute(Operator op, const Scalar& a, const Scalar& b) noexcept {
    switch (op) {
        case Operator::conjoin:
            return both(a, b, false);
        case Operator::disjoin:
            return both(a, b, true);
        case Operator::invert:
            if (is_number(a)) return wrong(kNoTruth);
            return a.index() == 0 ? Computed{} : Computed{!std::get<bool>(a)};
        case Operator::is_null:
            return {a.index() == 0};
        case Operator::is_true:
            return {a == Scalar{true}};
        case Operator::is_false:
            return {a == Scalar{false}};
        default:
            return takes_one(op) ? of_one(op, a) : of_two(op, a, b);
    }
}

}  // namespace pgtraffic::workload
