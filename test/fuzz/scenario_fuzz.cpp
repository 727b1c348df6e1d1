// Scenario and pattern files are whatever a user's editor left: any bytes end in a value or in base::Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "use_workload.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgtraffic;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    try {
        const auto document = base::parse_json(text, "input");
        const base::JsonNode node{document, "input"};
        try {
            (void)traffic::parse_pattern(node);
        } catch (const base::Error&) {
        }
        const auto scenario = workload::parse_scenario(node);
        fuzz::use_workload(scenario);
    } catch (const base::Error&) {
    }
    return 0;
}
