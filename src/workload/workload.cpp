// Binds a scenario to what its tables hold. Each parameter of an arrival has a Random of its own, named by
// what it belongs to, so no value depends on which others were drawn before it, or whether they were. After
// the constructor nothing here allocates, throws or remembers.
#include "pgtraffic/workload/workload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <type_traits>
#include <utility>

#include "pgtraffic/base/big_endian.hpp"
#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/decimal.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/workload/intent.hpp"
#include "pgtraffic/workload/statement_kind.hpp"

namespace pgtraffic::workload {
namespace {

std::optional<DataQuery> data_query(const Parameter& parameter) {
    if (const auto* key = std::get_if<KeyParameter>(&parameter)) {
        return DataQuery{
            fmt::format("SELECT min({0}), max({0}), pg_typeof(min({0})) FROM {1}", key->column, key->table),
            fmt::format("keys of {}.{}", key->table, key->column), key->table, true};
    }
    if (const auto* pick = std::get_if<PickParameter>(&parameter)) {
        return DataQuery{pick->query, fmt::format("values of \"{}\"", pick->query), "", false};
    }
    return std::nullopt;
}

std::int64_t parse_key(const std::string& text, const DataQuery& query) {
    std::int64_t key = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw base::Error(fmt::format("{}: \"{}\" is no whole number; a key needs a column of integers",
                                      query.purpose, text));
    }
    return key;
}

KeyChooser make_chooser(KeyDistribution distribution, const DataQuery& query, const DataRows& rows) {
    const auto strange = [&query] {
        return base::Error(fmt::format(
            "{}: the answer is no lowest and highest key: is that a PostgreSQL server?", query.purpose));
    };
    if (rows.size() != 1 || rows.front().size() != 3) throw strange();
    const auto& row = rows.front();
    // Digits in a text have an order of their own, in which 10 comes before 9.
    const auto type = row[2].value_or("");
    if (type.ends_with("text") || type.starts_with("character"))  // citext, too
        throw base::Error(
            fmt::format("{}: the column holds {}; a key needs a column of integers, and \"pick\" "
                        "takes the values of any",
                        query.purpose, type));
    if (!row[0] || !row[1]) {
        throw base::Error(fmt::format(
            "{} has no key: fill it (the built-in workloads' tables: `pgtraffic init`)", query.table));
    }
    const auto lowest = parse_key(*row[0], query);
    const auto highest = parse_key(*row[1], query);
    if (lowest > highest) throw strange();
    return {distribution, lowest, highest};
}

std::vector<std::string> first_column(const DataQuery& query, const DataRows& rows) {
    std::vector<std::string> values;
    for (const auto& row : rows) {
        if (values.size() == kMaxPicked) break;
        if (!row.empty() && row.front()) values.push_back(*row.front());
    }
    if (values.empty()) {
        throw base::Error(fmt::format(
            "the answer to \"{}\" is empty: fill its tables (the built-in workloads': `pgtraffic init`)",
            query.sql));
    }
    return values;
}

/// Follows the statements of an operation and says of each whether losing its answer leaves a doubt.
class DoubtFinder {
 public:
    /// `chains`: ... AND CHAIN, which begins the next block.
    bool next(StatementKind kind, bool chains) noexcept {
        switch (kind) {
            case StatementKind::begins:
                in_block_ = true;
                block_writes_ = false;
                return false;
            case StatementKind::writes:
                block_writes_ = in_block_;
                return !in_block_;
            case StatementKind::commits: {
                const bool wrote = std::exchange(in_block_, chains) && block_writes_;
                block_writes_ = false;
                return wrote;
            }
            case StatementKind::rolls_back:
                in_block_ = chains;
                block_writes_ = false;
                return false;
            case StatementKind::reads:
                break;
        }
        return false;
    }

