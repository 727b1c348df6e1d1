// The JSON text of a built-in scenario or pattern, byte for byte what a user's own file could be.
#include <fmt/format.h>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace pgtraffic::cli {

int show_command(const std::string& name) {
    auto text = workload::scenario_text(name);
    if (text.empty()) text = traffic::pattern_text(name);
    if (text.empty()) {
        auto known = workload::scenario_names();
        const auto patterns = traffic::pattern_names();
        known.insert(known.end(), patterns.begin(), patterns.end());
        throw base::Error(fmt::format("show: there is no scenario or pattern {}{}", in_quotes(name),
                                      suggestion(name, known)));
    }
    write_stdout(text);
    if (!text.ends_with('\n')) write_stdout("\n");
    return 0;
}

}  // namespace pgtraffic::cli
