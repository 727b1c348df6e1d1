// The small languages of the command line: durations, counts, numbers, mixes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/scenario.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgtraffic;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto duration = base::parse_duration(text); duration && *duration < base::Nanos{0})
        std::abort();
    if (const auto number = base::parse_number(text); number && *number != *number) std::abort();
    (void)base::parse_count(text);
    (void)base::with_thousands(base::parse_number(text).value_or(0), 2);
    static const auto kMixed = workload::built_in_scenario("mixed");
    auto scenario = kMixed;
    try {
        workload::apply_mix(scenario, text);
        double sum = 0;
        for (const auto& operation : scenario.operations) sum += operation.weight;
        if (!(sum > 0)) std::abort();  // what was accepted can be drawn from
    } catch (const base::Error&) {
    }
    return 0;
}
