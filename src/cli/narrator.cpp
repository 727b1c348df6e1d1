#include "pgtraffic/cli/narrator.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "pgtraffic/base/write_all.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/progress.hpp"

namespace pgtraffic::cli {
namespace {

struct TerminalSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

/// Asked each time, so that a window may change its size.
TerminalSize terminal_size() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

/// A terminal that was stopped (Ctrl-S), or a reader that is slow, would keep us waiting, and the load with
/// us.
bool takes_output() {
    pollfd stderr_now{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&stderr_now, 1, 0) == 1 && (stderr_now.revents & POLLOUT) != 0;
}

/// From the last of so many rows to the first, and to its first column.
std::string up(std::size_t rows) {
    return rows > 1 ? fmt::format("\r\033[{}A", rows - 1) : "\r";
}

}  // namespace

Narrator::Narrator(const RunOptions& options, bool open_loop)
    : quiet_{options.disable_logging},
      live_{options.live},
      moving_{!options.disable_logging && options.live != Live::off && stderr_is_terminal() &&
              knows_escapes()},
      color_{text_style(options.color, true).color},
      open_loop_{open_loop},
      pipelined_{options.pipeline > 1} {}

Narrator::~Narrator() {
    finish();
}

void Narrator::put(std::string_view text) {
    unwritten_ += text;
    std::string_view rest{unwritten_};
    const int error = base::write_ready(STDERR_FILENO, rest, base::Nanos{0});
    // What cannot be written stops nothing, and is not tried again.
    if (error != 0 && error != EAGAIN) rest = {};
    unwritten_.erase(0, unwritten_.size() - rest.size());
}

void Narrator::say(const std::string& text) {
    if (!quiet_) put(fmt::format("{}{}\n", taken_down(), text));
}

/// Rows that the drawn lines take, as the terminal shows them now: one that became narrower has broken them.
std::size_t Narrator::rows_drawn() const {
    const std::size_t width = terminal_size().columns;
    std::size_t rows = 0;
    for (const std::size_t columns : drawn_) rows += std::max<std::size_t>(1, (columns + width - 1) / width);
    return rows;
}

void Narrator::draw(const std::vector<report::PanelLine>& lines) {
    if (lines.empty() || !up_to_date()) return;
    // Over what stands there, line by line: clearing first would flicker, and where the lines fill the window
    // some terminals take it for a clear screen and keep each picture in their history.
    std::string text = up(rows_drawn());
    drawn_.clear();
    for (const auto& line : lines) {
        if (!drawn_.empty()) text += '\n';
        text += color_ ? report::painted(line.text, line.tone) : line.text;
        text += "\033[K";
        drawn_.push_back(report::columns_of(line.text));
    }
    put(text + "\033[J");
}

void Narrator::end_line() {
    put(taken_down());
}

void Narrator::finish() {
    end_line();
    write_stderr(std::exchange(unwritten_, {}));
}

bool Narrator::up_to_date() {
    put({});
    return unwritten_.empty() && takes_output();
}

void Narrator::put_progress(const std::string& text) {
    if (up_to_date()) put(text + "\n");
}

std::string Narrator::taken_down() {
    if (drawn_.empty()) return {};
    std::string text = "\n";
    if (panel_stands_) {
        const std::size_t rows = rows_drawn();
        text = up(rows);
        for (std::size_t row = 0; row < rows; ++row) text += row == 0 ? "\033[K" : "\033[B\033[K";
        text += up(rows);
    }
    drawn_.clear();
    panel_stands_ = false;
    return text;
}

void Narrator::progress(const metrics::Interval& interval, const simulation::ProgressState& state) {
    report::ProgressContext context{state.duration_s, open_loop_, state.connections, state.connected,
                                    pipelined_};
    // A file has no width, and its reader wants every figure.
    if (!stderr_is_terminal()) context.width = std::numeric_limits<std::size_t>::max();
    if (!moving_) return put_progress(report::progress_line(interval, context));
    // The last column stays free: a line that fills it would take two rows on some terminals.
    const auto size = terminal_size();
    context.width = std::max<std::size_t>(size.columns, 2) - 1;
    if (live_ == Live::line) {
        return draw({{report::progress_line(interval, context), report::Tone::plain}});
    }
    panel_stands_ = true;
    report::PanelView view;
    view.context = context;
    view.height = std::min<std::size_t>(12, size.rows > 1 ? size.rows - 1 : 1);
    view.elapsed_s = state.elapsed_s;
    view.schedule = state.schedule;
    if (state.gauges != nullptr) {
        view.planned = state.gauges->planned;
        view.started = state.gauges->started;
    }
    draw(report::panel_lines(interval, view));
}

simulation::SimulationEvents Narrator::events() {
    simulation::SimulationEvents events;
    if (quiet_) return events;
    events.stage = [this](const std::string& text) { say(report::printable(text, 1000)); };
    if (live_ == Live::off) return events;
    events.preparing = [this](const std::string& text) {
        if (!moving_) return put_progress(text);
        draw({{text, report::Tone::plain}});
    };
    events.progress = [this](const metrics::Interval& interval, const simulation::ProgressState& state) {
        progress(interval, state);
    };
    return events;
}

}  // namespace pgtraffic::cli
