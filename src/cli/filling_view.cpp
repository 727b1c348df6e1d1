#include "pgtraffic/cli/filling_view.hpp"

#include <fmt/format.h>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/cli/output.hpp"

namespace pgtraffic::cli {
namespace {

constexpr std::size_t kBarWidth = 24;

}  // namespace

FillingView::FillingView(bool moving) : moving_{moving} {}

FillingView::~FillingView() {
    if (moving_ && percent_ >= 0) write_stderr("\r\033[K");
}

void FillingView::show(const std::string& table, std::uint64_t rows, std::uint64_t total) {
    const int percent = total == 0 ? 100 : static_cast<int>(rows * 100 / total);
    if (moving_ && (percent != percent_ || table != table_)) {
        const auto filled = static_cast<std::size_t>(percent) * kBarWidth / 100;
        write_stderr(fmt::format("\r\033[K[{:<{}}] {:3} %  {} ({} of {} rows)", std::string(filled, '#'),
                                 kBarWidth, percent, table, base::with_thousands(rows),
                                 base::with_thousands(total)));
    } else if (!moving_ && table != table_) {
        write_stderr(fmt::format("filling {} ({} of {} rows done)\n", table, base::with_thousands(rows),
                                 base::with_thousands(total)));
    }
    percent_ = percent;
    table_ = table;
}

}  // namespace pgtraffic::cli