 private:
    bool in_block_ = false;
    bool block_writes_ = false;
};

/// Of an arrival's values each has a place among 2^26: by the statement (100 operations of 100, and one for
/// each operation's own values, are below 2^14), its position there (kMaxParameters) and the attempt (100
/// retries). It leaves 38 bits for k: no two places and attempts share a name before arrival 2.7e11.
constexpr std::uint32_t kPlaceBits = 26;

/// At attempt 0.
constexpr std::uint32_t place_of(std::uint32_t statement, std::uint32_t position) noexcept {
    static_assert(kMaxParameters <= 32);
    return (statement << 12U) + (position << 7U);
}

template <class Weighted>
std::vector<double> running_sums(const std::vector<Weighted>& weighted) {
    std::vector<double> sums;
    sums.reserve(weighted.size());
    double sum = 0;
    for (const auto& one : weighted) sums.push_back(sum += one.weight);
    return sums;
}

std::uint32_t draw_by_weight(const std::vector<double>& sums, base::Random& random) noexcept {
    auto found = std::upper_bound(sums.begin(), sums.end(), random.unit() * sums.back());
    // The product may round up to the sum itself: that is the last one with a weight.
    if (found == sums.end()) found = std::lower_bound(sums.begin(), sums.end(), sums.back());
    return static_cast<std::uint32_t>(found - sums.begin());
}

/// 10^`exponent`, up to 10^19.
std::uint64_t power_of_ten(int exponent) noexcept {
    static constexpr auto kPowers = [] {
        std::array<std::uint64_t, 20> powers{1};
        for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = 10 * powers[i - 1];
        return powers;
    }();
    return kPowers[static_cast<std::size_t>(exponent)];
}

/// Writes the lowest `count` hexadecimal digits of `bits`.
char* write_hex(char* to, std::uint64_t bits, int count) noexcept {
    for (int shift = 4 * (count - 1); shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[(bits >> shift) & 15U];
    return to;
}

/// Writes `number` with leading zeros; it has at most `digits` digits.
char* write_padded(char* to, std::uint64_t number, int digits) noexcept {
    for (char* at = to + digits; at != to; number /= 10) *--at = static_cast<char>('0' + number % 10);
    return to + digits;
}

}  // namespace

std::vector<DataQuery> Workload::data_queries(const Scenario& scenario) {
    std::vector<DataQuery> queries;
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            for (const auto& argument : statement.arguments) {
                auto query = data_query(argument.parameter);
                const auto same = [&](const DataQuery& other) {
                    return other.sql == query->sql && other.range == query->range;
                };
                if (query && std::none_of(queries.begin(), queries.end(), same))
                    queries.push_back(std::move(*query));
            }
        }
    }
    return queries;
}

