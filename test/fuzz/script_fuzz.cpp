// Scripts of pgbench's, as they lie about: any bytes end in an operation that a scenario takes, or in
// base::Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/workload/pgbench_script.hpp"
#include "use_workload.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgtraffic;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    try {
        const nlohmann::ordered_json scenario{
            {"name", "s"},
            {"operations", nlohmann::ordered_json::array({workload::operation_of_script(
                               text, "input", "s", {{"scale", "1"}, {"word", "abc"}})})}};
        fuzz::use_workload(workload::parse_scenario({scenario, "input"}));
    } catch (const base::Error&) {
    }
    return 0;
}
