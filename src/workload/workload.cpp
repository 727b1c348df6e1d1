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

/// Of an arrival's values each has a place among 2^26: by the statement (100 operations of 100, and two for
/// each operation's own values and its conditions, are below 2^14), its position there (kMaxParameters) and
/// the attempt (100 retries). It leaves 38 bits for k: no two places and attempts share a name before
/// arrival 2.7e11.
constexpr std::uint32_t kPlaceBits = 26;

/// At attempt 0.
constexpr std::uint32_t place_of(std::uint32_t statement, std::uint32_t position) noexcept {
    static_assert(kMaxParameters <= 32 && kMaxGuards <= 32);
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

/// Whether something is made of its values but what a statement is given as it is.
bool computes(const Operation& operation) {
    const auto computed = [](const Parameter& parameter) {
        return std::holds_alternative<ComputedParameter>(parameter);
    };
    return !operation.guards.empty() ||
           std::ranges::any_of(operation.statements, [&](const Statement& statement) {
               return std::ranges::any_of(statement.arguments, computed, &Argument::parameter);
           });
}

/// As the wire has them, each behind its length.
char* put_text(char* to, std::string_view text) noexcept {
    to = base::put_u32(to, static_cast<std::uint32_t>(text.size()));
    return std::copy(text.begin(), text.end(), to);
}
char* put_scalar(char* to, const Scalar& value) noexcept {
    std::array<char, kLongestGenerated> text;
    char* end = text.data();
    if (value.index() == 0) return base::put_u32(to, kNullLength);
    if (const auto* truth = std::get_if<bool>(&value)) return put_text(to, *truth ? "true" : "false");
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        end = base::put_decimal(end, *whole);
    } else {
        // With so many digits as pgbench writes.
        end = std::to_chars(end, end + text.size(), std::get<double>(value), std::chars_format::general, 15)
                  .ptr;
    }
    return put_text(to, {text.data(), static_cast<std::size_t>(end - text.data())});
}

}  // namespace

std::vector<DataQuery> Workload::data_queries(const Scenario& scenario) {
    std::vector<DataQuery> queries;
    const auto add = [&](const Parameter& parameter) {
        auto query = data_query(parameter);
        const auto same = [&](const DataQuery& other) {
            return other.sql == query->sql && other.range == query->range;
        };
        if (query && std::none_of(queries.begin(), queries.end(), same)) queries.push_back(std::move(*query));
    };
    for (const auto& operation : scenario.operations) {
        for (const auto& statement : operation.statements) {
            for (const auto& argument : statement.arguments) add(argument.parameter);
        }
        if (!computes(operation)) continue;
        for (const auto& value : operation.values) add(value.parameter);
    }
    return queries;
}

/// What is bound to, and the operation whose turn it is.
struct Workload::Data {
    std::span<const DataQuery> queries;
    const std::vector<DataRows>& answers;
    const ReturnedColumns& columns;
    KeyDistribution default_distribution;
    std::uint32_t statements;  // of all operations
    std::uint32_t operation;
    std::uint32_t first_value;  // of the operation, in values_of_

    // Values of an operation, and its conditions, stand where those of one more statement would, behind all
    // that there are.
    [[nodiscard]] std::uint32_t place_of_value(std::uint32_t index) const noexcept {
        return place_of(statements + operation, index);
    }
    [[nodiscard]] std::uint32_t place_of_guard(std::uint32_t index, std::size_t operations) const noexcept {
        return place_of(statements + static_cast<std::uint32_t>(operations) + operation, index);
    }
};

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
    Data data{queries, answers, columns, default_distribution, statements, 0, 0};
    for (; data.operation < operations_.size(); ++data.operation) bind_operation(data);
    first_statement_.push_back(static_cast<std::uint32_t>(places_.size()));
    const auto& first = operations_.front();
    if (operations_.size() == 1 && !first.choose_one && first.steps.empty())
        only_choice_ = Choice{0, 0, statement_count() - 1};
}