Workload::Workload(const Scenario& scenario, const std::vector<DataRows>& answers,
                   KeyDistribution default_distribution, std::uint64_t seed, std::uint64_t run_entropy,
                   const ReturnedColumns& columns)
    : operations_{scenario.operations},
      operation_weights_{running_sums(scenario.operations)},
      run_entropy_{run_entropy},
      mix_{seed, base::Stream::mix},
      values_{seed, base::Stream::parameters},
      unique_values_{run_entropy, base::Stream::parameters},
      backoff_{seed, base::Stream::backoff} {
    const auto queries = data_queries(scenario);
    PGTRAFFIC_CHECK(answers.size() == queries.size(), "an answer for each query");
    PGTRAFFIC_CHECK(!operations_.empty() && operation_weights_.back() > 0, "a workload without operations");
    for (std::size_t i = 0; i < queries.size(); ++i) {
        picked_.push_back(queries[i].range ? std::vector<std::string>{}
                                           : first_column(queries[i], answers[i]));
        // By rows, NULLs among them: what is told is the size of the answer.
        if (picked_.back().size() == kMaxPicked && answers[i].size() > kMaxPicked)
            cut_picks_.push_back({queries[i].sql, answers[i].size()});
    }
    std::uint32_t statements = 0;
    for (const auto& operation : operations_)
        statements += static_cast<std::uint32_t>(operation.statements.size());
    for (std::uint32_t o = 0; o < operations_.size(); ++o) {
        const auto& operation = operations_[o];
        first_statement_.push_back(static_cast<std::uint32_t>(places_.size()));
        statement_weights_.push_back(running_sums(operation.statements));
        DoubtFinder finder;
        for (std::uint32_t s = 0; s < operation.statements.size(); ++s) {
            if (operation.choose_one) finder = {};
            const auto first = static_cast<std::uint32_t>(bound_.size());
            const auto number = static_cast<std::uint32_t>(places_.size());
            std::uint32_t position = 0;
            for (const auto& argument : operation.statements[s].arguments) {
                // Values of an operation stand where those of one more statement would, behind all that there
                // are.
                const auto place =
                    argument.shared ? place_of(statements + o, *argument.shared) : place_of(number, position);
                bind(argument.parameter, place, queries, answers, default_distribution);
                bound_.back().returned = returned(argument, number, columns);
                ++position;
            }
            std::size_t longest = 0;
            for (std::size_t i = first; i < bound_.size(); ++i) longest += 4 + longest_value(bound_[i]);
            places_.push_back(
                {o, s, first, static_cast<std::uint32_t>(bound_.size()) - first, longest,
                 finder.next(kind_of(operation.statements[s].sql), chains(operation.statements[s].sql)),
                 inserts_in(operation.statements[s].sql) > 0, std::nullopt});
        }
    }
    first_statement_.push_back(static_cast<std::uint32_t>(places_.size()));
    if (operations_.size() == 1 && !operations_.front().choose_one)
        only_choice_ = Choice{0, 0, statement_count() - 1};
}

void Workload::bind(const Parameter& parameter, std::uint32_t place, std::span<const DataQuery> queries,
                    const std::vector<DataRows>& answers, KeyDistribution default_distribution) {
    auto& bound = bound_.emplace_back(BoundParameter{parameter, 0, place, std::nullopt});
    if (const auto* run = std::get_if<RunIdParameter>(&parameter)) {
        bound.data = static_cast<std::uint32_t>(run_ids_.size());
        run_ids_.push_back(fmt::format("{}{:016x}", run->prefix, run_entropy_));
        return;
    }
    const auto query = data_query(parameter);
    if (!query) return;
    const auto found = std::find_if(queries.begin(), queries.end(), [&](const DataQuery& other) {
        return other.sql == query->sql && other.range == query->range;
    });
    const auto index = static_cast<std::size_t>(found - queries.begin());
    if (const auto* key = std::get_if<KeyParameter>(&parameter)) {
        bound.data = static_cast<std::uint32_t>(choosers_.size());
        choosers_.push_back(
            make_chooser(key->distribution.value_or(default_distribution), *query, answers[index]));
    } else {
        bound.data = static_cast<std::uint32_t>(index);
    }
}

Choice Workload::choose(std::uint64_t k) const noexcept {
    if (only_choice_) return *only_choice_;
    base::Random random = mix_.at(k);
    Choice choice;
    choice.operation = draw_by_weight(operation_weights_, random);
    const auto& operation = operations_[choice.operation];
    if (operation.choose_one) {
        choice.statement = choice.last = draw_by_weight(statement_weights_[choice.operation], random);
    } else {
        choice.last = static_cast<std::uint32_t>(operation.statements.size()) - 1;
    }
    return choice;
}

