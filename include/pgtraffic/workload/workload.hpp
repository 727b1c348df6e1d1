// A scenario bound to a database: key ranges and picked values filled in, so that "operation and parameters
// of arrival k" is a pure function that allocates nothing. Knows no connection: which queries must be asked
// before the start is data (DataQuery), who asks them is not its business.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/workload/returned_row.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::workload {

/// A query whose answer the workload needs before the start.
struct DataQuery {
    std::string sql;
    std::string purpose;  ///< for messages: "keys of orders.order_id"
    std::string table;    ///< that it reads, where known, else empty
    bool range = false;   ///< one row of min, max and their type; otherwise one value a row
};

/// Rows × columns of text; a NULL is an empty optional.
using DataRows = std::vector<std::vector<std::optional<std::string>>>;

/// The names of the columns that a statement returns, by statement number: of those at least that keep them
/// (Statement::returns).
using ReturnedColumns = std::vector<std::vector<std::string>>;

/// At most this many picked values are kept (the first ones of the answer).
inline constexpr std::size_t kMaxPicked = 100'000;

/// A query to pick values with that had more rows than are kept.
struct CutPick {
    std::string sql;
    std::size_t rows;
};

/// What one arrival does.
struct Choice {
    std::uint32_t operation = 0;  ///< index into Workload::operations()
    std::uint32_t statement = 0;  ///< the first statement to send
    std::uint32_t last = 0;       ///< the last one; equal to `statement` where one is chosen

    /// As `last`: conditions tell which is the last one (Workload::next_statement()).
    static constexpr std::uint32_t kConditional = 0xFFFFFFFF;
};

/// A value, immutable once made.
class Workload {
 public:
    /// The queries to answer for `scenario`, without repetition, in a fixed order.
    [[nodiscard]] static std::vector<DataQuery> data_queries(const Scenario& scenario);

    /// `answers` holds the rows of each of data_queries(scenario), in its order. `run_entropy`, which is the
    /// run's id as a number, goes into what must differ between runs of one seed (CodeParameter,
    /// RunIdParameter). Throws base::Error when a table is empty
    /// ("… is empty: run `pgtraffic init`"), a key is no integer, or a statement takes a value that none
    /// before it returns.
    Workload(const Scenario& scenario, const std::vector<DataRows>& answers,
             KeyDistribution default_distribution, std::uint64_t seed, std::uint64_t run_entropy,
             const ReturnedColumns& columns = {});

    [[nodiscard]] const std::vector<Operation>& operations() const noexcept { return operations_; }

    [[nodiscard]] const std::vector<CutPick>& cut_picks() const noexcept { return cut_picks_; }

    /// All statements of all operations in order, for preparing them; statement `s` of operation `o` has the
    /// number statement_number(o, s).
    [[nodiscard]] std::uint32_t statement_number(std::uint32_t operation,
                                                 std::uint32_t statement) const noexcept {
        return first_statement_[operation] + statement;
    }
    [[nodiscard]] std::uint32_t statement_count() const noexcept { return first_statement_.back(); }
    [[nodiscard]] const Statement& statement(std::uint32_t number) const noexcept {
        return operations_[places_[number].operation].statements[places_[number].statement];
    }

    /// The operation of arrival k, by weight. k < 2^38, here and in fill().
    [[nodiscard]] Choice choose(std::uint64_t k) const noexcept;

    /// What arrival k, whose operation is `choice`, sends behind its statement `sent`; none where nothing
    /// follows.
    [[nodiscard]] std::optional<std::uint32_t> next_statement(const Choice& choice, std::uint32_t sent,
                                                              std::uint64_t k,
                                                              ReturnedRows rows) const noexcept {
        if (choice.last == Choice::kConditional) [[unlikely]]
            return next_step(choice.operation, places_[statement_number(choice.operation, sent)].step + 1, k,
                             rows);
        return sent == choice.last ? std::nullopt : std::optional{sent + 1};
    }

    /// Writes the values of statement `number` for arrival k, attempt 0, 1, …, to `to`: each as text behind
    /// its length (base::put_u32). Returns their end, at most longest_values(number, rows) bytes behind `to`.
    /// A retry has the same values but for codes and UUIDs, which are new, and what `rows` hold: the first
    /// rows of what the attempt's statements returned, by row_of(); empty where that was not sent.
    char* fill(std::uint32_t number, std::uint64_t k, std::uint32_t attempt, char* to,
               ReturnedRows rows = {}) const noexcept;

    /// A bound of what fill() writes for statement `number`, in bytes.
    [[nodiscard]] std::size_t longest_values(std::uint32_t number, ReturnedRows rows = {}) const noexcept {
        const std::size_t longest = places_[number].longest;
        return rows.empty() ? longest : longest + longest_returned(number, rows);
    }

    /// What fill() writes, one by one, a NULL as an empty text; allocates.
    [[nodiscard]] std::vector<std::string> values(std::uint32_t number, std::uint64_t k,
                                                  std::uint32_t attempt, ReturnedRows rows = {}) const;

    /// How many rows a session keeps for its operation; 0 in most workloads.
    [[nodiscard]] std::uint32_t kept_rows() const noexcept { return kept_rows_; }

    /// Which of them is the first row of what statement `number` returns, where a later one takes values of
    /// it.
    [[nodiscard]] std::optional<std::uint32_t> row_of(std::uint32_t number) const noexcept {
        return places_[number].row;
    }