void Workload::bind_operation(Data& data) {
    const auto& operation = operations_[data.operation];
    const auto first_statement = static_cast<std::uint32_t>(places_.size());
    first_statement_.push_back(first_statement);
    first_guard_.push_back(static_cast<std::uint32_t>(guards_.size()));
    statement_weights_.push_back(running_sums(operation.statements));
    data.first_value = static_cast<std::uint32_t>(values_of_.size());
    if (computes(operation)) {
        for (std::uint32_t i = 0; i < operation.values.size(); ++i)
            values_of_.push_back(bind(operation.values[i].parameter, data.place_of_value(i), data));
    }
    DoubtFinder finder;
    for (std::uint32_t s = 0; s < operation.statements.size(); ++s) {
        const auto& statement = operation.statements[s];
        if (operation.choose_one) finder = {};
        const auto first = static_cast<std::uint32_t>(bound_.size());
        const auto number = static_cast<std::uint32_t>(places_.size());
        std::uint32_t position = 0;
        for (const auto& argument : statement.arguments) {
            const auto place =
                argument.shared ? data.place_of_value(*argument.shared) : place_of(number, position);
            bound_.push_back(bind_argument(argument, place, number, data));
            ++position;
        }
        std::size_t longest = 0;
        for (std::size_t i = first; i < bound_.size(); ++i) longest += 4 + longest_value(bound_[i]);
        const auto kind = kind_of(statement.sql);
        bool doubt = finder.next(kind, chains(statement.sql));
        // Where conditions decide what is sent, nobody follows which block a statement is in.
        if (!operation.steps.empty()) doubt = kind == StatementKind::writes || kind == StatementKind::commits;
        places_.push_back({data.operation, s, first, position, longest, doubt, inserts_in(statement.sql) > 0,
                           std::nullopt, 0});
    }
    for (std::uint32_t step = 0; step < operation.steps.size(); ++step) {
        const auto& sends = operation.steps[step];
        if (sends.kind == Step::Kind::send) places_[first_statement + sends.index].step = step;
    }
    for (std::uint32_t g = 0; g < operation.guards.size(); ++g) {
        const auto& guard = operation.guards[g];
        BoundGuard bound{guard.condition, {}, data.place_of_guard(g, operations_.size()), data.first_value};
        for (const auto& name : guard.names) {
            bound.names.push_back(bind_argument(name, name.shared ? data.place_of_value(*name.shared) : 0,
                                                first_statement + guard.statements_before, data));
        }
        guards_.push_back(std::move(bound));
    }
}

Workload::BoundParameter Workload::bind(const Parameter& parameter, std::uint32_t place, const Data& data) {
    BoundParameter bound{parameter, 0, place, true, false, {}};
    if (const auto* run = std::get_if<RunIdParameter>(&parameter)) {
        bound.data = static_cast<std::uint32_t>(run_ids_.size());
        run_ids_.push_back(fmt::format("{}{:016x}", run->prefix, run_entropy_));
        return bound;
    }
    if (std::holds_alternative<ComputedParameter>(parameter)) {
        bound.data = data.first_value;
        bound.drawn = false;
        return bound;
    }
    const auto query = data_query(parameter);
    if (!query) return bound;
    const auto found = std::find_if(data.queries.begin(), data.queries.end(), [&](const DataQuery& other) {
        return other.sql == query->sql && other.range == query->range;
    });
    const auto index = static_cast<std::size_t>(found - data.queries.begin());
    if (const auto* key = std::get_if<KeyParameter>(&parameter)) {
        bound.data = static_cast<std::uint32_t>(choosers_.size());
        choosers_.push_back(
            make_chooser(key->distribution.value_or(data.default_distribution), *query, data.answers[index]));
    } else {
        bound.data = static_cast<std::uint32_t>(index);
    }
    return bound;
}

/// `number`: of the statement that it belongs to, or stands before.
Workload::BoundParameter Workload::bind_argument(const Argument& argument, std::uint32_t place,
                                                 std::uint32_t number, const Data& data) {
    auto bound = bind(argument.parameter, place, data);
    if (argument.returned.empty()) return bound;
    bound.fields = returned(argument, number, data);
    bound.only_returned = !argument.shared;
    bound.drawn = bound.drawn && bound.fields.empty();
    return bound;
}

