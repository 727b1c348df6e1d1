// Finds the fewest connections with which a closed loop gets nearly as much done as with any number of them:
// beyond these, queries only wait for one another inside the server. Climbs from one connection on until more
// bring no more, then measures the best once again, downwards, so that a machine which becomes faster or
// slower meanwhile favours none. Decides only; who runs the steps is not its business. A value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/connection_search.hpp"

namespace pgtraffic::simulation {

class ConnectionLadder {
 public:
    // A step lasts for some queries one after the other.
    static constexpr base::Nanos kStep = std::chrono::seconds{2};
    static constexpr base::Nanos kLongestStep = std::chrono::seconds{32};
    static constexpr double kQueriesInStep = 8;
    /// The climb ends where so many rungs, 2.7 times as many connections, brought less than kGain.
    static constexpr std::size_t kRungsWithoutGain = 3;
    static constexpr double kGain = 1.05;
    /// Of the highest throughput: what has as much is measured again,
    static constexpr double kAgain = 0.9;
    /// and what has as much then is found, if no fewer connections have.
    static constexpr double kNearly = 0.95;
    static constexpr int kMostDisturbed = 5;  // steps, of all

    /// `most` connections can be tried, at least 1.
    explicit ConnectionLadder(std::uint32_t most);

    /// The connections of the next step, and how long it is to last.
    [[nodiscard]] std::uint32_t next() const noexcept { return rungs_[rung_].connections; }
    [[nodiscard]] base::Nanos step_length() const noexcept { return length_; }

    /// The step that next() asked for is over.
    void end_step(const metrics::ConnectionStep& step);
    /// There are no fewer connections to go on with.
    [[nodiscard]] bool at_first_rung() const noexcept { return rung_ == 0; }
    /// The connections of the next step could not be made: the ladder ends below it, or, where they could
    /// before, the step is disturbed. Not at its first rung.
    void no_room();

    [[nodiscard]] bool finished() const noexcept { return stage_ == Stage::done; }
    /// Once finished: connections were lost in one step after the other.
    [[nodiscard]] bool given_up() const noexcept { return disturbed_ > kMostDisturbed; }
    /// All steps that are over, and, once finished, what came of them; nothing where no query succeeded.
    [[nodiscard]] const metrics::ConnectionSearch& trace() const noexcept { return trace_; }

 private:
    enum class Stage : std::uint8_t { climbing, again, done };

    struct Rung {
        std::uint32_t connections = 0;
        std::vector<double> readings_per_s;

        [[nodiscard]] double throughput_per_s() const noexcept;
    };

    [[nodiscard]] double highest_up_to(std::size_t rung) const noexcept;
    [[nodiscard]] bool gains() const noexcept;
    void climb() noexcept;
    void begin_again() noexcept;
    void go_down() noexcept;
    void finish() noexcept;
    [[nodiscard]] base::Nanos length_at(std::size_t rung) const noexcept;

    std::vector<Rung> rungs_;
    std::size_t rung_ = 0;
    Stage stage_ = Stage::climbing;
    base::Nanos length_ = kStep;
    double worth_again_ = 0;  // throughput, once the climb is over
    int disturbed_ = 0;       // steps
    metrics::ConnectionSearch trace_;
};

}  // namespace pgtraffic::simulation
