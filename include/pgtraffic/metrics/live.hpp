// What a running load has done so far, for whoever looks on from outside while it lasts. Counted beside the
// result, only where somebody may look, because a look must cost no pass over the result's histograms: few
// fixed buckets, copied whole once an interval.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/base/sqlstate.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/metrics/stage.hpp"

namespace pgtraffic::metrics {

/// A histogram of few buckets with fixed upper bounds ("le"), of which the last one has none. A value.
class LadderHistogram {
 public:
    /// Three steps a decade, where answers of databases lie.
    static constexpr std::array<base::Nanos, 20> kBounds = [] {
        constexpr std::array<std::int64_t, 20> kMicros{
            50,        100,       250,        500,        1'000,      2'500,      5'000,
            10'000,    25'000,    50'000,     100'000,    250'000,    500'000,    1'000'000,
            2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000, 300'000'000};
        std::array<base::Nanos, 20> bounds{};
        for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = std::chrono::microseconds{kMicros[i]};
        return bounds;
    }();

    void record(base::Nanos d) noexcept;

    /// By bucket, not summed up; one more than there are bounds.
    [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const noexcept {
        return buckets_;
    }
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] double sum_s() const noexcept { return sum_ns_ / 1e9; }

 private:
    std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
    double sum_ns_ = 0;
};

struct LiveOperation {
    static constexpr std::size_t kOutcomes = 4;

    std::string name;
    std::array<LadderHistogram, kOutcomes> response;  ///< due to done, by Outcome
    LadderHistogram lag;                              ///< due to sent; empty in a closed loop
    std::uint64_t retries = 0;
    std::uint64_t rows = 0;
    std::uint64_t missed = 0;

    [[nodiscard]] std::uint64_t ended(Outcome outcome) const noexcept {
        return response[static_cast<std::size_t>(outcome)].count();
    }
};

/// Of the measured load, by operation. A value; recording allocates nothing.
struct LiveCounts {
    std::vector<LiveOperation> operations;
    LadderHistogram generator_lag;  ///< the part of the lag that is our own; empty in a closed loop

    void record(const Completion& completion, bool open_loop) noexcept;
    /// Of a query that the end of the run finds unanswered.
    void record_in_flight(const Completion& so_far) noexcept {
        operations[so_far.operation].retries += so_far.attempts - 1;
    }
    void record_missed(std::uint32_t operation) noexcept { ++operations[operation].missed; }
};

struct ConnectionStates {
    std::uint32_t wanted = 0;
    std::uint32_t idle = 0;
    std::uint32_t busy = 0;
    std::uint32_t connecting = 0;
    std::uint32_t closed = 0;
};

/// A moment of a run, complete in itself.
struct LiveMoment {
    Stage stage = Stage::connecting;
    std::string phase;  ///< of the pattern, while measuring
    bool open_loop = false;
    double elapsed_s = 0;   ///< of the measured time
    double duration_s = 0;  ///< of it, as planned
    double target_per_s = 0;
    std::uint64_t planned = 0;
    std::uint64_t started = 0;
    std::uint64_t waiting = 0;
    std::uint64_t missed = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t reconnects = 0;
    double loop_busy_ratio = 0;
    ConnectionStates connections;
    LiveCounts counts;
    std::vector<std::pair<base::SqlState, std::uint64_t>> errors;  ///< queries that ended with each
};

}  // namespace pgtraffic::metrics
