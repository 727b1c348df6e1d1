// The small languages of the command line: durations, counts, numbers, mixes, thresholds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/threshold.hpp"
#include "pgtraffic/workload/scenario.hpp"

namespace {

using namespace pgtraffic;

void read_numbers(std::string_view text) {
    if (const auto duration = base::parse_duration(text); duration && *duration < base::Nanos{0})
        std::abort();
    if (const auto number = base::parse_number(text); number && *number != *number) std::abort();
    (void)base::parse_count(text);
    (void)base::with_thousands(base::parse_number(text).value_or(0), 2);
}

void read_mix(std::string_view text) {
    static const auto kMixed = workload::built_in_scenario("mixed");
    auto scenario = kMixed;
    try {
        workload::apply_mix(scenario, text);
        double sum = 0;
        for (const auto& operation : scenario.operations) sum += operation.weight;
        if (!(sum > 0)) std::abort();  // what was accepted can be drawn from
    } catch (const base::Error&) {
    }
}

/// What was accepted is compared with figures: neither a limit nor a quantile is nonsense then.
void check_condition(const metrics::Threshold& condition) {
    if (!(condition.limit >= 0)) std::abort();
    if (!(condition.quantile >= 0 && condition.quantile <= 1)) std::abort();
}

void read_conditions(std::string_view text) {
    static const metrics::ThresholdScope kOpen{{"select", "insert", "open orders"}, {"steady", "rush"}, true};
    static const metrics::ThresholdScope kClosed{{"select"}, {"steady"}, false};
    for (const auto* scope : {&kOpen, &kClosed}) {
        try {
            check_condition(metrics::parse_threshold(text, *scope));
        } catch (const base::Error&) {
        }
        try {
            check_condition(metrics::parse_abort_condition(text, *scope));
        } catch (const base::Error&) {
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    read_numbers(text);
    read_mix(text);
    read_conditions(text);
    return 0;
}