Choice Workload::choose(std::uint64_t k) const noexcept {
    if (only_choice_) return *only_choice_;
    base::Random random = mix_.at(k);
    Choice choice;
    choice.operation = draw_by_weight(operation_weights_, random);
    const auto& operation = operations_[choice.operation];
    if (!operation.steps.empty()) {
        choice.statement =
            next_step(choice.operation, 0, k, {}).value_or(0);  // some statement is sent always
        choice.last = Choice::kConditional;
    } else if (operation.choose_one) {
        choice.statement = choice.last = draw_by_weight(statement_weights_[choice.operation], random);
    } else {
        choice.last = static_cast<std::uint32_t>(operation.statements.size()) - 1;
    }
    return choice;
}

/// The columns of that name that statements before `number` return, the latest first; none where it is one of
/// the operation's values. Their rows are kept from now on.
std::vector<Workload::Field> Workload::returned(const Argument& argument, std::uint32_t number,
                                                const Data& data) {
    const std::string_view name = argument.returned;
    std::vector<Field> fields;
    std::set<std::string> known;
    for (std::uint32_t before = number; before-- > first_statement_[data.operation];) {
        const auto& prefix = statement(before).returns;
        if (!prefix || before >= data.columns.size()) continue;
        const auto& columns = data.columns[before];
        for (const auto& column : columns) known.insert(*prefix + column);
        // Of two columns of a name the last one, as with pgbench.
        for (std::uint32_t column = static_cast<std::uint32_t>(columns.size()); column-- > 0;) {
            if (*prefix + columns[column] != name) continue;
            fields.push_back({keep_row_of(before), column});
            break;
        }
        // Behind it those before it tell nothing, unless it may be left out.
        if (!fields.empty() && operations_[data.operation].steps.empty()) return fields;
    }
    if (!fields.empty() || argument.shared) return fields;
    const auto& operation = operations_[data.operation];
    const std::size_t place = number - first_statement_[data.operation];
    throw base::Error(
        fmt::format("operation \"{}\"{}: no statement before it returns \"{}\"{}", operation.name,
                    place < operation.statements.size()
                        ? fmt::format(", statement \"{}\"", operation.statements[place].name)
                        : "",
                    name, known.empty() ? "" : fmt::format("; they return {}", fmt::join(known, ", "))));
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
        std::size_t of_one = 0;
        for (const auto& field : bound.fields) of_one = std::max(of_one, rows[field.row].size());
        longest += of_one;
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
    char* operator()(const ComputedParameter&) const noexcept { return to; }  // fill_other() writes it
};

/// The numbers that an arrival's values are; each is made once, however many are computed of it.
class Workload::Numbers {
 public:
    /// `first`: of its operation, in values_of_.
    Numbers(const Workload& workload, std::uint32_t first, std::uint64_t k) noexcept
        : workload_{workload}, first_{first}, k_{k} {}

    /// NULL where it is none.
    [[nodiscard]] Scalar of(const BoundParameter& bound) noexcept {
        auto random = random_at(bound.place);
        if (std::holds_alternative<KeyParameter>(bound.parameter))
            return workload_.choosers_[bound.data].draw(random);
        if (const auto* integer = std::get_if<IntegerParameter>(&bound.parameter))
            return integer->numbers.draw(random);
        if (const auto* real = std::get_if<RealParameter>(&bound.parameter))
            return static_cast<double>(random.between(real->lowest, real->highest)) /
                   static_cast<double>(power_of_ten(real->digits));
        if (const auto* constant = std::get_if<ConstantParameter>(&bound.parameter))
            return scalar_of_text(constant->value);
        const auto* computed = std::get_if<ComputedParameter>(&bound.parameter);
        if (computed == nullptr) return {};
        std::array<Scalar, kMaxParameters> values;
        for (std::size_t i = 0; i < computed->values.size(); ++i) values[i] = value(computed->values[i]);
        return computed->expression.evaluate(values, random);
    }

    /// What a condition draws is drawn for the arrival, and no retry draws it anew.
    [[nodiscard]] base::Random random_at(std::uint32_t place) const noexcept {
        return workload_.values_.at((k_ << kPlaceBits) + place);
    }

