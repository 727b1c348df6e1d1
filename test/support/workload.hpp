// A workload out of the text of a scenario that asks the database nothing.
#pragma once

#include <string_view>

#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::test {

/// With uniform keys and a fixed seed. Throws base::Error where the text is no scenario.
[[nodiscard]] workload::Workload workload_of(std::string_view scenario);

/// One operation, "read", of the one statement SELECT 1.
[[nodiscard]] workload::Workload one_query();

}  // namespace pgtraffic::test
