// How many rows a run may still add (--max-rows). Counts an operation when it starts, by its INSERTs, so that
// operations that add a row for each never exceed the limit; what more an answer tells (INSERT … SELECT)
// is added when it comes, and what a failed attempt leaves when it is tried again. Failed operations are not
// given back: nobody knows of a lost answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "pgtraffic/workload/intent.hpp"

namespace pgtraffic::simulation {

/// A value. Without a limit it is never used up.
class RowBudget {
 public:
    RowBudget(std::optional<std::uint64_t> most, const std::vector<workload::Operation>& operations)
        : most_{most} {
        for (const auto& operation : operations) {
            rows_of_.push_back(workload::inserts_of(operation));
            largest_ = std::max(largest_, rows_of_.back());
        }
    }

    void started(std::uint32_t operation) noexcept { used_ += rows_of_[operation]; }

    /// `rows`: what the operation's INSERTs told.
    void ended(std::uint32_t operation, std::uint64_t rows) noexcept {
        const std::uint64_t counted = rows_of_[operation];
        if (counted > 0 && rows > counted) used_ += rows - counted;
    }

    /// An attempt failed and left `rows` for good: whether the next one may add as many again.
    [[nodiscard]] bool allows_again(std::uint64_t rows) const noexcept {
        return !most_ || rows == 0 || used_ + rows <= *most_;
    }
    /// It began.
    void begun_again(std::uint64_t rows) noexcept { used_ += rows; }

    /// Whether the next operation could exceed the limit.
    [[nodiscard]] bool used_up() const noexcept { return most_ && largest_ > 0 && used_ + largest_ > *most_; }

    /// Whether a warm-up has used its part, a tenth.
    [[nodiscard]] bool warmup_used_up() const noexcept {
        return most_ && largest_ > 0 && used_ + largest_ > *most_ / 10;
    }

    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }

 private:
    std::optional<std::uint64_t> most_;
    std::vector<std::uint32_t> rows_of_;  // an operation
    std::uint32_t largest_ = 0;
    std::uint64_t used_ = 0;
};

}  // namespace pgtraffic::simulation
