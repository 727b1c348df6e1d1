// Writes the hand-built results as JSON files into a folder, for tests that are no C++: one file for each,
// and an hour-long one, as `pgtraffic run --json` would.
#include <fstream>
#include <string>
#include <string_view>

#include "pgtraffic/report/json.hpp"
#include "support/sample_result.hpp"

int main(int argc, char** argv) {
    using namespace pgtraffic;
    if (argc != 2) return 1;
    const auto write = [&](const char* name, const metrics::RunResult& run) {
        auto document = report::json_report(run);
        document["run"]["id"] = name;  // each is a run of its own
        if (std::string_view{name} == "hour") document["outages"] = {{{"from_s", 1800}, {"to_s", 1812}}};
        std::ofstream file{std::string{argv[1]} + "/" + name + ".json", std::ios::binary};
        file << report::json_text(document);
        return static_cast<bool>(file.flush());
    };
    auto fast = test::sample_open_run();  // whose figures are long
    fast.succeeded_in_time *= 10'000;
    const bool written =
        write("closed", test::sample_closed_run()) && write("searched", test::sample_searched_run()) &&
        write("open", test::sample_open_run()) && write("overloaded", test::sample_overloaded_run()) &&
        write("empty", test::sample_empty_run()) && write("hour", test::sample_hour_run()) &&
        write("hostile", test::sample_hostile_run()) && write("fast", fast);
    return written ? 0 : 1;
}