/// In the column of that name of the latest statement before `number` that returns one; none where it is one
/// of the operation's values. The statement's row is kept from now on.
std::optional<Workload::Field> Workload::returned(const Argument& argument, std::uint32_t number,
                                                  const ReturnedColumns& columns) {
    const std::string_view name = argument.returned;
    if (name.empty()) return std::nullopt;
    const auto operation = static_cast<std::uint32_t>(first_statement_.size() - 1);
    std::set<std::string> known;
    for (std::uint32_t before = number; before-- > first_statement_[operation];) {
        const auto& prefix = statement(before).returns;
        if (!prefix || before >= columns.size()) continue;
        for (std::uint32_t column = 0; column < columns[before].size(); ++column) {
            if (*prefix + columns[before][column] == name) return Field{keep_row_of(before), column};
            known.insert(*prefix + columns[before][column]);
        }
    }
    if (argument.shared) return std::nullopt;
    const auto& where = operations_[operation];
    throw base::Error(
        fmt::format("operation \"{}\", statement \"{}\": no statement before it returns \"{}\"{}", where.name,
                    where.statements[number - first_statement_[operation]].name, name,
                    known.empty() ? "" : fmt::format("; they return {}", fmt::join(known, ", "))));
}

/// The rows of an operation have their places one after the other.
std::uint32_t Workload::keep_row_of(std::uint32_t number) {
    auto& row = places_[number].row;
    if (!row) {
        row = 0;
        for (const auto& other : places_) {
            if (other.operation == places_[number].operation && &other.row != &row && other.row)
                row = std::max(*row, *other.row + 1);
        }
        kept_rows_ = std::max(kept_rows_, *row + 1);
    }
    return *row;
}

std::size_t Workload::longest_returned(std::uint32_t number, ReturnedRows rows) const noexcept {
    std::size_t longest = 0;
    for (const auto& bound : parameters_of(places_[number])) {
        if (bound.returned) longest += rows[bound.returned->row].size();
    }
    return longest;
}

std::size_t Workload::longest_value(const BoundParameter& bound) const noexcept {
    const auto longest_of = [](const std::vector<std::string>& values) {
        std::size_t longest = 0;
        for (const auto& value : values) longest = std::max(longest, value.size());
        return longest;
    };
    if (std::holds_alternative<PickParameter>(bound.parameter)) return longest_of(picked_[bound.data]);
    if (const auto* choice = std::get_if<ChoiceParameter>(&bound.parameter))
        return longest_of(choice->values);
    if (const auto* constant = std::get_if<ConstantParameter>(&bound.parameter))
        return constant->value.size();
    return kLongestGenerated;
}

/// Writes the value of one parameter, by its kind, and returns its end.
struct Workload::Writer {
    const Workload& workload;
    std::uint32_t data;   // BoundParameter::data
    std::uint64_t place;  // of this parameter of this arrival, at attempt 0
    std::uint32_t attempt;
    char* to;

    [[nodiscard]] base::Random random(const base::Randoms& values, std::uint32_t of_attempt) const noexcept {
        return values.at(place + of_attempt);
    }

    [[nodiscard]] char* write(std::string_view value) const noexcept {
        return std::copy(value.begin(), value.end(), to);
    }
    [[nodiscard]] char* write(std::int64_t n) const noexcept {
        static_assert(base::kLongestDecimal <= kLongestGenerated);
        return base::put_decimal(to, n);
    }