    /// Whether `state` is one that operation `o` retries and `attempt` (0 for the first) has not used up.
    [[nodiscard]] bool retries(std::uint32_t operation, base::SqlState state,
                               std::uint32_t attempt) const noexcept;

    /// How long the session waits before attempt `attempt` (1 for the first retry) of arrival k: the policy's
    /// pause with a jitter of a half, from the seed, so that those that met do not meet again.
    [[nodiscard]] base::Nanos retry_pause(std::uint32_t operation, std::uint64_t k,
                                          std::uint32_t attempt) const noexcept;

    /// Whether something may have been written for good where the answer to statement `number` is lost: it
    /// writes outside of a transaction block, or commits a block that wrote (see kind_of).
    [[nodiscard]] bool leaves_doubt(std::uint32_t number) const noexcept { return places_[number].doubt; }

    /// Whether the rows that the statement tells are, as far as its text shows, new ones.
    [[nodiscard]] bool adds_rows(std::uint32_t number) const noexcept { return places_[number].adds_rows; }

 private:
    /// Where a statement stands, and which of bound_ are its parameters.
    struct Place {
        std::uint32_t operation;
        std::uint32_t statement;
        std::uint32_t first_parameter;
        std::uint32_t parameters;
        std::size_t longest;  // bytes of all its values, each with its length
        bool doubt;
        bool adds_rows;
        std::optional<std::uint32_t> row;
        std::uint32_t step;  // of its operation's
    };

    struct Field {
        std::uint32_t row;
        std::uint32_t column;
    };

    struct BoundParameter {
        Parameter parameter;
        std::uint32_t data;   ///< index in choosers_, picked_ or run_ids_, by its kind; of a computed one its
                              ///< operation's first in values_; otherwise 0
        std::uint32_t place;  ///< among the values of an arrival: its draws are named by it
        bool drawn;           ///< it is neither computed nor returned
        bool only_returned;
        std::vector<Field> fields;  ///< the first of these whose row is there is its value, if one is
    };

    /// Of Operation::guards.
    struct BoundGuard {
        Expression condition;
        std::vector<BoundParameter> names;  ///< by condition.names()
        std::uint32_t place;
        std::uint32_t first_value;  ///< of its operation, in values_of_
    };

    struct Data;
    struct Writer;
    class Numbers;

    void bind_operation(Data& data);
    [[nodiscard]] BoundParameter bind(const Parameter& parameter, std::uint32_t place, const Data& data);
    [[nodiscard]] BoundParameter bind_argument(const Argument& argument, std::uint32_t place,
                                               std::uint32_t number, const Data& data);
    /// The first of the fields whose row is there, with its length in front; none where no row is.
    [[nodiscard]] static std::optional<std::string_view> returned_field(const std::vector<Field>& fields,
                                                                        ReturnedRows rows) noexcept;
    [[nodiscard]] std::vector<Field> returned(const Argument& argument, std::uint32_t number,
                                              const Data& data);
    std::uint32_t keep_row_of(std::uint32_t number);
    [[nodiscard, gnu::cold]] std::optional<std::uint32_t> next_step(std::uint32_t operation, std::size_t step,
                                                                    std::uint64_t k,
                                                                    ReturnedRows rows) const noexcept;
    [[nodiscard]] bool holds(const BoundGuard& guard, std::uint64_t k, ReturnedRows rows) const noexcept;
    char* fill_drawn(const BoundParameter& bound, std::uint64_t k, std::uint32_t attempt,
                     char* to) const noexcept;
    [[gnu::noinline]] char* fill_other(const BoundParameter& bound, std::uint64_t k, std::uint32_t attempt,
                                       char* to, ReturnedRows rows) const noexcept;
    [[nodiscard]] std::size_t longest_value(const BoundParameter& bound) const noexcept;
    [[nodiscard]] std::size_t longest_returned(std::uint32_t number, ReturnedRows rows) const noexcept;
    [[nodiscard]] std::span<const BoundParameter> parameters_of(const Place& place) const noexcept {
        return {bound_.data() + place.first_parameter, place.parameters};
    }

    std::vector<Operation> operations_;
    std::optional<Choice> only_choice_;           // where every arrival does the same
    std::vector<std::uint32_t> first_statement_;  // an operation; then their count
    std::vector<Place> places_;                   // a statement number
    std::vector<BoundParameter> bound_;           // of all statements, one after the other
    std::vector<BoundParameter> values_of_;       // of all operations that compute something of their values
    std::vector<BoundGuard> guards_;              // of all operations
    std::vector<std::uint32_t> first_guard_;      // an operation
    std::vector<KeyChooser> choosers_;
    std::vector<std::vector<std::string>> picked_;
    std::vector<CutPick> cut_picks_;
    std::vector<std::string> run_ids_;
    std::vector<double> operation_weights_;               // running sums
    std::vector<std::vector<double>> statement_weights_;  // running sums, an operation
    std::uint32_t kept_rows_ = 0;
    std::uint64_t run_entropy_;
    base::Randoms mix_;
    base::Randoms values_;         // of parameters, but for
    base::Randoms unique_values_;  // those that no other run draws
    base::Randoms backoff_;
};

}  // namespace pgtraffic::workload
