// What a run says on stderr while it lasts: its stages, and on a terminal a line or a panel that moves in
// place. Elsewhere a line now and then.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/report/panel.hpp"
#include "pgtraffic/simulation/events.hpp"

namespace pgtraffic::cli {

/// Neither copies nor moves. Never keeps the load waiting: while stderr takes nothing, what would be drawn is
/// left out and what is said is kept for later.
class Narrator {
 public:
    Narrator(const RunOptions& options, bool open_loop);
    ~Narrator();
    Narrator(const Narrator&) = delete;
    Narrator& operator=(const Narrator&) = delete;

    void say(const std::string& text);
    /// Leaves what moved: a line stays, a panel goes.
    void end_line();
    /// The load is over: ends the line, and waits until all that was said is out.
    void finish();

    /// Something moves in place.
    [[nodiscard]] bool moving() const noexcept { return moving_; }

    [[nodiscard]] simulation::SimulationEvents events();

 private:
    void progress(const metrics::Interval& interval, const simulation::ProgressState& state);
    void draw(const std::vector<report::PanelLine>& lines);
    /// Writes what stderr takes now, and keeps the rest for the next call.
    void put(std::string_view text);
    /// All that was said is out, and stderr takes more. What moves is not kept for later: it would be old
    /// when its turn comes.
    [[nodiscard]] bool up_to_date();
    void put_progress(const std::string& text);
    /// What takes down what is drawn; from then on nothing is.
    [[nodiscard]] std::string taken_down();
    [[nodiscard]] std::size_t rows_drawn() const;

    bool quiet_;
    Live live_;
    bool moving_;
    bool color_;
    bool open_loop_;
    bool pipelined_;
    std::string unwritten_;
    std::vector<std::size_t> drawn_;  // columns of each line that stands there
    bool panel_stands_ = false;
};

}  // namespace pgtraffic::cli
