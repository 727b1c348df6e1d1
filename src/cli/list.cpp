// Names and first sentences of what is built in.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kIndent = 20;

std::string entry(std::string_view name, const std::string& description) {
    const auto margin = std::string(kIndent, ' ');
    return fmt::format("  {:<{}}{}\n", name, kIndent - 2,
                       fmt::join(report::wrap(description, kWidth - kIndent), "\n" + margin));
}

}  // namespace

int list_command() {
    std::string text = "Scenarios (--query-type NAME):\n";
    for (const auto name : workload::scenario_names()) {
        text += entry(name, workload::built_in_scenario(name).description);
    }
    text += "\nTraffic patterns (--pattern NAME):\n";
    for (const auto name : traffic::pattern_names()) {
        text += entry(name, traffic::load_pattern(std::string{name}).description);
    }
    text += "\n`pgtraffic show NAME` prints one as JSON, to start your own from.\n";
    write_stdout(text);
    return 0;
}

}  // namespace pgtraffic::cli