    char* operator()(const KeyParameter&) const noexcept {
        auto draws = random(workload.values_, 0);
        return write(workload.choosers_[data].draw(draws));
    }
    char* operator()(const PickParameter&) const noexcept {
        const auto& values = workload.picked_[data];
        return write(values[random(workload.values_, 0).below(values.size())]);
    }
    char* operator()(const IntegerParameter& range) const noexcept {
        auto draws = random(workload.values_, 0);
        return write(range.numbers.draw(draws));
    }
    char* operator()(const RealParameter& range) const noexcept {
        const auto scale = static_cast<double>(power_of_ten(range.digits));
        const auto point = random(workload.values_, 0).between(range.lowest, range.highest);
        const auto [end, error] =
            std::to_chars(to, to + kLongestGenerated, static_cast<double>(point) / scale,
                          std::chars_format::fixed, range.digits);
        PGTRAFFIC_CHECK(error == std::errc{}, "a real number longer than its room");
        return end;
    }
    char* operator()(const ChoiceParameter& choice) const noexcept {
        return write(choice.values[random(workload.values_, 0).below(choice.values.size())]);
    }
    char* operator()(const CodeParameter& code) const noexcept {
        char* const at = write(code.prefix);
        if (attempt > code.uuid_after)
            return write_hex(at, random(workload.unique_values_, attempt).next(), 12);
        return write_padded(at, random(workload.values_, attempt).below(power_of_ten(code.digits)),
                            code.digits);
    }
    char* operator()(const UuidParameter&) const noexcept {
        auto draws = random(workload.values_, attempt);
        const auto high = (draws.next() & ~std::uint64_t{0xF000}) | 0x4000U;  // version 4
        const auto low = (draws.next() >> 2U) | (std::uint64_t{2} << 62U);    // the variant of RFC 4122
        char* at = write_hex(to, high >> 32U, 8);
        *at++ = '-';
        at = write_hex(at, high >> 16U, 4);
        *at++ = '-';
        at = write_hex(at, high, 4);
        *at++ = '-';
        at = write_hex(at, low >> 48U, 4);
        *at++ = '-';
        return write_hex(at, low, 12);
    }
    char* operator()(const RunIdParameter&) const noexcept { return write(workload.run_ids_[data]); }
    char* operator()(const ConstantParameter& constant) const noexcept { return write(constant.value); }
};

char* Workload::fill(std::uint32_t number, std::uint64_t k, std::uint32_t attempt, char* to,
                     ReturnedRows rows) const noexcept {
    for (const auto& bound : parameters_of(places_[number])) {
        if (bound.returned) [[unlikely]] {
            const auto row = rows.empty() ? std::string_view{} : std::string_view{rows[bound.returned->row]};
            const auto field = field_of_row(row, bound.returned->column);
            to = std::copy(field.begin(), field.end(), to);
            continue;
        }
        char* const value = to + 4;
        char* const end = std::visit(
            Writer{*this, bound.data, (k << kPlaceBits) + bound.place, attempt, value}, bound.parameter);
        base::put_u32(to, static_cast<std::uint32_t>(end - value));
        to = end;
    }
    return to;
}

std::vector<std::string> Workload::values(std::uint32_t number, std::uint64_t k, std::uint32_t attempt,
                                          ReturnedRows rows) const {
    std::vector<char> bytes(longest_values(number, rows));
    const char* const end = fill(number, k, attempt, bytes.data(), rows);
    std::vector<std::string> values;
    for (const char* at = bytes.data(); at != end;) {
        const std::uint32_t told = base::read_u32(at);
        const std::size_t length = told == 0xFFFFFFFF ? 0 : told;  // a NULL's
        values.emplace_back(at + 4, length);
        at += 4 + length;
    }
    return values;
}

bool Workload::retries(std::uint32_t operation, base::SqlState state, std::uint32_t attempt) const noexcept {
    const auto& policy = operations_[operation].retry;
    return attempt < policy.max_retries &&
           std::find(policy.on.begin(), policy.on.end(), state) != policy.on.end();
}

base::Nanos Workload::retry_pause(std::uint32_t operation, std::uint64_t k,
                                  std::uint32_t attempt) const noexcept {
    const auto& policy = operations_[operation].retry;
    if (policy.first_pause.count() == 0) return base::Nanos{0};
    const auto doublings = std::min(attempt - 1, 30U);
    const double longest =
        std::min(base::to_seconds(policy.first_pause) * static_cast<double>(1U << doublings),
                 base::to_seconds(policy.longest_pause));
    base::Random random = backoff_.at((k << 7U) + attempt);
    return base::from_seconds(longest * (0.5 + 0.5 * random.unit()));
}

}  // namespace pgtraffic::workload
