#include "support/workload.hpp"

#include <string>

#include "pgtraffic/base/json_reader.hpp"

namespace pgtraffic::test {

workload::Workload workload_of(std::string_view scenario) {
    const auto document = base::parse_json(std::string{scenario}, "a test's scenario");
    return {workload::parse_scenario({document, "a test's scenario"}),
            {},
            workload::KeyDistribution::uniform,
            7,
            0};
}

workload::Workload one_query() {
    return workload_of(
        R"({"name": "w", "operations": [{"name": "read", "statements": [{"sql": "SELECT 1"}]}]})");
}

}  // namespace pgtraffic::test
