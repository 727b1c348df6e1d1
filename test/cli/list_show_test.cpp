// `list` and `show`: what is built in, and that it is written in the format that a user's file has.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;
using test::run_pgtraffic;

TEST_CASE("list names every scenario and pattern with its description") {
    const auto list = run_pgtraffic({"list"});
    INFO(list.out);
    CHECK(list.exit_code == 0);
    CHECK(list.err.empty());
    for (const auto* name :
         {"select", "insert", "update", "mixed", "business-hours", "ecommerce-rush", "nightly-batch"}) {
        const auto at = list.out.find(std::string{"\n  "} + name + " ");
        REQUIRE(at != std::string::npos);
        const auto line = list.out.substr(at + 1, list.out.find('\n', at + 1) - at - 1);
        CHECK(line.size() > 30);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("show prints what a file could hold") {
    for (const auto name : workload::scenario_names()) {
        const auto shown = run_pgtraffic({"show", std::string{name}});
        CHECK(shown.exit_code == 0);
        CHECK(shown.out.back() == '\n');
        const auto document = base::parse_json(shown.out, "shown");
        CHECK(workload::parse_scenario({document, "shown"}).name == name);
    }
    for (const auto name : traffic::pattern_names()) {
        const auto shown = run_pgtraffic({"show", std::string{name}});
        CHECK(shown.exit_code == 0);
        const auto document = base::parse_json(shown.out, "shown");
        CHECK(traffic::parse_pattern({document, "shown"}).name == name);
    }
}

TEST_CASE("a pattern that show printed and a user saved plans the same") {
    const auto file =
        std::filesystem::temp_directory_path() / ("pgtraffic-shown-" + std::to_string(::getpid()) + ".json");
    std::ofstream{file} << run_pgtraffic({"show", "business-hours"}).out;
    const auto plan = [](const std::string& pattern) {
        return run_pgtraffic(
            {"plan", "--pattern", pattern, "--peak-rate", "100", "-T", "60", "--random-seed", "1"});
    };
    const auto from_file = plan(file.string());
    CHECK(from_file.exit_code == 0);
    CHECK(from_file.out == plan("business-hours").out);
    std::filesystem::remove(file);
}

TEST_CASE("show refuses what is not there") {
    const auto typo = run_pgtraffic({"show", "mixd"});
    CHECK(typo.exit_code == 1);
    CHECK(typo.out.empty());
    CHECK(typo.err == "pgtraffic: show: there is no scenario or pattern \"mixd\"; did you mean \"mixed\"?\n");
    const auto none = run_pgtraffic({"show"});
    CHECK(none.exit_code == 1);
    CHECK(none.err.find("pgtraffic list") != std::string::npos);
}