 private:
    /// Of the operation's values the one at `index`; those that it is computed of stand before it.
    [[nodiscard]] Scalar value(std::uint32_t index) noexcept {
        const std::uint32_t bit = std::uint32_t{1} << index;
        static_assert(kMaxParameters <= 32);
        if ((made_ & bit) == 0) {
            known_[index] = of(workload_.values_of_[first_ + index]);
            made_ |= bit;
        }
        return known_[index];
    }

    const Workload& workload_;
    std::uint32_t first_;
    std::uint64_t k_;
    std::uint32_t made_ = 0;
    std::array<Scalar, kMaxParameters> known_;
};

std::optional<std::string_view> Workload::returned_field(const std::vector<Field>& fields,
                                                         ReturnedRows rows) noexcept {
    for (const auto& field : fields) {
        if (field.row < rows.size() && !rows[field.row].empty())
            return field_of_row(rows[field.row], field.column);
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Workload::next_step(std::uint32_t operation, std::size_t step, std::uint64_t k,
                                                 ReturnedRows rows) const noexcept {
    const auto& steps = operations_[operation].steps;
    while (step < steps.size()) {
        const Step& next = steps[step];
        if (next.kind == Step::Kind::send) return next.index;
        const bool goes_on =
            next.kind == Step::Kind::unless && holds(guards_[first_guard_[operation] + next.index], k, rows);
        step = goes_on ? step + 1 : next.target;
    }
    return std::nullopt;
}

bool Workload::holds(const BoundGuard& guard, std::uint64_t k, ReturnedRows rows) const noexcept {
    Numbers numbers{*this, guard.first_value, k};
    std::array<Scalar, kMaxParameters> values;
    for (std::size_t i = 0; i < guard.names.size() && i < values.size(); ++i) {
        const auto& name = guard.names[i];
        if (const auto field = returned_field(name.fields, rows)) {
            values[i] = scalar_of_text(field->substr(4));  // of a NULL there is no text, and no number
        } else if (!name.only_returned) {
            values[i] = numbers.of(name);
        }
    }
    auto random = numbers.random_at(guard.place);
    return workload::holds(guard.condition.evaluate(values, random));
}

char* Workload::fill(std::uint32_t number, std::uint64_t k, std::uint32_t attempt, char* to,
                     ReturnedRows rows) const noexcept {
    for (const auto& bound : parameters_of(places_[number])) {
        if (bound.drawn) [[likely]] {
            to = fill_drawn(bound, k, attempt, to);
        } else {
            to = fill_other(bound, k, attempt, to, rows);
        }
    }
    return to;
}

inline char* Workload::fill_drawn(const BoundParameter& bound, std::uint64_t k, std::uint32_t attempt,
                                  char* to) const noexcept {
    char* const value = to + 4;
    char* const end = std::visit(Writer{*this, bound.data, (k << kPlaceBits) + bound.place, attempt, value},
                                 bound.parameter);
    base::put_u32(to, static_cast<std::uint32_t>(end - value));
    return end;
}

char* Workload::fill_other(const BoundParameter& bound, std::uint64_t k, std::uint32_t attempt, char* to,
                           ReturnedRows rows) const noexcept {
    if (const auto field = returned_field(bound.fields, rows))
        return std::copy(field->begin(), field->end(), to);
    if (bound.only_returned) return base::put_u32(to, kNullLength);
    if (!std::holds_alternative<ComputedParameter>(bound.parameter)) return fill_drawn(bound, k, attempt, to);
    return put_scalar(to, Numbers{*this, bound.data, k}.of(bound));
}

std::vector<std::string> Workload::values(std::uint32_t number, std::uint64_t k, std::uint32_t attempt,
                                          ReturnedRows rows) const {
    std::vector<char> bytes(longest_values(number, rows));
    const char* const end = fill(number, k, attempt, bytes.data(), rows);
    std::vector<std::string> values;
    for (const char* at = bytes.data(); at != end;) {
        const std::uint32_t told = base::read_u32(at);
        const std::size_t length = told == kNullLength ? 0 : told;
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
