// The file whose appearing ends a run (--stop-file), for whoever cannot send a signal.
#pragma once

#include <string>

namespace pgtraffic::simulation {

/// Also true of a link to nothing: whoever made it wanted the run to stop.
[[nodiscard]] bool stop_file_exists(const std::string& path) noexcept;

}  // namespace pgtraffic::simulation
